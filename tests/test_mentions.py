"""What of a text counts as the mention of a chapter."""

import pytest
from mentions import split

BOTH = "notebook|chapter"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("See notebook 5.", ["See ", "notebook 5", "."]),
        ("Notebook 11 looks closer", ["", "Notebook 11", " looks closer"]),
        ("notebooks 1 and 4, and", ["notebooks ", "1", " and ", "4", ", and"]),
        ("Notebooks 5, 6 and 9.", ["Notebooks ", "5", ", ", "6", " and ", "9", "."]),
        ("chapters 1\nto 4 stand", ["chapters ", "1", "\nto ", "4", " stand"]),
        ("notebook 5, 3 digits", ["", "notebook 5", ", 3 digits"]),
        ("a notebook, 5 cells", ["a notebook, 5 cells"]),
        ("nothing", ["nothing"]),
    ],
)
def test_mentions_stand_at_the_odd_places(text, pieces):
    assert split(text, BOTH) == pieces
    assert "".join(split(text, BOTH)) == text


def test_in_a_notebook_a_chapter_is_one_of_nielsens_book():
    assert split("chapter 6 of his book", "notebook") == ["chapter 6 of his book"]

"""How notebooks become chapters: what is refused, what is linked, what stays as it is."""

import re

import book
import chapters
import nbformat
import pytest
from sphinx.errors import ExtensionError

from mnistconv.records import load_records

NAME = "03_negative_log_likelihood"


@pytest.fixture
def notebook():
    """A copy of a real notebook that may be spoilt."""
    return nbformat.reads(nbformat.writes(book.read_notebook(NAME)), as_version=4)


def code_cell(notebook, wanted):
    """The first code cell that `wanted` accepts, and its number among all cells, from 1."""
    cells = enumerate(notebook.cells, start=1)
    return next((n, c) for n, c in cells if c.cell_type == "code" and wanted(c))


def refusal(notebook) -> str:
    with pytest.raises(ExtensionError) as caught:
        chapters.check_outputs(NAME, notebook)
    return str(caught.value)


def test_todays_notebooks_are_accepted():
    for name in book.NAMES:
        chapters.check_outputs(name, book.read_notebook(name))


def test_a_cell_that_was_not_run_is_named(notebook):
    number, cell = code_cell(notebook, lambda cell: True)
    cell.execution_count, cell.outputs = None, []
    assert f"{NAME}.ipynb, cell {number}: it has not been run" in refusal(notebook)


def test_an_error_output_is_named(notebook):
    number, cell = code_cell(notebook, lambda cell: cell.outputs)
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    cell.outputs.append(error)
    assert f"{NAME}.ipynb, cell {number}: its output is an error" in refusal(notebook)


def test_a_missing_figure_is_named(notebook):
    number, cell = code_cell(notebook, book.has_figure)
    cell.outputs = []
    assert f"{NAME}.ipynb, cell {number}: its figure is missing" in refusal(notebook)


def test_a_figure_without_alt_text_is_named(notebook):
    number, cell = code_cell(notebook, book.has_figure)
    del cell.metadata["mystnb"]
    assert f"{NAME}.ipynb, cell {number}: its figure has no alt text" in refusal(notebook)


def test_stale_outputs_are_refused(notebook):
    _, cell = code_cell(notebook, lambda cell: True)
    cell.source += "\nprint(1)"
    assert f"{NAME}.ipynb" in refusal(notebook)
    assert "newer than the outputs" in refusal(notebook)


def linked(text: str, *terms: str) -> str:
    return chapters.link_terms(text, {term: chapters.term_pattern(term) for term in terms})


def test_the_first_use_of_a_term_is_linked_and_only_that():
    assert linked("A kernel and a kernel.", "kernel") == "A {term}`kernel <kernel>` and a kernel."


def test_plurals_capitals_and_longer_terms():
    text = linked("Feature maps are maps.", "feature map", "map")
    assert text == "{term}`Feature maps <feature map>` are {term}`maps <map>`."


@pytest.mark.parametrize(
    "text",
    [
        "`kernel`", "$kernel$", "$$\nkernel\n$$", "[kernel](a.md)", "# A kernel", "| kernel |",
        "```python\nkernel\n```", "kernel-trick", "kernelling", '<b title="kernel">',
    ],
)  # fmt: skip
def test_code_mathematics_links_headings_and_tables_stay(text):
    assert linked(text, "kernel") == text


def test_every_term_of_the_glossary_is_used_on_some_page():
    prose = "\n".join(cell.source for name in book.NAMES for cell in book.prose_cells(name))
    unused = [t for t in chapters.read_terms() if not chapters.term_pattern(t).search(prose)]
    assert unused == []


def test_a_prediction_becomes_a_box():
    text = chapters.box_predictions("Before.\n\n**Predict.** How many\nwill it be?\n\nAfter.")
    box = ":::{admonition} Predict\n:class: predict\n\nHow many\nwill it be?\n:::"
    assert text == f"Before.\n\n{box}\n\nAfter."


def test_a_chapter_keeps_code_and_outputs_as_they_are():
    stored = book.read_notebook(NAME)
    chapter = nbformat.reads(chapters.to_chapter(NAME, nbformat.writes(stored)), as_version=4)
    assert [c for c in chapter.cells if c.cell_type == "code"] == book.code_cells(NAME)


def test_the_explorers_place_is_marked_in_the_notebook_and_filled_on_the_site():
    stored = book.read_notebook("01_convolution")
    marks = [c for c in stored.cells if "<!-- explorer -->" in c.source]
    assert len(marks) == 1
    chapter = chapters.to_chapter("01_convolution", nbformat.writes(stored))
    filled = [
        c.source for c in nbformat.reads(chapter, as_version=4).cells if 'id="exp' in c.source
    ]
    assert len(filled) == 1
    assert chapters.EXPLORER in filled[0]
    assert "<noscript>" in filled[0]
    assert "<!-- explorer -->" not in chapter


@pytest.mark.parametrize("name", chapters.PLAY)
def test_before_its_summary_a_chapter_leads_to_its_network_on_the_page_to_draw(name):
    chapter = chapters.to_chapter(name, nbformat.writes(book.read_notebook(name)))
    sources = [cell.source for cell in nbformat.reads(chapter, as_version=4).cells]
    (place,) = [i for i, source in enumerate(sources) if "draw.html#" in source]
    assert sources[place] == chapters.invite_to_play(name)
    assert sources[place + 1].startswith("## Summary")


def test_the_status_marks_seeds_that_learned_nothing_in_the_books_order():
    rows = chapters.record_status().splitlines()[2:]
    names = [row.split("`")[1] for row in rows]
    assert names == [name for name in chapters.EXPERIMENTS if name in names]
    marked = [name for name, row in zip(names, rows, strict=True) if "†" in row]
    assert marked == [
        name for name in names if any(map(chapters.learned_nothing, load_records(name)))
    ]


def test_a_definition_is_followed_by_a_link_to_the_package():
    cells = [c for name in book.NAMES for c in book.code_cells(name) if "define" in book.tags(c)]
    places = chapters.taught_places()
    lines = [chapters.link_to_package(cell, places) for cell in cells]
    assert any(lines)
    for line in filter(None, lines):
        assert re.search(r"\(#package-(data|networks|training)\)", line)

"""What the chapters ask: how it is read, and that each answer is the one that code computes."""

import importlib.util
import re
import types
from functools import cache
from pathlib import Path

import asking
import book
import nbformat
import pytest
from sphinx.errors import ExtensionError

CHECKS = Path(__file__).parent / "questions"
EACH_CHAPTER = pytest.mark.parametrize("name", book.NAMES)


@cache
def checked(name: str) -> list:
    """Those predictions of a chapter that have an answer: (prediction, how it is asked, answer)."""
    return [found for found in asking.asked(name, book.read_notebook(name)) if found[1]]


# Predictions


@EACH_CHAPTER
def test_a_chapter_has_predictions_that_can_be_checked(name):
    assert len(checked(name)) >= 2
    for _, _, answer in checked(name):
        assert answer["shown"]


def test_at_least_fifty_predictions_can_be_checked_and_few_are_mere_directions():
    kinds = [how for name in book.NAMES for _, how, _ in checked(name)]
    assert len(kinds) >= 50
    directions = [
        how
        for how in kinds
        if isinstance(how, asking.MoreOrLess)
        or (isinstance(how, asking.Choice) and len(how.options) < 3)
    ]
    assert len(directions) <= len(kinds) / 3


def names_used(function, known: dict) -> set[str]:
    """The names that a function of a module, whose names are `known`, uses, itself or through
    other functions of the module."""
    found, waiting = set(), [function.__code__]
    while waiting:
        code = waiting.pop()
        waiting += [part for part in code.co_consts if isinstance(part, types.CodeType)]
        new = set(code.co_names) - found
        found |= new
        waiting += [known[name].__code__ for name in new if hasattr(known.get(name), "__code__")]
    return found


@EACH_CHAPTER
def test_an_answer_follows_what_the_cells_printed(name):
    """Where nothing is printed, another answer comes out, or none, unless the records give it."""
    for prediction, how, answer in checked(name):
        try:
            blank = how.computed(asking.Seen(""))
        except (LookupError, ValueError, TypeError, ArithmeticError):
            continue
        known = how.answer.__globals__
        used = [known.get(each) for each in names_used(how.answer, known)]
        computes = any(getattr(each, "__module__", "").startswith("mnistconv") for each in used)
        assert blank != answer or computes, f"{prediction.text}: it is typed"


def test_a_number_is_read_from_the_line_that_is_meant():
    """Had the dots of a pattern crossed lines, the last one's 99 would be the answer."""
    seen = asking.Seen("90 % sure: right = 78 %\n99 % sure: right = 99 %\n")
    assert seen.number(r"90 %.* = (\d+) %") == 78
    with pytest.raises(LookupError, match="no output"):
        seen.number(r"90 %.*99 %.* = (\d+) %")


def test_a_typed_answer_is_told_from_a_computed_one():
    known = {"load": len}
    exec("def helper(seen): return load(seen)", known)
    exec("computed = lambda seen: helper(seen)\ntyped = lambda seen: 'yes'", known)
    assert names_used(known["typed"], known) == set()
    assert names_used(known["computed"], known) == {"helper", "load"}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A function that reads a notebook of a question and an output, asked as `how` says."""

    def ask(how: str, question="How many?", output="26 of 30"):
        monkeypatch.setattr(asking, "FOLDER", tmp_path)
        code = f"from asking import *\nPREDICTIONS = {how}"
        (tmp_path / "small.py").write_text(code, encoding="utf-8")
        stream = nbformat.v4.new_output("stream", text=output)
        cells = [
            nbformat.v4.new_markdown_cell(f"# A\n\n**Predict.** {question}\n\nLook:"),
            nbformat.v4.new_code_cell("print(...)", outputs=[stream]),
        ]
        return asking.asked("small", nbformat.v4.new_notebook(cells=cells))

    return ask


def test_a_number_is_computed_with_its_unit(small):
    ((_, _, answer),) = small(
        "{'How': Number(lambda seen: seen.number(r'(\\d+) of'), unit='digits')}"
    )
    assert answer == {"low": 25.5, "high": 26.5, "shown": "26 digits"}


def test_a_range_is_right_from_end_to_end(small):
    ((_, _, answer),) = small("{'How': Number(lambda seen: tuple(seen.numbers()), decimals=1)}")
    assert answer["shown"] == "26.0 to 30.0"
    assert answer["low"] == pytest.approx(25.95)


def test_a_line_that_was_printed_in_pieces_is_one_line():
    pieces = ("26 of", " 30\n27 o", "f 30\n")
    outputs = [nbformat.v4.new_output("stream", text=piece) for piece in pieces]
    figure = nbformat.v4.new_output("display_data", {"text/plain": "<Figure>"})
    cell = nbformat.v4.new_code_cell("print(...)", outputs=[*outputs, figure])
    assert asking.Seen(asking.text_of(cell)).numbers(r"^27.*$") == [27, 30]
    assert "<Figure>" in asking.text_of(cell).splitlines()


def test_thousands_and_minus_signs_are_numbers(small):
    ((_, _, answer),) = small(
        "{'How': Number(lambda seen: tuple(seen.numbers()))}", output="from −1,200 to .5"
    )
    assert answer["shown"] == "−1,200 to 0"


@pytest.mark.parametrize(
    "how, reason",
    [
        ("{'Where': Number(lambda seen: 1)}", "0 questions begin with 'Where'"),
        ("{'How': Number(lambda seen: seen.number(r'(\\d+) digits'))}", "no output matches"),
        ("{'How': Choice(('a', 'b'), lambda seen: 'c')}", "'c' is not one of"),
        ("{'How': Choice(('a', 'a'), lambda seen: 'a')}", "'a' is not one of"),
        ("{'How': Order(('a', 'b'), lambda seen: ['a', 'a'])}", "is no order of"),
        ("{'How': Order(('a, b', 'c'), lambda seen: ['c', 'a, b'])}", "must not hold a comma"),
        ("{'How': Number(lambda seen: 1 / 0)}", "division by zero"),
        ("{'How': Number(lambda seen: float('nan'))}", "no number came out"),
    ],
)
def test_what_fits_no_question_or_has_no_answer_is_named(small, how, reason):
    with pytest.raises(ExtensionError, match=reason) as caught:
        small(how)
    assert "site/predictions/small.py" in str(caught.value)


def test_two_questions_with_one_beginning_are_named(small):
    with pytest.raises(ExtensionError, match="2 questions begin with"):
        small("{'How': Number(lambda seen: 1)}", question="How?\n\n**Predict.** How?")


# Questions


@cache
def questions_of(name: str) -> list[re.Match]:
    prose = "\n\n".join(cell.source for cell in book.prose_cells(name))
    return list(asking.QUESTION.finditer(prose))


@cache
def checks_of(name: str):
    spec = importlib.util.spec_from_file_location(f"questions_{name}", CHECKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@EACH_CHAPTER
def test_a_chapter_ends_with_five_questions(name):
    prose = "\n\n".join(cell.source for cell in book.prose_cells(name))
    numbers = [int(question["number"]) for question in questions_of(name)]
    assert numbers == [1, 2, 3, 4, 5]
    assert prose.count("**Question ") == 5, "a question that is not written as the others"


@EACH_CHAPTER
def test_each_wrong_choice_has_its_reason(name):
    for question in questions_of(name):
        options = [letter for letter, _ in asking.LETTER.findall(question["options"])]
        reasons = [letter for letter, _ in asking.LETTER.findall(question["reasons"])]
        if options:
            assert question["right"] in options
            assert reasons == [letter for letter in options if letter != question["right"]]
        else:
            float(question["right"].replace(",", ""))


@EACH_CHAPTER
@pytest.mark.parametrize("number", range(1, 6))
def test_the_answer_is_the_one_that_the_code_computes(name, number):
    question = questions_of(name)[number - 1]
    computed = getattr(checks_of(name), f"question_{number}")()
    if isinstance(computed, str):
        assert computed == question["right"]
    else:
        assert float(question["right"].replace(",", "")) == pytest.approx(computed, rel=1e-9)

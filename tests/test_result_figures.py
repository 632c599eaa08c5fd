"""Figures of records: what they must not hide."""

import dataclasses

import matplotlib.pyplot as plt
import pytest

from mnistconv import figures
from mnistconv.experiments import EXPERIMENTS
from mnistconv.figures import comparison, results
from mnistconv.records import load_records, scores
from mnistconv.records.record import Record

WD = EXPERIMENTS["relu-wd0.1"]
STORED = load_records("relu-wd0.1")[0]


def a_record(*accuracies: float, answers: str = "0123456789") -> Record:
    curve = [*accuracies] * (WD.recipe.epochs // len(accuracies))
    return dataclasses.replace(
        STORED, test_accuracy=curve, final_accuracy=curve[-1], predictions=answers
    )


@pytest.fixture
def with_records(monkeypatch):
    """Let the figures find these records of the run `relu-wd0.1`, and none of any other."""

    def use(*records):
        def found(name):
            return list(records) if name == WD.name else []

        for module in (results, comparison, scores):
            monkeypatch.setattr(module, "load_records", found)

    yield use
    plt.close("all")


LEARNED = [a_record(0.88, 0.90), a_record(0.86, 0.92)]
STUCK = a_record(0.10, 0.1135, answers="1" * 10)


def texts(axes) -> str:
    return "\n".join([axes.get_title(), *(text.get_text() for text in axes.texts)])


def test_curves_of_all_seeds_their_mean_and_the_published_levels(with_records):
    with_records(*LEARNED)
    (axes,) = figures.record_curves("relu-wd0.1").axes
    thin, other, mean, level = axes.lines
    assert list(thin.get_ydata()[:2]) == pytest.approx([88, 90])
    assert list(other.get_ydata()[:2]) == pytest.approx([86, 92])
    assert list(mean.get_ydata()[:2]) == pytest.approx([87, 91])
    assert mean.get_linewidth() > thin.get_linewidth()
    assert set(level.get_ydata()) == {WD.article}
    assert "2 seeds" in texts(axes)
    assert "article\n85.31" in texts(axes)
    assert "learned nothing" not in texts(axes)


def test_a_seed_that_learned_nothing_is_named_and_spoils_neither_mean_nor_axis(with_records):
    with_records(*LEARNED, STUCK)
    (axes,) = figures.record_curves("relu-wd0.1").axes
    assert list(axes.lines[2].get_ydata()[:2]) == pytest.approx([87, 91])
    assert axes.get_ylim()[0] > 80
    assert axes.get_title().endswith("3 seeds, 1 learned nothing; bold: mean of the others")
    assert "1 seed at 11.35 %, one digit for every image" in texts(axes)


def test_where_no_seed_learned_anything_the_curves_are_shown(with_records):
    with_records(STUCK)
    (axes,) = figures.record_curves("relu-wd0.1").axes
    assert list(axes.lines[0].get_ydata()[:2]) == pytest.approx([10, 11.35])
    assert axes.get_ylim()[0] < 10


def test_panels_to_compare_have_one_scale(with_records):
    with_records(*LEARNED)
    names = ("relu-wd0.1", "relu")
    own = [axes.get_ylim() for axes in figures.record_curves(*names).axes]
    same = {axes.get_ylim() for axes in figures.record_curves(*names, same_scale=True).axes}
    assert own[0] != own[1]
    assert same == {(min(low for low, _ in own), max(high for _, high in own))}


def test_the_scoreboards_axis_hides_no_seed(with_records, monkeypatch):
    only = {WD.name: dataclasses.replace(WD, published=())}
    monkeypatch.setattr(comparison, "on_board", lambda board: only)
    with_records(*LEARNED, STUCK)
    (axes,) = figures.scoreboard_dots().axes
    assert "11.35 %" in texts(axes)
    left = max(axes.get_xlim())
    marks = [x for dots in axes.collections for x, _ in dots.get_offsets()]
    assert 1000 in marks and 800 in marks
    assert any(0.9 * left < x < left for x in marks)  # the mark at the edge
    with_records(*LEARNED)
    (axes,) = figures.scoreboard_dots().axes
    assert "%" not in texts(axes)

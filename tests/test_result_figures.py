"""Figures of records: what they must not hide."""

import dataclasses

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_rgba

from mnistconv import figures
from mnistconv.experiments import EXPERIMENTS
from mnistconv.figures import comparison, results
from mnistconv.figures.style import PAPER
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


# The plateau and what is learned by heart


PLATEAU = load_records("plateau")[0]


def a_curve(*losses: float) -> Record:
    return dataclasses.replace(PLATEAU, loss_curve=[*losses])


def test_a_plateau_is_over_after_the_first_steps_below_the_level():
    record = a_curve(2.3, 2.1, 1.9, 2.2, 0.5)
    assert [record.steps_until(below) for below in (2.0, 2.15, 1.0)] == [600, 400, 1000]
    assert record.steps_until(0.5) is None


def test_the_ends_of_plateaus_are_a_dot_a_seed_and_hollow_where_there_was_none(monkeypatch):
    """One arm has ended twice and waits once, one is not yet run."""
    rows = {name: EXPERIMENTS[name] for name in ("plateau", "plateau-steep")}
    found = {"plateau": [a_curve(2.3, 1.0), a_curve(1.0), a_curve(2.3)], "plateau-steep": []}
    monkeypatch.setattr(results, "on_board", lambda board: rows)
    monkeypatch.setattr(results, "load_records", found.get)
    (axes,) = figures.plateau_ends().axes
    ended, never = axes.collections[:2]
    assert ended.get_offsets().tolist() == [[0.4, 0], [0.2, 0]]
    assert never.get_offsets().tolist() == [[18, 0]]
    assert tuple(never.get_facecolor()[0]) == to_rgba(PAPER)
    assert "not within 18: 1 seed" in texts(axes)
    assert "not yet run" in texts(axes)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        row.title for row in rows.values()
    ]
    plt.close("all")


def test_overfitting_shows_its_own_digits_dashed_and_unseen_ones_in_percent():
    watched = {
        "steps": [500, 1000], "loss": [0.2, 0.0], "wrong": [0.05, 0.0],
        "unseen_loss": [0.3, 0.4], "unseen_wrong": [0.08, 0.06],
    }  # fmt: skip
    figure = figures.overfitting({"plain": watched, "other": watched})
    left, right = figure.axes
    for axes, own, unseen in ((left, [0.2, 0.0], [0.3, 0.4]), (right, [5, 0], [8, 6])):
        dashed, solid = axes.lines[:2]
        assert dashed.get_linestyle() == "--" and solid.get_linestyle() == "-"
        assert list(dashed.get_ydata()) == pytest.approx(own)
        assert list(solid.get_ydata()) == pytest.approx(unseen)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["plain", "other"]
    plt.close("all")


def test_a_kernels_sums_over_twenty_maps_are_those_of_the_convolution():
    torch.manual_seed(0)
    layer, maps = torch.nn.Conv2d(20, 1, 5, bias=False), torch.rand(20, 12, 12)
    figure = figures.kernel_across_maps(maps, layer.weight[0].detach(), row=2, column=6)
    parts = [float(text.get_text()) for axes in figure.axes for text in axes.texts]
    total = layer(maps[None])[0, 0, 2, 6].item()
    assert len(parts) == 20
    assert sum(parts) == pytest.approx(total, abs=0.11)
    assert figure.get_suptitle().endswith(f"{total:+.2f}")
    plt.close("all")


def test_waits_shows_each_arm_and_which_did_not_end():
    (axes,) = figures.waits({"quick": 200, "slow": None, "middling": 3_000}, 4_000).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["quick", "slow", "middling"]
    dots = {int(y): (x, dot) for dot in axes.collections for x, y in dot.get_offsets()}
    assert [dots[row][0] for row in range(3)] == [200, 4_000, 3_000]
    assert [text.get_text() for text in axes.texts] == ["not within 4,000"]
    assert to_rgba(PAPER) == tuple(dots[1][1].get_facecolor()[0])
    assert to_rgba(PAPER) != tuple(dots[0][1].get_facecolor()[0])
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first arm is on top
    plt.close("all")

"""The figures about luck: each shows what it was given, all of it, and says what is missing."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from mnistconv import figures
from mnistconv.figures.style import BLUE, FAINT, ORANGE
from mnistconv.records.answers import DOUBTFUL_LABELS, VOTES


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def ticks(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_the_lottery_shows_every_pair_and_marks_those_that_gained_nothing():
    gains = {"a → b": [0.2, -0.1, 0.0], "b → c": []}
    (axes,) = figures.lottery(gains, {"a → b": 0.08}).axes
    (square,), (gained, not_gained) = axes.collections[:1], axes.lines[:2]
    assert (list(gained.get_xdata()), gained.get_markerfacecolor()) == ([0.2], BLUE)
    assert (list(not_gained.get_xdata()), not_gained.get_markerfacecolor()) == ([-0.1, 0.0], "none")
    assert square.get_offsets().tolist() == [[0.08, 0]]
    assert texts(axes) == ["not yet run"]
    assert ticks(axes) == ["a → b", "b → c"]


def test_two_kinds_of_luck_side_by_side():
    rows = {"one": (0.1, 0.04, (0.02, 0.09), 0.05), "two": (0.2, 0.03, (0.01, 0.08), 0.06)}
    (axes,) = figures.two_kinds_of_luck(rows).axes
    assert [bar.get_width() for bar in axes.patches][:2] == pytest.approx([0.1, 0.2])
    assert [list(line.get_xdata()) for line in axes.lines[:2]] == [[0.02, 0.09], [0.01, 0.08]]
    seeds = [dots.get_offsets()[0][0] for dots in axes.collections[:4]]
    assert seeds == pytest.approx([0.04, 0.05, 0.03, 0.06])
    assert ticks(axes) == ["one", "two"]


def test_errors_by_position_end_at_all_of_them():
    first_half = np.repeat([1.0, 0.0], 50)
    (axes,) = figures.by_position({"easy at the end": first_half}).axes
    share = axes.lines[0].get_ydata()
    assert (share[24], share[49], share[-1]) == pytest.approx((50, 100, 100))


def test_intervals_say_where_there_is_none():
    rows = {"known": (0.1, 0.05, 0.2), "unknown": None}
    (axes,) = figures.intervals(rows, "points", {"known": 0.3, "unknown": 0.4}).axes
    assert list(axes.lines[0].get_xdata()) == [0.05, 0.2]
    assert texts(axes) == ["no interval yet"]
    places = [tuple(mark.get_offsets()[0]) for mark in axes.collections[:3]]
    assert places == [(0.1, 0), (0.3, 0), (0.4, -1)]
    (plain,) = figures.intervals({"known": (0.1, 0.05, 0.2)}, "points").axes
    assert len(plain.lines) == 1  # no line at 0 where nothing is a difference


def test_the_deals_as_far_from_zero_as_the_observed_one_are_coloured():
    (axes,) = figures.dealt_differences([-0.3, -0.1, 0.0, 0.1, 0.3], 0.3).axes
    counted = {FAINT: 0, ORANGE: 0}
    for bar in axes.patches:
        for colour in counted:
            if bar.get_facecolor() == to_rgba(colour):
                counted[colour] += bar.get_height()
    assert counted == {FAINT: 3, ORANGE: 2}
    assert texts(axes) == ["observed +0.300"]


def test_the_error_falls_to_what_the_digits_leave_and_not_below():
    (axes,) = figures.error_by_seeds({"a → b": (0.08, 0.03)}, most=4).axes
    curve, floor = axes.lines
    expected = [(0.08**2 / n + 0.03**2) ** 0.5 for n in (1, 2, 3, 4)]
    assert list(curve.get_ydata()) == pytest.approx(expected)
    assert set(floor.get_ydata()) == {0.03}
    assert floor.get_label() == "0.030 by the test digits"


def test_five_people_voted_on_each_doubted_label_and_outvoted_ten():
    assert VOTES.keys() == DOUBTFUL_LABELS.keys()
    assert all(sum(votes) == 5 for votes in VOTES.values())
    assert all(for_label < 3 for for_label, _, _ in VOTES.values())
    assert sum(for_guess >= 3 for _, for_guess, _ in VOTES.values()) == 10

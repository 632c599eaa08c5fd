"""The figures about errors: each shows what it was given, all of it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from mnistconv import figures
from mnistconv.figures.style import BLUE, ORANGE
from mnistconv.records.intervals import wilson


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_confusions_stand_in_row_and_column_and_areas_are_counts():
    counts = np.diag([900] * 10)
    counts[9, 4], counts[4, 9], counts[7, 1] = 20, 5, 1
    (axes,) = figures.confusions(counts).axes
    (squares,) = axes.collections
    areas = dict(zip(map(tuple, squares.get_offsets().tolist()), squares.get_sizes(), strict=True))
    assert set(areas) == {(4, 9), (9, 4), (1, 7)}  # (read, written)
    assert areas[4, 9] == pytest.approx(4 * areas[9, 4])
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((4, 9), "20"), ((9, 4), "5")
    }  # fmt: skip
    assert counts[0, 0] == 900  # what was given is left alone


def test_no_confusion_at_all_is_an_empty_table():
    (axes,) = figures.confusions(np.zeros((10, 10), dtype=int)).axes
    assert not len(axes.collections[0].get_offsets())


def test_reliability_shows_every_bin_and_no_dot_where_nothing_was_wrong():
    bins = [(0.3, 5, 20), (0.001, 0, 1000)]
    panels = {"net": {"as trained": bins, "divided by T": [(0.25, 5, 20)]}}
    (axes,) = figures.reliability(panels).axes
    before, after = axes.collections
    assert before.get_offsets().tolist() == [[0.3, 0.25]]
    assert after.get_offsets().tolist() == [[0.25, 0.25]]
    bars = [line for line in axes.lines if line.get_color() in (BLUE, ORANGE)]
    assert len(bars) == 3
    low, high = wilson(15, 20)
    assert list(bars[0].get_ydata()) == pytest.approx([1 - high, 1 - low])
    assert list(bars[1].get_ydata()) == pytest.approx([1e-6, 1 - wilson(1000, 1000)[0]])


def test_spoiled_pictures_share_one_scale_but_for_changes():
    images = torch.stack([torch.full((28, 28), 0.5), torch.rand(28, 28) - 0.5, torch.ones(28, 28)])
    figure = figures.spoiled(images, ["grey", "change"], columns=2)
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_clim() for image in (shown[0], shown[2])] == [(0, 1)] * 2
    low, high = shown[1].get_clim()
    assert low == pytest.approx(-high)
    assert [axes.get_title() for axes in figure.axes] == ["grey", "change", "", ""]
    assert len(shown) == 3


def test_accuracy_by_size_is_in_percent():
    sizes = [0, 0.1]
    figure = figures.accuracy_by_size(sizes, {"a": {"step": [1, 0.5]}, "b": {"step": [0.9, 0.2]}})
    assert [list(axes.lines[0].get_ydata()) for axes in figure.axes] == [[100, 50], [90, 20]]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]

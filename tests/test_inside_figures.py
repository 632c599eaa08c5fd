"""The figures about the inside of a network: each shows what it was given, in its order."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mnistconv import figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def pictures(axes, count: int) -> np.ndarray:
    """The pictures that stand beside one another, a column of paper between two: `[n, h, w]`."""
    shown = np.asarray(axes.images[0].get_array().filled(np.nan))
    side = (shown.shape[1] + 1) // count
    return np.stack([shown[:, i * side : (i + 1) * side - 1] for i in range(count)])


def test_kernels_stand_in_the_order_of_their_change():
    torch.manual_seed(0)
    before, image = torch.randn(20, 5, 5), torch.rand(28, 28)
    after = before + torch.linspace(0.1, 3, 20).flip(0)[:, None, None] * torch.randn(20, 5, 5)
    tiles = figures.filters_before_and_after(before, after, image).axes
    alike = F.cosine_similarity(before.flatten(1), after.flatten(1))
    order = alike.argsort(descending=True).tolist()
    assert [axes.get_title() for axes in tiles] == [f"{n}: {alike[n]:.2f}" for n in order]
    limit = max(before.abs().max(), after.abs().max())
    for axes, number in zip(tiles, order, strict=True):
        above, below, beside = axes.images
        assert np.allclose(above.get_array(), before[number] / limit)
        assert np.allclose(below.get_array(), after[number] / limit)
        assert above.get_extent()[2] > below.get_extent()[2]
        expected = F.conv2d(image[None, None], after[number, None, None])[0, 0]
        assert np.allclose(beside.get_array(), expected / expected.abs().max(), atol=1e-5)


def test_windows_stand_under_their_digits_and_the_mean_comes_last():
    windows, mean = torch.rand(9, 14, 14), torch.rand(14, 14)
    (first, second) = figures.wanted(
        {"map 3": (windows, list(range(9)), mean), "map 4": (windows, [7] * 9, mean)}
    ).axes
    assert texts(first) == [*map(str, range(9)), "mean"]
    assert second.get_ylabel() == "map 4"
    assert np.allclose(pictures(second, 10)[:9], windows)
    assert np.allclose(pictures(second, 10)[9], mean)


def test_each_method_has_a_row_and_each_picture_its_own_scale():
    images = torch.rand(3, 28, 28)
    falls = torch.randn(3, 28, 28) * torch.tensor([1.0, 10, 100])[:, None, None]
    rows = figures.looked_at(images, {"occlusion": falls, "gradient": -falls}).axes
    assert [row.get_ylabel() for row in rows] == ["picture", "occlusion", "gradient"]
    assert np.allclose(pictures(rows[0], 3), images)
    shown = pictures(rows[1], 3)
    assert np.allclose(np.abs(shown).max(axis=(1, 2)), 1)
    assert np.allclose(shown[2], falls[2] / falls[2].abs().max(), atol=1e-6)
    assert rows[1].images[0].get_clim() == (-1, 1)


def test_curves_of_deletion_share_a_legend():
    curves = {"at random": [100, 99, 90], "occlusion": [100, 60, 20]}
    figure = figures.deletion_curves({"deleted": curves, "flipped": curves}, [0, 10, 20])
    assert [axes.get_xlabel() for axes in figure.axes] == ["pixels deleted", "pixels flipped"]
    for axes in figure.axes:
        assert [list(line.get_ydata()) for line in axes.lines] == list(curves.values())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(curves)


def test_lost_and_gained_digits_costliest_first():
    lost, gained = [5, 40, 3], [1, 10, 9]
    (axes, other) = figures.lost_digits({"a": (lost, gained), "b": ([1], [0])}, named=2).axes
    heights = [bars.get_data().values[::2].tolist() for bars in axes.patches]
    assert heights == [[40, 5, 3], [-10, -1, -9]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "0"]
    assert axes.get_ylim() == other.get_ylim()


def test_every_digit_is_drawn_as_itself_and_misread_ones_have_a_ring():
    labels = torch.arange(10).repeat(5)
    points = torch.stack([labels.float(), torch.arange(50.0)], dim=1)
    wrong = torch.zeros(50, dtype=torch.bool)
    wrong[[3, 14]] = True
    (axes,) = figures.plane(points, labels, wrong).axes
    *digits, rings = axes.collections
    assert [set(each.get_offsets()[:, 0].tolist()) for each in digits] == [{d} for d in range(10)]
    assert len({each.get_paths()[0].vertices.tobytes() for each in digits}) == 10
    assert rings.get_offsets().tolist() == [[3, 3], [4, 14]]
    assert rings.get_label() == "misread"

"""Figures that explain: they show the numbers that they are given."""

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F

from mnistconv import ConvNetSimple, figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_kernels_the_strongest_first_each_above_its_map():
    torch.manual_seed(0)
    net, image = ConvNetSimple(), torch.rand(28, 28)
    shown = [axes.images[0].get_array() for axes in figures.learned_maps(net, image).axes]
    assert len(shown) == 40
    kernels, maps = shown[:10] + shown[20:30], shown[10:20] + shown[30:]
    strengths = [(kernel**2).sum() for kernel in kernels]
    assert strengths == sorted(strengths, reverse=True)
    numbers = [
        next(n for n, weight in enumerate(net.conv1.weight) if (weight[0].detach() == k).all())
        for k in map(torch.tensor, kernels)
    ]
    assert sorted(numbers) == list(range(20))
    for number, drawn in zip(numbers, maps, strict=True):
        weight, bias = net.conv1.weight[number : number + 1], net.conv1.bias[number : number + 1]
        expected = F.conv2d(image[None, None], weight, bias)[0, 0].detach()
        torch.testing.assert_close(torch.tensor(drawn), expected)


def test_race_by_rate_marks_what_never_arrives_at_the_limit():
    (axes,) = figures.race_by_rate((1, 10, 100), {"a": [30, 3, 1], "b": [None, 50, None]}, 99).axes
    first, _, second, never = axes.lines
    assert list(zip(*first.get_data(), strict=True)) == [(1, 30), (10, 3), (100, 1)]
    assert list(zip(*second.get_data(), strict=True)) == [(10, 50)]
    assert list(zip(*never.get_data(), strict=True)) == [(1, 99), (100, 99)]
    assert {text.get_text() for text in axes.texts} == {"a", "b", "×: not within 99 steps"}


def test_the_legend_of_a_plateau_covers_no_word_and_no_line():
    curves = {
        "sigmoid": [2.3] * 32 + [2.2, 2.0, 1.7, 1.3, 0.9, 0.7, 0.6, 0.5, 0.4, 0.4] + [0.3] * 18,
        "4 · sigmoid": [3.0, 2.4] + [2.3] * 18,
        "sigmoid, Nielsen's start": [2.3] * 15 + [1.8, 1.2, 0.8, 0.6, 0.5],
        "sigmoid - ½": [2.3] * 7 + [1.9, 1.3, 0.9, 0.7, 0.6, 0.5, 0.4, 0.4],
        "4 · sigmoid - 2": [0.8, 0.3, 0.3, 0.2, 0.1],
    }
    with plt.rc_context():
        figures.use_style()
        figure = figures.plateau(curves, every=200)
        figure.canvas.draw()
    (axes,) = figure.axes
    labels = [words.get_window_extent() for words in axes.get_legend().get_texts()]
    others = [words.get_window_extent() for words in axes.texts]
    points = [axes.transData.transform(line.get_xydata()) for line in axes.lines]
    for label in labels:
        assert not any(label.overlaps(words) for words in others)
        assert not any(label.contains(*point) for line in points for point in line)

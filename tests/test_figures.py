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

"""The answers to the questions of chapter 1, computed."""

import torch
import torch.nn.functional as F
from torch import nn


def question_1():
    kernel = torch.eye(5)
    stroke, white = ((kernel * patch).sum() for patch in (torch.eye(5), torch.ones(5, 5)))
    strict = kernel - (1 - kernel)  # minus ones beside the diagonal
    assert (strict * torch.eye(5)).sum() > (strict * torch.ones(5, 5)).sum()
    return "a" if stroke > white else "b" if white > stroke else "c"


def question_2():
    layer, outputs = nn.Conv2d(1, 20, 5), 10
    before = sum(p.numel() for p in layer.parameters())
    assert layer(torch.zeros(1, 1, 56, 56)).shape == (1, 20, 52, 52)
    after = sum(p.numel() for p in layer.parameters())
    dense = [nn.Linear(side * side, outputs, bias=False).weight.numel() for side in (28, 56)]
    assert dense[1] == 4 * dense[0]
    return {1: "a", 2: "b", 4: "c"}[after / before]


def question_3():
    torch.manual_seed(0)
    picture = torch.zeros(1, 1, 60, 60)
    picture[..., 20:40, 20:40] = torch.rand(20, 20)
    layer = nn.Conv2d(1, 1, 5)
    before, after = layer(picture), layer(picture.roll(3, dims=3))
    if torch.allclose(after, before, atol=1e-6):
        return "a"
    return "b" if torch.allclose(after, before.roll(3, dims=3), atol=1e-6) else "c"


def question_4():
    """The smallest move after which the pooled map is the old one, moved by whole places."""
    noise = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    pooled = F.max_pool2d(noise, 2)

    def keeps(move):
        after = F.max_pool2d(noise.roll(move, dims=3), 2)
        return any(torch.equal(after, pooled.roll(places, dims=3)) for places in range(12))

    return next(move for move in range(1, 24) if keeps(move))


def question_5():
    torch.manual_seed(0)
    first, second = torch.randn(2, 1, 1, 5, 5, dtype=torch.float64)
    picture = torch.rand(1, 1, 28, 28, dtype=torch.float64)
    twice = F.conv2d(F.conv2d(picture, first), second)
    side = 28 - twice.shape[-1] + 1  # the only kernel's side that leaves as many places
    # What a kernel does to an impulse is the kernel itself, flipped.
    impulse = F.pad(torch.ones(1, 1, 1, 1, dtype=torch.float64), [side - 1] * 4)
    one = F.conv2d(F.conv2d(impulse, first), second).flip(2, 3)
    if not torch.allclose(F.conv2d(picture, one), twice):
        return "a"
    bent = F.conv2d(F.conv2d(picture, first).sigmoid(), second)
    impulse_bent = F.conv2d(F.conv2d(impulse, first).sigmoid(), second).flip(2, 3)
    assert not torch.allclose(F.conv2d(picture, impulse_bent), bent)
    return {5: "b", 9: "c", 10: "d"}[side]

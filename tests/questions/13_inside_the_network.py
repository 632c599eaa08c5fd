"""The answers to the questions of chapter 13, computed."""

import math

import torch
import torch.nn.functional as F

from mnistconv import ConvNetTwoConvLayersReLU, load_mnist, to_input
from mnistconv.errors import bins_by_sureness
from mnistconv.probing import layer_values, switched_off
from mnistconv.records import load_network


def question_1():
    """Map 5, whose nine strongest are sixes: a detector? Are sixes lost? Untrained?"""
    _, (images, labels) = load_mnist()
    images = to_input(images)
    torch.manual_seed(0)
    untrained = ConvNetTwoConvLayersReLU()
    trained = load_network("relu")
    excited = layer_values(trained, images)["conv2"][:, 5].amax(dim=(1, 2))
    sixes = labels == 6
    assert sixes[excited.topk(9).indices].all()
    with switched_off(trained, conv2=[5]), torch.no_grad():
        still_read = (trained(images[sixes]).argmax(dim=1) == 6).double().mean()
    strongest = layer_values(untrained, images)["conv2"].amax(dim=(2, 3)).topk(100, dim=0).indices
    assert F.one_hot(labels[strongest], 10).sum(dim=0).amax(dim=1).median() > 25  # by chance: 15
    if still_read < 0.5:
        return "b"
    return "a" if excited[sixes].min() > excited[~sixes].max() else "c"


def question_2():
    def logit(x):  # rises up to 0.5 and stays there
        return F.relu(x) - F.relu(x - 0.5)

    pixel, nothing = torch.tensor(1.0, requires_grad=True), torch.tensor(0.0)
    (slope,) = torch.autograd.grad(logit(pixel), pixel)
    fall = (logit(pixel) - logit(nothing)).item()
    assert logit(nothing) - logit(nothing) == 0  # without ink nothing is wiped out
    return "a" if slope == 0 and fall > 0 else "b"


def question_3():
    """Digits that are read when either of two equal maps is on; 5 of 100 are misread anyway."""
    sees = torch.arange(100) < 95
    right = {(a, b): (sees & (a | b)).sum().item() for a in (0, 1) for b in (0, 1)}
    lost = {off: right[1, 1] - now for off, now in right.items()}
    assert lost[0, 1] == lost[1, 0] == 0
    return "a" if lost[0, 0] == 0 else "b" if lost[0, 0] == right[1, 1] else "c"


def question_4():
    """What each network says of its errors beside those it makes, of 1,000 digits."""

    def gap(sureness, right):
        logits = torch.full((1_000, 10), (1 - sureness) / 9).log()
        logits[:, 0] = math.log(sureness)
        labels = (torch.arange(1_000) >= right).long()  # the answer is 0
        ((expected, wrong, of),) = bins_by_sureness(logits, labels)
        return abs(expected - wrong / of)

    a, b = gap(0.97, 970), gap(0.999, 990)
    return "c" if min(a, b) > 1e-4 else "a" if a < b else "b"


def question_5():
    """784 equal weights of a linear unit: what each kind of step of .1 changes it by."""
    torch.manual_seed(0)
    weights = torch.ones(784)
    step = 0.1 * weights.sign()
    signs = 0.1 * (2.0 * torch.randint(0, 2, (2_000, 784)) - 1)
    assert abs((signs @ weights).pow(2).mean().sqrt() / 0.1 - 28) < 1
    if not torch.allclose(step.norm(), signs.norm(dim=1)):
        return "b"
    pushes_alike = step @ weights > 20 * (signs @ weights).abs().mean()
    return "c" if pushes_alike else "a"

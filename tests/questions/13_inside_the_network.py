"""The answers to the questions of chapter 13, computed."""

import torch
import torch.nn.functional as F

from mnistconv import ConvNetTwoConvLayersReLU, load_mnist, to_input
from mnistconv.probing import layer_values, strongest_windows, switched_off
from mnistconv.records import load_network


def question_1():
    """A map whose nine strongest are one digit: do random maps have that, is the digit lost?"""
    _, (images, labels) = load_mnist()
    images = to_input(images)
    torch.manual_seed(0)
    trained, untrained = load_network("relu"), ConvNetTwoConvLayersReLU()

    def one_digit(net):
        """Map -> the digit of its nine strongest pictures, where it is the same in all."""
        values, found = layer_values(net, images)["conv2"], {}
        for number in range(40):
            digits = labels[strongest_windows(images, values[:, number], 9)[0]]
            if (digits == digits[0]).all():
                found[number] = digits[0].item()
        return found

    (number, digit), *_ = one_digit(trained).items()
    with switched_off(trained, conv2=[number]), torch.no_grad():
        here = labels == digit
        still_read = (trained(images[here]).argmax(dim=1) == digit).double().mean()
    return "b" if still_read < 0.5 else "c" if one_digit(untrained) else "a"


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
    misread = 100 - right[1, 1]
    return "a" if lost[0, 0] == 0 else "c" if lost[0, 0] <= misread else "b"


def question_4():
    _, (images, labels) = load_mnist()
    with torch.no_grad():
        logits = load_network("simple")(to_input(images[:2_000]))
    before, after = (
        ((logits / t).softmax(dim=1).argmax(dim=1) == labels[:2_000]).double().mean().item()
        for t in (1, 2)
    )
    assert (logits / 2).softmax(dim=1).amax(dim=1).mean() < logits.softmax(dim=1).amax(dim=1).mean()
    return "b" if after == before else "a" if after > before else "c"


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

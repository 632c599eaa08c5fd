"""The answers to the questions of chapter 13, computed."""

import torch

from mnistconv.data import load_mnist, to_input
from mnistconv.records import load_network


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

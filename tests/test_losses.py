"""Cross entropy as the book explains it: four equal ways, its gradient, why logits go in raw."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

LOGITS, TARGET = [0.2, 0.4, 0.9], 2


def test_four_ways_to_the_same_loss():
    logits, target = torch.tensor([LOGITS]), torch.tensor([TARGET])
    ways = {
        "softmax, then -log": -F.softmax(logits, dim=1).log()[0, TARGET],
        "log_softmax": -F.log_softmax(logits, dim=1)[0, TARGET],
        "NLLLoss": nn.NLLLoss()(F.log_softmax(logits, dim=1), target),
        "CrossEntropyLoss": nn.CrossEntropyLoss()(logits, target),
    }
    by_hand = -np.log(np.exp(0.9) / (np.exp(0.2) + np.exp(0.4) + np.exp(0.9)))
    assert round(by_hand, 4) == 0.7434
    for way, loss in ways.items():
        assert loss.item() == pytest.approx(by_hand, abs=1e-6), way


def numpy_loss(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean cross entropy in double precision: logits `[n, classes]`, targets `[n]`."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(targets)), targets].mean()


def finite_differences(logits: np.ndarray, targets: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """The gradient of `numpy_loss`, by moving each logit up and down by `h`."""
    gradient = np.empty_like(logits)
    for place in np.ndindex(*logits.shape):
        up, down = logits.copy(), logits.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (numpy_loss(up, targets) - numpy_loss(down, targets)) / (2 * h)
    return gradient


def torch_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    tensor = torch.tensor(logits, requires_grad=True)
    F.cross_entropy(tensor, torch.tensor(targets)).backward()
    return tensor.grad.numpy()


def test_the_gradient_is_p_minus_y_for_every_class():
    logits, targets = np.array([LOGITS]), np.array([TARGET])
    expected = [[0.2361, 0.2884, -0.5245]]
    np.testing.assert_allclose(torch_gradient(logits, targets), expected, atol=5e-5)
    np.testing.assert_allclose(finite_differences(logits, targets), expected, atol=5e-5)


def test_the_gradient_of_a_batch_is_p_minus_y_over_its_size():
    draw = np.random.default_rng(0)
    logits, targets = draw.normal(scale=3, size=(10, 10)), draw.integers(10, size=10)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = (p - np.eye(10)[targets]) / 10
    np.testing.assert_allclose(finite_differences(logits, targets), expected, atol=1e-8)
    np.testing.assert_allclose(torch_gradient(logits, targets), expected, atol=1e-12)


def test_only_the_target_has_a_gradient_with_respect_to_log_probabilities():
    log_p = F.log_softmax(torch.tensor([LOGITS]), dim=1).requires_grad_()
    F.nll_loss(log_p, torch.tensor([TARGET])).backward()
    assert log_p.grad.tolist() == [[0, 0, -1]]


def test_log_of_softmax_breaks_where_log_softmax_holds():
    logits = torch.tensor([[0.0, 110.0, 0.0]], requires_grad=True)
    naive = -F.softmax(logits, dim=1).log()[0, 0]
    (gradient,) = torch.autograd.grad(naive, logits)
    assert naive == torch.inf
    assert gradient.isnan().any()
    stable = F.cross_entropy(logits, torch.tensor([0]))
    (gradient,) = torch.autograd.grad(stable, logits)
    assert stable == 110
    assert gradient.tolist() == [[-1, 1, 0]]


def test_softmax_before_the_loss_leaves_a_floor():
    certain = torch.eye(10)  # the best that a softmax can give: all probability on the target
    assert F.cross_entropy(certain, torch.arange(10)).item() == pytest.approx(1.4612, abs=5e-5)


def test_a_uniform_guess_costs_ln_10():
    assert F.cross_entropy(torch.zeros(1, 10), torch.tensor([3])).item() == pytest.approx(
        np.log(10), abs=1e-6
    )

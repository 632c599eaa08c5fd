"""A step along the gradient: against finite differences, and within its bounds."""

import torch
import torch.nn.functional as F
from torch import nn

from mnistconv.fooling import gradient_signs, logits_of, step


def small_net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.Tanh(), nn.Linear(20, 10))
    return net.double()


def test_the_signs_are_those_of_finite_differences():
    net, images, digits = small_net(), torch.rand(3, 1, 28, 28).double(), torch.tensor([1, 7, 3])
    signs = gradient_signs(net, images, digits)
    for place in range(0, 784, 97):
        nudge = torch.zeros(784).double()
        nudge[place] = 1e-6
        above, below = (
            F.cross_entropy(net(images + way * nudge.reshape(28, 28)), digits, reduction="none")
            for way in (1, -1)
        )
        assert torch.equal(signs.flatten(1)[:, place], (above - below).sign())


def test_a_network_that_is_very_sure_has_the_signs_of_float64():
    """Softmax gives exactly 1 in float32: the gradient of the cross entropy itself is 0 there."""
    net = small_net().float()
    net[3].weight.data *= 200  # more, and float64 rounds as well
    images = torch.rand(20, 1, 28, 28)
    digits = net(images).argmax(dim=1)
    assert (net(images).softmax(dim=1).amax(dim=1) == 1).sum() > 5
    signs = gradient_signs(net, images, digits)
    pixels = images.double().requires_grad_()
    loss = F.cross_entropy(net.double()(pixels), digits, reduction="sum")
    expected = torch.autograd.grad(loss, pixels)[0].sign()
    assert (signs == expected).double().mean() > 0.999


def test_each_picture_has_its_own_step_and_all_is_left_as_it_was():
    net, images, digits = small_net(), torch.rand(4, 1, 28, 28).double(), torch.arange(4)
    before = images.clone()
    with torch.no_grad():
        together = gradient_signs(net, images, digits)
    alone = [gradient_signs(net, images[i : i + 1], digits[i : i + 1]) for i in range(4)]
    assert torch.equal(together, torch.cat(alone))
    assert torch.equal(images, before)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_step_stays_within_its_size_and_within_black_and_white():
    images = torch.tensor([0, 0.5, 1]).repeat(3, 1)
    signs = torch.tensor([[1.0], [0.0], [-1.0]])
    expected = torch.tensor([[0.2, 0.7, 1], [0, 0.5, 1], [0, 0.3, 0.8]])
    assert torch.allclose(step(images, signs, 0.2), expected)


def test_logits_come_in_order_and_without_gradients():
    net, images = small_net(), torch.rand(1_001, 1, 28, 28).double()
    logits = logits_of(net, images)
    assert torch.allclose(logits, net(images))
    assert not logits.requires_grad

"""Pictures changed a little, so that a network reads another digit."""

import math

import torch
from torch import Tensor, nn

from mnistconv.checks import a_network, arguments


@arguments(net=a_network)
@torch.enable_grad()
def gradient_signs(net: nn.Module, images: Tensor, digits: Tensor) -> Tensor:
    """Where brighter pixels raise the loss for `digits` `[n]`: -1, 0 or 1, `[n, 1, 28, 28]`.

    `images` are network input, float32 `[n, 1, 28, 28]`. The cross entropy is
    log(1 + exp(others - right)); others - right has a gradient of the same signs, which does not
    round to 0 where the network is sure. Source: Goodfellow, Shlens and Szegedy, "Explaining and
    harnessing adversarial examples", 2014.
    """
    pixels = images.clone().requires_grad_()
    logits, place = net(pixels), digits[:, None]
    right = logits.gather(1, place)[:, 0]
    others = logits.scatter(1, place, -math.inf).logsumexp(dim=1)
    return torch.autograd.grad((others - right).sum(), pixels)[0].sign()


def step(images: Tensor, signs: Tensor, size: float | Tensor) -> Tensor:
    """All pixels moved by `size` along `signs`, and kept from 0 to 1."""
    return (images + size * signs).clamp(0, 1)


@torch.no_grad()
def logits_of(net: nn.Module, images: Tensor) -> Tensor:
    """Logits `[n, 10]` for network input `[n, 1, 28, 28]`, in batches."""
    return torch.cat([net(part) for part in images.split(500)])

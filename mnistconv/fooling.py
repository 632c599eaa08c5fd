"""Pictures changed a little, so that a network reads another digit."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.enable_grad()
def gradient_signs(net: nn.Module, images: Tensor, digits: Tensor) -> Tensor:
    """Where brighter pixels raise the loss for `digits` `[n]`: -1, 0 or 1, `[n, 1, 28, 28]`.

    `images` are network input, float32 `[n, 1, 28, 28]`. Source: Goodfellow, Shlens and Szegedy,
    "Explaining and harnessing adversarial examples", 2014.
    """
    pixels = images.clone().requires_grad_()
    loss = F.cross_entropy(net(pixels), digits, reduction="sum")
    return torch.autograd.grad(loss, pixels)[0].sign()


def step(images: Tensor, signs: Tensor, size: float | Tensor) -> Tensor:
    """All pixels moved by `size` along `signs`, and kept from 0 to 1."""
    return (images + size * signs).clamp(0, 1)


@torch.no_grad()
def logits_of(net: nn.Module, images: Tensor) -> Tensor:
    """Logits `[n, 10]` for network input `[n, 1, 28, 28]`, in batches."""
    return torch.cat([net(part) for part in images.split(500)])

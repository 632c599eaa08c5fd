"""Other first weights than PyTorch's: those of Nielsen's programs, and one for an experiment."""

import copy

import torch
from torch import nn

POOLING = 4  # values that each of his pools joins, after every convolution


@torch.no_grad()
def nielsen(net: nn.Module) -> None:
    """Draw the first weights of `net` anew, in place, as Nielsen does, from the global generator.

    Weights N(0, 1/n_out), where n_out is the number of units of a dense layer and filters · 25 / 4
    of a convolution of 5 × 5 before a pooling of 2 × 2; biases N(0, 1); in the last layer, the
    softmax's, all is zero. Source: Nielsen, chapter 6, network3.py.
    """
    *hidden, last = [layer for layer in net.children() if hasattr(layer, "weight")]
    for layer in hidden:
        n_out = layer.weight.shape[0] * layer.weight[0, 0].numel()
        if isinstance(layer, nn.Conv2d):
            n_out /= POOLING
        nn.init.normal_(layer.weight, std=n_out**-0.5)
        nn.init.normal_(layer.bias)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


def nielsen_biases(net: nn.Module) -> None:
    """Draw the hidden biases alone as `nielsen` does, N(0, 1); all else stays as it is."""
    _take_over("bias", net)


def nielsen_weights(net: nn.Module) -> None:
    """Draw the hidden weights alone as `nielsen` does, N(0, 1/n_out); all else stays as it is."""
    _take_over("weight", net)


def nielsen_hidden(net: nn.Module) -> None:
    """Draw hidden weights and biases as `nielsen` does; the last layer stays as it is."""
    nielsen_weights(net)
    nielsen_biases(net)


def nielsen_weights_and_zeros(net: nn.Module) -> None:
    """Draw hidden weights as `nielsen` does, all zero in the last layer; hidden biases stay."""
    nielsen_weights(net)
    *_, last = [layer for layer in net.children() if hasattr(layer, "weight")]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)


@torch.no_grad()
def _take_over(part: str, net: nn.Module) -> None:
    his = copy.deepcopy(net)
    nielsen(his)
    layers, drawn = ([p for p in one.children() if hasattr(p, part)][:-1] for one in (net, his))
    for layer, other in zip(layers, drawn, strict=True):
        getattr(layer, part).copy_(getattr(other, part))


@torch.no_grad()
def as_if_centred(net: nn.Module) -> None:
    """Shift the biases behind each sigmoid, in place, as if one half were subtracted from it.

    W (x - 1/2) + b is W x + (b - the half sum of W's row), so `ConvNetTwoConvLayers` starts as the
    same function of the image as `ConvNetTwoConvLayersCentred`, with the same weights.
    """
    _, *behind = [layer for layer in net.children() if hasattr(layer, "weight")]
    for layer in behind:
        layer.bias -= layer.weight.flatten(1).sum(dim=1) / 2


def as_pytorch_does(net: nn.Module) -> None:
    """Leave the weights of `net` as its layers drew them: uniform, up to 1/sqrt(fan in)."""


INITIALISATIONS = {
    "pytorch": as_pytorch_does,
    "nielsen": nielsen,
    "as if centred": as_if_centred,
    "nielsen biases": nielsen_biases,
    "nielsen weights": nielsen_weights,
    "nielsen hidden": nielsen_hidden,
    "nielsen weights and zeros": nielsen_weights_and_zeros,
}

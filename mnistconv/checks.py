"""What bad input gives: one sentence that names what is wrong, where, and what to do.

The functions that the book teaches call these first, so that they can be read without them.
"""

import math

import torch
from torch import Tensor

LOSS_LIMIT = 1e4  # a loss that no training comes back from: the right digit gets e^-10000


def _check_pair(images: Tensor, labels: Tensor, which: str = "") -> None:
    """`which` is "train ", "test " or nothing: whose images and labels they are, for messages."""
    _check_images(images, which)
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        raise TypeError(
            f"{which}labels must be an int64 tensor, as labels.long() gives, not {_kind(labels)}."
        )
    if labels.shape != images.shape[:1]:
        n = len(images)
        raise ValueError(f"{n} {which}images need {n} labels, [{n}], not {list(labels.shape)}.")
    if labels.min() < 0 or labels.max() > 9:
        reach = f"{labels.min()} to {labels.max()}"
        raise ValueError(f"{which}labels must be digits 0 to 9; these reach from {reach}.")


def _check_images(images: Tensor, which: str = "") -> None:
    if not isinstance(images, Tensor) or images.dtype != torch.uint8:
        raise TypeError(
            f"{which}images must be a uint8 tensor with pixels 0 to 255, as load_mnist gives them,"
            f" not {_kind(images)}."
        )
    if images.dim() != 3 or images.shape[1:] != (28, 28):
        raise ValueError(
            f"{which}images must have the shape [n, 28, 28], not {list(images.shape)}."
        )
    if len(images) == 0:
        raise ValueError(f"there are no {which}images: the first axis has length 0.")


def _kind(value) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


def _check_same_length(images: Tensor, labels: Tensor) -> None:
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images but {len(labels)} labels: one label per image.")


def _check_loss(loss: float, where: str) -> None:
    if not loss < LOSS_LIMIT:
        raise FloatingPointError(
            f"Training diverged: the loss is {loss:.4g} at {where}. Most likely the learning rate"
            " is too large: start again from a new network with a smaller lr."
        )


def _check_not_empty(count: int, loader: str) -> None:
    if count == 0:
        raise ValueError(
            f"{loader} yields no images: it must hold some, in every pass (a generator is empty"
            " after its first: make it a list or a DataLoader)."
        )


def _check_whole(name: str, value, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, an int, not {value!r}.")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}.")


def _check_rates(lr, weight_decay) -> None:
    for name, value in (("learning rate, lr,", lr), ("weight decay", weight_decay)):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"the {name} must be a number, a float, not {value!r}.")
    if not 0 < lr < math.inf:
        raise ValueError(f"the learning rate, lr, must be a number above 0, not {lr}.")
    if not 0 <= weight_decay < math.inf:
        raise ValueError(f"the weight decay must be 0 or a number above it, not {weight_decay}.")


def _check_fit(train, test, epochs, lr, weight_decay, batch_size, seed, max_steps, params) -> None:
    for name, data in (("train", train), ("test", test)):
        if name == "test" and data is None:
            continue
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise TypeError(f"{name} must be a pair (images, labels), not {type(data).__name__}.")
        _check_pair(*data, f"{name} ")
    _check_whole("epochs", epochs, least=0)
    _check_rates(lr, weight_decay)
    _check_whole("batch_size", batch_size, least=1)
    if seed is not None:
        _check_whole("seed", seed, least=0)
    if max_steps is not None:
        _check_whole("max_steps", max_steps, least=0)
    if isinstance(params, (list, tuple)) and len(params) == 0:
        raise ValueError("params is empty: nothing would be trained. Leave it out to train all.")

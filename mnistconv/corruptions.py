"""Digits spoiled in eight ways, which people still read: how does a network take what it never saw?

Kinds and strengths are those of MNIST-C, which has seven more. Source: Mu and Gilmer, "MNIST-C: a
robustness benchmark for computer vision", 2019, and its program, corruptions.py of
github.com/google-research/mnist-c at commit aa07569. Where a definition differs, its docstring says
so; chance comes from another generator, so these are no pictures of MNIST-C.

All take images `[n, 28, 28]`, uint8 from 0 to 255 or floats from 0 to 1, and return new ones of
that shape, dtype and range. Formulas are for pixels x from 0 to 1, cut off there; bytes are
rounded. The same `seed` gives the same pictures. Bad arguments raise TypeError or ValueError.
"""

import functools
import math
import numbers
from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from mnistconv.checks import arguments, some_images, whole

MIDDLE = 13.5  # between the two middle pixels, from 0


def pictures(value, name: str) -> Tensor:
    """`some_images`, or floating point `[n, 28, 28]`, n >= 1, with pixels from 0 to 1."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return some_images(value, name)
    if value.shape[1:] != (28, 28) or len(value) == 0:
        shape = list(value.shape)
        raise ValueError(f"{name} must have the shape [n, 28, 28], n at least 1, not {shape}.")
    if not ((value >= 0) & (value <= 1)).all():
        raise ValueError(f"{name} in floating point must have pixels from 0 to 1.")
    return value


def between(low: float, high: float) -> Callable:
    """A checker of numbers from `low` to `high`."""

    def check(value, name: str):
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{name} must be a number, not {value!r}.")
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value:g}.")
        return value

    return check


SEED = {"images": pictures, "seed": whole(least=0)}


def on_pixels(spoil: Callable) -> Callable:
    """Decorator: `spoil` works on float64 arrays with pixels from 0 to 1; the result goes back."""

    @functools.wraps(spoil)
    def spoiled(images: Tensor, **how) -> Tensor:
        most = 255 if images.dtype == torch.uint8 else 1
        result = most * np.clip(spoil(images.cpu().double().numpy() / most, **how), 0, 1)
        return torch.from_numpy(result.round() if most == 255 else result).to(images)

    return spoiled


# Noise and light


@arguments(**SEED, photons=between(1e-6, 1e6))
@on_pixels
def shot_noise(images: Tensor, photons: float = 3, seed: int = 0) -> Tensor:
    """Too little light: Poisson(`photons` · x) / `photons`. More photons, less noise."""
    return np.random.default_rng(seed).poisson(images * photons) / photons


@arguments(**SEED, share=between(0, 1))
@on_pixels
def impulse_noise(images: Tensor, share: float = 0.17, seed: int = 0) -> Tensor:
    """A `share` of the pixels, drawn by lot, becomes 0 or 1, each as likely: salt and pepper."""
    rng = np.random.default_rng(seed)
    is_hit, salt = rng.random(images.shape) < share, rng.random(images.shape) < 0.5
    return np.where(is_hit, salt, images)


@arguments(images=pictures, plus=between(0, 1))
@on_pixels
def brightness(images: Tensor, plus: float = 0.5) -> Tensor:
    """x + `plus`: the background turns grey, and ink above 1 - `plus` white."""
    return images + plus


@arguments(images=pictures, width=whole(least=0, most=14))
@on_pixels
def stripe(images: Tensor, width: int = 7) -> Tensor:
    """1 - x in the first and the last `width` columns."""
    columns = np.arange(images.shape[2])
    return np.where((columns < width) | (columns >= 28 - width), 1 - images, images)


# Geometry


def moved(pixels: np.ndarray, angle=0, size=1, slope=0, right=0, down=0) -> np.ndarray:
    """`disturb` for arrays; each argument is a number, or an array of one a picture."""
    how = np.broadcast_arrays(np.empty(len(pixels)), angle, size, slope, right, down)[1:]
    return np.stack([_move(x, *one) for x, *one in zip(pixels, *how, strict=True)])


def _move(picture, angle, size, slope, right, down) -> np.ndarray:
    turn_back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    unslant = np.array([[1, 0], [slope, 1]])  # axes are (down, right), as in the picture
    back = turn_back @ unslant / size
    start = MIDDLE - back @ (MIDDLE + np.array([down, right]))
    return ndimage.affine_transform(picture, back, start, order=1, mode="grid-constant")


ANGLE, SIZE, PIXELS = between(-math.pi, math.pi), between(0.1, 10), between(-28, 28)


@arguments(
    images=pictures, angle=ANGLE, size=SIZE, slope=between(-10, 10), right=PIXELS, down=PIXELS
)
@on_pixels
def disturb(
    images: Tensor, angle: float = 0, size: float = 1, slope: float = 0, right: float = 0,
    down: float = 0,
) -> Tensor:  # fmt: skip
    """All pictures slanted, turned and sized about their middle, then moved.

    `angle` is in radians, clockwise; `size` 0.7 makes them smaller; a row that lies k pixels above
    the middle moves right by `slope` · k; `right` and `down` are pixels. Between pixels it
    interpolates linearly, outside is 0. Without a slope it is what the page "Draw a digit" does.
    """
    return moved(images, angle, size, slope, right, down)


def sign(n: int, seed: int) -> np.ndarray:
    """-1 or 1 for each of `n` pictures, by lot."""
    return np.random.default_rng(seed).choice([-1, 1], n)


@arguments(**SEED, slope=between(0, 10))
@on_pixels
def shear(images: Tensor, slope: float = 0.4, seed: int = 0) -> Tensor:
    """Slanted to one side or the other, see `disturb`.

    MNIST-C leaves this to a library whose meaning of 0.4 is an angle in some of its versions.
    """
    return moved(images, slope=slope * sign(len(images), seed))


@arguments(images=pictures, size=SIZE)
@on_pixels
def scale(images: Tensor, size: float = 0.7) -> Tensor:
    """Smaller, see `disturb`; MNIST-C gives the factor of the way back, 1 / 0.7."""
    return moved(images, size=size)


@arguments(**SEED, angle=between(0, math.pi))
@on_pixels
def rotate(images: Tensor, angle: float = 0.4, seed: int = 0) -> Tensor:
    """Turned by `angle` radians to one side or the other, see `disturb`."""
    return moved(images, angle=angle * sign(len(images), seed))


@arguments(**SEED, pixels=whole(least=0, most=28))
@on_pixels
def translate(images: Tensor, pixels: int = 3, seed: int = 0) -> Tensor:
    """Moved by `pixels` to the left or right, and as many up or down."""
    n = len(images)
    right, down = pixels * sign(2 * n, seed).reshape(2, n)
    return moved(images, right=right, down=down)


CORRUPTIONS = {
    "shot noise": shot_noise,
    "impulse noise": impulse_noise,
    "shear": shear,
    "scale": scale,
    "rotate": rotate,
    "brightness": brightness,
    "translate": translate,
    "stripe": stripe,
}

"""What networks take for what, and whether they are right as often as they say."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from mnistconv.checks import one_label_per_image

# Confusions


def count_confusions(answers: Tensor, labels: Tensor) -> Tensor:
    """How often each digit was read as each other: int64 `[10, 10]`, rows written, columns read.

    `answers` are int64 `[runs, images]`, `labels` `[images]`. The diagonal is 0: right answers do
    not count.
    """
    places = 10 * labels + answers
    return torch.bincount(places.flatten(), minlength=100).reshape(10, 10).fill_diagonal_(0)


def most_confused(counts: Tensor) -> list[tuple[int, int]]:
    """All 45 pairs of digits, the smaller first, by what `counts` `[10, 10]` has both ways."""
    both = (counts + counts.T).triu(1)
    order = both.flatten().sort(descending=True, stable=True).indices.tolist()
    return [divmod(place, 10) for place in order if place // 10 < place % 10]


def times_read(answers: Tensor, labels: Tensor, written: int, read: int) -> np.ndarray:
    """How many of the runs read each image as `read`, if it is a `written`, else 0: `[images]`."""
    return ((answers == read) & (labels == written)).sum(dim=0).numpy()


def interval_over_digits(differences: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval (low, high) of a sum over images when the images are drawn anew.

    A bootstrap: each image comes 0, 1, 2, ... times, by Poisson's law with mean 1. Source: Owen and
    Eckles, "Bootstrapping data arrays of arbitrary order", 2011.
    """
    counted = differences[differences != 0]
    times = np.random.default_rng(seed).poisson(1, (4_000, len(counted)))
    low, high = np.percentile(times @ counted, [2.5, 97.5])
    return float(low), float(high)


# Calibration

DECADES = torch.tensor([0.5, 0.9, 0.99, 0.999, 0.9999])


def bins_by_sureness(logits: Tensor, labels: Tensor) -> list[tuple[float, int, int]]:
    """By sureness, from low to high: (expected share of errors, wrong, of how many).

    Sureness is the largest softmax of the logits `[n, 10]`; the bins end at `DECADES`, and an empty
    one is left out. A network that is calibrated has as many wrong as it expects.
    """
    one_label_per_image(logits, labels)
    sure, answer = logits.double().softmax(dim=1).max(dim=1)
    which, is_wrong = torch.bucketize(sure, DECADES), answer != labels
    parts = [(1 - sure[which == k], is_wrong[which == k]) for k in which.unique()]
    return [(doubt.mean().item(), wrong.sum().item(), len(wrong)) for doubt, wrong in parts]


def temperature(logits: Tensor, labels: Tensor) -> float:
    """The T, from 0.05 to 20, for which logits / T have the least cross entropy.

    Source: Guo and others, "On calibration of modern neural networks", 2017.
    """
    one_label_per_image(logits, labels)

    def loss(log_t: float) -> float:
        return F.cross_entropy(logits / math.exp(log_t), labels).item()

    return math.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)


def mended_by_halves(logits: Tensor, labels: Tensor) -> tuple[Tensor, list[float]]:
    """Logits whose even rows are divided by the `temperature` of the odd ones, and the other way.

    Also these two temperatures. So no digit is judged by a temperature that it helped to fit.
    """
    even, odd = slice(0, None, 2), slice(1, None, 2)
    temperatures = [temperature(logits[half], labels[half]) for half in (odd, even)]
    mended = logits.clone()
    mended[even] /= temperatures[0]
    mended[odd] /= temperatures[1]
    return mended, temperatures

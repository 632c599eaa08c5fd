"""Pictures of digits."""

import math

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from mnistconv.figures.style import CLOSE, WIDTH


def digits(images: Tensor, titles: list[str] | None = None, columns: int = 10) -> Figure:
    """A grid of images `[n, 28, 28]`, dark ink on paper, each under its title."""
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    side = WIDTH / max(columns, 5)
    height = rows * side * (1.28 if titles else 1.0)
    figure, grid = plt.subplots(rows, columns, figsize=(side * columns, height), squeeze=False)
    for place in grid.flat:
        place.axis("off")
    for place, image in zip(grid.flat, images, strict=False):
        place.imshow(image, cmap="gray_r")
    for place, title in zip(grid.flat, titles or [], strict=False):
        place.set_title(title, fontsize=10, fontweight="normal", pad=1, linespacing=CLOSE)
    return figure


def misread(images: Tensor, labels: Tensor, predictions: Tensor, n: int = 20) -> Figure:
    """The first `n` misread digits, titled "label → answer".

    Images `[m, 28, 28]`, labels and predictions int64 `[m]`. Raises ValueError if none is misread.
    """
    wrong = (labels != predictions).nonzero().flatten()[:n]
    if len(wrong) == 0:
        raise ValueError("every digit is read right: there is nothing to show.")
    titles = [f"{labels[i]} → {predictions[i]}" for i in wrong]
    return digits(images[wrong], titles)

"""How a convolution works, drawn: the sliding window, pooling, kernels, the receptive field."""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from mnistconv.figures.style import BLUE, GREEN, INK, ORANGE, RED, SIGNED, SOFT_INK, WIDTH


def _numbers(axes: Axes, values: Tensor, title: str, digits: int = 0) -> None:
    """A small matrix as a grid of cells with their numbers."""
    rows, columns = values.shape
    axes.imshow(torch.zeros(rows, columns), cmap="gray_r", vmin=0, vmax=1)
    for i in range(rows):
        for j in range(columns):
            axes.text(j, i, f"{values[i, j]:.{digits}f}", ha="center", va="center", fontsize=11)
            corner = (j - 0.5, i - 0.5)
            style = {"fill": False, "edgecolor": SOFT_INK, "linewidth": 0.6, "clip_on": False}
            axes.add_patch(Rectangle(corner, 1, 1, **style))
    axes.set_title(title)
    axes.axis("off")


def _side_by_side(matrices: dict[str, Tensor], cell: float = 0.55) -> tuple[Figure, list[Axes]]:
    """Small matrices under their titles, all with cells of the same size (inches)."""
    gap = 1.6  # cells between two matrices
    rows = max(len(values) for values in matrices.values())
    columns = sum(values.shape[1] for values in matrices.values()) + gap * (len(matrices) - 1)
    figure = plt.figure(figsize=(columns * cell, (rows + 1.4) * cell), layout="none")
    places, left = [], 0
    for title, values in matrices.items():
        height, width = values.shape
        bottom = (rows - height) / 2 + 0.7
        box = (left / columns, bottom / (rows + 1.4), width / columns, height / (rows + 1.4))
        places.append(figure.add_axes(box))
        _numbers(places[-1], values, title)
        left += width + gap
    return figure, places


def _frame(axes: Axes, row: float, column: float, side: float, colour: str = ORANGE) -> None:
    """A frame around the cells from (row, column) on, `side` cells wide."""
    corner = (column - 0.5, row - 0.5)
    style = {"fill": False, "edgecolor": colour, "linewidth": 2.5, "clip_on": False}
    axes.add_patch(Rectangle(corner, side, side, **style))


def small_convolution(values: Tensor, kernel: Tensor, row: int, column: int) -> Figure:
    """One output value of a small cross-correlation, with its products written out.

    `values` `[h, w]` and `kernel` `[k, k]`; the window stands at (row, column).
    """
    side = len(kernel)
    result = F.conv2d(values[None, None], kernel[None, None])[0, 0]
    window = values[row : row + side, column : column + side]
    figure, places = _side_by_side({"input": values, "kernel": kernel, "output": result})
    _frame(places[0], row, column, side)
    _frame(places[2], row, column, 1)
    pairs = zip(window.flatten(), kernel.flatten(), strict=True)
    products = " + ".join(f"{value:.0f}·{weight:.0f}" for value, weight in pairs)
    text = f"{products} = {result[row, column]:.0f}"
    figure.text(0.5, 0.01, text, ha="center", color=ORANGE, fontsize=12)
    return figure


def window_on_a_digit(image: Tensor, kernel: Tensor, row: int, column: int) -> Figure:
    """A 5×5 window on a digit `[28, 28]`, the kernel `[5, 5]`, their products, and the whole map.

    Pixels in [0, 1]; the window's upper left corner stands at (row, column).
    """
    side = len(kernel)
    window = image[row : row + side, column : column + side]
    products = window * kernel
    result = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    figure, places = plt.subplots(1, 4, figsize=(WIDTH, 2.5))
    places[0].imshow(image, cmap="gray_r", vmin=0, vmax=1)
    _frame(places[0], row, column, side)
    bound = 2 * max(kernel.abs().max(), products.abs().max())  # pale, so that numbers can be read
    places[1].imshow(kernel, cmap=SIGNED, vmin=-bound, vmax=bound)
    places[2].imshow(products, cmap=SIGNED, vmin=-bound, vmax=bound)
    for i in range(side):
        for j in range(side):
            for axes, value in ((places[1], kernel[i, j]), (places[2], products[i, j])):
                text = f"{value:.1f}".replace("-0.0", "0.0")
                axes.text(j, i, text, ha="center", va="center", fontsize=9, color=INK)
    limit = result.abs().max()
    places[3].imshow(result, cmap=SIGNED, vmin=-limit, vmax=limit)
    _frame(places[3], row, column, 1)
    titles = ("input 28×28", "kernel 5×5", "products", "feature map 24×24")
    for axes, title in zip(places, titles, strict=True):
        axes.set_title(title, fontsize=11)
        axes.axis("off")
    total = f"sum of the 25 products: {products.sum():.2f}"
    places[2].text(0.5, -0.12, total, transform=places[2].transAxes, ha="center", color=ORANGE)
    return figure


def kernels_on_a_digit(image: Tensor, kernels: dict[str, Tensor]) -> Figure:
    """The feature maps that hand-made kernels make of a digit `[28, 28]`: blue +, red -."""
    figure, places = plt.subplots(1, 1 + len(kernels), figsize=(WIDTH, 1.9))
    places[0].imshow(image, cmap="gray_r")
    places[0].set_title("input", fontsize=10)
    for axes, (name, kernel) in zip(places[1:], kernels.items(), strict=True):
        result = F.conv2d(image[None, None], kernel[None, None])[0, 0]
        limit = result.abs().max()
        axes.imshow(result, cmap=SIGNED, vmin=-limit, vmax=limit)
        axes.set_title(name, fontsize=10)
    for axes in places:
        axes.axis("off")
    return figure


def pooling(values: Tensor) -> Figure:
    """2×2 max pooling of a small map `[h, w]`: each block's largest value is marked and kept."""
    pooled = F.max_pool2d(values[None, None], 2)[0, 0]
    titles = (f"{name} {len(m)}×{len(m)}" for name, m in (("map", values), ("pooled", pooled)))
    figure, places = _side_by_side(dict(zip(titles, (values, pooled), strict=True)))
    colours = (BLUE, ORANGE, GREEN, INK)
    for k, (i, j) in enumerate((i, j) for i in range(2) for j in range(2)):
        block = values[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = divmod(int(block.argmax()), 2)
        spot = (2 * j + column, 2 * i + row)
        _frame(places[0], 2 * i + 0.04, 2 * j + 0.04, 1.92, colours[k])
        places[0].add_patch(
            plt.Circle(spot, 0.36, facecolor=colours[k], alpha=0.25, edgecolor="none")
        )
        _frame(places[1], i + 0.04, j + 0.04, 0.92, colours[k])
    return figure


def receptive_field(net: nn.Module, unit: tuple[int, int], layers: int = 2) -> Tensor:
    """The input pixels that a unit of the pooled maps sees, found by gradient: bool `[28, 28]`.

    `unit` is (row, column) in the pooled maps after `layers` convolutions (1 or 2) of `net`.
    Average pooling stands in for the largest value, which would let only one pixel through.
    """
    image = torch.zeros(1, 1, 28, 28, requires_grad=True)
    maps = F.avg_pool2d(F.conv2d(image, torch.ones_like(net.conv1.weight)), 2)
    if layers == 2:
        maps = F.avg_pool2d(F.conv2d(maps, torch.ones_like(net.conv2.weight)), 2)
    maps[0, 0, unit[0], unit[1]].backward()
    return image.grad[0, 0] != 0


def receptive_fields(image: Tensor, net: nn.Module, units: list[tuple[int, int]]) -> Figure:
    """The windows that neighbouring units of the second pooled maps see on a digit `[28, 28]`."""
    figure, places = plt.subplots(1, len(units), figsize=(WIDTH, 2.3))
    for axes, unit in zip(places, units, strict=True):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        seen = receptive_field(net, unit).nonzero()
        (top, left), (bottom, right) = seen.min(0).values, seen.max(0).values
        _frame(axes, top, left, bottom - top + 1)
        axes.set_title(f"unit {unit}: {bottom - top + 1}×{right - left + 1}", fontsize=11)
        axes.axis("off")
    return figure


def kernel_across_maps(maps: Tensor, kernel: Tensor, row: int, column: int) -> Figure:
    """How one kernel of a second layer reads all maps of the first, at one place.

    `maps` `[20, h, w]` as they reach it, `kernel` `[20, k, k]`. Each map, its window at (row,
    column) framed, stands above the kernel's weights for it; below is what the window times these
    weights adds to the one number that they all make.
    """
    side = kernel.shape[-1]
    window = maps[:, row : row + side, column : column + side]
    parts = (window * kernel).sum(dim=(1, 2))
    figure, places = plt.subplots(4, 10, figsize=(WIDTH, 3.9))
    limit = kernel.abs().max()
    for number, part in enumerate(parts):
        block, place = 2 * (number // 10), number % 10
        above, below = places[block, place], places[block + 1, place]
        above.imshow(maps[number], cmap="gray_r", vmin=0, vmax=1)
        _frame(above, row, column, side)
        below.imshow(kernel[number], cmap=SIGNED, vmin=-limit, vmax=limit)
        colour = BLUE if part > 0 else RED
        below.text(0.5, -0.08, f"{part:+.2f}", transform=below.transAxes, ha="center", va="top",
                   color=colour, fontsize=10)  # fmt: skip
    for axes in places.flat:
        axes.axis("off")
    figure.suptitle(f"twenty sums of 25 products, together {parts.sum():+.2f}", fontsize=11)
    return figure


def learned_kernel(true: Tensor, steps: dict[str, Tensor]) -> Figure:
    """A kernel `[k, k]` and what gradient descent made of random numbers, after some steps."""
    figure, places = plt.subplots(1, 1 + len(steps), figsize=(WIDTH, 1.9))
    limit = true.abs().max()
    for axes, (name, kernel) in zip(places, {"true kernel": true, **steps}.items(), strict=True):
        axes.imshow(kernel, cmap=SIGNED, vmin=-limit, vmax=limit)
        axes.set_title(name, fontsize=11)
        axes.axis("off")
    return figure


def learned_maps(net: nn.Module, image: Tensor) -> Figure:
    """The kernels of `net.conv1` and the maps that they make of a digit `[28, 28]`: blue +, red -.

    The strongest kernel first, its map below it. All kernels share one scale of colours, each map,
    with its bias, has its own. Works for any number of kernels that ten columns divide.
    """
    kernels = net.conv1.weight.detach()[:, 0]
    maps = net.conv1(image[None, None]).detach()[0]
    order = kernels.flatten(1).norm(dim=1).argsort(descending=True)
    rows = 2 * len(order) // 10
    figure, grid = plt.subplots(rows, 10, figsize=(WIDTH, 0.78 * rows))
    for place, number in enumerate(order):
        row, column = divmod(place, 10)
        for below, (values, limit) in enumerate(
            ((kernels[number], kernels.abs().max()), (maps[number], maps[number].abs().max()))
        ):
            axes = grid[2 * row + below, column]
            axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
            axes.axis("off")
    return figure

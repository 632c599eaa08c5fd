"""Drawings of the networks: what each layer makes of its input, and how many weights it takes."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from mnistconv.figures.style import BLUE, GREEN, INK, ORANGE, PAPER, SOFT_INK, WIDTH

SHEETS = 5  # feature maps drawn of a stack, however many there are
UNIT = 0.036  # width of a pixel in the drawing


@dataclass
class Stage:
    """One column of the drawing: what was done, what came out, and how many parameters it took."""

    made_by: str
    shape: tuple[int, ...]
    parameters: int = 0


def stages(net: nn.Module) -> list[Stage]:
    """The stages of one of the book's networks, from the input `[1, 28, 28]` to the 10 logits."""
    found = [Stage("input", (1, 28, 28))]
    side = 28
    for name, layer in net.named_children():
        count = sum(p.numel() for p in layer.parameters())
        if isinstance(layer, nn.Conv2d):
            side = side - layer.kernel_size[0] + 1
            found.append(Stage("conv 5×5", (layer.out_channels, side, side), count))
            side //= 2
            found.append(Stage("pool 2×2", (layer.out_channels, side, side)))
        elif isinstance(layer, nn.Linear):
            found.append(Stage(name, (layer.out_features,), count))
    return found


def network_diagram(net: nn.Module) -> Figure:
    """The network from left to right: feature maps as stacks, dense layers as bars.

    `net` is one of the five networks of `mnistconv.networks`. Shapes stand above, operations below,
    with the number of parameters of each.
    """
    columns = stages(net)
    figure, axes = plt.subplots(figsize=(WIDTH, 2.7))
    left = 0.0
    for number, stage in enumerate(columns):
        width = (
            _draw_stack(axes, stage, left)
            if len(stage.shape) == 3
            else _draw_bar(axes, stage, left)
        )
        middle = left + width / 2
        axes.text(
            middle, 0.86, "×".join(map(str, stage.shape)), ha="center", fontsize=10, color=INK
        )
        axes.text(middle, -0.80, stage.made_by, ha="center", fontsize=10, color=INK)
        if stage.parameters:
            text = f"{stage.parameters:,}"
            axes.text(middle, -0.99, text, ha="center", fontsize=9.5, color=ORANGE)
        left += width
        if number < len(columns) - 1:
            arrow = {"arrowstyle": "->", "color": SOFT_INK, "linewidth": 1.2}
            axes.annotate("", (left + 0.40, 0), (left + 0.10, 0), arrowprops=arrow)
            left += 0.5
    axes.text(-0.02, -0.99, "parameters:", ha="left", fontsize=9.5, color=ORANGE)
    axes.set(xlim=(-0.1, max(left, 5.2) + 0.15), ylim=(-1.05, 1.0))
    axes.axis("off")
    return figure


def _draw_stack(axes: Axes, stage: Stage, left: float) -> float:
    """Feature maps as overlapping squares; returns the width drawn."""
    channels, side, _ = stage.shape
    sheets, size, step = min(channels, SHEETS), side * UNIT, 0.05
    colour = GREEN if stage.made_by.startswith("pool") else BLUE
    bottom = -(size + (sheets - 1) * step) / 2
    for sheet in range(sheets):
        place = (left + sheet * step, bottom + (sheets - 1 - sheet) * step)
        square = Rectangle(place, size, size, facecolor=PAPER, edgecolor=colour, linewidth=1.3)
        axes.add_patch(square)
        axes.add_patch(Rectangle(place, size, size, facecolor=colour, alpha=0.18, linewidth=0))
    return max(size + (sheets - 1) * step, 0.5)


def _draw_bar(axes: Axes, stage: Stage, left: float) -> float:
    """A dense layer as an upright bar, longer for more units; returns the width drawn."""
    height = {10: 0.35, 100: 0.8, 1000: 1.25}[stage.shape[0]]
    place = (left + 0.19, -height / 2)
    axes.add_patch(Rectangle(place, 0.12, height, facecolor=BLUE, edgecolor=BLUE, alpha=0.75))
    return 0.5

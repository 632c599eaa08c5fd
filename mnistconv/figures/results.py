"""Recorded runs: accuracy by epoch at full length, and when each arm of the plateau ends."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistconv.experiments import Experiment, get_experiment, on_board
from mnistconv.figures.style import BLUE, CLOSE, ORANGE, PAPER, PURPLE, SOFT_INK, WIDTH
from mnistconv.records import load_records
from mnistconv.records.record import Record


def record_curves(*names: str, same_scale: bool = False) -> Figure:
    """The recorded full-length runs of each name: thin lines for seeds, a bold mean, levels.

    The first epochs are cut off where they would squeeze the rest; seeds that learned nothing are
    left out of the mean and named in the title and below the others. A run without a record says
    so. `same_scale` gives all panels the same axis, to compare how far their curves jump.
    """
    height = 3.4 if len(names) == 1 else 3.1
    figure, places = plt.subplots(1, len(names), figsize=(WIDTH, height), squeeze=False)
    for axes, name in zip(places.flat, names, strict=True):
        _recorded(axes, get_experiment(name), load_records(name))
    if same_scale:
        ends = [end for axes in places.flat for end in axes.get_ylim()]
        for axes in places.flat:
            axes.set_ylim(min(ends), max(ends))
    places[0, 0].set_ylabel("test accuracy (%)")
    return figure


def _recorded(axes: Axes, experiment: Experiment, records: list[Record]) -> None:
    stuck = [record for record in records if record.learned_nothing]
    shown = [record for record in records if not record.learned_nothing] or stuck
    curves = [100 * np.array(record.test_accuracy) for record in shown]
    title = f"{experiment.name}: {_how_many(len(records))}"
    if stuck and shown is not stuck:
        bold = "; bold: mean of the others" if len(shown) > 1 else ""
        title += f", {len(stuck)} learned nothing{bold}"
    axes.set_title(title)
    epochs = np.arange(1, experiment.recipe.epochs + 1)
    axes.set(xlabel="epoch", xlim=(0, len(epochs) * 1.02))
    for curve in curves:
        axes.plot(epochs, curve, color=BLUE, linewidth=1, alpha=0.7 if len(curves) > 1 else 1)
    if len(curves) > 1:
        axes.plot(epochs, np.mean(curves, axis=0), color=BLUE, linewidth=2.5)
    levels = {"article": experiment.article, "Nielsen": experiment.nielsen}
    known = {label: value for label, value in levels.items() if value is not None}
    _levels(axes, known)
    late = [curve[len(curve) // 6 :] for curve in curves]
    values = np.concatenate([*late, list(known.values())])
    margin = max(0.15 * np.ptp(values), 0.05)
    axes.set_ylim(values.min() - margin, min(values.max() + margin, 100))
    if stuck and shown is not stuck:
        ends = ", ".join(f"{100 * record.final_accuracy:.2f} %" for record in stuck)
        axes.annotate(
            f"↓ far below: {_how_many(len(stuck))} at {ends}, one digit for every image",
            (0.02, 0.03), xycoords="axes fraction", color=BLUE, fontsize=9,
        )  # fmt: skip


def plateau_ends(below: float = 2.0) -> Figure:
    """When the loss of each recorded run of the board `plateau` first lay below `below`.

    A row an arm, a dot a seed; hollow at the right edge: not within the recorded steps.
    """
    rows = on_board("plateau")
    longest = max(row.recipe.steps for row in rows.values()) / 1000
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for place, name in enumerate(rows):
        found = [record.steps_until(below) for record in load_records(name)]
        ended = [steps / 1000 for steps in found if steps is not None]
        colour = ORANGE if place == 0 else BLUE
        axes.scatter(ended, [place] * len(ended), color=colour, s=30, zorder=3)
        never = len(found) - len(ended)
        if never:
            axes.scatter(longest, place, s=34, facecolor=PAPER, edgecolor=colour, zorder=3)
            note = f"not within {longest:.0f}: {_how_many(never)}"
            axes.annotate(note, (longest, place), (-8, 0), textcoords="offset points",
                          color=colour, fontsize=9.5, ha="right", va="center")  # fmt: skip
        if not found:
            axes.text(longest / 2, place, "not yet run", color=SOFT_INK, ha="center", va="center")
    axes.set_yticks(range(len(rows)), [row.title for row in rows.values()])
    axes.set(xlim=(0, 1.03 * longest), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xlabel(f"thousand steps until the loss is below {below}")
    axes.grid(axis="x", linewidth=0.6)
    return figure


def waits(waited: dict[str, int | None], limit: int) -> Figure:
    """How many steps each arm waited, a row a dot, in the order of `waited`.

    None: not within `limit` steps, a hollow dot there that says so.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.28 * len(waited)))
    for row, steps in enumerate(waited.values()):
        if steps is None:
            axes.scatter(limit, row, s=34, facecolor=PAPER, edgecolor=ORANGE, zorder=3)
            axes.annotate(f"not within {limit:,}", (limit, row), (-8, 0), color=ORANGE, ha="right",
                          va="center", fontsize=8.5, textcoords="offset points")  # fmt: skip
        else:
            axes.plot([0, steps], [row, row], color=BLUE, linewidth=1.2)
            axes.scatter(steps, row, color=BLUE, s=34, zorder=3)
    axes.set_yticks(range(len(waited)), list(waited))
    axes.set(xlim=(0, 1.03 * limit), ylim=(len(waited) - 0.5, -0.5))
    axes.set_xlabel("steps until the loss is below 2.0")
    axes.grid(axis="x", linewidth=0.6)
    return figure


def _how_many(seeds: int) -> str:
    return {0: "not yet run", 1: "1 seed"}.get(seeds, f"{seeds} seeds")


def _levels(axes: Axes, levels: dict[str, float]) -> None:
    """Level lines for published accuracies in percent, named beside the right end."""
    for label, value in levels.items():
        colour, line = (PURPLE, ":") if label == "Nielsen" else (ORANGE, "--")
        axes.axhline(value, color=colour, linestyle=line, linewidth=1.5)
        axes.annotate(
            f"{label}\n{value:.2f}",
            (1.01, value),
            xycoords=("axes fraction", "data"),
            va="bottom" if value == max(levels.values()) else "top",
            fontsize=10,
            linespacing=CLOSE,
            color=colour,
        )

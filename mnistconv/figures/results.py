"""Accuracy by epoch, of the runs in front of the reader and of the recorded ones."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistconv.experiments import Experiment, get_experiment
from mnistconv.figures.style import BLUE, COLOURS, MARKERS, ORANGE, PURPLE, WIDTH
from mnistconv.reproduce import load_records
from mnistconv.training import History

LINES = ("-", "--", "-.", ":", (0, (5, 1)))


def percents(run: History | dict) -> np.ndarray:
    """Test accuracy in percent after each epoch, of a `History` or of a record."""
    accuracy = run["test_accuracy"] if isinstance(run, dict) else run.test_accuracy
    return 100 * np.array(accuracy)


def accuracy_curves(
    runs: dict[str, History | dict], references: dict[str, float] | None = None
) -> Figure:
    """Test accuracy by epoch, one curve for each `label: history or record`.

    `references` draws level lines: label -> percent.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    for number, (label, run) in enumerate(runs.items()):
        curve = percents(run)
        style = {"color": COLOURS[number % 5], "linestyle": LINES[number % 5]}
        marker = MARKERS[number % 5] if len(curve) < 10 else None
        axes.plot(np.arange(1, len(curve) + 1), curve, marker=marker, label=label, **style)
    _levels(axes, references or {})
    axes.set(xlabel="epoch", ylabel="test accuracy (%)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def record_curves(*names: str) -> Figure:
    """The recorded full-length runs of each name: thin lines for seeds, a bold median, levels.

    The first epochs are cut off where they would squeeze the rest. A run without a record says so.
    """
    height = 3.4 if len(names) == 1 else 3.1
    figure, places = plt.subplots(1, len(names), figsize=(WIDTH, height), squeeze=False)
    for axes, name in zip(places.flat, names, strict=True):
        _recorded(axes, get_experiment(name), [percents(record) for record in load_records(name)])
    places[0, 0].set_ylabel("test accuracy (%)")
    return figure


def _recorded(axes: Axes, experiment: Experiment, curves: list[np.ndarray]) -> None:
    title = experiment.name if curves else f"{experiment.name}: not yet run"
    axes.set_title(title, loc="left", pad=24)
    axes.set(xlabel="epoch", xlim=(0, experiment.epochs * 1.02))
    epochs = np.arange(1, experiment.epochs + 1)
    for curve in curves:
        axes.plot(epochs, curve, color=BLUE, linewidth=1, alpha=0.7 if len(curves) > 1 else 1)
    if len(curves) == 1:
        axes.lines[0].set_label("one seed")
    if len(curves) > 1:
        middle = np.median(curves, axis=0)
        axes.plot(epochs, middle, color=BLUE, linewidth=2.5, label=f"median of {len(curves)}")
    levels = {"article": experiment.article, "Nielsen": experiment.nielsen}
    known = {label: value for label, value in levels.items() if value is not None}
    _levels(axes, known)
    late = [curve[len(curve) // 6 :] for curve in curves]
    values = np.concatenate([*late, list(known.values())])
    margin = max(0.15 * np.ptp(values), 0.05)
    axes.set_ylim(values.min() - margin, min(values.max() + margin, 100))


def _levels(axes: Axes, levels: dict[str, float]) -> None:
    """Level lines for published accuracies in percent; their legend stands above the axes."""
    for label, value in levels.items():
        colour, line = (PURPLE, ":") if label.startswith("Nielsen") else (ORANGE, "--")
        named = f"{label} {value:.2f}"
        axes.axhline(value, color=colour, linestyle=line, linewidth=1.5, label=named)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8.5, borderaxespad=0.2,
                handlelength=1.2, handletextpad=0.4, columnspacing=0.9, borderpad=0,
                labelcolor="linecolor")  # fmt: skip

"""The look that all figures share: paper-coloured, vector, safe for colour-blind readers."""

import matplotlib as mpl
from matplotlib_inline.backend_inline import set_matplotlib_formats

# Okabe and Ito's palette (2008), darkened where it would be too faint on paper.
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#D55E00", "#007D5B", "#B8305E", "#6B4C9A"
INK, SOFT_INK, FAINT, PAPER = "#22303C", "#5B6873", "#D5DBE0", "#FCFBF8"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE)
MARKERS = ("o", "s", "^", "D", "v")
WIDTH = 7.2  # inches: the width of a full figure


def use_style() -> None:
    """Set matplotlib's defaults for the book, and vector output in notebooks."""
    set_matplotlib_formats("svg")
    mpl.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.4),
            "figure.facecolor": PAPER,
            "savefig.facecolor": PAPER,
            "savefig.bbox": "tight",
            "figure.constrained_layout.use": True,
            "svg.hashsalt": "mnistconv",
            "axes.facecolor": PAPER,
            "axes.edgecolor": SOFT_INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.labelsize": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.grid": False,
            "grid.color": FAINT,
            "text.color": INK,
            "xtick.color": SOFT_INK,
            "ytick.color": SOFT_INK,
            "legend.frameon": False,
            "font.size": 10,
            "image.cmap": "gray_r",
            "image.interpolation": "none",  # pixels stay squares, at any size
            "lines.linewidth": 2,
        }
    )

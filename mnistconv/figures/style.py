"""The look that all figures share: paper-coloured, vector, safe for colour-blind readers.

The site gives the named colours other values in the dark (site/drawings.py): use no others.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.font_manager import fontManager
from matplotlib_inline.backend_inline import set_matplotlib_formats

# Okabe and Ito's palette (2008), darkened where it would be too faint on paper.
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#BF5100", "#007D5B", "#B8305E", "#6B4C9A"
INK, SOFT_INK, FAINT, PAPER = "#22303C", "#5B6873", "#D5DBE0", "#FCFBF8"
# Weights, maps and changes: red below zero, paper at zero, blue above, as on the whole site.
SIGNED = LinearSegmentedColormap.from_list("signed", [RED, "#FFFFFF", BLUE])
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE)
MARKERS = ("o", "s", "^", "D", "v")
WIDTH = 7.2  # inches: the width of a full figure
CLOSE = 0.9  # linespacing: the font asks for lines that stand far apart
FONTS = sorted(
    (Path(__file__).parent / "fonts").glob("*.ttf")
)  # the site's, as matplotlib reads it


def use_style() -> None:
    """Set matplotlib's defaults for the book, and vector output in notebooks."""
    set_matplotlib_formats("svg")
    for path in FONTS:
        fontManager.addfont(path)
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
            "axes.labelpad": 2.5,
            "axes.titlecolor": INK,
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "axes.titlepad": 4,
            "axes.labelsize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.grid": False,
            "grid.color": FAINT,
            "text.color": INK,
            "xtick.color": SOFT_INK,
            "xtick.major.pad": 1.5,
            "ytick.color": SOFT_INK,
            "legend.frameon": False,
            "font.family": ["Source Sans 3", "DejaVu Sans"],  # the second for arrows and Greek
            "font.size": 11,
            "image.cmap": "gray_r",
            "image.interpolation": "none",  # pixels stay squares, at any size
            "lines.linewidth": 2,
        }
    )

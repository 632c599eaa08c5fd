"""The one table of runs: what is trained, how, and what was published.

Sources of the published figures: the article "PyTorch Image Recognition with Convolutional
Networks" (nestedsoftware, 2019); two later sets in the README of its author's programs, at commit
f4ef433 with the article's recipe, from commit 0318ee2 on with normalised pixels, which is another
recipe; Nielsen, *Neural Networks and Deep Learning*, chapter 6 (50,000 training images; the test
accuracy at the epoch of the best validation accuracy, of the best of three runs by validation, of
five with dropout).
"""

import difflib
from dataclasses import dataclass
from functools import partial

from mnistconv import networks, variants
from mnistconv.recipes import Recipe


@dataclass(frozen=True)
class Published:
    """An accuracy that somebody published, in percent; None where the source gives but words."""

    source: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """One row of the scoreboard. `seeds` are the planned ones; `boards` show the row."""

    name: str
    title: str
    recipe: Recipe
    published: tuple[Published, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    boards: tuple[str, ...] = ("article",)

    def figures(self, source: str) -> list[Published]:
        """What was published by the sources whose names begin with `source`."""
        return [figure for figure in self.published if figure.source.startswith(source)]

    @property
    def article(self) -> float | None:
        return next((figure.value for figure in self.figures("article")), None)

    @property
    def rerun(self) -> float | None:
        """What the article's author got later by the article's recipe."""
        return next((figure.value for figure in self.figures("rerun")), None)

    @property
    def normalised(self) -> float | None:
        """What he got with normalised pixels: another recipe, so no second draw of the first."""
        return next((figure.value for figure in self.figures("normalised")), None)

    @property
    def nielsen(self) -> float | None:
        return next((figure.value for figure in self.figures("Nielsen")), None)


_article, _nielsen = partial(Published, "article"), partial(Published, "Nielsen")
_rerun = partial(Published, "rerun f4ef433")
_normalised = partial(Published, "normalised 0318ee2", note="pixels minus 0.1305, by 0.3081")

_TEN, _FIVE = tuple(range(10)), tuple(range(5))

_DROPOUT = networks.ConvNetTwoConvTwoDenseLayersWithDropout
_RELU = networks.ConvNetTwoConvLayersReLU
_DEEP = variants.ConvNetTwoConvTwoDenseLayers

_ARTICLE = (
    Experiment(
        "dense", "one dense layer", Recipe(networks.DenseNet, 60, 0.1),
        (_article(None, "close to 98"), _nielsen(97.80)), seeds=_TEN,
    ),
    Experiment(
        "simple", "one convolution", Recipe(networks.ConvNetSimple, 60, 0.1),
        (_article(98.97), _rerun(98.94), _normalised(98.91), _nielsen(98.78)), seeds=_TEN,
    ),
    Experiment(
        "two-conv", "two convolutions", Recipe(networks.ConvNetTwoConvLayers, 60, 0.1),
        (_article(99.05), _rerun(99.15), _normalised(99.13), _nielsen(99.06)), seeds=_TEN,
    ),
    Experiment(
        "relu-wd0.1", "ReLU, weight decay 0.1", Recipe(_RELU, 60, 0.03, weight_decay=0.1),
        (_article(85.31),), seeds=_TEN,
    ),
    Experiment(
        "relu", "ReLU, weight decay 0.00005", Recipe(_RELU, 60, 0.03, weight_decay=5e-5),
        (_article(99.43), _rerun(99.26), _normalised(99.30), _nielsen(99.23)),
        seeds=_TEN, boards=("article", "ablation"),
    ),
    Experiment(
        "expanded", "ReLU, expanded data",
        Recipe(_RELU, 60, 0.03, weight_decay=5e-5, expanded=True),
        (_article(99.51), _rerun(99.42), _normalised(99.43), _nielsen(99.37)),
    ),
    Experiment(
        "dropout-lr0.03", "dropout, lr 0.03", Recipe(_DROPOUT, 40, 0.03, expanded=True),
        (_article(99.64, "best; mostly about 99.5"), _nielsen(99.60)),
    ),
    Experiment(
        "dropout-lr0.005", "dropout, lr 0.005", Recipe(_DROPOUT, 40, 0.005, expanded=True),
        (_article(99.63), _rerun(99.59), _normalised(99.64)),
    ),
    Experiment(
        "dropout-nielsen-step", "dropout, Nielsen's step",
        Recipe(_DROPOUT, 40, 0.03, expanded=True, dense_weight_lr=0.0075),
        (_nielsen(99.60),),
    ),
)  # fmt: skip

_ARM = {"seeds": _FIVE, "boards": ("ablation",)}

# What earned the gain: the 360,000 steps of `relu`, from row to row one thing changed.
_ABLATION = (
    Experiment("relu-wd0", "ReLU, no weight decay", Recipe(_RELU, 60, 0.03), **_ARM),
    Experiment(
        "steps-expanded", "expanded data, as many steps",
        Recipe(_RELU, 12, 0.03, weight_decay=5e-5, expanded=True), **_ARM,
    ),
    Experiment(
        "steps-wide", "and 1,000 units in the dense layer",
        Recipe(variants.ConvNetTwoConvWideDenseLayer, 12, 0.03, weight_decay=5e-5, expanded=True),
        **_ARM,
    ),
    Experiment(
        "steps-deep", "and a second dense layer",
        Recipe(_DEEP, 12, 0.03, weight_decay=5e-5, expanded=True), **_ARM,
    ),
    Experiment(
        "steps-deep-wd0", "without weight decay", Recipe(_DEEP, 12, 0.03, expanded=True), **_ARM,
    ),
    Experiment(
        "steps-dropout", "dropout, Nielsen's step",
        Recipe(_DROPOUT, 12, 0.03, expanded=True, dense_weight_lr=0.0075), **_ARM,
    ),
)  # fmt: skip

_LONG = partial(Recipe, epochs=3, lr=0.1, loss_every=200)  # three epochs: plateaus end, or do not
_SUSPECT = {"boards": ("plateau",)}

# Why the sigmoid network waits at ln 10: `plateau`, and from row to row one thing changed.
_PLATEAU = (
    Experiment(
        "plateau", "sigmoids, as they are", _LONG(networks.ConvNetTwoConvLayers), **_SUSPECT
    ),
    Experiment(
        "plateau-steep", "slopes up to 1", _LONG(variants.ConvNetTwoConvLayersSteep), **_SUSPECT
    ),
    Experiment(
        "plateau-centred", "one half subtracted", _LONG(variants.ConvNetTwoConvLayersCentred),
        **_SUSPECT,
    ),
    Experiment(
        "plateau-steep-centred", "slopes up to 1, centred",
        _LONG(variants.ConvNetTwoConvLayersSteepCentred), **_SUSPECT,
    ),
    Experiment(
        "plateau-as-if-centred", "starts as the centred one",
        _LONG(networks.ConvNetTwoConvLayers, initialisation="as if centred"), **_SUSPECT,
    ),
    Experiment(
        "plateau-nielsen", "Nielsen's first weights",
        _LONG(networks.ConvNetTwoConvLayers, initialisation="nielsen"), **_SUSPECT,
    ),
    Experiment(
        "plateau-frozen-first", "conv1 never learns",
        _LONG(variants.ConvNetTwoConvLayersFrozenFirst), **_SUSPECT,
    ),
    Experiment(
        "plateau-frozen-both", "no convolution learns",
        _LONG(variants.ConvNetTwoConvLayersFrozenBoth), **_SUSPECT,
    ),
)  # fmt: skip

EXPERIMENTS = {experiment.name: experiment for experiment in _ARTICLE + _ABLATION + _PLATEAU}


def get_experiment(name: str) -> Experiment:
    """The experiment called `name`, on whatever board. Raises ValueError, naming the known ones."""
    if name not in EXPERIMENTS:
        meant = difflib.get_close_matches(str(name), EXPERIMENTS, n=1)
        hint = f"did you mean {meant[0]}? T" if meant else "t"
        known = ", ".join(EXPERIMENTS)
        raise ValueError(f"unknown experiment {name!r}: {hint}he table holds {known}.")
    return EXPERIMENTS[name]


def boards() -> list[str]:
    """The boards that have a row."""
    return list(dict.fromkeys(board for row in EXPERIMENTS.values() for board in row.boards))


def on_board(board: str) -> dict[str, Experiment]:
    """The rows of a board, name -> experiment. Raises ValueError, naming the known boards."""
    if board not in boards():
        raise ValueError(f"unknown board {board!r}: the boards are {', '.join(boards())}.")
    return {name: row for name, row in EXPERIMENTS.items() if board in row.boards}

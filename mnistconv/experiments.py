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

from mnistconv import networks, nielsen, variants
from mnistconv.recipes import Recipe


@dataclass(frozen=True)
class Published:
    """An accuracy that somebody published, in percent; None where the source gives but words."""

    source: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class Experiment:
    """One row of the scoreboard. `seeds` are the planned ones; `boards` show the row.

    Runs of a higher `rank` are made after all others.
    """

    name: str
    title: str
    recipe: Recipe
    published: tuple[Published, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    boards: tuple[str, ...] = ("article",)
    rank: int = 0

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
        (_article(None, "close to 98"), _nielsen(97.80)),
        seeds=_TEN, boards=("article", "swap"),
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
        seeds=_TEN, boards=("article", "ablation", "swap"),
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

# Chapter 6 as it was done: Nielsen's fifteen rows, the last of them a vote; see `VOTES`.
_his = partial(
    Recipe, epochs=60, held_out=10_000, decayed="weights", initialisation="nielsen",
    kept_epoch="best validation", order="fixed",
)  # fmt: skip
_his_expanded = partial(_his, lr=0.03, expanded=True)
_SMALL, _LARGE = 2e-5, 4e-6  # his lambda .1, for 50,000 images and for 250,000
_ROW = {"boards": ("nielsen",)}
_LONG_ROW = _ROW | {"seeds": (0,)}
_LAST_ROW = _LONG_ROW | {"rank": 1}

_NIELSEN = (
    Experiment(
        "nielsen-shallow", "one dense layer", _his(nielsen.NielsenShallow, lr=0.1),
        (_nielsen(97.80),), boards=("nielsen", "swap"),
    ),
    Experiment(
        "nielsen-basic", "one convolution", _his(nielsen.NielsenBasic, lr=0.1),
        (_nielsen(98.78),), **_ROW,
    ),
    Experiment(
        "nielsen-no-fc", "without the dense layer", _his(nielsen.NielsenNoDense, lr=0.1),
        (_nielsen(None, "not given: an exercise"),), **_ROW,
    ),
    Experiment(
        "nielsen-two-conv", "two convolutions", _his(nielsen.NielsenTwoConv, lr=0.1),
        (_nielsen(99.06),), **_ROW,
    ),
    Experiment(
        "nielsen-tanh", "tanh", _his(nielsen.NielsenTwoConvTanh, lr=0.1),
        (_nielsen(None, "similar"),), **_ROW,
    ),
    Experiment(
        "nielsen-sigmoid-l2", "two convolutions, lambda 0.1",
        _his(nielsen.NielsenTwoConv, lr=0.1, weight_decay=_SMALL),
        (_nielsen(None, "did not help much"),), **_ROW,
    ),
    Experiment(
        "nielsen-relu", "ReLU, lambda 0.1",
        _his(nielsen.NielsenTwoConvReLU, lr=0.03, weight_decay=_SMALL),
        (_nielsen(99.23),), boards=("nielsen", "swap"),
    ),
    Experiment(
        "nielsen-expanded-100", "expanded data, 100 units",
        _his_expanded(nielsen.NielsenTwoConvReLU, weight_decay=_LARGE),
        (_nielsen(99.37),), **_LONG_ROW,
    ),
    Experiment(
        "nielsen-expanded-300", "300 units",
        _his_expanded(nielsen.NielsenTwoConvReLU300, weight_decay=_LARGE),
        (_nielsen(99.46),), **_LAST_ROW,
    ),
    Experiment(
        "nielsen-expanded-1000", "1,000 units",
        _his_expanded(nielsen.NielsenTwoConvReLU1000, weight_decay=_LARGE),
        (_nielsen(99.43),), **_LAST_ROW,
    ),
    Experiment(
        "nielsen-double-100", "two dense layers of 100 units",
        _his_expanded(nielsen.NielsenDouble, weight_decay=_LARGE),
        (_nielsen(99.43),), **_LONG_ROW,
    ),
    Experiment(
        "nielsen-double-300", "of 300 units",
        _his_expanded(nielsen.NielsenDouble300, weight_decay=_LARGE),
        (_nielsen(99.48),), **_LAST_ROW,
    ),
    Experiment(
        "nielsen-double-1000", "of 1,000 units",
        _his_expanded(nielsen.NielsenDouble1000, weight_decay=_LARGE),
        (_nielsen(99.47),), **_LAST_ROW,
    ),
    Experiment(
        "nielsen-dropout", "and dropout, no weight decay",
        _his_expanded(nielsen.NielsenDropout, epochs=40),
        (_nielsen(99.60),), seeds=_FIVE, **_ROW,
    ),
)  # fmt: skip

_swapped = partial(Recipe, epochs=60, lr=0.03)
_SWAPPED = {"boards": ("swap",)}

# The article's `relu`, one item of it swapped for Nielsen's; `nielsen-relu` has all five of them,
# and the epoch of the best validation.
_SWAP = (
    Experiment(
        "swap-order", "the same order in every epoch",
        _swapped(_RELU, weight_decay=5e-5, order="fixed"), **_SWAPPED,
    ),
    Experiment(
        "swap-first-weights", "Nielsen's first weights",
        _swapped(_RELU, weight_decay=5e-5, initialisation="nielsen"), **_SWAPPED,
    ),
    Experiment(
        "swap-50000", "the first 50,000 images",
        _swapped(_RELU, weight_decay=5e-5, held_out=10_000), **_SWAPPED,
    ),
    Experiment(
        "swap-decay", "weight decay 0.00002, of weights alone",
        _swapped(_RELU, weight_decay=_SMALL, decayed="weights"), **_SWAPPED,
    ),
    Experiment(
        "swap-pixels", "pixels x/256",
        _swapped(nielsen.NielsenTwoConvReLU, weight_decay=5e-5), **_SWAPPED,
    ),
)  # fmt: skip

_dense = partial(Recipe, networks.DenseNet, 60, 0.1)
_DENSE_SWAPPED = _SWAPPED | {"seeds": _TEN}

# The same for `dense`, which takes a minute a run; `nielsen-shallow` has all four of the items.
_DENSE_SWAP = (
    Experiment(
        "swap-dense-order", "dense: the same order in every epoch",
        _dense(order="fixed"), **_DENSE_SWAPPED,
    ),
    Experiment(
        "swap-dense-first-weights", "dense: Nielsen's first weights",
        _dense(initialisation="nielsen"), **_DENSE_SWAPPED,
    ),
    Experiment(
        "swap-dense-50000", "dense: the first 50,000 images",
        _dense(held_out=10_000), **_DENSE_SWAPPED,
    ),
    Experiment(
        "swap-dense-50000-steps", "dense: the first 50,000 images, as many steps",
        Recipe(networks.DenseNet, 72, 0.1, held_out=10_000), **_DENSE_SWAPPED,
    ),
    Experiment(
        "swap-dense-pixels", "dense: pixels x/256",
        Recipe(nielsen.NielsenShallow, 60, 0.1), **_DENSE_SWAPPED,
    ),
)  # fmt: skip

# The last of `mnistconv.fast.WAYS`, on all 60,000 digits.
_FAST = (
    Experiment(
        "fast", "one pass in seconds",
        Recipe(
            networks.FastNet, 1, 0.4, batch_size=64, schedule="one-cycle", momentum=0.9,
            weight_decay=5e-5, label_smoothing=0.1,
        ),
        seeds=tuple(range(20)), boards=("fast",),
    ),
)  # fmt: skip

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in _ARTICLE + _ABLATION + _PLATEAU + _NIELSEN + _SWAP + _DENSE_SWAP + _FAST
}


@dataclass(frozen=True)
class Vote:
    """A row of a board that is not trained but voted: the first `networks` seeds of the run `of`.

    They vote as their last epoch left them.
    """

    name: str
    title: str
    of: str
    networks: int
    published: Published
    board: str


VOTES = (Vote("nielsen-vote", "a vote of five", "nielsen-dropout", 5, _nielsen(99.67), "nielsen"),)


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


def votes_on(board: str) -> list[Vote]:
    """The votes that a board shows below its runs."""
    return [vote for vote in VOTES if vote.board == board]


def on_board(board: str) -> dict[str, Experiment]:
    """The rows of a board, name -> experiment. Raises ValueError, naming the known boards."""
    if board not in boards():
        raise ValueError(f"unknown board {board!r}: the boards are {', '.join(boards())}.")
    return {name: row for name, row in EXPERIMENTS.items() if board in row.boards}

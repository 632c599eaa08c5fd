"""The one table of runs: what is trained, how, and what was published.

Sources of the published figures: the article "PyTorch Image Recognition with Convolutional
Networks" (nestedsoftware, 2019) and its author's later reruns; Nielsen, *Neural Networks and Deep
Learning*, chapter 6 (50,000 training images, best of three runs, chosen by a validation set).
"""

from dataclasses import dataclass

from torch import nn

from mnistconv import networks


@dataclass(frozen=True)
class Experiment:
    """One row of the scoreboard: batches of 10, plain SGD, constant learning rate.

    `article`, `reruns` and `nielsen` are published test accuracies in percent; `nielsen` is None
    where his chapter gives no figure. `dense_weight_lr` replaces `lr` for the weights (not the
    biases) of fc1, fc2 and out. `seeds` are the planned ones on a CPU.
    """

    name: str
    title: str
    network: type[nn.Module]
    epochs: int
    lr: float
    weight_decay: float = 0.0
    expanded: bool = False
    dense_weight_lr: float | None = None
    article: float | None = None
    article_note: str = ""
    reruns: tuple[float, ...] = ()
    nielsen: float | None = None
    seeds: tuple[int, ...] = (0, 1, 2)

    @property
    def training_images(self) -> int:
        return 300_000 if self.expanded else 60_000

    @property
    def hyper_parameters(self) -> dict:
        """What a record of this run must agree with, as JSON holds it."""
        return {
            "network": self.network.__name__,
            "training_images": self.training_images,
            "epochs": self.epochs,
            "batch_size": 10,
            "lr": self.lr,
            "dense_weight_lr": self.dense_weight_lr,
            "weight_decay": self.weight_decay,
        }

    def parameter_groups(self, net: nn.Module) -> list[dict]:
        """The parameters of `net` as `torch.optim.SGD` and `fit(params=...)` take them."""
        if self.dense_weight_lr is None:
            return [{"params": list(net.parameters())}]
        dense = [net.fc1.weight, net.fc2.weight, net.out.weight]
        others = [p for p in net.parameters() if all(p is not weight for weight in dense)]
        return [{"params": others}, {"params": dense, "lr": self.dense_weight_lr}]


_DROPOUT = networks.ConvNetTwoConvTwoDenseLayersWithDropout
_RELU = networks.ConvNetTwoConvLayersReLU

_TABLE = (
    Experiment(
        "dense", "one dense layer", networks.DenseNet, 60, 0.1,
        article_note="close to 98", nielsen=97.80,
    ),
    Experiment(
        "simple", "one convolution", networks.ConvNetSimple, 60, 0.1,
        article=98.97, reruns=(98.94, 98.91), nielsen=98.78,
    ),
    Experiment(
        "two-conv", "two convolutions", networks.ConvNetTwoConvLayers, 60, 0.1,
        article=99.05, reruns=(99.15, 99.13), nielsen=99.06,
    ),
    Experiment(
        "relu-wd0.1", "ReLU, weight decay 0.1", _RELU, 60, 0.03, weight_decay=0.1, article=85.31,
    ),
    Experiment(
        "relu", "ReLU, weight decay 0.00005", _RELU, 60, 0.03, weight_decay=5e-5,
        article=99.43, reruns=(99.26, 99.30), nielsen=99.23,
    ),
    Experiment(
        "expanded", "ReLU, expanded data", _RELU, 60, 0.03, weight_decay=5e-5, expanded=True,
        article=99.51, reruns=(99.42, 99.43), nielsen=99.37, seeds=(0,),
    ),
    Experiment(
        "dropout-lr0.03", "dropout, lr 0.03", _DROPOUT, 40, 0.03, expanded=True,
        article=99.64, article_note="best; mostly about 99.5", nielsen=99.60, seeds=(0,),
    ),
    Experiment(
        "dropout-lr0.005", "dropout, lr 0.005", _DROPOUT, 40, 0.005, expanded=True,
        article=99.63, reruns=(99.59, 99.64), seeds=(0,),
    ),
    Experiment(
        "dropout-nielsen-step", "dropout, Nielsen's step", _DROPOUT, 40, 0.03, expanded=True,
        dense_weight_lr=0.0075, nielsen=99.60, seeds=(0,),
    ),
)  # fmt: skip

EXPERIMENTS = {experiment.name: experiment for experiment in _TABLE}


def get_experiment(name: str) -> Experiment:
    """The experiment called `name`. Raises ValueError, naming the known ones."""
    if name not in EXPERIMENTS:
        raise ValueError(f"unknown experiment {name!r}: the table holds {', '.join(EXPERIMENTS)}.")
    return EXPERIMENTS[name]

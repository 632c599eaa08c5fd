"""How a network is trained at full length, said once and whole: the recipe.

What a recipe leaves at its default is the article's way. A record writes only what differs, so a
new field, whose default is what everybody did before it, spoils no old record.
"""

import math
from collections.abc import Set
from dataclasses import MISSING, dataclass, fields

from torch import nn

TRAINING_IMAGES = 60_000
VERSIONS = 5  # of each image in the expanded data: as it is, and four shifts of one pixel
DENSE_WEIGHTS = ("fc1.weight", "fc2.weight", "out.weight")
CHOICES = {
    "schedule": ("constant", "one-cycle"),
    "decayed": ("all", "weights"),
    "kept_epoch": ("last", "best validation"),
    "initialisation": (
        "pytorch", "nielsen", "as if centred",
        "nielsen biases", "nielsen weights", "nielsen hidden", "nielsen weights and zeros",
    ),
    "order": ("fresh", "fixed"),
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """A network and everything that decides what it learns, except the seed.

    `expanded` adds the four shifts of each image. `held_out` of the 60,000 digits, the last ones,
    are kept from training; the accuracy on them is then measured after each epoch, and `kept_epoch`
    "best validation" reports the epoch at which it was highest (the later one of two equal ones).
    `schedule` "one-cycle" lets the learning rate rise from lr/25 to `lr` and fall to almost nothing
    over the whole run (Smith and Topin, 1708.07120; PyTorch's OneCycleLR with its defaults, the
    momentum constant). `decayed` says which parameters the weight decay pulls at, "all" or the
    "weights" without the biases. `dense_weight_lr` replaces `lr` for the weights (not the biases)
    of fc1, fc2 and out. `initialisation` names a function of `mnistconv.initialisation`.
    `loss_every` asks the record for the mean loss of every so many steps of each epoch, 0 for none.
    `order` "fixed" takes the images in the same order in every epoch: that of their file, or, if
    the data are expanded, one that was drawn once for all runs (Nielsen). With `label_smoothing` s
    the loss asks for the probability 1 - .9 s of the right digit, s/10 of each other one (Szegedy
    and others, 1512.00567).

    Raises ValueError for what no run can follow.
    """

    network: type[nn.Module]
    epochs: int
    lr: float
    expanded: bool = False
    held_out: int = 0
    batch_size: int = 10
    schedule: str = "constant"
    momentum: float = 0.0
    weight_decay: float = 0.0
    decayed: str = "all"
    dense_weight_lr: float | None = None
    initialisation: str = "pytorch"
    kept_epoch: str = "last"
    loss_every: int = 0
    order: str = "fresh"
    label_smoothing: float = 0.0

    def __post_init__(self):
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r}: choose {' or '.join(known)}.")
        counts = {"epochs": 1, "batch_size": 1, "held_out": 0, "loss_every": 0}
        for name, least in counts.items():
            if not (isinstance(getattr(self, name), int) and getattr(self, name) >= least):
                raise ValueError(
                    f"{name} {getattr(self, name)!r}: a whole number, {least} or more."
                )
        if self.held_out >= TRAINING_IMAGES:
            raise ValueError(f"held_out {self.held_out}: 0 to {TRAINING_IMAGES - 1:,} digits.")
        for name, least in (("momentum", 0), ("weight_decay", 0)):
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} {getattr(self, name)!r}: 0 or a number above it.")
        for name in ("lr", "dense_weight_lr"):
            rate = getattr(self, name)
            if rate is not None and not 0 < rate < math.inf:
                raise ValueError(f"{name} {rate!r}: a number above 0.")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing {self.label_smoothing!r}: 0 or more, below 1.")
        if self.kept_epoch == "best validation" and not self.held_out:
            raise ValueError("the epoch of the best validation needs held_out digits.")

    @property
    def training_images(self) -> int:
        return (TRAINING_IMAGES - self.held_out) * (VERSIONS if self.expanded else 1)

    @property
    def steps(self) -> int:
        """Gradient steps of the whole run."""
        return self.epochs * -(-self.training_images // self.batch_size)

    @property
    def hyper_parameters(self) -> dict:
        """What a record of this recipe must agree with, as JSON holds it, without the defaults."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["network"] = self.network.__name__
        values["training_images"] = self.training_images
        del values["expanded"]
        return without_defaults(values)

    def parameter_groups(self, net: nn.Module) -> list[dict]:
        """The parameters of `net` as `torch.optim.SGD` and `fit(params=...)` take them."""
        groups = {}
        for name, parameter in net.named_parameters():
            options = {}
            if self.dense_weight_lr is not None and name in DENSE_WEIGHTS:
                options["lr"] = self.dense_weight_lr
            if self.decayed == "weights" and name.endswith("bias"):
                options["weight_decay"] = 0.0
            groups.setdefault(tuple(options.items()), []).append(parameter)
        return [{"params": params, **dict(options)} for options, params in groups.items()]

    def number_of_kept_epoch(self, validation_accuracy: list[float]) -> int:
        """Which epoch is reported, counted from 1, given each one's accuracy on held-out digits."""
        if self.kept_epoch == "last":
            return self.epochs
        return best_epoch(validation_accuracy)


def best_epoch(validation_accuracy: list[float]) -> int:
    """The epoch, counted from 1, of the highest accuracy on held-out digits.

    Of two equal ones the later counts. Source: Nielsen, network3.py (`>=`).
    """
    best = max(validation_accuracy)
    return len(validation_accuracy) - validation_accuracy[::-1].index(best)


# What `fit` can be told, apart from the size of a batch.
PLAIN = {
    "network", "epochs", "lr", "training_images", "weight_decay", "decayed", "dense_weight_lr",
    "initialisation",
}  # fmt: skip
DEFAULTS = {field.name: field.default for field in fields(Recipe) if field.default is not MISSING}
DEFAULTS["training_images"] = TRAINING_IMAGES


def without_defaults(hyper_parameters: dict) -> dict:
    """Hyper-parameters, a recipe's or a record's, without those that are the article's."""
    return {
        key: value
        for key, value in hyper_parameters.items()
        if key not in DEFAULTS or value != DEFAULTS[key]
    }


def check_only(recipe: Recipe, able: Set[str], who: str) -> None:
    """Raise ValueError where `recipe` asks for more than the hyper-parameters `able`.

    `who` cannot do it, for the message: "training on a GPU".
    """
    asked = {k: v for k, v in recipe.hyper_parameters.items() if k not in able}
    if asked:
        wishes = ", ".join(f"{key} {value}" for key, value in asked.items())
        raise ValueError(f"{who} does not know {wishes}: `reproduce` on the CPU does.")

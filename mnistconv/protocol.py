"""Nielsen's protocol of chapter 6 around his networks: his data, his cost, his loop, his plateau.

`mnistconv.data` and `mnistconv.training` have the article's way; here is what he does otherwise.
"""

import math
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistconv import nielsen
from mnistconv.checks import (
    a_learning_rate,
    a_network_to_train,
    a_pair,
    a_weight_decay,
    arguments,
    optional,
    stop_if_diverged,
    whole,
)
from mnistconv.data import Pair, expand
from mnistconv.initialisation import INITIALISATIONS
from mnistconv.networks import ConvNetTwoConvLayers
from mnistconv.recipes import PLAIN, Recipe, best_epoch, check_only
from mnistconv.training import Batches, History, evaluate, train_epoch
from mnistconv.variants import ConvNetTwoConvLayersCentred

WRITTEN = 0  # the seed of the one order of the expanded data; what he drew, nobody knows


def split(train: Pair, held_out: int = 10_000) -> tuple[Pair, Pair]:
    """The digits to learn from, and the last `held_out` of them, to choose by: pairs as in `fit`.

    Of MNIST's 60,000: the first 50,000 and the last 10,000. Source: mnist.pkl.gz, his data file.
    Raises ValueError unless some digits are left to learn from.
    """
    images, labels = train
    size = len(labels) - held_out
    if not 0 <= held_out < len(labels):
        raise ValueError(
            f"held_out {held_out}: 0 to {len(labels) - 1:,} of {len(labels):,} digits."
        )
    return (images[:size], labels[:size]), (images[size:], labels[size:])


def shuffle_once(pair: Pair) -> Pair:
    """The images and labels in an order that is drawn once for all runs, always the same one.

    Source: expand_mnist.py, which shuffles the 250,000 images before it writes their file.
    """
    images, labels = pair
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(WRITTEN))
    return images[order], labels[order]


def digits_of(recipe: Recipe, train: Pair) -> tuple[Pair, Pair]:
    """What `recipe` trains on, of all 60,000 digits `train`, and what it holds out of them."""
    training, held_out = split(train, recipe.held_out)
    if recipe.expanded:
        training = expand(*training)
        if recipe.order == "fixed":
            training = shuffle_once(training)
    return training, held_out


def weight_decay(lmbda: float, training_images: int, batch_size: int = 10) -> float:
    """What PyTorch's SGD calls weight decay, of weights alone, where his cost has `lmbda`.

    .1 is .00002 for 50,000 images, .000004 for 250,000.
    """
    return lmbda * batch_size / training_images


def cost(net: nn.Module, images: Tensor, labels: Tensor, lmbda: float, batches: int) -> Tensor:
    """His cost of a batch: the mean of -ln p of the right digits, and the L2 term of all weights.

    `images` are network input, `[n, 1, 28, 28]`, labels int64 `[n]`; `batches` is the number of
    them in an epoch. Biases are not in the L2 term. Source: network3.py, `Network.SGD`.
    """
    squares = [w.square().sum() for name, w in net.named_parameters() if name.endswith("weight")]
    return F.cross_entropy(net(images), labels) + lmbda / 2 * sum(squares) / batches


@dataclass
class Chosen:
    """What a run by his loop found: a `History`, and the accuracy on the held-out digits by epoch.

    Accuracies are shares, 0 to 1.
    """

    history: History
    validation_accuracy: list[float] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """The epoch that he reports, counted from 1: best by validation, a tie to the later one."""
        return best_epoch(self.validation_accuracy)

    @property
    def test_accuracy(self) -> float:
        """The accuracy on the test digits after that epoch."""
        return self.history.test_accuracy[self.epoch - 1]


@arguments(
    net=a_network_to_train,
    training=a_pair,
    validation=a_pair,
    test=a_pair,
    epochs=whole(least=1),
    lr=a_learning_rate,
    lmbda=a_weight_decay,
    max_steps=optional(whole(least=1)),
)
def train(
    net: nn.Module,
    training: Pair,
    validation: Pair,
    test: Pair,
    *,
    epochs: int,
    lr: float,
    lmbda: float = 0.0,
    max_steps: int | None = None,
    verbose: bool = True,
) -> Chosen:
    """Train `net` in place as `Network.SGD` does: batches of 10 in the same order in every epoch.

    Pairs and `max_steps` are as in `fit`. After each epoch both accuracies are taken, and where the
    one on the held-out digits is the best so far, or as good, the other one is his result.

    Raises TypeError or ValueError for arguments that make no sense and where the test digits are
    those that choose the epoch, FloatingPointError when training diverges. Source: network3.py.
    """
    if same_digits(validation, test):
        raise ValueError("the held-out digits choose the epoch, so they cannot test it as well.")
    batches = Batches(*training, shuffle=False)
    sgd = torch.optim.SGD(net.parameters(), lr=lr)  # the L2 term is in the cost
    found = Chosen(History(epochs, steps_per_epoch=len(batches)))
    history = found.history
    last_step = min(history.planned_steps, math.inf if max_steps is None else max_steps)
    while history.steps < last_step:
        net.train()
        losses = []
        for images, labels in islice(batches, last_step - history.steps):
            loss = cost(net, images, labels, lmbda, len(batches))
            stop_if_diverged(loss, history.place)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            history.steps += 1
            losses.append(loss.item())
        history.train_loss.append(sum(losses) / len(losses))
        history.test_accuracy.append(evaluate(net, *test))
        found.validation_accuracy.append(evaluate(net, *validation))
        if verbose:
            line = f"{history.last_line}  validation {found.validation_accuracy[-1]:7.2%}"
            print(line + "  best so far" * (found.epoch == len(history.train_loss)))
    return found


def same_digits(pair: Pair, other: Pair) -> bool:
    """Whether two pairs hold the same images in the same order."""
    return pair[0].shape == other[0].shape and torch.equal(pair[0], other[0])


# How long a network waits at ln 10: any item of the two protocols, swapped in a recipe.


_two_conv = partial(Recipe, ConvNetTwoConvLayers, 1, 0.1)
# The article's two sigmoid convolutions with one thing changed, or all that is Nielsen's.
PLATEAU = {
    "the article's protocol": _two_conv(),
    "pixels x/256": Recipe(nielsen.NielsenTwoConv, 1, 0.1),
    "the same order in every epoch": _two_conv(order="fixed"),
    "the first 50,000 digits": _two_conv(held_out=10_000),
    "his first biases alone": _two_conv(initialisation="nielsen biases"),
    "his first weights alone": _two_conv(initialisation="nielsen weights"),
    "his first weights and biases": _two_conv(initialisation="nielsen hidden"),
    "his first weights, last layer 0": _two_conv(initialisation="nielsen weights and zeros"),
    "all he draws": _two_conv(initialisation="nielsen"),
    "Nielsen's protocol": Recipe(
        nielsen.NielsenTwoConv, 1, 0.1, held_out=10_000, initialisation="nielsen", order="fixed"
    ),
    "one half subtracted": Recipe(ConvNetTwoConvLayersCentred, 1, 0.1),
    "tanh": Recipe(nielsen.NielsenTwoConvTanh, 1, 0.1),
}


def first_network(recipe: Recipe, seed: int) -> nn.Module:
    """The network of `recipe` before its first step, its weights drawn from `seed`."""
    torch.manual_seed(seed)
    net = recipe.network()
    INITIALISATIONS[recipe.initialisation](net)
    torch.manual_seed(seed)
    return net


def steps_until(
    loss: float, recipe: Recipe, train: Pair, *, seed: int = 0, max_steps: int, every: int = 200
) -> int | None:
    """Train the network of `recipe` until the mean loss of `every` steps is below `loss`.

    Returns the steps that it took, None where `max_steps` did not do. `train` are all 60,000
    digits. Raises ValueError for a recipe of more than plain SGD.
    """
    check_only(recipe, PLAIN | {"batch_size", "held_out", "order"}, "`steps_until`")
    net = first_network(recipe, seed)
    training, _ = digits_of(recipe, train)
    batches = Batches(*training, recipe.batch_size, shuffle=recipe.order == "fresh")
    sgd = torch.optim.SGD(
        recipe.parameter_groups(net), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
    )
    history = History(1, steps_per_epoch=len(batches))
    passes = iter(batches)
    while history.steps < max_steps:
        part = list(islice(passes, min(every, max_steps - history.steps)))
        if not part:
            passes = iter(batches)
            continue
        train_epoch(net, part, sgd, history)
        if history.train_loss[-1] < loss:
            return history.steps
    return None

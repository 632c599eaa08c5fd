"""How quickly can it be done? From the article's loop, change by change, to seconds.

A `Way` says all that decides how a network learns in one pass over the digits, and how long that
takes; `WAYS` are the article's and those after it, each with one change, `WITHOUT` the last of them
with one thing changed. `train_once` follows a way and takes the time: processor seconds, from
digits in memory to trained weights.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Dataset, Subset

from mnistconv.checks import LARGEST_SEED, a_pair, arguments, optional, whole
from mnistconv.data import Pair, get_dataset
from mnistconv.networks import ConvNetTwoConvLayersReLU, FastNet
from mnistconv.training import Batches


class PlainNet(FastNet):
    """`FastNet` with biases in place of its batch normalisation: 36,550 parameters."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=5)
        self.conv2 = nn.Conv2d(8, 32, kernel_size=5)
        self.fc1 = nn.Linear(3 * 3 * 32, 100)
        self.norm1 = self.norm2 = self.norm3 = nn.Identity()


@cache
def opened() -> Dataset:
    """MNIST's training digits as the article opens them, with torchvision; once, and then kept."""
    return get_dataset(train=True)


def one_by_one(images: Tensor, labels: Tensor, batch_size: int) -> DataLoader:
    """The article's loader: it opens pictures one by one and glues a batch of them together.

    It takes as many of MNIST's training digits, the first ones, as there are `labels`.
    """
    digits = Subset(opened(), range(len(labels)))
    return DataLoader(digits, batch_size, shuffle=True)


@dataclass(frozen=True)
class Way:
    """How a network is trained for one pass over the digits.

    `network` makes it, `batches` makes the batches out of images, labels and their size.
    `one_cycle` lets the learning rate rise from lr/25 to `lr` and fall to almost nothing
    (PyTorch's OneCycleLR with its defaults, after Smith and Topin, 1708.07120). With
    `label_smoothing` s the right digit is to have the probability 1 - .9 s, each other one s / 10
    (Szegedy and others, 1512.00567).
    """

    title: str
    network: Callable[[], nn.Module] = ConvNetTwoConvLayersReLU
    batches: Callable[[Tensor, Tensor, int], Iterable] = one_by_one
    batch_size: int = 10
    channels_last: bool = False
    lr: float = 0.03
    momentum: float = 0.0
    one_cycle: bool = False
    weight_decay: float = 5e-5
    label_smoothing: float = 0.0


ARTICLE = Way("the article's loop")
IN_MEMORY = replace(ARTICLE, title="batches cut from memory", batches=Batches)
CHANNELS_LAST = replace(IN_MEMORY, title="channels last", channels_last=True)
LARGER = replace(CHANNELS_LAST, title="batches of 64", batch_size=64)
MOMENTUM = replace(LARGER, title="momentum .9", momentum=0.9)
CYCLE = replace(MOMENTUM, title="a rate that rises to .1 and falls", one_cycle=True, lr=0.1)
NORMALISED = replace(
    CYCLE, title="batch normalisation", network=partial(FastNet, maps=(20, 40), border=0)
)
SMOOTHED = replace(NORMALISED, title="label smoothing .1", label_smoothing=0.1)
CUT = replace(SMOOTHED, title="the border cut off", network=partial(FastNet, maps=(20, 40)))
FEWER = replace(CUT, title="8 and 32 maps", network=FastNet)
FAST = replace(FEWER, title="the rate up to .4", lr=0.4)
WAYS = (
    ARTICLE, IN_MEMORY, CHANNELS_LAST, LARGER, MOMENTUM, CYCLE, NORMALISED, SMOOTHED, CUT, FEWER,
    FAST,
)  # fmt: skip

# The last way with one change taken back, or with one more that did not stay.
WITHOUT = (
    replace(FAST, title="not in channels last", channels_last=False),
    replace(FAST, title="batches of 10, rate .06", batch_size=10, lr=0.06),
    replace(FAST, title="no momentum", momentum=0.0),
    replace(FAST, title="no momentum, ten times the rate", momentum=0.0, lr=4.0),
    replace(FAST, title="a constant rate of .4", one_cycle=False),
    replace(FAST, title="a constant rate of .1", one_cycle=False, lr=0.1),
    replace(FAST, title="no batch normalisation, rate .1", network=PlainNet, lr=0.1),
    replace(FAST, title="no label smoothing", label_smoothing=0.0),
    replace(FAST, title="with the border", network=partial(FastNet, border=0)),
    replace(FAST, title="20 and 40 maps", network=partial(FastNet, maps=(20, 40))),
    replace(FAST, title="no weight decay", weight_decay=0.0),
    replace(FAST, title="ten times the weight decay", weight_decay=5e-4),
    replace(FAST, title="batches of 128, rate .6", batch_size=128, lr=0.6),
)


@arguments(
    train=a_pair,
    seed=whole(least=0, most=LARGEST_SEED),
    max_steps=optional(whole(least=0)),
)
def train_once(
    way: Way, train: Pair, *, seed: int, max_steps: int | None = None
) -> tuple[nn.Module, float]:
    """A network trained in one pass over `train`, and the processor seconds that it took.

    `train` is a pair as in `fit`: uint8 `[n, 28, 28]` and int64 `[n]`. Counted is everything from
    there to the trained weights: drawing the first ones, shuffling, cutting and converting batches.
    (What PyTorch imports at the very first step of a process is not: see `warm_up`.) `max_steps`
    ends it early.

    Raises TypeError or ValueError for digits, a seed or a number of steps that make no sense.
    """
    begin = time.process_time()
    torch.manual_seed(seed)
    net = way.network()
    if way.channels_last:
        net = net.to(memory_format=torch.channels_last)
    torch.manual_seed(seed)
    batches = way.batches(*train, way.batch_size)
    sgd = torch.optim.SGD(
        net.parameters(),
        lr=way.lr,
        momentum=way.momentum,
        weight_decay=way.weight_decay,
        fused=True,
    )
    if way.one_cycle:
        schedule = OneCycleLR(sgd, way.lr, len(batches), cycle_momentum=False)
        sgd.register_step_post_hook(lambda *_: schedule.step())
    for images, labels in islice(batches, max_steps):
        loss = F.cross_entropy(net(images), labels, label_smoothing=way.label_smoothing)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    return net, time.process_time() - begin


def warm_up(train: Pair) -> None:
    """A step of the article's way and one of the last: PyTorch and torchvision import much then."""
    for way in (ARTICLE, FAST):
        train_once(way, train, seed=0, max_steps=1)

"""Times how quickly 99 % can be reached: the fast recipe and the article's loop, in turns."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, replace

import torch

from mnistconv.data import Pair
from mnistconv.fast import ARTICLE, FAST, WAYS, WITHOUT, Way, train_once, warm_up
from mnistconv.protocol import split
from mnistconv.records.speed import ROUND, Speed, Timed
from mnistconv.reproduce.recording import device_name
from mnistconv.training import evaluate

RECIPE = replace(FAST, title="the fast recipe")
SEEDS_A_WAY = 5


def run(way: Way, train: Pair, test: Pair, seed: int) -> tuple[int, float, float]:
    """Seed, processor seconds and accuracy, 0 to 1, of one run; says so in a line."""
    net, seconds = train_once(way, train, seed=seed)
    accuracy = evaluate(net, *test)
    print(f"{way.title:36}seed {seed:2}{seconds:8.2f} s{accuracy:9.2%}", flush=True)
    return seed, seconds, accuracy


def race(train: Pair, test: Pair, seeds: Iterable[int]) -> tuple[Timed, Timed]:
    """The article's loop and the fast recipe in turns, an epoch each, on one thread.

    Each seed of the fast recipe runs once; before the first of every five the article's loop does,
    with a seed of its own, 0, 1, and so on.
    """
    torch.set_num_threads(1)
    warm_up(train)
    article, fast = [], []
    for number, seed in enumerate(seeds):
        if number % ROUND == 0:
            article.append(run(ARTICLE, train, test, number // ROUND))
        fast.append(run(RECIPE, train, test, seed))
    return timed(ARTICLE, article), timed(RECIPE, fast)


def timed(way: Way, runs: list[tuple[int, float, float]]) -> Timed:
    seeds, seconds, accuracy = map(list, zip(*runs, strict=True))
    return Timed(way.title, seeds, [round(value, 2) for value in seconds], accuracy)


def describe(article: Timed, fast: Timed) -> str:
    """What a race came to, in two lines."""
    n = len(fast.seconds)
    return (
        f"{fast.mean_accuracy:.2%} of the test digits after {fast.mean_seconds:.1f} s of one core,"
        f" mean of {n} seed{'s' * (n > 1)};\n{article.mean_seconds / fast.mean_seconds:.1f} times"
        f" as quick as an epoch of the article's loop ({article.mean_accuracy:.2%} after"
        f" {article.mean_seconds:.1f} s)."
    )


def measure(train: Pair, test: Pair, seeds: Iterable[int]) -> Speed:
    """Every way with five seeds, in turns, tested on held-out digits; then the race."""
    torch.set_num_threads(1)
    training, validation = split(train)
    warm_up(training)
    runs = {way: [] for way in WAYS + WITHOUT}
    for seed in range(SEEDS_A_WAY):
        for way, found in runs.items():
            found.append(run(way, training, validation, seed))
    found = [timed(way, found) for way, found in runs.items()]
    article, fast = race(train, test, seeds)
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    return Speed(
        device_name(torch.device("cpu")), versions, found[: len(WAYS)], found[len(WAYS) :],
        article, fast,
    )  # fmt: skip


def to_json(speed: Speed) -> str:
    """What was measured as the text of a file."""
    return json.dumps(asdict(speed), indent=1) + "\n"

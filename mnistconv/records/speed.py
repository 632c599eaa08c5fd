"""What `python -m mnistconv fast` measured: processor seconds and accuracies, in `speed.json`."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from mnistconv.files import read_text
from mnistconv.records import store

SPEED = "speed.json"
ROUND = 5  # seeds of the fast recipe to one run of the article's loop


@dataclass(frozen=True)
class Timed:
    """Runs of one way to train, a seed each: processor seconds, and accuracies, 0 to 1."""

    title: str
    seeds: list[int]
    seconds: list[float]
    accuracy: list[float]

    def __post_init__(self):
        lengths = {len(self.seeds), len(self.seconds), len(self.accuracy)}
        if len(lengths) > 1 or not self.seeds:
            raise ValueError(f"{self.title}: not a seed, a time and an accuracy for each run")
        if not all(0 < seconds < math.inf for seconds in self.seconds):
            raise ValueError(f"{self.title}: a time that cannot be")
        if not all(0 <= share <= 1 for share in self.accuracy):
            raise ValueError(f"{self.title}: an accuracy that is no share")

    @property
    def mean_seconds(self) -> float:
        return mean(self.seconds)

    @property
    def mean_accuracy(self) -> float:
        return mean(self.accuracy)


@dataclass(frozen=True)
class Speed:
    """What was measured on one machine, on one thread.

    `ways`, and the last of them `without` something, learned from the first 50,000 digits and were
    tested on the other 10,000: choices were made by them. `article` and `fast`, in turns, learned
    from all 60,000 and were tested on the test digits.
    """

    device_name: str
    versions: dict[str, str]
    ways: list[Timed]
    without: list[Timed]
    article: Timed
    fast: Timed

    def __post_init__(self):
        if not (self.ways and self.without and isinstance(self.device_name, str)):
            raise ValueError("no ways, or no machine")

    @property
    def ratio(self) -> float:
        """How many times as long the article's loop takes for its epoch."""
        return self.article.mean_seconds / self.fast.mean_seconds

    @property
    def ratios(self) -> list[float]:
        """The same for each round: a run of the article's loop, and the five after it."""
        rounds = batched(self.fast.seconds, ROUND)
        return [
            article / mean(five) for article, five in zip(self.article.seconds, rounds, strict=True)
        ]


def batched(values: list, size: int) -> list[list]:
    return [values[k : k + size] for k in range(0, len(values), size)]


def load_speed(results: Path = store.RESULTS) -> Speed:
    """Read what was measured. Raises OSError or ValueError, naming the file."""
    path = results / SPEED
    try:
        content = json.loads(read_text(path))
        lists = {name: [Timed(**way) for way in content.pop(name)] for name in ("ways", "without")}
        pair = {name: Timed(**content.pop(name)) for name in ("article", "fast")}
        return Speed(**lists, **pair, **content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} does not hold what `mnistconv fast --into` writes.") from error

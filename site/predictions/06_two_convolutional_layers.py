"""What chapter 6 asks, and how the answers are computed."""

import math
import re
from statistics import median

import torch
from asking import Choice, Number

from mnistconv import ConvNetTwoConvLayers

SHRINKERS = ("the second convolution", "the second pooling", "both about alike")
AFTER_TWO = {25: "about 10 %", 65: "about 50 %", 90: "about 80 %", math.inf: "more than 90 %"}
FAINTER = {4: "about 4", 64: "about 4 · 4 · 4 = 64", 500: "some hundreds", 5e4: "tens of thousands"}
STEEP = {
    0.5: "below 0.5: it has long begun to learn",
    2.2: "about 1 or 2: it is on its way down",
    math.inf: "still 2.30",
}
WAIT = {
    1000: "less than 1,000 steps",
    2500: "1,000 to 2,500 steps",
    4000: "2,500 to 4,000 steps",
    math.inf: "longer than the 4,000 that we run",
}
SPREAD = {0.3: "about 0.3", 0.1: "about 0.1", 0.01: "about 0.01", 0.001: "about 0.001"}
LEFT = {
    0.2: "little or nothing",
    0.6: "about half",
    0.95: "most of it",
    math.inf: "all of it, or more",
}


def first_above(number: float, options: dict) -> str:
    return next(words for limit, words in options.items() if number <= limit)


def nearest(number: float, options: dict) -> str:
    """The option whose size is nearest, by the factor between the two."""
    return options[min(options, key=lambda size: abs(math.log(size / number)))]


def what_shrinks_most(seen) -> str:
    before = seen.number(r"ConvNetSimple +fc1 reads +(\S+)")
    after = seen.number(r"TwoConvLayers +fc1 reads +(\S+)")
    between = 4 * after  # a pooling keeps one of four
    by_convolution, by_pooling = before - between, between - after
    if by_convolution > 2 * by_pooling:
        return SHRINKERS[0]
    return SHRINKERS[1] if by_pooling > 2 * by_convolution else SHRINKERS[2]


def millions_of_products(seen) -> float:
    values = ConvNetTwoConvLayers().conv2(torch.zeros(1, 20, 12, 12)).numel()
    return seen.number(r"(\d+) products") * values / 1e6


def ends(seen, arm: str) -> float:
    """The median of the steps after which the seeds of `arm` were over the plateau."""
    row = re.search(rf"^{arm} +(.*)$", seen.text, re.M)
    if not row:
        raise LookupError(f"no row of {arm!r}")
    words = row[1].replace(",", "").split()
    return median(math.inf if word == "never" else float(word) for word in words)


def wait_left(seen) -> str:
    plain, centred = ends(seen, "sigmoids, as they are"), ends(seen, "one half subtracted")
    return first_above(
        (ends(seen, "starts as the centred one") - centred) / (plain - centred), LEFT
    )


def seeds_over_it(seen) -> int:
    after_two = re.findall(r"^seed \d+: +\S+ +(\S+)", seen.text, re.M)
    if not after_two:
        raise LookupError("no seeds")
    return sum(float(accuracy) > 50 for accuracy in after_two)


def common_push(seen) -> tuple[float, float]:
    shares = seen.numbers(r"^sigmoid: [^:]*?common push\n(?:  \w+ +\d+%\n)+")
    percents = [share for share in shares if share > 1]
    return min(percents), max(percents)


PREDICTIONS = {
    "What takes most": Choice(SHRINKERS, what_shrinks_most),
    "How many products": Number(millions_of_products, unit="million", decimals=2, within=0.02),
    "After one epoch": Choice(
        tuple(AFTER_TWO.values()),
        lambda seen: first_above(seen.number(r"test accuracy ([\d.]+)%"), AFTER_TWO),
    ),
    "Is that fair": Number(
        lambda seen: (
            seen.number(r"below 1.0: after (\S+) steps")
            - seen.number(r"below 2.2: after (\S+) steps")
        ),
        unit="steps",
        within=0.5,
    ),
    "By what factor": Choice(
        tuple(FAINTER.values()),
        lambda seen: nearest(seen.number(r"out against conv1: (\S+) to 1"), FAINTER),
    ),
    "In `conv1` the": Choice(
        tuple(STEEP.values()),
        lambda seen: first_above(seen.number(r"loss of the last 200.*?: ([\d.]+)"), STEEP),
    ),
    "From PyTorch's": Choice(
        tuple(WAIT.values()),
        lambda seen: first_above(seen.number(r"loss below 2.0 after (\S+) steps"), WAIT),
    ),
    "How much does a": Choice(
        tuple(SPREAD.values()),
        lambda seen: nearest(seen.number(r"^out +gets .*? varies by (\S+)$"), SPREAD),
    ),
    "How much of a": Number(common_push, unit="%", within=0.1),
    "Slopes and first": Number(
        lambda seen: seen.number(r"^1/4 +\S+ +(\S+)$"), unit="steps", within=0.5
    ),
    "The arm that only": Choice(tuple(LEFT.values()), wait_left),
    "Ten seeds": Number(seeds_over_it, unit="of 10"),
}

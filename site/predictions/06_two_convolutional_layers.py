"""What chapter 6 asks, and how the answers are computed."""

import math
import re

from asking import Choice, Number

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


def first_above(number: float, options: dict) -> str:
    return next(words for limit, words in options.items() if number <= limit)


def nearest(number: float, options: dict) -> str:
    """The option whose size is nearest, by the factor between the two."""
    return options[min(options, key=lambda size: abs(math.log(size / number)))]


def what_shrinks_most(seen) -> str:
    before = seen.number(r"ConvNetSimple +fc1 reads +(\S+)")
    after = seen.number(r"TwoConvLayers +fc1 reads +(\S+)")
    between = seen.number(r"conv2 makes (\S+) values")
    by_convolution, by_pooling = before - between, between - after
    if by_convolution > 2 * by_pooling:
        return SHRINKERS[0]
    return SHRINKERS[1] if by_pooling > 2 * by_convolution else SHRINKERS[2]


def shares_left(seen) -> tuple[float, float]:
    """The lowest and the highest of the seeds' shares."""
    shares = seen.numbers(r"left by the start alone:.*")
    return min(shares), max(shares)


def seeds_over_it(seen) -> int:
    after_two = re.findall(r"^seed \d+: +\S+ +(\S+)", seen.text, re.M)
    if not after_two:
        raise LookupError("no seeds")
    return sum(float(accuracy) > 50 for accuracy in after_two)


PREDICTIONS = {
    "What takes most": Choice(SHRINKERS, what_shrinks_most),
    "How many products": Number(
        lambda seen: seen.number(r"values, (\S+) products") / 1e6,
        unit="million",
        decimals=2,
        within=0.02,
    ),
    "Twenty maps": Number(lambda seen: seen.number(r"^(\d+) of 20 maps bring half"), unit="maps"),
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
    "How much of a": Number(
        lambda seen: seen.number(r"^sigmoid: [^:]*?out +(\d+)%"), unit="%", within=0.1
    ),
    "Slopes and first": Number(
        lambda seen: seen.number(r"^1/4 +\S+ +(\S+)$"), unit="steps", within=0.5
    ),
    "The arm that only": Number(shares_left, unit="%", within=0.05),
    "Ten seeds": Number(seeds_over_it, unit="of 10"),
}

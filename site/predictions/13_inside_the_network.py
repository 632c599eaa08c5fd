"""What chapter 13 asks, and how the answers are computed."""

import re
from itertools import pairwise

from asking import Choice, MoreOrLess, Number, Order

LEARNERS = ("random kernels", "all of it learns", "no kernels")
METHODS = ("occlusion", "gradient", "smooth gradient", "pixel × gradient")
JUDGED = ("occlusion's", "the gradient's", "as many of both")
TOGETHER = (
    "clearly less than the sum",
    "about the sum",
    "up to twice the sum",
    "more than twice the sum",
)
LOOKALIKES = ("4 and 9", "3 and 5", "2 and 7", "1 and 7")
FITTED = ("below 1", "near 1, from .9 to 1.1", "above 1")
OTHERS = ("dense", "simple", "relu-wd0", "expanded", "dropout-lr0.005")
CHANGES = {
    "steps-expanded": "the shifted training digits",
    "steps-wide": "1,000 units",
    "steps-deep": "a second dense layer",
    "steps-dropout": "dropout",
}


def by_accuracy(seen) -> list[str]:
    def mean(name):
        return sum(seen.numbers(rf"^{name} +seeds 0, 1: .*$")[-2:])

    return sorted(LEARNERS, key=mean, reverse=True)


def fewest_left(seen) -> str:
    return min(METHODS, key=lambda name: seen.number(rf"^{name} +(\d+) still right"))


def better_when_flipped(seen) -> str:
    occlusion, gradient = seen.numbers(r"(?<=40 flipped: ).*")[2:4]
    return JUDGED[2] if occlusion == gradient else JUDGED[gradient < occlusion]


def together(seen) -> str:
    one, other, both = seen.numbers(r"alone \d+ and \d+, together \d+ digits")
    ratio = both / (one + other)
    return TOGETHER[(ratio > 0.9) + (ratio > 1.1) + (ratio > 2)]


def most_confused(seen) -> str:
    a, b = seen.numbers(r"most confused: \d and \d")
    return f"{a:.0f} and {b:.0f}"


def lopsided(seen) -> int:
    ends = re.findall(r"difference \S+ \[([-+]\d+), ([-+]\d+)\]", seen.text)
    if not ends:
        raise LookupError("no interval was printed")
    return sum(int(low) > 0 or int(high) < 0 for low, high in ends)


def share_right(seen) -> float:
    _, of, _, wrong = seen.numbers(r"from 90.00% on: .*")
    return 100 * (1 - wrong / of)


def by_training_digits(seen) -> str:
    t = seen.number(r"fitted on training digits: T = ([\d.]+)")
    return FITTED[0] if t < 0.9 else FITTED[1] if t <= 1.1 else FITTED[2]


def hottest(seen) -> str:
    rows = re.findall(r"^(\S+) +T = ([\d.]+), ([\d.]+)", seen.text, re.M)
    return max(rows, key=lambda row: float(row[1]) + float(row[2]))[0]


def most_fooled(seen) -> str:
    readers = re.search(r"read right by.*\n +(.+)", seen.text)[1].split()
    right = re.search(r"^made for relu +(.+)", seen.text, re.M)[1].split()
    return min(OTHERS, key=lambda name: int(right[readers.index(name)]))


def largest_help(seen) -> str:
    """The change behind which `translate` rose most from one row to the next."""
    rows = re.findall(r"^((?:relu|steps-)\S*) +translate ([\d.]+)%", seen.text, re.M)
    gains = {name: float(after) - float(before) for (_, before), (name, after) in pairwise(rows)}
    return CHANGES[max(CHANGES, key=gains.get)]


PREDICTIONS = {
    "After 360,000 steps": Number(
        lambda seen: seen.number(r"conv1: above 0\.5 are (\d+) of"), "of 20", within=0.1
    ),
    "How many of the 20 maps": Number(
        lambda seen: seen.number(r"^trained +: half .* ([\d.]+) maps"), "maps", 1, within=0.2
    ),
    "After one epoch: order them": Order(LEARNERS, by_accuracy),
    "And in the network": Number(
        lambda seen: seen.number(r"untrained: (\d+) in the median"), "of 100", within=0.2
    ),
    "Without the 40 pixels": Choice(METHODS, fewest_left),
    "Who finds the pixels now": MoreOrLess(JUDGED, better_when_flipped),
    "How many digits, lost less": Number(
        lambda seen: seen.number(r"the dearest: map \d+, (\d+) digits"), "digits", within=0.4
    ),
    "Switch off the two": Choice(TOGETHER, together),
    "Call each test digit": Number(
        lambda seen: seen.number(r"^ +2 directions: ([\d.]+)"), "%", within=0.15
    ),
    "Most of these runs misread": Number(
        lambda seen: seen.number(r"at least one run: ([\d,]+)"), unit="digits", within=0.3
    ),
    "Which two digits are confused": Choice(LOOKALIKES, most_confused),
    "Of the six most confused": Number(lopsided, unit="of six"),
    "Take the test digits on which": Number(share_right, unit="of 100", within=0.05),
    "`relu` learned all 60,000": Choice(FITTED, by_training_digits),
    "Which of the six networks needs": Choice(
        ("dense", "simple", "relu", "relu-wd0", "expanded", "dropout-lr0.005"), hottest
    ),
    "The first test digit is a 7": Number(
        lambda seen: seen.number(r"towards 3: ε = ([\d.]+)"), unit="", decimals=2, within=0.25
    ),
    "At that size: of 1,000": Number(
        lambda seen: seen.number(r"random signs: ε.*?: (\d+) of 1000"), unit="of 1,000"
    ),
    "With an untargeted step": Number(
        lambda seen: seen.numbers(r"relu +gradient step .*")[4], unit="%", within=0.2
    ),
    "Pictures made with the gradient": Choice(OTHERS, most_fooled),
    "On clean digits the dropout": Number(
        lambda seen: seen.number(r"dropout is best on (\d+)"), unit="of eight"
    ),
    "Which of these takes most": Choice(tuple(CHANGES.values()), largest_help),
    "Turned by 30°": Number(
        lambda seen: seen.number(r"30°.*?relu +([\d.]+)%"), unit="%", decimals=0, within=0.1
    ),
}

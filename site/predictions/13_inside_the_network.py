"""What chapter 13 asks, and how the answers are computed."""

import re

from asking import Choice, MoreOrLess, Number, Order

LEARNERS = ("all of it learns", "random kernels", "no kernels")
METHODS = ("occlusion", "gradient", "smooth gradient", "pixel × gradient")
JUDGED = ("occlusion's", "the gradient's", "as many of both")
TOGETHER = (
    "clearly less than the sum",
    "about the sum",
    "up to twice the sum",
    "more than twice the sum",
)


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
    found = re.search(r"alone (\d+) and (\d+), together (\d+) digits", seen.text)
    one, other, both = map(int, found.groups())
    ratio = both / (one + other)
    return TOGETHER[(ratio > 0.9) + (ratio > 1.1) + (ratio > 2)]


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
}

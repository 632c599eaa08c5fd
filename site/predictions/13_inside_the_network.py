"""What chapter 13 asks, and how the answers are computed."""

import re

from asking import Choice, MoreOrLess, Number, Order

LEARNERS = ("random kernels", "all of it learns", "no kernels", "larger random kernels")
METHODS = ("occlusion", "gradient", "smooth gradient", "pixel × gradient")
JUDGED = ("occlusion's", "the gradient's", "as many of both")
TOGETHER = (
    "clearly less than the sum",
    "about the sum",
    "up to twice the sum",
    "more than twice the sum",
)
LOOKALIKES = ("4 and 9", "3 and 5", "2 and 7", "1 and 7")
OTHERS = ("dense", "simple", "relu-wd0", "expanded", "dropout-lr0.005")


def by_accuracy(seen) -> list[str]:
    def mean(name):
        return sum(seen.numbers(rf"^{name} +seeds 0, 1: .*$")[-2:])

    return sorted(LEARNERS, key=mean, reverse=True)


def fewest_left(seen) -> str:
    return min(METHODS, key=lambda name: seen.number(rf"^{name} +(\d+) still right"))


def better_when_flipped(seen) -> str:
    occlusion, gradient = (
        seen.number(rf"^{name} +(\d+) still right") for name in ("occlusion", "gradient")
    )
    return JUDGED[2] if occlusion == gradient else JUDGED[gradient < occlusion]


def together(seen) -> str:
    one, other, both = seen.numbers(r"alone \d+ and \d+, together \d+ digits")
    ratio = both / (one + other)
    return TOGETHER[(ratio > 0.9) + (ratio > 1.1) + (ratio > 2)]


def most_confused(seen) -> str:
    a, b = seen.numbers(r"most confused: \d and \d")
    return f"{a:.0f} and {b:.0f}"


def without_zero(seen) -> int:
    ends = re.findall(r"difference \S+ \[([-+]\d+), ([-+]\d+)\]", seen.text)
    if not ends:
        raise LookupError("no interval was printed")
    return sum(int(low) > 0 or int(high) < 0 for low, high in ends)


def hottest(seen) -> str:
    rows = re.findall(r"^(\S+) +T = ([\d.]+), ([\d.]+)", seen.text, re.M)
    return max(rows, key=lambda row: float(row[1]) + float(row[2]))[0]


def most_fooled(seen) -> str:
    readers = re.search(r"read right by.*\n +(.+)", seen.text)[1].split()
    right = re.search(r"^made for relu +(.+)", seen.text, re.M)[1].split()
    return min(OTHERS, key=lambda name: int(right[readers.index(name)]))


PREDICTIONS = {
    "After 360,000 steps": Number(
        lambda seen: seen.number(r"conv1: above 0\.5 are (\d+) of"), "of 20", within=0.1
    ),
    "A kernel of `conv2`": Number(
        lambda seen: seen.number(r"^trained +: half .*mean ([\d.]+)"), "maps", 1, within=0.2
    ),
    "After one epoch: order them": Order(LEARNERS, by_accuracy),
    "And in the network": Number(
        lambda seen: seen.number(r"untrained, seed 0: (\d+) in the median"), "of 100", within=0.2
    ),
    "Without the 40 pixels": Choice(METHODS, fewest_left),
    "Flip 40 pixels": MoreOrLess(JUDGED, better_when_flipped),
    "How many digits, lost less": Number(
        lambda seen: seen.number(r"the costliest: map \d+, (\d+) digits"), "digits", within=0.4
    ),
    "Switch off the two": Choice(TOGETHER, together),
    "Call each test digit": Number(
        lambda seen: seen.number(r"^fc1, trained +plane ([\d.]+) %"), "%", within=0.15
    ),
    "How many *different* digits": Number(
        lambda seen: seen.number(r"at least one run: ([\d,]+)"), unit="digits", within=0.3
    ),
    "Which two digits are confused": Choice(LOOKALIKES, most_confused),
    "Of the six most confused": Number(without_zero, unit="of six"),
    "Take the test digits on which": Number(
        lambda seen: seen.number(r"90 % to +99 %[^=]*= ([\d.]+) %"), unit="of 100", within=0.05
    ),
    "Which of the six networks needs": Choice(
        ("dense", "simple", "relu", "relu-wd0", "expanded", "dropout-lr0.005"), hottest
    ),
    "The first test digit is a 7": Number(
        lambda seen: seen.number(r"towards 3: ε = ([\d.]+)"), unit="", decimals=2, within=0.25
    ),
    "Of 1,000 copies": Number(
        lambda seen: seen.number(r"random signs: ε.*?: (\d+) of 1000"), unit="of 1,000"
    ),
    "With an untargeted step": Number(
        lambda seen: seen.number(r"relu at ε = 0.2: (\d+) %"), unit="%", within=0.2
    ),
    "Pictures made with the gradient": Choice(OTHERS, most_fooled),
    "On clean digits the dropout": Number(
        lambda seen: seen.number(r"dropout is best on (\d+)"), unit="of eight"
    ),
}

"""What chapter 11 asks, and how the answers are computed."""

import math
import re

from asking import Choice, MoreOrLess, Number, Order

from mnistconv.data import load_mnist
from mnistconv.records.answers import recorded_answers

SCATTER = ("as much in every row", "as much in most rows, not in all", "otherwise in most rows")
WIDTHS = {
    "the network of seed 0": "the network of seed 0",
    "the recipe on these digits": "the recipe, these digits",
    "the recipe on all digits": "the recipe, all digits",
}
WAYS = {200: "about 200", 20_000: "about 20,000", 200_000: "about 200,000", 2e6: "about 2 million"}
FLOORS = {0.001: "about .001", 0.01: "about .01", 0.05: "about .05"}


def nearest(value: float, named: dict[float, str]) -> str:
    """The name of that number which differs from `value` by the smallest factor."""
    return named[min(named, key=lambda number: abs(math.log(value / number)))]


def scatter(seen) -> str:
    fits = re.findall(r"its interval (covers|does not cover)", seen.text)
    share = fits.count("covers") / len(fits)
    return SCATTER[0] if share == 1 else SCATTER[1] if share > 0.5 else SCATTER[2]


def shares_of_first_half(seen) -> tuple[float, float]:
    shares = [float(share) for share in re.findall(r"(\d+)% of the errors", seen.text)]
    return min(shares), max(shares)


def by_width(seen) -> list[str]:
    def width(name):
        low, high = seen.numbers(rf"^{WIDTHS[name]}.*\[(.*)\]")[-2:]
        return high - low

    return sorted(WIDTHS, key=width, reverse=True)


def shared(seen) -> float:
    """How many digits both networks of seed 0 misread, `simple` and `two-conv`."""
    labels = load_mnist()[1][1]
    simple, two_conv = (recorded_answers(name)[0] for name in ("simple", "two-conv"))
    return ((simple != labels) & (two_conv != labels)).sum().item()


def smallest_net(seen) -> int:
    rows = re.findall(r"^(\d+) against 0: p = ([\d.]+)", seen.text, re.M)
    return min(int(net) for net, p in rows if float(p) < 0.05)


def floor(seen) -> str:
    digits = [float(value) for value in re.findall(r"the digits ([\d.]+) points", seen.text)]
    return nearest(max(digits), FLOORS)


def clear_without(seen) -> int:
    ranges = re.findall(r"without it +(\S+) to (\S+)", seen.text)
    if not ranges:
        raise LookupError("no interval was printed")
    return sum(float(low) > 0 or float(high) < 0 for low, high in ranges)


def left_by_bonferroni(seen) -> int:
    shown = re.findall(r"shown +p = [\d.]+, (below|not below)", seen.text)
    if not shown:
        raise LookupError("no step is shown")
    return shown.count("below")


def clear_in_general(seen) -> int:
    words = re.findall(r"\(floor [\d.]+\), (clear of 0|reaches 0)", seen.text)
    if not words:
        raise LookupError("no rung was printed")
    return words.count("clear of 0")


PREDICTIONS = {
    "Take two runs of the *same*": Number(
        lambda seen: seen.number(r"relu → relu +\S+ to \+([\d.]+)"),
        unit="points",
        decimals=2,
        within=0.3,
    ),
    "Is a result near 99.6": Number(
        lambda seen: seen.number(r"99.60 %.* = ([\d.]+) digits"), "digits", decimals=1, within=0.3
    ),
    "Will the seeds scatter": Choice(SCATTER, scatter),
    "Of all digits that our runs": Number(shares_of_first_half, unit="%"),
    "Order the three": Order(tuple(WIDTHS), by_width),
    "Two networks that each": Number(shared, unit="digits", within=0.2),
    "What is the smallest net": Number(smallest_net, unit="digits"),
    "Pair the other seeds": Number(
        lambda seen: seen.number(r"below \.05: (\d+) of"), unit="pairs", within=0.2
    ),
    "With ten seeds a side, how many ways": Choice(
        tuple(WAYS.values()), lambda seen: nearest(seen.number(r"seeds, ([\d,]+) ways"), WAYS)
    ),
    "Order the runs of both": MoreOrLess(
        options=("yes", "no"),
        answer=lambda seen: (
            "yes" if seen.number(r"two-conv → relu: .* ([\d.]+) by the order") < 0.05 else "no"
        ),
    ),
    "Four times out of five": Number(
        lambda seen: seen.number(r"scatter by 0\.080: (\d+) a side"), "seeds a side", within=0.25
    ),
    "How large is what remains": Choice(tuple(FLOORS.values()), floor),
    "Ten equally good runs": Number(
        lambda seen: seen.number(r"best of 10: \+([\d.]+)"), "standard deviations", 1, within=0.15
    ),
    "How often will at least one": Number(
        lambda seen: seen.number(r"12 tests: (\d+)%"), unit="%", within=0.15
    ),
    "Add the luck of the digits": Number(clear_in_general, unit="of six"),
    "Take the steps that begin": Number(clear_without, unit="steps"),
    "How many of the *shown*": Number(left_by_bonferroni, unit="steps"),
}

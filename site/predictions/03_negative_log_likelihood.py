"""What chapter 3 asks, and how the answers are computed."""

import math
import re

from asking import Choice, Number, Order

SLOPES = {"x² at 3": r"x\^2  at 3", "ln x at .5": r"ln x at \.5", "eˣ at 1": r"e\^x  at 1"}
TIMES = {
    1: "about as many",
    3: "about 3 times as many",
    15: "about 15 times as many",
    50: "about 50 times as many",
}
FACTORS = ("10 times", "100 times", "1,000 times")
THROWN = "none: it is thrown about by all three"
AT_BEST = {
    1: "about alike",
    1.5: "the square half as many again",
    4: "the square some 4 times as many",
    10: "the square some 10 times as many",
}
FORGOTTEN = (
    "an error",
    "no error, and the right loss: it takes the logarithm itself",
    "no error, and the probability of the right digit",
    "no error, and that probability with a minus sign",
)


def nearest(value: float, named: dict[float, str]) -> str:
    """The name of that number which differs from `value` by the smallest factor."""
    return named[min(named, key=lambda number: abs(math.log(value / number)))]


def by_slope(seen) -> list[str]:
    return sorted(SLOPES, key=lambda name: seen.number(rf"^{SLOPES[name]}: +(\S+)"), reverse=True)


def times_as_many(seen) -> str:
    logarithm, square = (float(n) for n in re.findall(r"after (\d+) steps", seen.text))
    return nearest(square / logarithm, TIMES)


def best_factor(seen) -> str:
    """Of the rates with which p ends near 1, that which has it above .5 first."""
    rows = re.findall(r"above \.5 after +(\d+) steps, at the end ([\d.]+)", seen.text)
    arrived = {
        factor: int(steps)
        for factor, (steps, p) in zip(FACTORS, rows, strict=True)
        if float(p) > 0.9
    }
    return min(arrived, key=arrived.get, default=THROWN)


def rates_that_arrive(seen) -> int:
    row = re.findall(r"^\(p-1\)\^2 +(.*)$", seen.text, re.M)[0]
    return len(re.findall(r": \d+", row))


def misread(seen, loss: str) -> list[float]:
    """How many each of a loss's rates misread."""
    row = re.findall(rf"^{loss} +misread of 10,000: (.*)$", seen.text, re.M)[0]
    return [float(n.replace(",", "")) for n in re.findall(r"lr [\d.]+: ([\d,]*\d)", row)]


def at_best(seen) -> str:
    return nearest(min(misread(seen, "square")) / min(misread(seen, "cross_entropy")), AT_BEST)


def without_logarithm(seen) -> str:
    """The right digit has .7."""
    loss = seen.numbers()[0]
    return FORGOTTEN[3 if loss == -0.7 else 2 if loss == 0.7 else 1]


PREDICTIONS = {
    "What is the slope of $x^2$": Order(tuple(SLOPES), by_slope),
    "$u = 3x + 1$": Number(lambda seen: seen.number(r"^PyTorch: +(\S+)")),
    "Ten digits": Number(lambda seen: seen.number(r"^ten digits: (\S+)"), decimals=2, within=0.15),
    "Two losses": Number(lambda seen: seen.numbers(r"^ +0\.01 .*$")[1], decimals=1, within=0.05),
    "The right class has": Number(
        lambda seen: seen.number(r"^-ln p +slope by z: (\S+)"), decimals=2, within=0.02
    ),
    "How many steps": Choice(tuple(TIMES.values()), times_as_many),
    "Give the square": Choice((*FACTORS, THROWN), best_factor),
    "The aim": Number(rates_that_arrive, unit="of nine"),
    "One epoch": Choice(tuple(AT_BEST.values()), at_best),
    "The network now begins": Number(
        lambda seen: sum(wrong < 5_000 for wrong in misread(seen, "square")), unit="of four"
    ),
    "You forget the logarithm": Choice(FORGOTTEN, without_logarithm),
    "You forget softmax": Number(lambda seen: seen.number(r"^lower by 2 +(\S+)"), decimals=1),
}

"""What chapter 4 asks, and how the answers are computed."""

import math
import re

from asking import Choice, MoreOrLess, Number

WAYS = ("batches of 10, lr 0.1", "batches of 100, lr 0.1", "batches of 100, lr 1.0")
UNTRAINED = {
    0.0: "below ln 10",
    0.005: "at ln 10, to two decimals",
    0.1: "a little above ln 10, by less than .1",
    float("inf"): "well above ln 10, by more than .1",
}


def direction(change: float, words=("it grows", "it stays the same", "it falls")) -> str:
    return words[0] if change > 0 else words[2] if change < 0 else words[1]


def untrained(seen) -> str:
    loss, none = seen.number(r"^untrained network (\S+),"), math.log(10)
    return next(words for limit, words in UNTRAINED.items() if loss - none < limit)


def failing(seen) -> int:
    """How many of the rows say something else than a loss."""
    rows = re.findall(r"^(?:int64|float|a column|a digit of 10) +(\S+)", seen.text, re.M)
    if len(rows) < 4:
        raise LookupError("a kind of labels is missing")
    return sum(word != "loss" for word in rows)


def misreads_most(seen) -> str:
    found = {way: seen.number(rf"^{way}: (\d+) misread") for way in WAYS}
    return max(found, key=found.get)


PREDICTIONS = {
    "Softmax gave class 2": Number(
        lambda seen: seen.number(r"CrossEntropyLoss on z +(\S+)"), decimals=2
    ),
    "Raise the logit": MoreOrLess(
        options=("it grows", "it stays the same", "it falls"),
        answer=lambda seen: direction(seen.numbers("gradient.*")[0]),
    ),
    "Logits 0, 110, 0": Choice(
        (
            "the same from both",
            "infinity and a gradient that is no number from the first, 110 from the second",
            "0 from the first, 110 from the second",
        ),
        lambda seen: (
            "infinity and a gradient that is no number from the first, 110 from the second"
            if "inf" in seen.text
            and "nan" in seen.text
            and seen.number(r"log_softmax +loss +(\S+)") == 110
            else "the same from both"
        ),
    ),
    "A network that gives": Choice(tuple(UNTRAINED.values()), untrained),
    "Probabilities are": Number(lambda seen: seen.numbers()[0], decimals=2),
    "Which of these four": Number(failing, unit="of four"),
    "One epoch, in three": Choice(WAYS, misreads_most),
    "Eleven digits": Number(
        lambda seen: seen.number(r"^mean of batch means (\S+)"), decimals=2, within=0.02
    ),
}

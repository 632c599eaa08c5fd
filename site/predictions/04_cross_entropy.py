"""What chapter 4 asks, and how the answers are computed."""

from asking import Choice, MoreOrLess, Number


def direction(change: float, words=("it grows", "it stays the same", "it falls")) -> str:
    return words[0] if change > 0 else words[2] if change < 0 else words[1]


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
    "Ten classes": Number(lambda seen: seen.number(r"untrained network (\S+),"), decimals=1),
    "Probabilities are": Number(lambda seen: seen.numbers()[0], decimals=2),
}

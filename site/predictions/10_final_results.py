"""What chapter 10 asks, and how the answers are computed."""

import re

from asking import Choice, Number, Order

from mnistconv.records import load_records

CHANGES = {
    "convolution": ("dense", "simple"),
    "a second convolution": ("simple", "two-conv"),
    "ReLU": ("two-conv", "relu"),
    "expanded data": ("relu", "expanded"),
    "dropout": ("expanded", "dropout-lr0.03"),
}
SHARES = ("nothing yet", "about half", "most of it, or all")


def by_gain(seen) -> list[str]:
    """The changes as the cell orders them, the largest gain of our means first."""
    printed = re.findall(r"^(\S+) → (\S+): ", seen.text, re.M)
    names = {runs: change for change, runs in CHANGES.items()}
    return [names[runs] for runs in printed]


def share_at_equal_steps(seen) -> str:
    """How much of its lead dropout had after as many steps as `relu` takes: means of records."""

    def mean(values):
        return sum(values) / len(values)

    plain, dropout = load_records("relu"), load_records("dropout-lr0.03")
    epoch = len(plain[0].test_accuracy) // 5  # of five times as many pictures
    end = mean([record.final_accuracy for record in plain])
    then = mean([record.test_accuracy[epoch - 1] for record in dropout]) - end
    lead = mean([record.final_accuracy for record in dropout]) - end
    return SHARES[0] if then < lead / 4 else SHARES[1] if then < 3 * lead / 4 else SHARES[2]


def rows_with_fewer(seen) -> int:
    rows = re.findall(r"^\S+ +([\d.]+) +([\d.]+) *$", seen.text, re.M)
    if not rows:
        raise LookupError("no row was printed")
    return sum(float(votes) < float(labels) for labels, votes in rows)


PREDICTIONS = {
    "Each row changed something": Order(tuple(CHANGES), by_gain),
    "The dropout network took": Choice(SHARES, share_at_equal_steps),
    "Of the 15": Number(lambda seen: seen.number(r"'guess': (\d+)"), unit="of 15"),
    "Wherever a majority": Number(rows_with_fewer, unit="of nine"),
}

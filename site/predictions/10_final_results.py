"""What chapter 10 asks, and how the answers are computed."""

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
RUNS = ("dropout-lr0.03", "dropout-lr0.005", "dropout-nielsen-step")
OUTCOMES = (
    "yes, and the order stays",
    "yes, but the order changes",
    "no, not every run",
)


def by_gain(seen) -> list[str]:
    """The changes, the largest gain of our means first."""

    def ours(run):
        return seen.number(rf"^{run} +([\d.]+)")

    def gain(change):
        before, after = CHANGES[change]
        return ours(after) - ours(before)

    return sorted(CHANGES, key=gain, reverse=True)


def share_at_equal_steps(seen) -> str:
    """How much of its lead `expanded` had after as many steps as `relu` takes: means of records."""

    def mean(values):
        return sum(values) / len(values)

    plain, expanded = load_records("relu"), load_records("expanded")
    epoch = len(plain[0].test_accuracy) // 5  # of five times as many pictures
    end = mean([record.final_accuracy for record in plain])
    then = mean([record.test_accuracy[epoch - 1] for record in expanded]) - end
    lead = mean([record.final_accuracy for record in expanded]) - end
    return SHARES[0] if then < lead / 4 else SHARES[1] if then < 3 * lead / 4 else SHARES[2]


def outcome(seen) -> str:
    """Whether every run gains by the votes, and whether the dropout runs keep their order."""
    pairs = [seen.numbers(rf"^{run} +.*$")[-2:] for run in RUNS]
    others = [seen.numbers(rf"^{run} +.*$")[-2:] for run in ("dense", "simple", "two-conv", "relu")]
    if not all(votes < labels for labels, votes in pairs + others):
        return OUTCOMES[2]
    before, after = zip(*pairs, strict=True)
    same = sorted(range(3), key=before.__getitem__) == sorted(range(3), key=after.__getitem__)
    return OUTCOMES[0] if same and len(set(after)) == 3 else OUTCOMES[1]


PREDICTIONS = {
    "Each row changed something": Order(tuple(CHANGES), by_gain),
    "Expanded data got five times": Choice(SHARES, share_at_equal_steps),
    "Of the 15": Number(lambda seen: seen.number(r"'guess': (\d+)"), unit="of 15"),
    "Wherever a majority": Choice(OUTCOMES, outcome),
}

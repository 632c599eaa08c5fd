"""What chapter 8 asks, and how the answers are computed."""

import math

from asking import Choice, Number

FALLEN = (
    "right: 3, 6, 9; up: 1, 2, 3",
    "right: 3, 6, 9; up: 7, 8, 9",
    "right: 1, 4, 7; up: 1, 2, 3",
    "right: 1, 4, 7; up: 7, 8, 9",
)
ONE_IN = {
    10_000: "about one in ten thousand",
    1_000: "about one in a thousand",
    100: "about one in a hundred",
    10: "about one in ten",
}
PUSHED = (
    "hardly fewer than without the push",
    "about halfway between",
    "nearly as few as where they stood",
)
KNOWS = (
    "the first both",
    "the first its own, the second the unseen ones",
    "the second its own, the first the unseen ones",
    "the second both",
)
LONGER = ("more than 0.2 points", "0.1 to 0.2 points", "less than 0.1 points, or nothing")


def fallen(seen) -> str:
    shown = seen.numbers()[:18]
    lost = [sorted(set(range(1, 10)) - set(nine)) for nine in (shown[:9], shown[9:])]
    right, up = (", ".join(str(number) for number in numbers) for numbers in lost)
    return f"right: {right}; up: {up}"


def memory_ratio(seen) -> float:
    """How many bytes the article's way takes for each of the 28 * 28 that `expand` takes."""
    pictures, megabytes = seen.numbers(r"measured:.*MB")
    return 1e6 * megabytes / (pictures * 28 * 28)


def at_the_border(seen) -> str:
    touching, total = seen.numbers(r"^\d+ of [\d,]+")
    one_in = total / touching
    return ONE_IN[min(ONE_IN, key=lambda number: abs(math.log(one_in / number)))]


def pushed_back(seen) -> str:
    still, moved, back = (
        seen.number(rf"{line}: +([\d,]+)")
        for line in ("in their place", "four pixels right", "maps one cell left")
    )
    won_back = (moved - back) / (moved - still)
    return PUSHED[0] if won_back < 0.25 else PUSHED[1] if won_back < 0.75 else PUSHED[2]


def share_left(seen) -> float:
    _, before, after = seen.numbers(r"^2 +\d+ +\d+ *$")
    return 100 * after / before


def knows_better(seen) -> str:
    own, own_shifted = seen.numbers(r"^loss .*")
    unseen, unseen_shifted = seen.numbers(r"^unseen_loss .*")
    return KNOWS[2 * (own_shifted < own) + (unseen_shifted < unseen)]


def longer(seen) -> str:
    gain = seen.number(r"longer training: (\S+) points")
    return LONGER[0] if gain > 0.2 else LONGER[1] if gain >= 0.1 else LONGER[2]


def share_apart(seen) -> float:
    apart, pairs = seen.numbers(r"^\d+ of \d+ pairs")
    return 100 * apart / pairs


PREDICTIONS = {
    "The picture holds 1 to 9": Choice(FALLEN, fallen),
    "How many megabytes": Number(
        lambda seen: seen.number(r"([\d,]+) MB as bytes"), unit="MB", within=0.1
    ),
    "How many times the memory": Number(memory_ratio, unit="times", decimals=1, within=0.3),
    "MNIST's digits fill": Choice(tuple(ONE_IN.values()), at_the_border),
    "Move every test digit by one pixel": Number(
        lambda seen: seen.number(r"moved by 4: +([\d,]+)"), unit="digits", within=0.25
    ),
    "Move every test digit four": Choice(PUSHED, pushed_back),
    "The training set holds shifts": Number(share_left, unit="%", within=0.3),
    "The same network, the same 4,000": Choice(KNOWS, knows_better),
    "If the gradients were zero": Number(
        lambda seen: seen.number(r"^expanded [^\n]* (\d+)% of a weight"), unit="%", within=0.15
    ),
    "At 360,000 steps": Choice(LONGER, longer),
    "Suppose both networks": Number(
        lambda seen: seen.number(r"p = ([\d.]+)"), decimals=2, within=0.25
    ),
    "Same recipe, same data": Number(share_apart, unit="% of the pairs", within=0.25),
}

"""What chapter 2 asks, and how the answers are computed."""

import re

from asking import Choice, Number

BY_SCALE = (
    "neither: the proportions stay",
    "the one by dividing alone",
    "the one by softmax alone",
    "both",
)
RAISED = (
    "the same as of .2, .4 and .9",
    "three shares that are nearly alike",
    "nearly everything for the largest",
    "no numbers: the powers are too large",
)
LARGE = (
    "about .27 and .73, as for 0 and 1",
    "about .50 and .50: the two are nearly alike",
    "0 and 1: the larger one takes all",
    "no numbers, nan twice",
)


def by_scale(seen) -> str:
    rows = re.findall(r"divided ([\d.]+) +softmax ([\d.]+)", seen.text)
    first, last = ([float(share) for share in row] for row in (rows[0], rows[-1]))
    divided_grows, softmax_grows = (a < b for a, b in zip(first, last, strict=True))
    return BY_SCALE[divided_grows + 2 * softmax_grows]


def tensors(seen) -> list[list[str]]:
    return [inside.split(", ") for inside in re.findall(r"tensor\(\[(.*?)\]\)", seen.text)]


def raised(seen) -> str:
    before, after = tensors(seen)
    if "nan" in after:
        return RAISED[3]
    if before == after:
        return RAISED[0]
    return RAISED[2 if float(max(after)) > 0.9 else 1]


def large(seen) -> str:
    formula, _ = tensors(seen)[:2]
    if formula == ["nan", "nan"]:
        return LARGE[3]
    share = float(formula[1])
    return LARGE[1 if share < 0.6 else 0 if share < 0.9 else 2]


PREDICTIONS = {
    "What share does the largest": Number(
        lambda seen: seen.numbers(r"^tensor\(.*$")[-1], decimals=2
    ),
    "Will the largest share": Number(
        lambda seen: seen.numbers(r"^tensor\(.*$")[-1], decimals=2, within=0.1
    ),
    "Multiply all three": Choice(BY_SCALE, by_scale),
    "Outputs -1": Number(lambda seen: seen.numbers(r"^divided.*$")[-1]),
    "Add 100": Choice(RAISED, raised),
    "The logits are 0, 0": Number(
        lambda seen: seen.number(r"^p = ([\d.]+), loss"), decimals=2, within=0.1
    ),
    "The logits are 1000": Choice(LARGE, large),
}

"""What chapter 9 asks, and how the answers are computed."""

import re

from asking import Choice, Number

PATTERNS = (
    "0 and 1, both rows alike",
    "0 and 2, both rows alike",
    "0 and 2, each row in its own way",
    "any numbers around 1",
)
ON_FEW = (
    "own better, unseen better",
    "own better, unseen worse",
    "own worse, unseen better",
    "own worse, unseen worse",
)
REMEDIES = ("dropout", "weight decay", "shifts")
STARTS = (
    "yes, the spreads are the same",
    "his weights are wider, the biases the same",
    "his biases are far wider",
)
CLEAR = ("none", "expanded data alone", "dropout alone", "expanded data and dropout", "all five")


def pattern(seen) -> str:
    first, second = re.findall(r"^training +([\d ]+)$", seen.text, re.M)
    values = {int(value) for value in (first + " " + second).split()}
    if values == {0, 1}:
        return PATTERNS[0]
    if values != {0, 2}:
        return PATTERNS[3]
    return PATTERNS[1] if first == second else PATTERNS[2]


def on_few(seen) -> str:
    own, own_with = seen.numbers(r"^wrong .*$")
    unseen, unseen_with = seen.numbers(r"^unseen_wrong .*$")
    return ON_FEW[2 * (own_with > own) + (unseen_with > unseen)]


def best_remedy(seen) -> str:
    misread = {name: seen.number(rf"^{name} .* misread ([\d.]+)%") for name in REMEDIES}
    return min(misread, key=misread.get)


def largest_share(seen) -> float:
    layers = [float(n.replace(",", "")) for n in re.findall(r"^\w+\d? +([\d,]+)$", seen.text, re.M)]
    together = seen.number(r"together +([\d,]+)")
    return 100 * max(n for n in layers if n < together) / together


def jumps(seen) -> tuple[float, float]:
    found = [float(jump) for jump in re.findall(r"jumps by ([\d.]+)", seen.text)]
    return min(found), max(found)


def start(seen) -> str:
    spreads = re.findall(r"^\w+\.(weight|bias) +([\d.]+) +([\d.]+)$", seen.text, re.M)
    hidden = [(kind, float(his) / float(ours)) for kind, ours, his in spreads if float(his) > 0]
    if min(ratio for kind, ratio in hidden if kind == "bias") > 5:
        return STARTS[2]
    return STARTS[0] if all(0.8 < ratio < 1.25 for _, ratio in hidden) else STARTS[1]


def clear(seen) -> str:
    shown = set(re.findall(r"→ (\S+) .*shown *$", seen.text, re.M))
    if len(shown) == 5:
        return CLEAR[4]
    return {
        frozenset(): CLEAR[0],
        frozenset({"steps-expanded"}): CLEAR[1],
        frozenset({"steps-dropout"}): CLEAR[2],
        frozenset({"steps-expanded", "steps-dropout"}): CLEAR[3],
    }[frozenset(shown)]


def means(seen) -> tuple[float, float]:
    found = [float(mean) for mean in re.findall(r"mean ([\d.]+)", seen.text)]
    return min(found), max(found)


PREDICTIONS = {
    "A batch of two pictures": Choice(PATTERNS, pattern),
    "Why that number? What": Number(means, decimals=1),
    "After 4,000 steps": Choice(ON_FEW, on_few),
    "Now beside the two remedies": Choice(REMEDIES, best_remedy),
    "The ReLU network had": Number(largest_share, unit="% (in the largest layer)", within=0.1),
    "Each of the 640": Number(
        lambda seen: seen.number(r"a number of (\d+) digits"), unit="digits", within=0.1
    ),
    "By how many of the 10,000": Number(jumps, unit="digits", decimals=1, within=0.1),
    "In how many of these nine": Number(
        lambda seen: seen.number(r"wilder one in (\d+)"), unit="of nine"
    ),
    "The network looks at one": Number(
        lambda seen: len(set(seen.numbers(r"training: +\[.*\]"))), unit="different answers"
    ),
    "Both take one step": Number(
        lambda seen: seen.number(r"fc1.weight +PyTorch's change is ([\d.]+)"), unit="times his"
    ),
    "Does it also begin": Choice(STARTS, start),
    "His first row on": Number(
        lambda seen: seen.number(r"gone by width and depth: (\d+)"), unit="digits", within=0.2
    ),
    "How firm is even": Number(lambda seen: seen.number(r"p = ([\d.]+)"), decimals=2, within=0.3),
    "Which of these steps": Choice(CLEAR, clear),
}

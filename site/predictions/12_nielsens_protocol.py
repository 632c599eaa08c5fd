"""What chapter 12 asks, and how the answers are computed."""

import re

from asking import Choice, Number

from mnistconv.experiments import on_board
from mnistconv.records import load_records
from mnistconv.records.verdict import DENSE_SWAPS, SWAPS

SMALL = (
    "neither by more than rounding",
    "the outputs by rounding, the gradients by more",
    "both by more than rounding",
)
WEIGHTS = (
    "none",
    "the 1,000 from value i to unit i",
    "about half of them",
    "all of them",
)
AGREEING = ("half of them or fewer", "more than half", "all")
ITEMS = {
    "his pixels": "pixels x/256",
    "his order": "the same order in every epoch",
    "his 50,000 digits": "the first 50,000 digits",
}
NO_ITEM = "none of them"
COSTS = {
    "his order": "swap-dense-order",
    "his first weights": "swap-dense-first-weights",
    "his 50,000 digits": "swap-dense-50000",
    "his pixels": "swap-dense-pixels",
}
NO_COST = "none: no loss is clear"
PARTS = (
    "the weights: with his biases besides, it takes longer again",
    "the biases: with his weights besides, it takes longer again",
    "both: each alone helps, together they help more",
    "neither alone: only together they help",
)
DIGITS = ("1", "3", "8", "one of 1 and 8 by lot")
EPOCHS = ("epoch 1", "epoch 2", "epoch 3", "epoch 4")
VOTES = ("yes", "no: it is as good as the best", "no: it is worse than the best")


def same_layer(seen) -> str:
    said = re.findall(r"less than 1e-14: (True|False)", seen.text)
    if not said:
        raise LookupError("no difference was printed")
    return SMALL[0] if set(said) == {"True"} else SMALL[2]


def otherwise(seen) -> str:
    often = seen.number(r"Nielsen: .*one half: ([\d,]+) of")
    total = seen.number(r"Nielsen: .*one half: [\d,]+ of ([\d,]+)")
    diagonal = seen.number(r"Nielsen: .*?, ([\d,]+) of them")
    if often == 0:
        return WEIGHTS[0]
    if often == diagonal:
        return WEIGHTS[1]
    return WEIGHTS[2] if often < 0.75 * total else WEIGHTS[3]


def agreeing(seen) -> str:
    places = re.findall(r" lies (below|above|within) ", seen.text)
    if not places:
        raise LookupError("no row can be compared")
    share = places.count("within") / len(places)
    return AGREEING[2] if share == 1 else AGREEING[1] if share > 0.5 else AGREEING[0]


def waited(seen, arm: str) -> float:
    """Steps until the arm's plateau first ended, seed 0, infinite where it did not."""
    line = re.search(rf"^{re.escape(arm)} +(.*)$", seen.text, re.M)
    if not line:
        raise LookupError(f"no line says {arm!r}")
    return float("inf") if "not within" in line[1] else float(line[1].split()[0].replace(",", ""))


def ends_it(seen) -> str:
    ended = [item for item, arm in ITEMS.items() if waited(seen, arm) < float("inf")]
    if len(ended) > 1:
        raise LookupError(f"{len(ended)} items end it")
    return ended[0] if ended else NO_ITEM


def good_part(seen) -> str:
    """From the two arms, and from how the better one compares with both together."""
    weights, biases = (waited(seen, f"his first {part} alone") for part in ("weights", "biases"))
    together = waited(seen, "his first weights and biases")
    if together < min(weights, biases):
        return PARTS[3] if weights == biases == float("inf") else PARTS[2]
    return PARTS[0] if weights < biases else PARTS[1]


def clear_of_zero(seen) -> int:
    words = re.findall(r"→ .* (shown|likely|refuted|open) *$", seen.text, re.M)
    if not words:
        raise LookupError("no verdict was printed")
    return words.count("shown") + words.count("refuted")


def costs_most(seen) -> str:
    """The swap with the largest loss, of those whose interval lies below 0."""
    losses = {}
    for item, run in COSTS.items():
        line = re.search(rf"→ {run} .*?([-+]\d\.\d\d) .* (\w+) *$", seen.text, re.M)
        if not line:
            raise LookupError(f"no line says {run!r}")
        if line[2] == "refuted":
            losses[item] = float(line[1])
    return min(losses, key=losses.get) if losses else NO_COST


def vote_beats(seen) -> str:
    voted = seen.number(r"steps-dropout: .*?, (\d+) wrong")
    best = seen.number(r"steps-dropout: .* alone (\d+)")
    return VOTES[0] if voted < best else VOTES[1] if voted == best else VOTES[2]


PREDICTIONS = {
    "The same weights in both": Choice(SMALL, same_layer),
    "And in his second step": Number(
        lambda seen: seen.number(r"all he draws, step 2: loss [\d.]+; (\d) of 8"), "of eight"
    ),
    "Four epochs with validation": Choice(
        EPOCHS, lambda seen: f"epoch {seen.number(r'epoch (.)'):.0f}"
    ),
    "`fc2` and the last layer each": Number(
        lambda seen: seen.number(r"fc2 and the last layer: ([\d.]+)%"), "%"
    ),
    "With independent masks that": Choice(WEIGHTS, otherwise),
    "Three runs are equally good": Number(
        lambda seen: abs(seen.number(r"validation digits: ([-+][\d.]+)")),
        "standard deviations (by validation)",
        decimals=1,
    ),
    "Notebook 6 has shown that all": Choice((*ITEMS, NO_ITEM), ends_it),
    "His hidden weights with all else": Choice(PARTS, good_part),
    "And his whole protocol, pixels": Number(
        lambda seen: waited(seen, "Nielsen's protocol"), "steps", within=0.1
    ),
    "Two networks say 1": Choice(DIGITS, lambda seen: f"{seen.number(r'the vote: (.)'):.0f}"),
    "Does the vote of": Choice(VOTES, vote_beats),
}


def are_recorded(*names: str) -> bool:
    """Whether each has the two runs without which there is no interval."""
    return all(len(load_records(name)) > 1 for name in names)


# What hangs on who has run what is asked when enough has been run; until then nobody checks it.
if sum(are_recorded(name) for name, row in on_board("nielsen").items() if row.nielsen) >= 3:
    PREDICTIONS["Of his figures that can"] = Choice(AGREEING, agreeing)
if sum(are_recorded(step.after) for step in SWAPS) >= 3:
    PREDICTIONS["Of the rows that have"] = Number(clear_of_zero, "rows")
if are_recorded("nielsen-shallow", *(step.after for step in DENSE_SWAPS)):
    PREDICTIONS["Which of the four items"] = Choice((*COSTS, NO_COST), costs_most)
if are_recorded("nielsen-no-fc", "nielsen-tanh", "nielsen-sigmoid-l2"):
    PREDICTIONS["For how many of the three"] = Number(clear_of_zero, "of three")
if are_recorded("nielsen-shallow", "nielsen-basic", "nielsen-two-conv", "nielsen-relu"):
    PREDICTIONS["For how many of the four"] = Number(clear_of_zero, "of four")

"""What chapter 7 asks, and how the answers are computed."""

import re

from asking import Choice, Number

from mnistconv.records import load_records

DEAD = (
    "fewer than half at both",
    "fewer than half at 0.3, more at 0.4",
    "more than half at 0.3, fewer at 0.4",
    "more than half at both",
)
ENDS = ("yes, within a point", "no, but all of them learn", "no, and not all of them learn")
TENTH = (
    "both",
    "the loss, but not the errors",
    "the errors, but not the loss",
    "neither",
)
STEP = (
    "none, but for rounding",
    "about a thousandth of the step",
    "about a tenth of the step",
)
CLEAR = ("both", "that from the sigmoids alone", "that from no decay alone", "neither")


def largest_factor(seen) -> float:
    return max(float(factor) for factor in re.findall(r"(\d+) times as large", seen.text))


def difference(seen) -> str:
    if "largest difference below 1e-15: True" not in seen.text:
        raise LookupError("the two steps differ")
    return STEP[0]


def dead(seen) -> str:
    at_3, at_4 = (int(after) for after in re.findall(r"then (\d+)", seen.text))
    return DEAD[2 * (at_3 >= 50) + (at_4 >= 50)]


def misread_of_own(seen) -> tuple[float, float]:
    found = [int(wrong) for wrong in re.findall(r"of its own:.* (\d+) misread", seen.text)]
    return min(found), max(found)


def share_of_misread(seen) -> float:
    misread, right = (float(loss) for loss in re.findall(r"bring ([\d.]+)", seen.text))
    return 100 * misread / (misread + right)


def width(seen) -> float:
    low, high = seen.numbers(r"between [\d.]+% and [\d.]+%")
    return high - low


def ends(seen) -> str:
    records = load_records("relu-wd0.1")
    if any(record.learned_nothing for record in records):
        return ENDS[2]
    finals = [record.final_accuracy for record in records]
    return ENDS[0] if max(finals) - min(finals) < 0.01 else ENDS[1]


def lowered_by_a_tenth(seen) -> str:
    before, after = re.findall(r"loss ([\d.]+), misread ([\d.]+)%", seen.text)
    loss, errors = (float(b) < 0.9 * float(a) for a, b in zip(before, after, strict=True))
    return TENTH[2 * (not loss) + (not errors)]


def clear(seen) -> str:
    words = dict(re.findall(r"^(\S+) → relu .*(shown|likely|open|refuted) *$", seen.text, re.M))
    by_relu, by_decay = (words[run] == "shown" for run in ("two-conv", "relu-wd0"))
    return CLEAR[2 * (not by_relu) + (not by_decay)]


PREDICTIONS = {
    "At z = 0 the sigmoid": Number(
        lambda seen: seen.numbers(r"^sigmoid.*")[-1], decimals=3, within=0.25
    ),
    "For seed 0, notebook 6": Number(largest_factor, unit="times", within=0.2),
    "Of the 100 units": Number(
        lambda seen: seen.number(r"(\d+)% of the values of fc1"), unit="of 100", within=0.2
    ),
    "How many of the hundred units": Choice(DEAD, dead),
    "Of 10,000 digits of its own": Number(misread_of_own, unit="digits"),
    "The network has 85,670": Number(
        lambda seen: seen.number(r"(?s:.*)unseen digits: .*misread ([\d.]+)%"),
        unit="%",
        decimals=1,
        within=0.25,
    ),
    "How much of the loss on unseen": Number(share_of_misread, unit="%", within=0.08),
    "w = 2, gradient 0.5": Number(lambda seen: seen.number(r"by PyTorch ([\d.]+)"), decimals=2),
    "Which test accuracy": Number(
        lambda seen: seen.number(r"test accuracy +([\d.]+)%"), unit="%", decimals=1, within=0.03
    ),
    "Train on for five times": Number(width, unit="points", decimals=1, within=0.3),
    "They learned from the same": Choice(ENDS, ends),
    "Of these ten seeds": Number(
        lambda seen: seen.number(r"and (\d+)%, by a 95 %"), unit="%", within=0.25
    ),
    "The article's weight decay": Number(
        lambda seen: seen.number(r"weight decay 0\.1 +on +60,000 images: lambda ([\d.]+)")
    ),
    "One step by his cost": Choice(STEP, difference),
    "Which of the two, the loss": Choice(TENTH, lowered_by_a_tenth),
    "Two steps lead": Choice(CLEAR, clear),
}

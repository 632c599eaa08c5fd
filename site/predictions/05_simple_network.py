"""What chapter 5 asks, and how the answers are computed."""

import re

import torch
from asking import Choice, Number, to_number

from mnistconv.records import load_network

WORK = ("conv1", "fc1", "both as often")
MISREAD = (
    "more: it has more to learn",
    "fewer, but more than half as many",
    "less than half as many",
    "less than a tenth",
)
KERNELS = (
    "even: one sign nearly everywhere",
    "striped: a band of one sign beside one of the other",
    "speckled: signs at random, as in the beginning",
    "like little digits",
)
KNOWN = (
    "better, by more than a point",
    "about alike, within a point",
    "worse, by more than a point",
)
TWINS = ("always", "only with a seed before building, too", "never")
SHIFTED = (
    "clearly smallest with pooling",
    "clearly smallest with a convolution, pooled or not",
    "about the same for all three",
)
TIMES = {
    2: "less than twice as fast",
    5: "two to five times",
    30: "five to thirty times",
    float("inf"): "more than thirty times",
}


def commonest_length(seen) -> float:
    sides = re.findall(r"longer side (\d+): ([\d,]+) digits", seen.text)
    return float(max(sides, key=lambda side: to_number(side[1]))[0])


def biases(seen) -> float:
    counts = re.findall(r"bias +\S+ +([\d,]+)$", seen.text, re.M)
    if not counts:
        raise LookupError("no biases")
    return sum(map(to_number, counts))


def who_multiplies_more(seen) -> str:
    conv1, fc1 = (seen.number(rf"^{name}: .* ([\d,]+) products") for name in ("conv1", "fc1"))
    return WORK[0] if conv1 > fc1 else WORK[1] if fc1 > conv1 else WORK[2]


def known_digits(seen) -> str:
    """How the training digits are read, compared with the test digits, in points."""
    known, unseen = (
        seen.number(rf"^([\d.]+)% of the {name} digits") for name in ("training", "test")
    )
    return KNOWN[0 if known > unseen + 1 else 2 if known < unseen - 1 else 1]


def misread(seen) -> str:
    dense, simple = (seen.number(rf"^{name} +(\d+) of") for name in ("dense", "simple"))
    share = simple / dense
    return MISREAD[0 if share >= 1 else 1 if share > 1 / 2 else 2 if share > 1 / 10 else 3]


def most_kernels(seen) -> str:
    """How most of the kernels vary: not at all, by one wave across five pixels, or faster."""
    kernels = load_network("simple").conv1.weight.detach()[:, 0]
    power = torch.fft.fft2(kernels).abs().square()
    waves = (torch.fft.fftfreq(5) * 5).abs().round()
    waves = torch.maximum(waves[:, None], waves)
    shares = torch.stack([power[:, waves == n].sum(dim=1) for n in range(3)])
    return KERNELS[shares.argmax(dim=0).mode().values]


def twins(seen) -> str:
    words = dict(re.findall(r"^(seeded for fit|seeded before).*: +(True|False)$", seen.text, re.M))
    if words["seeded before"] == "False":
        return TWINS[2]
    return TWINS[0] if words["seeded for fit"] == "True" else TWINS[1]


def least_harmed(seen) -> str:
    """By the factors of the three networks of the short training; clearly: by a fifth."""
    dense, simple, strided = (
        seen.number(rf"^{name} +misread .*?moved: x ([\d.]+)")
        for name in ("dense", "simple", "strided")
    )
    if simple < 0.8 * min(dense, strided):
        return SHIFTED[0]
    if max(simple, strided) < 0.8 * dense:
        return SHIFTED[1]
    if min(dense, simple, strided) < 0.8 * max(dense, simple, strided):
        raise ValueError("a factor that no option names")
    return SHIFTED[2]


def times_as_fast(seen) -> str:
    times = seen.number(r"takes (\d+) times")
    return next(words for limit, words in TIMES.items() if times < limit)


PREDICTIONS = {
    "How much ink": Number(
        lambda seen: seen.number(r"with ink: ([\d.]+)%"), unit="of 100", within=0.25
    ),
    "The pictures are 28": Number(commonest_length, unit="pixels"),
    "Of the 79,510": Number(biases),
    "A full run": Number(lambda seen: seen.number(r"([\d,]+) in 60 epochs"), unit="steps"),
    "The network has seen": Choice(KNOWN, known_digits),
    "And the work": Choice(WORK, who_multiplies_more),
    "How many test digits": Choice(MISREAD, misread),
    "What will most kernels": Choice(KERNELS, most_kernels),
    "Two networks are": Choice(TWINS, twins),
    "You move every": Number(
        lambda seen: seen.number(r"^3 pixels to the right: +([\d.]+)%"), unit="%", within=0.2
    ),
    "All test digits": Choice(SHIFTED, least_harmed),
    "`Batches` gives": Choice(tuple(TIMES.values()), times_as_fast),
}

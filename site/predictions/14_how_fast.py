"""What chapter 14 asks, and how the answers are computed."""

from asking import Choice, Number

from mnistconv import fast
from mnistconv.records import load_records
from mnistconv.records.speed import load_speed

SECONDS = r": ([\d.]+) s,"
PERCENT = r"([\d.]+)% of the held-out digits"
AFTER = {
    "about 98 %, as before": (97.5, 98.5),
    "clearly better: above 98.5 %": (98.5, 100.1),
    "worse: 96 to 97.5 %": (96, 97.5),
    "much worse: 80 to 96 %": (80, 96),
    "it guesses: below 80 %": (0, 80),
}
LOGITS = (
    "they double",
    "they quadruple",
    "next to nothing",
    "they change sign",
)
UNDONE = {
    "no momentum": "no momentum",
    "a constant rate of .1": "a constant rate of .1",
    "no batch normalisation": "no batch normalisation, rate .1",
    "no label smoothing": "no label smoothing",
}


def band(seen) -> str:
    percent = seen.number(PERCENT)
    return next(name for name, (low, high) in AFTER.items() if low <= percent < high)


def doubled(seen) -> str:
    size, change = seen.number(r"up to ([\d.]+)"), seen.number(r"at most ([\d.e+-]+)")
    return LOGITS[2] if change < 0.01 * size else LOGITS[0]


def below_99(seen) -> int:
    return sum(record.final_accuracy < 0.99 for record in load_records("fast"))


def costliest(seen) -> str:
    accuracy = {way.title: way.mean_accuracy for way in load_speed().without}
    return min(UNDONE, key=lambda name: accuracy[UNDONE[name]])


PREDICTIONS = {
    "How many seconds of one core does the article's loop": Number(
        lambda seen: seen.number(SECONDS), "s", 0, within=0.35
    ),
    "Of 100 seconds of this loop": Number(
        lambda seen: seen.number(r"getting pictures: (\d+)%"), "seconds", 0, within=0.25
    ),
    "And what does the clock say without the loader?": Number(
        lambda seen: seen.number(SECONDS), "s", 1, within=0.25
    ),
    "The same multiplications in another layout": Number(
        lambda seen: seen.number(r"factor of ([\d.]+)"), "times", 1, within=0.15
    ),
    "Batches of 64, all else equal": Choice(tuple(AFTER), band),
    "μ = .9, and every gradient is 1": Number(
        lambda seen: seen.number(r"step 100: v = ([\d.]+)"), "", 1
    ),
    "With this rate, the same network reads": Number(
        lambda seen: seen.number(PERCENT), "%", 1, within=0.002
    ),
    "Somebody hands the network all pixels doubled": Choice(LOGITS, doubled),
    "Which probability is then wanted": Number(
        lambda seen: max(seen.numbers(r"wanted for a 3:.*")[1:]), "", 2
    ),
    "The table says by how much the arithmetic falls": Number(
        lambda seen: seen.number(r"time: ([\d.]+)"), "times", 1, within=0.2
    ),
    "Of the 20 networks, how many": Number(below_99, "networks", 0),
    "Which undone change costs most accuracy": Choice(tuple(UNDONE), costliest),
}

assert {*UNDONE.values()} <= {way.title for way in fast.WITHOUT}

"""What the records say about each step from one recipe to the next: how much it gained."""

import statistics
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mnistconv.experiments import get_experiment
from mnistconv.files import write_between
from mnistconv.records.intervals import difference_interval
from mnistconv.records.scores import NOT_YET, percents


@dataclass(frozen=True)
class Step:
    """From the run `before` to the run `after`: what was changed, for readers."""

    before: str
    after: str
    changed: str

    @property
    def claimed(self) -> float | None:
        """What the article's single runs gained, in points; None where it has no such runs."""
        ends = [get_experiment(name).article for name in (self.before, self.after)]
        return None if None in ends else ends[1] - ends[0]


STEPS = (
    Step("simple", "two-conv", "a second convolution"),
    Step("two-conv", "relu", "ReLU, with its learning rate and weight decay"),
    Step("relu", "expanded", "expanded data, as many epochs"),
    Step("expanded", "dropout-lr0.03", "1,000 + 1,000 units, dropout, 40 epochs"),
    Step("dropout-lr0.03", "dropout-lr0.005", "a smaller learning rate"),
    Step("dropout-lr0.03", "dropout-nielsen-step", "Nielsen's step"),
    Step("relu-wd0", "relu", "weight decay 0.00005"),
    Step("relu", "steps-expanded", "expanded data, as many steps"),
    Step("steps-expanded", "steps-wide", "1,000 units in place of 100"),
    Step("steps-wide", "steps-deep", "a second dense layer"),
    Step("steps-deep", "steps-deep-wd0", "no weight decay"),
    Step("steps-deep-wd0", "steps-dropout", "dropout, with Nielsen's step"),
)

# One item of Nielsen's protocol at a time, on the article's `relu`. No steps that gained: so they
# have a table of their own.
SWAPS = (
    Step("relu", "swap-order", "the same order in every epoch"),
    Step("relu", "swap-first-weights", "Nielsen's first weights"),
    Step("relu", "swap-50000", "the first 50,000 images"),
    Step("relu", "swap-decay", "weight decay 0.00002, of weights alone"),
    Step("relu", "swap-pixels", "pixels x/256"),
)

# The same on `dense`. As many steps: 72 epochs of 50,000 images are 60 of 60,000.
DENSE_SWAPS = (
    Step("dense", "swap-dense-order", "the same order in every epoch"),
    Step("dense", "swap-dense-first-weights", "Nielsen's first weights"),
    Step("dense", "swap-dense-50000", "the first 50,000 images"),
    Step("dense", "swap-dense-50000-steps", "the same, as many steps"),
    Step("dense", "swap-dense-pixels", "pixels x/256"),
)


@dataclass(frozen=True)
class Gain:
    """What a step gained, in points: the difference of two means, and its 95 % and 80 % intervals.

    `seeds` are those before and after, without seeds that learned nothing. `mean` is None where a
    side has none, the intervals where a side has fewer than two or nothing scatters.
    """

    seeds: tuple[int, int]
    mean: float | None
    interval: tuple[float, float] | None
    narrow: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """One word, by a rule that was fixed before the ablation was run.

        "shown": the 95 % interval lies above 0; "likely": the 80 % interval does; "refuted": the
        95 % interval lies below 0; "open": none of these, or fewer than two seeds on a side.
        """
        if self.interval is None:
            return "open"
        if self.interval[0] > 0:
            return "shown"
        if self.interval[1] < 0:
            return "refuted"
        return "likely" if self.narrow[0] > 0 else "open"


def gain(step: Step) -> Gain:
    """What the recorded seeds of a step's two runs say."""
    before, after = (percents(get_experiment(name))[0] for name in (step.before, step.after))
    mean = statistics.mean(after) - statistics.mean(before) if before and after else None
    intervals = [difference_interval(before, after, share) for share in (0.95, 0.80)]
    return Gain((len(before), len(after)), mean, *intervals)


def verdict(after: list[str] | None = None, steps: tuple[Step, ...] = STEPS) -> pd.DataFrame:
    """A row for each step of the article and of the ablation, differences in points.

    Columns, as text to read: `step`, `changed`, `article` (what its single runs gained), `ours`
    (the difference of our means), `95 % interval` (Welch's t), `seeds` of the two, `verdict`.
    `after` picks the steps that lead to these runs; all when None. `steps` may be other ones,
    `SWAPS` for example.
    """
    picked = [step for step in steps if after is None or step.after in after]
    return pd.DataFrame(map(_row, picked)).set_index("step")


def _row(step: Step) -> dict:
    found = gain(step)
    return {
        "step": f"{step.before} → {step.after}",
        "changed": step.changed,
        "article": "" if step.claimed is None else f"{step.claimed:+.2f}",
        "ours": NOT_YET if found.mean is None else f"{found.mean:+.2f}",
        "95 % interval": "{:+.2f} to {:+.2f}".format(*found.interval) if found.interval else "",
        "seeds": "{}, {}".format(*found.seeds),
        "verdict": found.verdict,
    }


LEGEND = (
    "Points of accuracy on the test images that a step gained: the difference of the means over\n"
    "seeds, and its 95 % interval (Welch's t; without seeds that learned nothing). Shown: the\n"
    "interval lies above 0. Refuted: below 0. Likely: that of 80 % lies above 0. Open: the rest,\n"
    "and what has fewer than two seeds on a side. Each word is about its step alone: of a dozen\n"
    "steps that do nothing, one may look like more."
)


def format_verdict() -> str:
    """The verdict as text, with its legend."""
    return f"{verdict().to_string()}\n\n{LEGEND}"


def write_into(page: Path) -> None:
    """Replace what stands between the verdict marks of a Markdown page by today's verdict.

    Raises ValueError when the page has no such marks.
    """
    table = verdict().to_markdown(disable_numparse=True)
    write_between(page, "verdict", f"{table}\n\n{LEGEND}")

"""The scoreboard: every run with our records beside the published figures."""

import statistics
from pathlib import Path

import pandas as pd

from mnistconv.experiments import Experiment, get_experiment, on_board
from mnistconv.files import write_between
from mnistconv.records.store import load_records

NOT_YET = "not yet run"


def scoreboard(names: list[str] | None = None, board: str = "article") -> pd.DataFrame:
    """One row per run, in the order of the table, accuracies in percent of the 10,000 test images.

    Columns, as text to read: `run`, `parameters`, `images` (for training), `epochs`, `ours` (see
    `ours`), `article` (with an arrow where it lies above or below all our seeds), `reruns` (its
    author's later ones), `Nielsen`. `names` picks runs of
    any board; all of `board` when None. Raises ValueError for a name or board that is not known.
    """
    picked = [get_experiment(name) for name in names or on_board(board)]
    return pd.DataFrame([_row(experiment) for experiment in picked]).set_index("run")


def _row(experiment: Experiment) -> dict:
    numbers = measured(experiment)
    return {
        "run": experiment.name,
        "parameters": f"{numbers['parameters']:,}",
        "images": f"{experiment.recipe.training_images:,}",
        "epochs": experiment.recipe.epochs,
        "ours": ours(numbers),
        "article": _published(experiment, numbers),
        "reruns": ", ".join(f"{value:.2f}" for value in experiment.reruns),
        "Nielsen": "" if experiment.nielsen is None else f"{experiment.nielsen:.2f}",
    }


def measured(experiment: Experiment) -> dict:
    """What the records of a run say, in percent: number of seeds, mean, sd, min and max.

    Seeds that learned nothing are counted in `seeds` and listed in `stuck`; the rest is about the
    others. `mean`, `min` and `max` are None where there are no others. `sd` is None with fewer than
    two, and where any is stuck: it would describe neither of the two ways in which the run ends.
    """
    percents, stuck = [], []
    for record in load_records(experiment.name):
        kind = stuck if record.learned_nothing else percents
        kind.append(round(100 * record.final_accuracy, 2))
    return {
        "parameters": sum(p.numel() for p in experiment.recipe.network().parameters()),
        "seeds": len(percents) + len(stuck),
        "stuck": sorted(stuck),
        "mean": statistics.mean(percents) if percents else None,
        "sd": statistics.stdev(percents) if len(percents) > 1 and not stuck else None,
        "min": min(percents, default=None),
        "max": max(percents, default=None),
    }


def ours(numbers: dict) -> str:
    """Our result: "99.27 ± 0.03 (3 seeds, 99.24 to 99.30)", "99.17 (1 seed)", or none yet.

    Where some learned nothing: "90.02 to 90.34 (1 of 3 at 11.35 †)", the last figure being their
    mean. At most 50 characters, which is where pandas cuts a cell.
    """
    seeds, stuck = numbers["seeds"], numbers["stuck"]
    if seeds == 0:
        return NOT_YET
    how_many = "1 seed" if seeds == 1 else f"{seeds} seeds"
    if len(stuck) == seeds:
        return f"{statistics.mean(stuck):.2f} † ({how_many})"
    low, high = (f"{numbers[end]:.2f}" for end in ("min", "max"))
    span = low if low == high else f"{low} to {high}"
    if stuck:
        return f"{span} ({len(stuck)} of {seeds} at {statistics.mean(stuck):.2f} †)"
    if seeds == 1:
        return f"{span} ({how_many})"
    return f"{numbers['mean']:.2f} ± {numbers['sd']:.2f} ({how_many}, {span})"


def _published(experiment: Experiment, numbers: dict) -> str:
    for figure in experiment.figures("article"):
        if figure.value is None:
            return figure.note
        note = f" ({figure.note})" * bool(figure.note)
        return f"{figure.value:.2f}{_arrow(figure.value, numbers)}{note}"
    return ""


def _arrow(value: float, numbers: dict) -> str:
    """Marks a published value outside the range of our seeds.

    One seed is no range, and of a run that ends in two ways (`sd` is None) the range says little.
    """
    if numbers["sd"] is None or numbers["min"] <= value <= numbers["max"]:
        return ""
    return " ↑" if value > numbers["max"] else " ↓"


FORMATS = ("text", "markdown", "csv")
LEGEND = (
    "Percent of the 10,000 test images. Ours: mean ± standard deviation over seeds, and range.\n"
    "↑ ↓: the article's value lies above, below all our seeds. With n seeds, one more\n"
    "run of ours would do so by luck in 2 of n + 1 cases: with three, every second time.\n"
    "†: that many seeds ended naming one digit for every image; they are left out of mean\n"
    "and range."
)


def format_scoreboard(form: str = "text", board: str = "article") -> str:
    """The whole scoreboard of a board as "text", "markdown" or "csv"; the last in bare numbers.

    In the CSV, `stuck` counts the seeds that ended naming one digit for every image; `mean`, `min`
    and `max` are those of the others. Columns of published figures that no row has are left out of
    text and Markdown.

    Raises ValueError for another form, and for a board that is not known.
    """
    if form not in FORMATS:
        raise ValueError(f"the scoreboard comes as {', '.join(FORMATS)}, not as {form!r}.")
    if form == "csv":
        return pd.DataFrame(map(_numbers, on_board(board).values())).to_csv(index=False).strip()
    rows = scoreboard(board=board)
    rows = rows.loc[:, (rows != "").any()]
    if form == "text":
        return f"{rows.to_string()}\n\n{LEGEND}"
    columns = [*rows.reset_index().columns]
    right = ("parameters", "images", "epochs")
    align = ["right" if column in right else "left" for column in columns]
    table = rows.to_markdown(colalign=align, disable_numparse=True)
    return f"{table}\n\n{LEGEND}"


def _numbers(experiment: Experiment) -> dict:
    ours = measured(experiment)
    ours["stuck"] = len(ours["stuck"])
    for key in ("mean", "sd"):
        ours[key] = None if ours[key] is None else round(ours[key], 4)
    return {
        "run": experiment.name,
        "parameters": ours.pop("parameters"),
        "images": experiment.recipe.training_images,
        "epochs": experiment.recipe.epochs,
        **ours,
        "article": experiment.article,
        "reruns": " ".join(f"{value:.2f}" for value in experiment.reruns),
        "nielsen": experiment.nielsen,
    }


def write_into(page: Path, board: str = "article") -> None:
    """Replace what stands between the scoreboard marks of a Markdown page by today's scoreboard.

    Raises ValueError when the page has no such marks, and for a board that is not known.
    """
    write_between(page, "scoreboard", format_scoreboard("markdown", board))

"""The scoreboard: every run with our records beside the published figures."""

import statistics
from pathlib import Path

import pandas as pd

from mnistconv.experiments import Experiment, get_experiment, on_board
from mnistconv.files import write_between
from mnistconv.records.intervals import t_interval
from mnistconv.records.store import load_records

NOT_YET = "not yet run"


def scoreboard(names: list[str] | None = None, board: str = "article") -> pd.DataFrame:
    """One row per run, in the order of the table, accuracies in percent of the 10,000 test images.

    Columns, as text to read: `run`, `parameters`, `images` (for training), `epochs`, `ours` (see
    `ours`), `article`, `rerun` (its author's later one), `normalised` (his with another recipe),
    `Nielsen`. `names` picks runs of any board; all of `board` when None. Raises ValueError for a
    name or board that is not known.
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
        "article": _published(experiment),
        "rerun": _percent(experiment.rerun),
        "normalised": _percent(experiment.normalised),
        "Nielsen": _percent(experiment.nielsen),
    }


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def percents(experiment: Experiment) -> tuple[list[float], list[float]]:
    """Final accuracies of all recorded seeds, in percent: those that learned, those that did not.

    The second are seeds that ended naming one digit for every image, see `Record.learned_nothing`.
    """
    learned, stuck = [], []
    for record in load_records(experiment.name):
        kind = stuck if record.learned_nothing else learned
        kind.append(round(100 * record.final_accuracy, 2))
    return learned, stuck


def measured(experiment: Experiment) -> dict:
    """What the records of a run say, in percent: number of seeds, mean, sd, low, high, min, max.

    Seeds that learned nothing are counted in `seeds` and listed in `stuck`; the rest is about the
    others, and None where there are none. `low` and `high` are the ends of the 95 % t interval of
    the mean; `sd` is None with fewer than two, they also where all are equal.
    """
    learned, stuck = percents(experiment)
    low, high = t_interval(learned) or (None, None)
    return {
        "parameters": sum(p.numel() for p in experiment.recipe.network().parameters()),
        "seeds": len(learned) + len(stuck),
        "stuck": sorted(stuck),
        "mean": statistics.mean(learned) if learned else None,
        "sd": statistics.stdev(learned) if len(learned) > 1 else None,
        "low": low,
        "high": high,
        "min": min(learned, default=None),
        "max": max(learned, default=None),
    }


def ours(numbers: dict) -> str:
    """Our result: "99.27 ± 0.08 (3 seeds)", "99.17 (1 seed)", or none yet.

    Behind ± half of the 95 % interval of the mean. Where some learned nothing: "90.18 ± 2.03 (2
    seeds; 1 at 11.35 †)", the last figure being their mean.
    """
    seeds, stuck = numbers["seeds"], numbers["stuck"]
    if seeds == 0:
        return NOT_YET
    others = seeds - len(stuck)
    if not others:
        return f"{statistics.mean(stuck):.2f} † ({_seeds(seeds)})"
    reach = "" if numbers["high"] is None else f" ± {numbers['high'] - numbers['mean']:.2f}"
    apart = f"; {len(stuck)} at {statistics.mean(stuck):.2f} †" if stuck else ""
    return f"{numbers['mean']:.2f}{reach} ({_seeds(others)}{apart})"


def _seeds(n: int) -> str:
    return "1 seed" if n == 1 else f"{n} seeds"


def _published(experiment: Experiment) -> str:
    for figure in experiment.figures("article"):
        if figure.value is None:
            return figure.note
        return f"{figure.value:.2f}" + f" ({figure.note})" * bool(figure.note)
    return ""


FORMATS = ("text", "markdown", "csv")
LEGEND = (
    "Percent of the 10,000 test images. Ours: the mean over seeds, ± how far its 95 % interval\n"
    "(t) reaches. †: so many seeds named one digit for every image; they are left out of the mean."
)


def format_scoreboard(form: str = "text", board: str = "article") -> str:
    """The whole scoreboard of a board as "text", "markdown" or "csv"; the last in bare numbers.

    In the CSV, `stuck` counts the seeds that ended naming one digit for every image; `mean`, `low`
    and `high` (its 95 % interval), `sd`, `min` and `max` are those of the others. Columns of
    published figures that no row has are left out of text and Markdown.

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
    for key in ("mean", "sd", "low", "high"):
        ours[key] = None if ours[key] is None else round(ours[key], 4)
    return {
        "run": experiment.name,
        "parameters": ours.pop("parameters"),
        "images": experiment.recipe.training_images,
        "epochs": experiment.recipe.epochs,
        **ours,
        "article": experiment.article,
        "rerun": experiment.rerun,
        "normalised": experiment.normalised,
        "nielsen": experiment.nielsen,
    }


def write_into(page: Path, board: str = "article") -> None:
    """Replace what stands between the scoreboard marks of a Markdown page by today's scoreboard.

    Raises ValueError when the page has no such marks, and for a board that is not known.
    """
    write_between(page, "scoreboard", format_scoreboard("markdown", board))

"""The scoreboard: every run with our records beside the published figures."""

import statistics
from pathlib import Path

import pandas as pd

from mnistconv.experiments import Experiment, Vote, get_experiment, on_board, votes_on
from mnistconv.files import write_between
from mnistconv.records.answers import Voted, vote
from mnistconv.records.intervals import t_interval
from mnistconv.records.record import Record
from mnistconv.records.store import load_records

NOT_YET = "not yet run"
BEST = "best of n"


def scoreboard(names: list[str] | None = None, board: str = "article") -> pd.DataFrame:
    """One row per run, in the order of the table, accuracies in percent of the 10,000 test images.

    Columns, as text to read: `run`, `parameters`, `images` (for training), `epochs`, `ours` (see
    `ours`), `article`, `rerun` (its author's later one), `normalised` (his with another recipe),
    `Nielsen`; where a run keeps the epoch of the best validation, also `best of n`, see
    `best_by_validation`. `names` picks runs of any board; all of `board`, and its votes, when None.
    Raises ValueError for a name or board that is not known.
    """
    picked = [get_experiment(name) for name in names or on_board(board)]
    rows = [_row(experiment) for experiment in picked]
    rows += [] if names else map(_vote_row, votes_on(board))
    table = pd.DataFrame(rows).set_index("run").fillna("")
    return table if any(map(chooses, picked)) else table.drop(columns=BEST)


def _row(experiment: Experiment) -> dict:
    numbers = measured(experiment)
    return {
        "run": experiment.name,
        "parameters": f"{numbers['parameters']:,}",
        "images": f"{experiment.recipe.training_images:,}",
        "epochs": experiment.recipe.epochs,
        "ours": ours(numbers),
        BEST: _best(experiment),
        "article": _published(experiment, "article"),
        "rerun": _percent(experiment.rerun),
        "normalised": _percent(experiment.normalised),
        "Nielsen": _published(experiment, "Nielsen"),
    }


def _vote_row(vote: Vote) -> dict:
    voted, one = voted_of(vote), _row(get_experiment(vote.of))
    result = NOT_YET if voted is None else f"{100 * voted.accuracy:.2f} ({voted.networks} networks)"
    if voted is not None and voted.networks < voted.asked:
        result = f"{100 * voted.accuracy:.2f} ({voted.networks} of {voted.asked} networks)"
    return {
        "run": vote.name,
        "parameters": f"{vote.networks} x {one['parameters']}",
        "images": one["images"],
        "epochs": one["epochs"],
        "ours": result,
        "Nielsen": _percent(vote.published.value),
    }


def voted_of(row: Vote) -> Voted | None:
    """What the recorded networks of a row of `VOTES` say together; None where there is none yet."""
    return vote(row.of, row.networks) if load_records(row.of) else None


def chooses(experiment: Experiment) -> bool:
    """Whether its runs report the epoch of the best validation."""
    return experiment.recipe.kept_epoch == "best validation"


def best_by_validation(records: list[Record]) -> Record | None:
    """The run whose best epoch has the highest accuracy on the held-out digits; None of no runs.

    Of equal ones the first. Nielsen published the test accuracy of such a run, the best of three,
    or of five. No interval belongs to it: it says how well a choice ended, not a recipe.
    """
    return max(records, key=lambda record: max(record.validation_accuracy), default=None)


def _best(experiment: Experiment) -> str:
    records = load_records(experiment.name) if chooses(experiment) else []
    best = best_by_validation(records)
    return "" if best is None else f"{100 * best.final_accuracy:.2f} (of {len(records)})"


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


def _published(experiment: Experiment, source: str) -> str:
    for figure in experiment.figures(source):
        if figure.value is None:
            return figure.note
        return f"{figure.value:.2f}" + f" ({figure.note})" * bool(figure.note)
    return ""


FORMATS = ("text", "markdown", "csv")
LEGEND = (
    "Percent of the 10,000 test images. Ours: the mean over seeds, ± how far its 95 % interval\n"
    "(t) reaches. †: so many seeds named one digit for every image; they are left out of the mean."
)

PROTOCOL_LEGEND = (
    "\nUnder Nielsen's protocol: at the epoch of the best accuracy on the 10,000 digits held out.\n"
    "Best of n: of the one run that these digits found the best (of equals the first);\n"
    "his figures are such."
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
        numbers = [*map(_numbers, on_board(board).values()), *map(_vote_numbers, votes_on(board))]
        return pd.DataFrame(numbers).to_csv(index=False).strip()
    rows = scoreboard(board=board)
    rows = rows.loc[:, (rows != "").any()]
    legend = LEGEND + PROTOCOL_LEGEND * any(map(chooses, on_board(board).values()))
    if form == "text":
        return f"{rows.to_string()}\n\n{legend}"
    columns = [*rows.reset_index().columns]
    right = ("parameters", "images", "epochs")
    align = ["right" if column in right else "left" for column in columns]
    table = rows.to_markdown(colalign=align, disable_numparse=True)
    return f"{table}\n\n{legend}"


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


def _vote_numbers(row: Vote) -> dict:
    voted, one = voted_of(row), _numbers(get_experiment(row.of))
    blank = dict.fromkeys(one, None) | {key: one[key] for key in ("images", "epochs")}
    return blank | {
        "run": row.name,
        "parameters": row.networks * one["parameters"],
        "seeds": 0 if voted is None else voted.networks,
        "stuck": 0,
        "mean": None if voted is None else round(100 * voted.accuracy, 4),
        "nielsen": row.published.value,
    }


def write_into(page: Path, board: str = "article") -> None:
    """Replace what stands between the scoreboard marks of a Markdown page by today's scoreboard.

    Raises ValueError when the page has no such marks, and for a board that is not known.
    """
    write_between(page, "scoreboard", format_scoreboard("markdown", board))

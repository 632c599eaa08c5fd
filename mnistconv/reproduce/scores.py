"""The scoreboard: every run with our records beside the published figures."""

import re
import statistics
from pathlib import Path

import pandas as pd

from mnistconv.experiments import EXPERIMENTS, Experiment
from mnistconv.files import write_atomically
from mnistconv.reproduce.records import load_records

NOT_YET = "not yet run"


def scoreboard(names: list[str] | None = None) -> pd.DataFrame:
    """One row per run, in the order of the table, accuracies in percent of the 10,000 test images.

    Columns: `run`, `parameters`, `images` (for training), `epochs`, `ours` (mean, and with more
    than one seed the standard deviation, the number of seeds), `article`, `reruns` (its author's
    later ones), `Nielsen`. `names` picks runs; all when None.
    """
    picked = [EXPERIMENTS[name] for name in names or EXPERIMENTS]
    return pd.DataFrame([_row(experiment) for experiment in picked]).set_index("run")


def _row(experiment: Experiment) -> dict:
    parameters = sum(p.numel() for p in experiment.network().parameters())
    return {
        "run": experiment.name,
        "parameters": f"{parameters:,}",
        "images": f"{experiment.training_images:,}",
        "epochs": experiment.epochs,
        "ours": ours(experiment.name),
        "article": _published(experiment),
        "reruns": ", ".join(f"{value:.2f}" for value in experiment.reruns),
        "Nielsen": "" if experiment.nielsen is None else f"{experiment.nielsen:.2f}",
    }


def ours(name: str) -> str:
    """Our result for a run, from its records: "99.27 ± 0.03 (3 seeds)", or that there is none."""
    percents = [100 * record["final_accuracy"] for record in load_records(name)]
    if not percents:
        return NOT_YET
    mean = statistics.mean(percents)
    if len(percents) == 1:
        return f"{mean:.2f} (1 seed)"
    return f"{mean:.2f} ± {statistics.stdev(percents):.2f} ({len(percents)} seeds)"


def _published(experiment: Experiment) -> str:
    if experiment.article is None:
        return experiment.article_note
    return f"{experiment.article:.2f}" + (
        f" ({experiment.article_note})" * bool(experiment.article_note)
    )


FORMATS = ("text", "markdown", "csv")


def format_scoreboard(form: str = "text") -> str:
    """The whole scoreboard as "text", "markdown" or "csv". Raises ValueError for another form."""
    if form not in FORMATS:
        raise ValueError(f"the scoreboard comes as {', '.join(FORMATS)}, not as {form!r}.")
    board = scoreboard()
    if form == "markdown":
        columns = [*board.reset_index().columns]
        right = ("parameters", "images", "epochs")
        align = ["right" if column in right else "left" for column in columns]
        return board.to_markdown(colalign=align, disable_numparse=True)
    return board.to_csv().strip() if form == "csv" else board.to_string()


BLOCK = re.compile(r"(<!-- scoreboard -->\n).*?(<!-- /scoreboard -->)", re.DOTALL)


def write_into(page: Path) -> None:
    """Replace what stands between the scoreboard marks of a Markdown page by today's scoreboard.

    Raises ValueError when the page has no such marks.
    """
    text = page.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        raise ValueError(f"{page} has no lines <!-- scoreboard --> and <!-- /scoreboard -->.")
    block = f"\\1\n{format_scoreboard('markdown')}\n\n\\2"
    renewed = BLOCK.sub(block, text)
    if renewed != text:
        write_atomically(page, lambda temporary: temporary.write_text(renewed, encoding="utf-8"))

"""The ten notebooks as the tests read them."""

import importlib
import sys
from functools import cache
from pathlib import Path

import nbformat

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "notebooks"
SITE = REPOSITORY / "site"

NAMES = (
    "01_convolution",
    "02_softmax",
    "03_negative_log_likelihood",
    "04_cross_entropy",
    "05_simple_network",
    "06_two_convolutional_layers",
    "07_relu_and_l2",
    "08_expanded_data",
    "09_dropout",
    "10_final_results",
)


@cache
def read_notebook(name: str):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list:
    return [cell for cell in read_notebook(name).cells if cell.cell_type == "code"]


def prose_cells(name: str) -> list:
    return [cell for cell in read_notebook(name).cells if cell.cell_type == "markdown"]


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def has_figure(cell) -> bool:
    kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
    return any(kind.startswith("image/") for kind in kinds)


def alt_text(cell) -> str:
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")


def output_text(cell) -> str:
    """Everything that the cell's outputs say in words."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [v for k, v in output.get("data", {}).items() if k in ("text/plain", "text/html")]
    return "\n".join("".join(text) for text in texts)


@cache
def executor():
    """The module site/execute.py."""
    sys.path.insert(0, str(SITE))
    return importlib.import_module("execute")


@cache
def lines():
    """The module site/lines.py."""
    sys.path.insert(0, str(SITE))
    return importlib.import_module("lines")

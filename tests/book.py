"""The chapters as the tests read them."""

from functools import cache
from pathlib import Path

import contents
import nbformat

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "notebooks"
SITE = REPOSITORY / "site"

NAMES = contents.chapters()


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

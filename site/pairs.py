"""The two halves of a chapter: `NN_name.ipynb` with outputs, `text/NN_name.md` without.

Edit either. The notebook keeps a hash of the cells that both held when they were last in step, so a
half that changed alone wins, whatever its date: a checkout or a pull makes every file new. When
both changed, neither is touched. JupyterLab knows nothing of pairs: it opens and saves one file.
"""

import copy
import hashlib
import json
import re
from itertools import zip_longest
from pathlib import Path

import contents
import jupytext
import nbformat
from freshness import code_cells, code_of
from jupytext.myst import MystMetadataParsingError
from yaml import YAMLError

from mnistconv.files import read_text, write_atomically

FOLDED = {"source_hidden": True, "outputs_hidden": True}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SHARED = ("mystnb", "slideshow", "tags")  # what the halves share of a cell's metadata
TEXT_FILTERS = {
    "cell_metadata_filter": f"{','.join(SHARED)},jupyter,-all",
    "notebook_metadata_filter": "-mnistconv",
}
# What the two libraries, and the disk, answer to files that are no notebooks.
UNREADABLE = (
    ValueError, TypeError, KeyError, AttributeError, OSError,
    YAMLError, nbformat.ValidationError, MystMetadataParsingError,
)  # fmt: skip
STOPPED_MERGE = re.compile(r"^(<{7}|>{7}) ", re.M)


class PairError(Exception):
    """A pair that cannot be brought into step; the message says what to do."""


def notebook_path(name: str) -> Path:
    return contents.BOOK / f"{name}.ipynb"


def text_path(name: str) -> Path:
    return contents.BOOK / "text" / f"{name}.md"


def shown(path: Path) -> str:
    """The path from the repository's root, as messages name it."""
    return path.relative_to(contents.BOOK.parent).as_posix()


def stored_halves(name: str) -> list[bytes | None]:
    """What is on the disk, to see later whether somebody edited it meanwhile."""
    paths = (notebook_path(name), text_path(name))
    return [path.read_bytes() if path.is_file() else None for path in paths]


def read_half(path: Path):
    """One half as a notebook, without empty cells. Raises PairError when it cannot be read."""
    try:
        text = read_text(path).replace("\r\n", "\n")
        if STOPPED_MERGE.search(text):
            raise ValueError("it holds the marks of a merge that stopped")
        is_notebook = path.suffix == ".ipynb"
        half = (
            nbformat.reads(text, as_version=4) if is_notebook else jupytext.reads(text, "md:myst")
        )
        nbformat.validate(half)
        half.cells = [cell for cell in half.cells if cell.source.strip()]
        return half
    except FileNotFoundError:
        raise PairError(f"{shown(path)} is missing, but index.md names it") from None
    except UNREADABLE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise PairError(
            f"{shown(path)} cannot be read: {reason}. Mend it, or move it away: the "
            "chapter's other half holds the cells, too"
        ) from None


def cells_of(notebook) -> list[dict]:
    """What the two halves of a pair must agree on, for each cell."""
    return [
        {
            "kind": cell.cell_type,
            "source": cell.source.strip(),
            "pasted pictures": cell.get("attachments") or {},
            "metadata": shared_metadata(cell),
        }
        for cell in notebook.cells
    ]


def shared_metadata(cell) -> dict:
    return {key: cell.metadata[key] for key in SHARED if cell.metadata.get(key)}


def metadata_not_kept(notebook) -> set[str]:
    """Names of cell metadata that `tidy` drops; `jupyter` follows from the tag `hide-cell`."""
    return {key for cell in notebook.cells for key in cell.metadata} - {*SHARED, "jupyter"}


def hash_of_cells(notebook) -> str:
    return hashlib.sha256(json.dumps(cells_of(notebook), sort_keys=True).encode()).hexdigest()


def read_pair(name: str):
    """The chapter with the cells of the half that changed; outputs stay while the code does.

    Raises PairError when both halves changed and differ, or when one cannot be read.
    """
    text, stored = text_path(name), notebook_path(name)
    if not stored.exists():
        return read_half(text)
    notebook = read_half(stored)
    if not text.exists():
        return notebook
    written = read_half(text)
    in_step = notebook.metadata.get("mnistconv", {}).get("cells")
    if hash_of_cells(written) in (in_step, hash_of_cells(notebook)):
        return notebook
    if hash_of_cells(notebook) != in_step:
        raise PairError(
            f"{shown(stored)} and {shown(text)} differ, and not one alone was edited since they "
            "last agreed; neither is touched. Carry over what you want to keep into one of them, "
            "move the other away, and run `make notebooks` again"
        )
    return with_outputs(written, notebook)


def with_outputs(written, notebook):
    """The cells of `written`, with what `notebook` knows about its run."""
    if code_of(written) == code_of(notebook):
        for new, old in zip(code_cells(written), code_cells(notebook), strict=True):
            new.outputs, new.execution_count = old.outputs, old.execution_count
    written.metadata["mnistconv"] = notebook.metadata["mnistconv"]
    return written


def tidy(notebook) -> None:
    """Leave only the metadata that belong to the book, and count the cells' ids up."""
    notebook.metadata = {
        "kernelspec": KERNEL,
        "mnistconv": notebook.metadata.get("mnistconv", {}) | {"cells": hash_of_cells(notebook)},
    }
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        folded = "hide-cell" in cell.metadata.get("tags", [])
        cell.metadata = ({"jupyter": FOLDED} if folded else {}) | shared_metadata(cell)


def as_text(notebook) -> str:
    """The text half. Raises PairError, naming the cell, when it could not hold a cell."""
    notebook = copy.deepcopy(notebook)
    tidy(notebook)
    notebook.metadata["jupytext"] = TEXT_FILTERS
    text = jupytext.writes(notebook, fmt="md:myst")
    try:
        before, after = cells_of(notebook), cells_of(jupytext.reads(text, "md:myst"))
    except YAMLError as error:
        raise PairError(f"it cannot be written as Markdown text: {error}") from None
    if before != after:
        cells = enumerate(zip_longest(before, after), start=1)
        number = next(number for number, (old, new) in cells if old != new)
        raise PairError(
            f"cell {number} cannot be written as Markdown text: it holds a pasted picture (save it "
            "as a file and link to it), or a line that would cut the text into other cells"
        )
    return text


def write_pair(name: str, notebook) -> None:
    """Write both halves, each atomically. Raises PairError when the text cannot hold a cell.

    The notebook comes last: it says that they are in step, and must not say so too early.
    """
    text = as_text(notebook)
    tidy(notebook)
    as_json = nbformat.writes(notebook) + "\n"
    for path, content in ((text_path(name), text), (notebook_path(name), as_json)):
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_atomically(path, lambda file, content=content: file.write_text(content, "utf-8"))

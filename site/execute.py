"""Execute the notebooks whose code or records changed, and write each with its text pair.

    python site/execute.py [--force] [--jobs 2] [NAME ...]

A notebook `NN_name.ipynb` holds outputs; `text/NN_name.md` holds the same cells without them. Edit
either: where the two disagree, the newer file wins. Outputs are those of a `lesson` run. What they
depend on, the code cells and the records that were read, is kept as a hash in the notebook.
"""

import argparse
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import jupytext
import nbformat
import torch
from freshness import code_cells, code_of, dependency_hash, is_fresh
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from mnistconv.files import write_atomically

FOLDER = Path(__file__).parents[1] / "notebooks"
KERNEL_ENVIRONMENT = {
    "MNISTCONV_PROFILE": "lesson",
    "OMP_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
ASK_FOR_RECORDS = "from mnistconv.records.store import asked_for\nprint(*sorted(asked_for))"
CELL_TIMEOUT = 900  # seconds
CELL_METADATA = ("tags", "mystnb", "jupyter")
PAIRING = {
    "formats": "ipynb,text//md:myst",
    "cell_metadata_filter": "tags,mystnb,jupyter,-all",
    "notebook_metadata_filter": "-mnistconv",
}


def names() -> list[str]:
    """The notebooks' names, in reading order: those of the text pairs and of the notebooks."""
    pairs = list((FOLDER / "text").glob("[0-9]*.md"))
    return sorted({path.stem for path in [*pairs, *FOLDER.glob("[0-9]*.ipynb")]})


def notebook_path(name: str) -> Path:
    return FOLDER / f"{name}.ipynb"


def text_path(name: str) -> Path:
    return FOLDER / "text" / f"{name}.md"


def cells_of(notebook) -> list[tuple]:
    """What the two files of a pair must agree on: kind, source and metadata of each cell."""
    return [
        (
            cell.cell_type,
            cell.source.strip(),
            {k: v for k, v in cell.metadata.items() if k in CELL_METADATA},
        )
        for cell in notebook.cells
    ]


def read_pair(name: str):
    """The notebook with the cells of the newer file; outputs stay where the code is the same."""
    text, stored = text_path(name), notebook_path(name)
    if not stored.exists():
        return jupytext.read(text)
    notebook = nbformat.read(stored, as_version=4)
    if not text.exists() or stored.stat().st_mtime > text.stat().st_mtime:
        return notebook
    written = jupytext.read(text)
    if cells_of(written) == cells_of(notebook):
        return notebook
    if code_of(written) == code_of(notebook):
        for new, old in zip(code_cells(written), code_cells(notebook), strict=True):
            new.outputs, new.execution_count = old.outputs, old.execution_count
    written.metadata["mnistconv"] = notebook.metadata.get("mnistconv", {})
    return written


def execute(notebook) -> None:
    """Run all cells in a fresh kernel and note in the metadata what the outputs depend on.

    Raises CellExecutionError when a cell fails.
    """
    start = time.perf_counter()
    question = nbformat.v4.new_code_cell(ASK_FOR_RECORDS)
    notebook.cells.append(question)
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        record_timing=False,
    ).execute(env=os.environ | KERNEL_ENVIRONMENT)
    notebook.cells.remove(question)
    records = question.outputs[0].text.split()
    notebook.metadata["mnistconv"] = {
        "hash": dependency_hash(notebook, records),
        "records": records,
        "profile": KERNEL_ENVIRONMENT["MNISTCONV_PROFILE"],
        "executed": date.today().isoformat(),
        "seconds": round(time.perf_counter() - start),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write_pair(name: str, notebook) -> None:
    """Write both files atomically; cell ids count up, so that they do not change by chance."""
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata.pop("language_info", None)
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in CELL_METADATA}
    notebook.metadata["jupytext"] = PAIRING
    as_text = jupytext.writes(notebook, fmt="md:myst")
    as_json = nbformat.writes(notebook) + "\n"
    for path, text in ((notebook_path(name), as_json), (text_path(name), as_text)):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, lambda temporary, text=text: temporary.write_text(text, "utf-8"))


def update(name: str, force: bool) -> bool:
    """Bring one pair up to date; whether it went well."""
    notebook = read_pair(name)
    if force or not is_fresh(notebook):
        print(f"{name}: running ...", flush=True)
        try:
            execute(notebook)
        except CellExecutionError as error:
            print(f"{name}: failed, both files stay as they were.\n{error}", file=sys.stderr)
            return False
        print(f"{name}: {notebook.metadata['mnistconv']['seconds']} s", flush=True)
    else:
        print(f"{name}: up to date", flush=True)
    write_pair(name, notebook)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="notebooks; all when none is named"
    )
    parser.add_argument("--force", action="store_true", help="run even what has not changed")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at the same time (2)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(names()))
    if unknown:
        parser.error(f"no notebook is called {', '.join(unknown)}; there are {', '.join(names())}")
    if arguments.jobs < 1:
        parser.error("--jobs must be at least 1")
    with ThreadPoolExecutor(arguments.jobs) as pool:
        picked = arguments.names or names()
        succeeded = list(pool.map(lambda name: update(name, arguments.force), picked))
    return 0 if all(succeeded) else 1


if __name__ == "__main__":
    sys.exit(main())

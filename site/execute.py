"""Execute the chapters whose outputs are stale, and bring the two halves of each into step.

    python site/execute.py [--force] [--jobs 2] [NAME ...]

Outputs are those of a `lesson` run. What they depend on is noted in the notebook: see freshness.py;
how the halves are kept in step: see pairs.py; what the line "Time" says: see reading.py. Exit code
1 when a cell failed, 2 when a pair has to be mended by hand, 130 after Ctrl-C.
"""

# ruff: noqa: E402

import argparse
import json
import os
import platform
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date


def stop(*_) -> None:
    """Ctrl-C: end at once. Nothing half-done is written, and kernels end with this process."""
    with suppress(OSError):
        os.write(1, b"\nStopped: chapters that were under way stay as they were.\n")
    os._exit(130)


if __name__ == "__main__":  # now: the imports below take seconds
    signal.signal(signal.SIGINT, stop)

import contents
import nbformat
import torch
from freshness import is_fresh, stamp
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from pairs import PairError, as_text, metadata_not_kept, read_pair, stored_halves, write_pair
from reading import write_time

KERNEL_ENVIRONMENT = {
    "MNISTCONV_PROFILE": "lesson",
    "OMP_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
ASK_WHAT_WAS_USED = """\
import json, sys
modules = sorted(name for name in sys.modules if name.partition(".")[0] == "mnistconv")
store = sys.modules.get("mnistconv.records.store")
print(json.dumps({"modules": modules, "records": sorted(store.asked_for) if store else []}))"""
CELL_TIMEOUT = 900  # seconds
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError, OSError)
SVG = "image/svg+xml"


def execute(notebook) -> None:
    """Run all cells in a fresh kernel and note in the metadata what the outputs depend on.

    Raises CellExecutionError when a cell fails, DeadKernelError when no kernel starts.
    """
    start = time.perf_counter()
    question = nbformat.v4.new_code_cell(ASK_WHAT_WAS_USED)
    notebook.cells.append(question)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(contents.BOOK)}},
        record_timing=False,
        coalesce_streams=True,
    )
    try:
        client.execute(env=os.environ | KERNEL_ENVIRONMENT)
    except FAILURES:
        raise
    except Exception as error:  # anything, where a kernel does not even start
        client.km = client.km or client.create_kernel_manager()  # it asks for one when Python ends
        raise DeadKernelError(
            f"The notebooks' kernel does not start ({type(error).__name__}):"
            " `python -m mnistconv check` looks at it."
        ) from error
    notebook.cells.remove(question)
    used = json.loads(question.outputs[0].text)
    join_lines_of_figures(notebook)
    notebook.metadata["mnistconv"] = stamp(notebook, **used) | {
        "profile": KERNEL_ENVIRONMENT["MNISTCONV_PROFILE"],
        "executed": date.today().isoformat(),
        "seconds": round(time.perf_counter() - start),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def join_lines_of_figures(notebook) -> None:
    """Write each SVG on one line: a fifth of its size is line ends, as JSON holds them."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if SVG in data:
                data[SVG] = " ".join(line.strip() for line in data[SVG].splitlines())


def update(name: str, force: bool) -> None:
    """Bring one chapter up to date. Raises CellExecutionError, PairError; both files then stay."""
    before = stored_halves(name)
    notebook = read_pair(name)
    write_time(notebook)
    as_text(notebook)  # what cannot be written shall be said before the minutes of a run
    if dropped := metadata_not_kept(notebook):
        print(f"{name}: not kept, cells' metadata {', '.join(sorted(dropped))}", flush=True)
    if force or not is_fresh(notebook):
        print(f"{name}: running ...", flush=True)
        execute(notebook)
        print(f"{name}: {notebook.metadata['mnistconv']['seconds']} s", flush=True)
    else:
        print(f"{name}: up to date", flush=True)
    if stored_halves(name) != before:
        raise PairError("it was edited meanwhile, and stays so; run `make notebooks` again")
    write_pair(name, notebook)


def try_to_update(name: str, force: bool) -> int:
    """Bring one chapter up to date, or say why not; the exit code."""
    try:
        update(name, force)
    except FAILURES as error:
        print(f"{name}: failed, both files stay as they were.\n{error}", file=sys.stderr)
        return 1
    except PairError as error:
        print(f"{name}: {error}.", file=sys.stderr)
        return 2
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="chapters; all when none is named")
    parser.add_argument("--force", action="store_true", help="run even what has not changed")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at the same time (2)")
    arguments = parser.parse_args()
    names = contents.chapters()
    unknown = sorted(set(arguments.names) - set(names))
    if unknown:
        parser.error(f"no chapter is called {', '.join(unknown)}; there are {', '.join(names)}")
    if arguments.jobs < 1:
        parser.error("--jobs must be at least 1")
    contents.mention_own_files()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        picked = arguments.names or names
        return max(pool.map(lambda name: try_to_update(name, arguments.force), picked))


if __name__ == "__main__":
    sys.exit(main())

"""Whether a notebook's stored outputs belong to today's code and records; without PyTorch."""

import hashlib
import io
import json
import tokenize
from functools import cache
from pathlib import Path

import nbformat

REPOSITORY = Path(__file__).parents[1]
RECORDS = REPOSITORY / "results" / "records"
SPEED_READER = "mnistconv.records.speed"


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_of(notebook) -> list[str]:
    return [cell.source.strip() for cell in code_cells(notebook)]


@cache
def bare_code(source: str) -> str:
    """Python `source` without comments, docstrings and blank lines: what its results depend on.

    They are cut out of the text, line by line: syntax trees, and the tokens inside of f-strings,
    are not the same in every version of Python.
    """
    lines: list[str | None] = source.split("\n")
    statement = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row = token.start[0] - 1
        if token.type == tokenize.COMMENT:
            lines[row] = lines[row][: token.start[1]].rstrip()
        elif token.type == tokenize.NL:
            lines[row] = lines[row] if lines[row].strip() else None
        elif token.type == tokenize.NEWLINE:
            if statement and all(part.type == tokenize.STRING for part in statement):
                first, last = statement[0].start[0] - 1, statement[-1].end[0]
                lines[first:last] = [None] * (last - first)
            statement = []
        elif token.type not in (tokenize.INDENT, tokenize.DEDENT):
            statement.append(token)
    return "\n".join(line for line in lines if line is not None)


def module_path(module: str) -> Path:
    """The file of a module of the package: `mnistconv.figures` -> mnistconv/figures/__init__.py."""
    path = REPOSITORY.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def code_of_module(module: str) -> str:
    """Its bare code; that of a module which is no longer there is empty."""
    path = module_path(module)
    return bare_code(path.read_text(encoding="utf-8")) if path.exists() else ""


def dependency_hash(notebook, modules: list[str], records: list[str]) -> str:
    """SHA-256 over what the outputs depend on, whatever the ends of lines.

    That is the code cells, the code of the package's `modules`, the record files of the runs
    `records`, and what was timed, where a module reads that.
    """
    digest = hashlib.sha256()
    for source in code_of(notebook):
        digest.update(source.encode() + b"\0")
    for module in modules:
        digest.update(f"{module}\0{code_of_module(module)}\0".encode())
    read = [path for name in records for path in sorted(RECORDS.glob(f"{name}-seed*.json"))]
    if SPEED_READER in modules:
        read.append(RECORDS.parent / "speed.json")
    for path in read:
        if path.is_file():  # a pipe would never end
            digest.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def hash_of_outputs(notebook) -> str:
    """SHA-256 over the outputs of the code cells, and in which order these ran."""
    shown = [(cell.get("execution_count"), cell.get("outputs")) for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def stamp(notebook, modules: list[str], records: list[str]) -> dict:
    """What a notebook that was just executed notes, so that `is_fresh` knows its outputs again."""
    stored = nbformat.reads(nbformat.writes(notebook), as_version=4)
    return {
        "modules": modules,
        "records": records,
        "hash": dependency_hash(notebook, modules, records),
        "outputs": hash_of_outputs(stored),
    }


def is_fresh(notebook) -> bool:
    """Whether the outputs are those of our own run, of today's code cells, modules and records."""
    run = notebook.metadata.get("mnistconv", {})
    if not {"hash", "modules", "records", "outputs"} <= run.keys():
        return False
    if run["outputs"] != hash_of_outputs(notebook):
        return False
    return run["hash"] == dependency_hash(notebook, run["modules"], run["records"])

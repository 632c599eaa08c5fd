"""Whether a notebook's stored outputs belong to today's code cells and records; without PyTorch."""

import hashlib
from pathlib import Path

RECORDS = Path(__file__).parents[1] / "results" / "records"


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_of(notebook) -> list[str]:
    return [cell.source.strip() for cell in code_cells(notebook)]


def dependency_hash(notebook, records: list[str]) -> str:
    """SHA-256 over the code cells and over the record files of the runs `records`."""
    digest = hashlib.sha256()
    for source in code_of(notebook):
        digest.update(source.encode() + b"\0")
    for name in records:
        for path in sorted(RECORDS.glob(f"{name}-seed*.json")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def is_fresh(notebook) -> bool:
    """Whether the stored outputs belong to today's code cells and records."""
    run = notebook.metadata.get("mnistconv", {})
    return run.get("hash") == dependency_hash(notebook, run.get("records", []))

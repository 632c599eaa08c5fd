"""Checkpoints: everything a run needs to go on, in one safetensors file, checked by its hash."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mnistconv.files import set_aside, write_atomically
from mnistconv.recipes import without_defaults
from mnistconv.records.store import hash_tensors

SCHEMA = 1


def previous_path(path: Path) -> Path:
    """Where the checkpoint before the one in `path` is kept, in case that one gets damaged."""
    return path.with_name(f"{path.name}.previous")


def write_checkpoint(path: Path, tensors: dict[str, Tensor], header: dict) -> None:
    """Write tensors and header (what JSON can hold) atomically; keep the checkpoint before it.

    Raises OSError or SafetensorError when the disk is full; the last checkpoint is then intact.
    """
    text = json.dumps(header | {"schema": SCHEMA}, sort_keys=True)
    metadata = {"header": text, "sha256": hash_tensors(tensors, text)}
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    fresh = path.with_name(f"{path.name}.fresh")
    write_atomically(fresh, lambda temporary: save_file(contiguous, temporary, metadata))
    if path.exists():
        path.replace(previous_path(path))
    fresh.replace(path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Tensors and header of a checkpoint. Raises ValueError when it is damaged or was edited."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(metadata["header"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from error
    if metadata.get("sha256") != hash_tensors(tensors, metadata["header"]):
        raise ValueError("it was changed after it was written")
    if header.get("schema") != SCHEMA:
        raise ValueError(f"its schema is version {header.get('schema')}, today's is {SCHEMA}")
    return tensors, header


def read_header(path: Path) -> dict | None:
    """The header alone, unchecked and fast, for a progress display; None when there is none.

    A run that is killed while it exchanges its checkpoints leaves the one before: then that one's.
    """
    for candidate in (path, previous_path(path)):
        try:
            with safe_open(candidate, framework="pt") as file:
                return json.loads(file.metadata()["header"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            continue
    return None


def last_good_checkpoint(path: Path, must_agree: dict, shapes: dict[str, tuple]):
    """Tensors and header of the newest good checkpoint in `path`; None when there is none.

    Good is one that is whole, whose header agrees with `must_agree`, and whose tensors have the
    names and shapes `shapes`. Any other is set aside under a new name, with a warning.
    """
    for candidate in (path, previous_path(path)):
        if not candidate.exists():
            continue
        try:
            tensors, header = read_checkpoint(candidate)
            _check_agreement(tensors, header, must_agree, shapes)
            return tensors, header
        except ValueError as problem:
            set_aside(candidate, str(problem))
    return None


def _check_agreement(tensors: dict, header: dict, must_agree: dict, shapes: dict) -> None:
    for key, value in must_agree.items():
        found = header.get(key)
        if isinstance(found, dict):  # hyper-parameters, of which old checkpoints hold the defaults
            found = without_defaults(found)
        if found != value:
            raise ValueError(f"its {key} is {found!r}, today's is {value!r}")
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != shapes:
        raise ValueError("its tensors are not those of the network")


def remove_checkpoint(path: Path) -> None:
    """Delete a checkpoint whose run has its record."""
    path.unlink(missing_ok=True)
    previous_path(path).unlink(missing_ok=True)

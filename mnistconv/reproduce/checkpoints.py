"""Checkpoints: everything a run needs to go on, in one safetensors file, checked by its hash."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mnistconv.files import set_aside, write_atomically
from mnistconv.recipes import without_defaults
from mnistconv.records.store import hash_tensors
from mnistconv.training import History

SCHEMA = 1
MISFIT = "the figures in its header do not fit together"
RANDOM_STATE = "random_state"  # how the names of tensors begin that are states of generators


@dataclass
class Checkpoint:
    """What a run goes on from: its tensors, a history per seed, the seconds it has taken so far.

    `header` is all that was written beside the tensors.
    """

    tensors: dict[str, Tensor]
    histories: list[History]
    seconds: float = 0.0
    header: dict = field(default_factory=dict)


def previous_path(path: Path) -> Path:
    """Where the checkpoint before the one in `path` is kept, in case that one gets damaged."""
    return path.with_name(f"{path.name}.previous")


def fresh_path(path: Path) -> Path:
    """Where a new checkpoint lies, whole, until it takes the place of the one in `path`."""
    return path.with_name(f"{path.name}.fresh")


def write_checkpoint(path: Path, tensors: dict[str, Tensor], header: dict) -> None:
    """Write tensors and header (what JSON can hold) atomically; keep the checkpoint before it.

    Raises OSError when the disk is full; the last checkpoint is then intact.
    """
    text = json.dumps(header | {"schema": SCHEMA}, sort_keys=True)
    metadata = {"header": text, "sha256": hash_tensors(tensors, text)}
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    fresh = fresh_path(path)
    content = save(contiguous, metadata)  # `save_file` would leave a file of its own when killed
    write_atomically(fresh, lambda temporary: temporary.write_bytes(content))
    if path.exists():
        path.replace(previous_path(path))
    fresh.replace(path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Tensors and header of a checkpoint. Raises ValueError when it is damaged or was edited."""
    if not path.is_file():
        raise ValueError("it is not a file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(metadata["header"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from error
    if metadata.get("sha256") != hash_tensors(tensors, metadata["header"]):
        raise ValueError("it was changed after it was written")
    return tensors, header


def last_good_checkpoint(
    path: Path,
    must_agree: dict,
    start: Checkpoint,
    fits: Callable[[Checkpoint], bool] = lambda checkpoint: True,
) -> Checkpoint | None:
    """The newest good checkpoint in `path`; None when there is none.

    Good is one that is whole, whose header agrees with `must_agree`, whose tensors have names,
    shapes and kinds of those of `start`, the run's beginning, whose histories continue its own,
    one per seed, and that `fits`. Any other is set aside under a new name, with a warning.
    """
    for candidate in (path, previous_path(path)):
        if not candidate.exists():
            continue
        try:
            tensors, header = read_checkpoint(candidate)
            found = Checkpoint(tensors, *histories_of(header, must_agree), header)
            _check_same_kind(found, start)
            if not fits(found):
                raise ValueError(MISFIT)
            return found
        except ValueError as problem:
            set_aside(candidate, str(problem))
    return None


def read_histories(path: Path, must_agree: dict) -> tuple[list[History], float]:
    """Histories and seconds in the header of the checkpoint in `path`, for a progress display.

    Fast: the tensors are not read, the hash is not checked. A run that is killed while it exchanges
    its checkpoints leaves the one before: then that one's. No histories where there is none.
    """
    for candidate in (path, previous_path(path)):
        try:
            if candidate.is_file():
                with safe_open(candidate, framework="pt") as file:
                    return histories_of(json.loads(file.metadata()["header"]), must_agree)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            continue
    return [], 0.0


def histories_of(header: dict, must_agree: dict) -> tuple[list[History], float]:
    """The histories in the header of a checkpoint, one per seed, and the seconds that they took.

    Raises ValueError when the header does not agree with `must_agree` or is not as we write it.
    """
    if not isinstance(header, dict):
        raise ValueError("its header is no table of names and values")
    if header.get("schema") != SCHEMA:
        raise ValueError(f"its schema is version {header.get('schema')}, today's is {SCHEMA}")
    for key, value in must_agree.items():
        found = header.get(key)
        if isinstance(found, dict):  # hyper-parameters, of which old checkpoints hold the defaults
            found = without_defaults(found)
        if found != value:
            raise ValueError(f"its {key} is {found!r}, today's is {value!r}")
    try:
        found = header.get("histories") or [header["history"]]  # older ones: a single history
        histories = [History(**history) for history in found]
        seconds = header["seconds"]
        whole = math.isfinite(seconds) and len(histories) == len(header["seeds"])
        whole = whole and all(map(_fits_together, histories))
    except (KeyError, TypeError) as error:
        raise ValueError(f"its header has other fields ({type(error).__name__}: {error})") from None
    if not whole:
        raise ValueError(MISFIT)
    return histories, seconds


def _fits_together(history: History) -> bool:
    """Whether it holds whole epochs, each with a finite loss and a share; TypeError: no numbers."""
    losses, accuracies = history.train_loss, history.test_accuracy
    return (
        len(losses) == len(accuracies) <= history.planned_epochs
        and history.steps == len(losses) * history.steps_per_epoch
        and all(0 <= loss < math.inf for loss in losses)
        and all(0 <= accuracy <= 1 for accuracy in accuracies)
    )


def _check_same_kind(found: Checkpoint, start: Checkpoint) -> None:
    def epochs(of: Checkpoint) -> list:
        return [(history.planned_epochs, history.steps_per_epoch) for history in of.histories]

    def kinds(of: Checkpoint) -> dict:
        return {name: (tensor.shape, tensor.dtype) for name, tensor in of.tensors.items()}

    if epochs(found) != epochs(start):
        raise ValueError("its epochs are not as many or as long as today's")
    if kinds(found) != kinds(start):
        raise ValueError("its tensors are not those of the network")
    for name, tensor in found.tensors.items():
        if name.startswith(RANDOM_STATE):
            _check_random_states(tensor)


def _check_random_states(states: Tensor) -> None:
    """States of CPU generators, uint8 `[..., 5056]`, must be taken; others are not looked at."""
    length = len(torch.get_rng_state())
    try:
        for state in states.view(-1, length) if states.shape[-1] == length else []:
            torch.Generator().set_state(state.clone())
    except RuntimeError:
        raise ValueError("its random state is damaged") from None


def remove_checkpoint(path: Path) -> None:
    """Delete a checkpoint whose run has its record."""
    path.unlink(missing_ok=True)
    previous_path(path).unlink(missing_ok=True)


def sweep(checkpoint: Path, *others: Path) -> None:
    """Delete what killed writers of these files left half-written. Call it with the run's lock."""
    fresh = fresh_path(checkpoint)
    fresh.unlink(missing_ok=True)
    for path in (fresh, *others):
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)

"""How a record is made and written, with its weights: the making side of `mnistconv.records`."""

import ast
import copy
import hashlib
import inspect
import json
import os
import platform
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from mnistconv.experiments import Experiment
from mnistconv.files import set_aside, write_atomically
from mnistconv.records import store
from mnistconv.records.record import Record, to_json
from mnistconv.records.store import hash_file, hash_weights, record_path, weights_path
from mnistconv.training import History, predict

DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
LARGE = 1_000_000  # parameters: from here on a file of weights is worth halving


def check_writable(results: Path) -> None:
    """Make the folders of `results`. Raises OSError, before any training, where that cannot be."""
    for path in (record_path("x", 0, results), weights_path("x", 0, results)):
        path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = store.checkpoint_path("x", 0, results).parent
    write_atomically(unfinished / "probe", lambda temporary: temporary.write_bytes(b""))
    (unfinished / "probe").unlink(missing_ok=True)


def make_room(experiment: Experiment, seed: int, results: Path) -> None:
    """Set aside, with a warning, what does not count and stands where the record will."""
    path = record_path(experiment.name, seed, results)
    problem = store.find_problem(path, experiment)
    if problem and os.path.lexists(path):
        set_aside(path, problem)


def make_record(
    experiment: Experiment,
    seed: int,
    net: nn.Module,
    answers: Tensor,
    history: History,
    made: dict,
    validation_accuracy: list[float] | None = None,
    loss_curve: list[float] | None = None,
    last_answers: Tensor | None = None,
) -> Record:
    """The record of a run that has ended with `net`, the network of the epoch that is kept.

    `answers`, int64 `[10000]`, are the digits that it names for the test images. `made` says where
    and by what, see `describe_machine`; `validation_accuracy` belongs to a recipe that holds digits
    out, `loss_curve` to one that asks for it; `last_answers` are those of the network of the last
    epoch, for a recipe that keeps another one.
    """
    recipe = experiment.recipe
    kept = recipe.number_of_kept_epoch(validation_accuracy)
    is_last = recipe.kept_epoch == "last" or last_answers is None
    return Record(
        experiment=experiment.name,
        seed=seed,
        hyper_parameters=recipe.hyper_parameters,
        final_accuracy=history.test_accuracy[kept - 1],
        train_loss=history.train_loss,
        test_accuracy=history.test_accuracy,
        predictions=_as_text(answers),
        weights_sha256=hash_weights(net),
        validation_accuracy=validation_accuracy or None,
        loss_curve=loss_curve or None,
        kept_epoch=None if recipe.kept_epoch == "last" else kept,
        last_predictions=None if is_last else _as_text(last_answers),
        **made,
    )


def _as_text(answers: Tensor) -> str:
    return "".join(map(str, answers.tolist()))


def describe_machine(device: torch.device, memory_format: str, wall_seconds: float) -> dict:
    """The part of a record that says where and with what a run was made; times in seconds."""
    return {
        "device": device.type,
        "device_name": device_name(device),
        "memory_format": memory_format,
        "threads": torch.get_num_threads(),
        "wall_seconds": round(wall_seconds, 1),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }


def device_name(device: torch.device) -> str:
    """What the device calls itself, for example "AMD EPYC" or "NVIDIA H100 80GB HBM3"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def hash_code(*parts) -> str | None:
    """SHA-256 of the source of modules, classes and functions: no docstrings, comments, layout.

    It is read from their files: ask when a run begins, before somebody edits them. None where the
    source is not to be had.
    """
    try:
        return hashlib.sha256("\n".join(map(_bare_source, parts)).encode()).hexdigest()
    except (OSError, SyntaxError):
        return None


def _bare_source(part) -> str:
    tree = ast.parse(textwrap.dedent(inspect.getsource(part)))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def write_record(record: Record, results: Path = store.RESULTS) -> Path:
    """Write the record's JSON file atomically and return its path."""
    path = record_path(record.experiment, record.seed, results)
    text = json.dumps(to_json(record), indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return path


def finish(record: Record, net: nn.Module, images: Tensor, results: Path) -> Path:
    """Write the record and, of seed 0, the weights of `net` before it; return the record's path.

    `images`, uint8 `[n, 28, 28]`, decide whether half precision would do: see `weights_to_keep`.
    """
    if record.seed == 0:
        tensors = weights_to_keep(net, images)
        path = weights_path(record.experiment, record.seed, results)
        write_atomically(path, lambda temporary: temporary.write_bytes(save(tensors)))
        record = replace(record, weights_file_sha256=hash_file(path))
    return write_record(record, results)


def weights_to_keep(net: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The weights as their file holds them: float32, or float16 where that loses no answer.

    A network of over a million parameters is kept in half precision if it then still gives the
    same answers to all `images`, uint8 `[n, 28, 28]`.
    """
    full = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    if sum(tensor.numel() for tensor in full.values()) < LARGE:
        return full
    half = {name: tensor.half() for name, tensor in full.items()}
    rounded = copy.deepcopy(net)
    rounded.load_state_dict(half)
    return half if torch.equal(predict(rounded, images), predict(net, images)) else full

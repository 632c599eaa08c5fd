"""Records of full-length runs: one JSON file per run and seed, one safetensors file of weights.

`results/records/relu-seed0.json` holds the figures, `results/weights/relu-seed0.safetensors` the
network, `results/unfinished/relu-seed0.safetensors` the checkpoint of a run that has not ended.
"""

import hashlib
import json
import math
import platform
import re
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mnistconv.experiments import Experiment, get_experiment
from mnistconv.files import write_atomically

SCHEMA = 1
RESULTS = Path(__file__).parents[2] / "results"

asked_for: set[str] = set()  # runs that this process looked up: what a notebook's outputs depend on


def record_path(experiment: str, seed: int, results: Path = RESULTS) -> Path:
    return results / "records" / f"{experiment}-seed{seed}.json"


def weights_path(experiment: str, seed: int, results: Path = RESULTS) -> Path:
    return results / "weights" / f"{experiment}-seed{seed}.safetensors"


def checkpoint_path(experiment: str, seed: int, results: Path = RESULTS) -> Path:
    return results / "unfinished" / f"{experiment}-seed{seed}.safetensors"


def check_writable(results: Path) -> None:
    """Make the folders of `results`. Raises OSError, before any training, where that cannot be."""
    for path in (record_path("x", 0, results), weights_path("x", 0, results)):
        path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = checkpoint_path("x", 0, results).parent
    write_atomically(unfinished / "probe", lambda temporary: temporary.write_bytes(b""))
    (unfinished / "probe").unlink(missing_ok=True)


def hash_tensors(tensors: dict[str, Tensor], text: str = "") -> str:
    """SHA-256 over `text`, then names and values of all tensors in the order of their names."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def hash_weights(net: nn.Module) -> str:
    """SHA-256 over the names and values of all parameters, in the order of their names."""
    return hash_tensors(net.state_dict())


def hash_record(record: dict) -> str:
    """SHA-256 of a record without its own hash: shows an edit by hand."""
    content = {key: value for key, value in record.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def make_record(
    experiment: Experiment,
    seed: int,
    net: nn.Module,
    predictions: Tensor,
    history: dict,
    machine: dict,
) -> dict:
    """A record as a dictionary that JSON can hold.

    `predictions` is int64 `[10000]`: the digit that the trained network names for each test image,
    kept as a string of 10,000 characters. `history` has the lists `train_loss` and `test_accuracy`.
    """
    record = {
        "schema": SCHEMA,
        "experiment": experiment.name,
        "seed": seed,
        "hyper_parameters": experiment.hyper_parameters,
        "final_accuracy": history["test_accuracy"][-1],
        **history,
        "predictions": "".join(map(str, predictions.tolist())),
        "weights_sha256": hash_weights(net),
        **machine,
    }
    return record | {"sha256": hash_record(record)}


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


def write_record(record: dict, results: Path = RESULTS) -> Path:
    """Write the record's JSON file atomically and return its path."""
    path = record_path(record["experiment"], record["seed"], results)
    text = json.dumps(record, indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return path


def read_record(path: Path, experiment: Experiment) -> dict | None:
    """The record in `path`, or None, with a warning, when it does not count.

    It counts when it is whole, unedited, of today's schema, made with today's hyper-parameters, and
    its figures fit together.
    """
    problem = find_problem(path, experiment)
    if problem:
        warnings.warn(f"{path.name} is left out: {problem}.", stacklevel=2)
        return None
    return json.loads(path.read_text(encoding="utf-8"))


def find_problem(path: Path, experiment: Experiment) -> str | None:
    """Why the record in `path` does not count, or None when it does."""
    try:
        return _problem(json.loads(path.read_text(encoding="utf-8")), experiment, path)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        return f"it is damaged ({type(error).__name__}: {error})"


def has_record(experiment: Experiment, seed: int, results: Path = RESULTS) -> bool:
    """Whether a record that counts is there."""
    path = record_path(experiment.name, seed, results)
    return path.exists() and find_problem(path, experiment) is None


def _problem(record: dict, experiment: Experiment, path: Path) -> str | None:
    if record["schema"] != SCHEMA:
        return f"its schema is version {record['schema']}, today's is {SCHEMA}"
    if record["sha256"] != hash_record(record):
        return "it was changed after it was written"
    name, seed = record["experiment"], record["seed"]
    if name != experiment.name or path.name != record_path(name, seed).name:
        return f"it is a record of {name} with seed {seed}"
    if record["hyper_parameters"] != experiment.hyper_parameters:
        return "its hyper-parameters are not those of the table"
    if not _fits_together(record, experiment):
        return "its figures do not fit together"
    return None


def _fits_together(record: dict, experiment: Experiment) -> bool:
    """Whether there is a finite loss and a share for each epoch, and all else has its kind."""
    losses, accuracies = record["train_loss"], record["test_accuracy"]
    return (
        isinstance(record["seed"], int)
        and len(losses) == len(accuracies) == experiment.epochs
        and all(0 <= loss < math.inf for loss in losses)
        and all(0 <= accuracy <= 1 for accuracy in accuracies)
        and record["final_accuracy"] == accuracies[-1]
        and re.fullmatch("[0-9]+", record["predictions"]) is not None
    )


def learned_nothing(record: dict) -> bool:
    """Whether the trained network names one and the same digit for every test image.

    At best it has learned which digit is the most common: 11.35 % of the test images.
    """
    return len(set(record["predictions"])) == 1


def load_records(name: str, results: Path = RESULTS) -> list[dict]:
    """The records of the run `name`, in the order of their seeds; empty when there is none yet.

    Raises ValueError when no run has that name.
    """
    experiment = get_experiment(name)
    asked_for.add(name)
    paths = (results / "records").glob(f"{name}-seed*.json")
    found = [read_record(path, experiment) for path in paths]
    return sorted((record for record in found if record), key=lambda record: record["seed"])

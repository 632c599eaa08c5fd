"""Where records lie and how they are read: a JSON file and a file of weights per run and seed.

`results/records/relu-seed0.json` holds the figures, `results/weights/relu-seed0.safetensors` the
network, `results/unfinished/relu-seed0.safetensors` the checkpoint of a run that has not ended.
Nothing here writes or renames a file.
"""

import functools
import hashlib
import json
import stat
import warnings
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mnistconv.experiments import Experiment, get_experiment
from mnistconv.files import read_text
from mnistconv.places import results_root
from mnistconv.records.record import Record, from_json, problem_of

RESULTS = results_root()
LABELS = Path(__file__).parent / "test_labels.txt"
LARGEST_RECORD, LARGEST_WEIGHTS = 2_000_000, 200_000_000  # bytes; more is none of ours
# SHA-256 of files of weights in half precision that are older than their place in the record.
OLD_FILES = "SHA256SUMS"

asked_for: set[str] = set()  # runs that this process looked up: what a notebook's outputs depend on


def record_path(experiment: str, seed: int, results: Path = RESULTS) -> Path:
    return results / "records" / f"{experiment}-seed{seed}.json"


def weights_path(experiment: str, seed: int, results: Path = RESULTS) -> Path:
    return results / "weights" / f"{experiment}-seed{seed}.safetensors"


def checkpoint_path(experiment: str, seed: int, results: Path = RESULTS) -> Path:
    return results / "unfinished" / f"{experiment}-seed{seed}.safetensors"


@functools.cache
def right_digits() -> str:
    """The right digits of the test images as a text of 10,000 characters, in MNIST's order."""
    return LABELS.read_text(encoding="ascii").replace("\n", "")


def read_record(path: Path, experiment: Experiment) -> Record | None:
    """The record in `path`, or None, with a warning, when it does not count.

    It counts when it is whole, unedited, of today's schema, made with today's hyper-parameters,
    its figures fit together, and its accuracy is that of its 10,000 answers.
    """
    found = _read(path, experiment)
    if isinstance(found, Record):
        return found
    warnings.warn(f"{path.name} is left out: {found}.", stacklevel=2)
    return None


def find_problem(path: Path, experiment: Experiment) -> str | None:
    """Why the record in `path` does not count, or None when it does."""
    found = _read(path, experiment)
    return None if isinstance(found, Record) else found


def has_record(experiment: Experiment, seed: int, results: Path = RESULTS) -> bool:
    """Whether a record that counts is there."""
    return isinstance(_read(record_path(experiment.name, seed, results), experiment), Record)


def load_records(name: str, results: Path = RESULTS) -> list[Record]:
    """The records of the run `name`, in the order of their seeds; empty when there is none yet.

    Raises ValueError when no run has that name.
    """
    experiment = get_experiment(name)
    asked_for.add(name)
    paths = sorted((results / "records").glob(f"{name}-seed*.json"))
    found = [read_record(path, experiment) for path in paths]
    return sorted((record for record in found if record), key=lambda record: record.seed)


def _read(path: Path, experiment: Experiment) -> Record | str:
    """The record in `path`, or why it does not count."""
    try:
        check_file(path, LARGEST_RECORD)
        content = json.loads(path.read_text(encoding="utf-8"))
        name, seed = content["experiment"], content["seed"]
        problem = problem_of(content, experiment.recipe, right_digits())
        if name != experiment.name or path.name != record_path(name, seed).name:
            problem = f"it is a record of {name} with seed {seed}"
        return problem or from_json(content)
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"it is damaged ({type(error).__name__}: {error})"


def check_file(path: Path, largest: int) -> None:
    """Raise OSError unless `path` is a regular file of at most `largest` bytes.

    Looks without opening: a pipe without a writer would wait for ever.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is not a regular file")
    if found.st_size > largest:
        raise OSError(f"it has {found.st_size:,} bytes, more than any of ours")


# Weights


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


def hash_file(path: Path) -> str:
    """SHA-256 of the bytes of a file, as the command `sha256sum` gives it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_weights(name: str, seed: int = 0, results: Path = RESULTS) -> dict[str, Tensor]:
    """The recorded weights of the run `name`, compared with the hash in their record first.

    float32, or float16 where that changed none of the 10,000 answers. Raises ValueError, in one
    sentence, when there is no record that counts, no file, a damaged one, or that of another run.
    """
    experiment = get_experiment(name)
    asked_for.add(name)
    record = _read(record_path(name, seed, results), experiment)
    if not isinstance(record, Record):
        raise ValueError(f"{name}, seed {seed}, has no record that counts: {record}.")
    path, ways_back = weights_path(name, seed, results), _ways_back(name, seed)
    try:
        check_file(path, LARGEST_WEIGHTS)
        tensors = load_file(path)
    except FileNotFoundError:
        raise ValueError(f"{path.name} is missing: {ways_back}.") from None
    except (OSError, SafetensorError, ValueError) as error:
        raise ValueError(f"{path.name} is damaged ({error}): {ways_back}.") from error
    if not _belongs(tensors, path, record):
        raise ValueError(f"{path.name} holds other weights than its record: {ways_back}.")
    return tensors


def load_network(name: str, seed: int = 0, results: Path = RESULTS) -> nn.Module:
    """The recorded network of the run `name`, float32, in eval mode. Raises as `load_weights`."""
    net = get_experiment(name).recipe.network()
    net.load_state_dict(load_weights(name, seed, results))
    return net.eval()


def _ways_back(name: str, seed: int) -> str:
    if seed != 0:
        return "weights are kept of seed 0 alone"
    return f"restore it, or delete its record and run `python -m mnistconv reproduce {name}`"


def _belongs(tensors: dict[str, Tensor], path: Path, record: Record) -> bool:
    expected = record.weights_file_sha256 or _old_files(path.parent).get(path.name)
    if expected:
        return hash_file(path) == expected
    return hash_tensors(tensors) == record.weights_sha256


def _old_files(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, from the list in the format of `sha256sum`; empty where there is none.

    Raises ValueError when it cannot be read, or is something else.
    """
    path = folder / OLD_FILES
    try:
        pairs = [line.split(maxsplit=1) for line in read_text(path).splitlines()]
        return {name: digest for digest, name in pairs}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}): restore it.") from error

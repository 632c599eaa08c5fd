"""A record: what one full-length run with one seed left, as Python sees it and as JSON holds it."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, field, fields

import torch
from torch import Tensor

from mnistconv.recipes import Recipe, without_defaults

SCHEMA = 1
TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Record:
    """One run with one seed. Accuracies are shares, 0 to 1, one for each epoch in the lists.

    `final_accuracy` is that on the test images at the epoch `kept_epoch`, counted from 1; None is
    the last. `loss_curve` has the mean loss of every `loss_every` steps, for a recipe that asks for
    it, as many values for each epoch. `predictions` has a character for each test image, the digit
    that the network of that epoch names; `last_predictions` those of the last epoch's network,
    where the recipe keeps another. `weights_sha256` is the hash of its float32 weights,
    `weights_file_sha256` of the file that holds them, where one was kept, maybe in half precision.
    `code_sha256` tells apart what code trained it; `trainer` names the one of the package's two
    that it was, see `mnistconv.reproduce.runs.Training`, None in records from when there was but
    "torch.optim". `wall_seconds` is the time of training and testing.
    """

    experiment: str
    seed: int
    hyper_parameters: dict
    final_accuracy: float
    train_loss: list[float]
    test_accuracy: list[float]
    predictions: str = field(repr=False)
    weights_sha256: str
    device: str
    device_name: str
    memory_format: str
    threads: int
    wall_seconds: float
    versions: dict[str, str]
    validation_accuracy: list[float] | None = None
    loss_curve: list[float] | None = None
    kept_epoch: int | None = None
    weights_file_sha256: str | None = None
    code_sha256: str | None = None
    trainer: str | None = None
    seeds_at_once: int | None = None
    last_predictions: str | None = field(default=None, repr=False)

    @property
    def answers(self) -> Tensor:
        """The digit named for each test image: int64 `[10000]`."""
        return torch.tensor([int(digit) for digit in self.predictions])

    @property
    def last_answers(self) -> Tensor:
        """The same by the network of the last epoch, whichever epoch is kept."""
        return torch.tensor([int(digit) for digit in self.last_predictions or self.predictions])

    @property
    def wrong(self) -> int:
        """How many of the test images the network misread."""
        return round((1 - self.final_accuracy) * len(self.predictions))

    def steps_until(self, loss: float) -> int | None:
        """Steps until the mean loss of the last `loss_every` of them was first below `loss`.

        None where it never was. Raises TypeError where the recipe asks for no curve of the loss.
        """
        every = self.hyper_parameters.get("loss_every")
        parts = enumerate(self.loss_curve, start=1)
        return next((every * part for part, mean in parts if mean < loss), None)

    @property
    def learned_nothing(self) -> bool:
        """Whether the trained network names one and the same digit for every test image.

        At best it has learned which digit is the most common: 11.35 % of the test images.
        """
        return len(set(self.predictions)) == 1


def to_json(record: Record) -> dict:
    """The record as a dictionary that JSON can hold, with its own hash; no None is written."""
    known = {key: value for key, value in asdict(record).items() if value is not None}
    content = {"schema": SCHEMA, **known}
    return content | {"sha256": hash_record(content)}


def from_json(content: dict) -> Record:
    """The record in a dictionary. Raises TypeError or KeyError when a field is missing."""
    names = {field.name for field in fields(Record)}
    return Record(**{key: value for key, value in content.items() if key in names})


def hash_record(content: dict) -> str:
    """SHA-256 of a record without its own hash: shows an edit by hand."""
    content = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def problem_of(content: dict, recipe: Recipe, labels: str) -> str | None:
    """Why a record does not count among those of `recipe`, or None when it does.

    `labels` are the right digits of the test images. Raises KeyError, TypeError or AttributeError
    for what is not a record at all.
    """
    if content["schema"] != SCHEMA:
        return f"its schema is version {content['schema']}, today's is {SCHEMA}"
    if content["sha256"] != hash_record(content):
        return "it was changed after it was written"
    record = from_json(content)
    if without_defaults(record.hyper_parameters) != recipe.hyper_parameters:
        return "its hyper-parameters are not those of the table"
    if not (_has_kinds(record) and _fits_together(record, recipe)):
        return "its figures do not fit together"
    if not _is_right(record, labels):
        return "its accuracy is not that of its answers"
    return None


def _has_kinds(record: Record) -> bool:
    """Whether every field is of its kind."""
    texts = [record.predictions, record.weights_sha256, record.device, record.device_name]
    texts += [record.weights_file_sha256 or "", record.code_sha256 or "", record.memory_format]
    texts += [record.trainer or "", record.last_predictions or ""]
    texts += [*record.versions, *record.versions.values()]
    return (
        all(isinstance(text, str) for text in texts)
        and type(record.seed) is int
        and type(record.wall_seconds) in (int, float)
        and 0 <= record.wall_seconds < math.inf
    )


def _fits_together(record: Record, recipe: Recipe) -> bool:
    """Whether there is a finite loss and a share for each epoch, and the kept epoch is the rule's.

    Only a recipe that holds digits out has a list of validation accuracies, and only one that asks
    for a curve of the loss has one: at least a value for each epoch, for all epochs as many.
    """
    curve = record.loss_curve
    if (curve is not None) != (recipe.loss_every > 0):
        return False
    if curve is not None and not (curve and len(curve) % recipe.epochs == 0):
        return False
    validation = record.validation_accuracy
    if (validation is not None) != (recipe.held_out > 0):
        return False
    shares = [record.test_accuracy] if validation is None else [record.test_accuracy, validation]
    if any(len(part) != recipe.epochs for part in [record.train_loss, *shares]):
        return False
    kept = recipe.number_of_kept_epoch(validation)
    return (
        all(0 <= loss < math.inf for loss in [*record.train_loss, *(curve or ())])
        and all(0 <= share <= 1 for part in shares for share in part)
        and (record.kept_epoch or recipe.epochs) == kept
        and record.final_accuracy == record.test_accuracy[kept - 1]
    )


def _is_right(record: Record, labels: str) -> bool:
    """Whether the answers are as many as the test images, and as often right as recorded."""
    if _share_right(record.predictions, labels) != record.final_accuracy:
        return False
    last = record.last_predictions
    return last is None or _share_right(last, labels) == record.test_accuracy[-1]


def _share_right(answers: str, labels: str) -> float | None:
    """The share of right ones among the answers; None unless there is one for each test image."""
    if not re.fullmatch(f"[0-9]{{{TEST_IMAGES}}}", answers):
        return None
    return sum(map(str.__eq__, answers, labels)) / len(answers)

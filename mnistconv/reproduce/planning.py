"""What is left to do: runs and seeds without a record, in which order, with estimated times."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from mnistconv.data import load_mnist
from mnistconv.experiments import Experiment
from mnistconv.recipes import Recipe
from mnistconv.records.store import RESULTS, checkpoint_path, has_record
from mnistconv.reproduce.checkpoints import read_histories
from mnistconv.reproduce.runs import identify, start
from mnistconv.training import Batches, evaluate

MOST_SEEDS, MOST_DIGITS = 1_000, 9  # more are a slip of the finger
SAMPLE = 1_000  # images: enough steps for a stable pace, few enough not to wait for


class Progress(NamedTuple):
    """Epochs done, accuracy after the last of them (None before), estimated seconds left."""

    epochs: int
    accuracy: float | None
    seconds_left: float


@dataclass(frozen=True)
class Job:
    """One run with one seed; `epoch_seconds` is the calibrated estimate for one epoch."""

    experiment: Experiment
    seed: int
    epoch_seconds: float

    def __str__(self) -> str:
        return f"{self.experiment.name}, seed {self.seed}"

    def progress(self, results: Path) -> Progress:
        """How far its checkpoint is; one that this run cannot continue is no progress."""
        path = checkpoint_path(self.experiment.name, self.seed, results)
        histories, seconds = read_histories(path, identify(self.experiment, [self.seed]))
        accuracies = histories[0].test_accuracy if histories else []
        pace = seconds / len(accuracies) if accuracies else self.epoch_seconds
        left = pace * (self.experiment.recipe.epochs - len(accuracies))
        return Progress(len(accuracies), accuracies[-1] if accuracies else None, left)


def parse_seeds(text: str) -> list[int]:
    """The seeds in "3", "0-4" or "0,2,5-7". Raises ValueError for anything else."""
    seeds = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise ValueError(f"--seeds {text!r}: write seeds as 3, as 0-4, or as 0,2,5-7.")
        if max(map(len, match.groups(""))) > MOST_DIGITS:
            raise ValueError(f"--seeds {text!r}: a seed has at most {MOST_DIGITS} digits.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"--seeds {text!r}: {last} comes before {first}.")
        if last - first >= MOST_SEEDS:
            raise ValueError(f"--seeds {text!r}: at most {MOST_SEEDS:,} seeds in a row.")
        seeds.update(range(first, last + 1))
    return sorted(seeds)


def plan(
    experiments: list[Experiment],
    seeds: list[int] | None = None,
    results: Path = RESULTS,
    on_gpu: bool = False,
) -> list[Job]:
    """All jobs without a record that counts: what was begun first, then what is soon done.

    So each hour leaves the most records; runs of a higher rank come after those of a lower one. A
    run named twice counts once. `seeds` replaces the planned seeds of each experiment. Nothing is
    renamed or written. Takes a few seconds: one training sample per kind of network gives the
    estimates. For a GPU there are none: an image counts as a second.
    """
    missing = {
        (experiment.name, seed): (experiment, seed)
        for experiment in experiments
        for seed in (experiment.seeds if seeds is None else seeds)
        if not has_record(experiment, seed, results)
    }.values()
    networks = {experiment.recipe.network for experiment, _ in missing}
    paces = {network: float if on_gpu else calibrate(network) for network in networks}
    jobs = [
        Job(experiment, seed, paces[experiment.recipe.network](experiment.recipe.training_images))
        for experiment, seed in missing
    ]

    def begun_and_short(job: Job) -> tuple[bool, int, float]:
        progress = job.progress(results)
        return progress.epochs == 0, job.experiment.rank, progress.seconds_left

    return sorted(jobs, key=begun_and_short)


def calibrate(network: type[nn.Module]):
    """A function that estimates the seconds of one epoch from its number of training images.

    Trains and tests a network on a sample after a short warm-up. Processor time is counted: what
    else runs on the machine then spoils the estimate less.
    """
    torch.set_num_threads(1)
    (images, labels), _ = load_mnist()
    sample = images[:SAMPLE], labels[:SAMPLE]
    training = start(Recipe(network, 1, 0.01), 0, steps_per_epoch=SAMPLE // 10)
    training.train_epoch(Batches(*(tensor[:100] for tensor in sample)))
    begin = time.process_time()
    training.train_epoch(Batches(*sample))
    trained = time.process_time()
    evaluate(training.net, *sample)
    tested = time.process_time()
    per_image, evaluation = (trained - begin) / SAMPLE, (tested - trained) * 10_000 / SAMPLE
    return lambda training_images: per_image * training_images + evaluation


def describe(jobs: list[Job], workers: int, results: Path, on_gpu: bool = False) -> str:
    """The plan as text: what runs, from which epoch on, and about how long on this processor."""
    progress = [job.progress(results) for job in jobs]
    workers = min(workers, len(jobs))
    lines = []
    for job, (done, _, left) in zip(jobs, progress, strict=True):
        epochs = f"epoch {done + 1} to {job.experiment.recipe.epochs}"
        if done == job.experiment.recipe.epochs:
            epochs = "its record"
        lines.append(f"  {job!s:32}{epochs:18}" + f"about {spell(left)}" * (not on_gpu))
    total = f", about {spell(time_left(progress, workers))}" * (not on_gpu)
    runs = "1 run" if len(jobs) == 1 else f"{len(jobs)} runs"
    return "\n".join([f"{runs} to do, {workers} at a time{total}:", *lines])


def time_left(progress: list[Progress], workers: int) -> float:
    """Estimated seconds until all runs have ended, with `workers` of them at a time."""
    left = [run.seconds_left for run in progress]
    return max(max(left, default=0.0), sum(left) / workers)


def spell(seconds: float) -> str:
    """A duration to read: "40 s", "12 min", "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"

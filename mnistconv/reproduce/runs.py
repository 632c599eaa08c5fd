"""One full-length run: trained epoch by epoch, a checkpoint after each, a record at its end."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mnistconv.data import expand, load_mnist
from mnistconv.experiments import Experiment
from mnistconv.files import write_atomically
from mnistconv.reproduce import records
from mnistconv.training import Batches, History, evaluate, predict, train_epoch

RANDOM_STATE = "random_state"


def run(
    experiment: Experiment,
    seed: int,
    results: Path = records.RESULTS,
    report: Callable[[History], None] = lambda history: None,
) -> Path:
    """Train `experiment` with `seed` on the CPU to its end and write its record; return the path.

    Goes on from a checkpoint where there is one. The same as `torch.manual_seed(seed)`, a network
    in `channels_last`, and `fit(..., seed=seed)`, bit for bit, however often it was interrupted.
    `report` is called with the history after every epoch.
    """
    train, test = load_mnist()
    if experiment.expanded:
        train = expand(*train)
    batches = Batches(*train)
    net = new_network(experiment, seed)
    sgd = torch.optim.SGD(
        experiment.parameter_groups(net),
        lr=experiment.lr,
        weight_decay=experiment.weight_decay,
        fused=True,
    )
    checkpoint = records.checkpoint_path(experiment.name, seed, results)
    history, seconds = History(experiment.epochs, steps_per_epoch=len(batches)), 0.0
    if checkpoint.exists():
        history, seconds = load_checkpoint(checkpoint, net)
    while history.steps < history.planned_steps:
        start = time.perf_counter()
        train_epoch(net, batches, sgd, history)
        history.test_accuracy.append(evaluate(net, *test))
        seconds += time.perf_counter() - start
        save_checkpoint(checkpoint, net, history, seconds)
        report(history)
    return finish(experiment, seed, net, test, history, seconds, results)


def new_network(experiment: Experiment, seed: int) -> nn.Module:
    """The network of `experiment` as every run starts: weights from `seed`, then `seed` again."""
    torch.manual_seed(seed)
    net = experiment.network().to(memory_format=torch.channels_last)
    torch.manual_seed(seed)
    return net


def save_checkpoint(path: Path, net: nn.Module, history: History, seconds: float) -> None:
    """Write weights, random state, history and time so far, atomically, as one safetensors file."""
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    tensors[RANDOM_STATE] = torch.get_rng_state()
    metadata = {"history": json.dumps(asdict(history)), "seconds": json.dumps(seconds)}
    write_atomically(path, lambda temporary: save_file(tensors, temporary, metadata))


def load_checkpoint(path: Path, net: nn.Module) -> tuple[History, float]:
    """Put weights and random state of a checkpoint back; return its history and its seconds."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    torch.set_rng_state(tensors.pop(RANDOM_STATE))
    net.load_state_dict(tensors)
    return History(**json.loads(metadata["history"])), json.loads(metadata["seconds"])


def finish(
    experiment: Experiment,
    seed: int,
    net: nn.Module,
    test: tuple[Tensor, Tensor],
    history: History,
    seconds: float,
    results: Path,
) -> Path:
    """Write weights (of seed 0) and record of a run that has ended, then drop its checkpoint."""
    if seed == 0:
        tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
        path = records.weights_path(experiment.name, seed, results)
        write_atomically(path, lambda temporary: save_file(tensors, temporary))
    curves = {"train_loss": history.train_loss, "test_accuracy": history.test_accuracy}
    machine = records.describe_machine(torch.device("cpu"), "channels_last", seconds)
    record = records.make_record(experiment, seed, net, predict(net, test[0]), curves, machine)
    path = records.write_record(record, results)
    records.checkpoint_path(experiment.name, seed, results).unlink(missing_ok=True)
    return path

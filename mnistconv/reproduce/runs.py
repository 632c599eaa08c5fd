"""One full-length run: trained epoch by epoch, a checkpoint after each, a record at its end."""

import copy
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mnistconv.data import expand, load_mnist
from mnistconv.experiments import Experiment
from mnistconv.files import write_atomically
from mnistconv.records import store
from mnistconv.reproduce.checkpoints import (
    RANDOM_STATE,
    Checkpoint,
    last_good_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)
from mnistconv.reproduce.guards import alone_in_this_process
from mnistconv.reproduce.sgd import PlainSGD
from mnistconv.training import Batches, History, evaluate, predict, train_epoch

LARGE = 1_000_000  # parameters: from here on a file of weights is worth halving


@alone_in_this_process()
def run(
    experiment: Experiment,
    seed: int,
    results: Path = store.RESULTS,
    report: Callable[[History], None] = lambda history: None,
) -> Path:
    """Train `experiment` with `seed` on the CPU to its end and write its record; return the path.

    Goes on from a checkpoint where there is one. The same as `torch.manual_seed(seed)`, a network
    in `channels_last`, and `fit(..., seed=seed)`, bit for bit, however often it was interrupted.
    `report` is called with the history after every epoch. Raises RuntimeError when another run is
    under way in the same process.
    """
    train, test = load_mnist()
    if experiment.expanded:
        train = expand(*train)
    batches = Batches(*train)
    net = new_network(experiment, seed)
    sgd = PlainSGD(experiment.parameter_groups(net), experiment.lr, experiment.weight_decay)
    checkpoint = store.checkpoint_path(experiment.name, seed, results)
    history, seconds = go_on(checkpoint, experiment, seed, net, steps_per_epoch=len(batches))
    while history.steps < history.planned_steps:
        start = time.perf_counter()
        train_epoch(net, batches, sgd, history)
        history.test_accuracy.append(evaluate(net, *test))
        seconds += time.perf_counter() - start
        tensors = net.state_dict() | {RANDOM_STATE: torch.get_rng_state()}
        header = identify(experiment, [seed]) | {"histories": [asdict(history)], "seconds": seconds}
        write_checkpoint(checkpoint, tensors, header)
        report(history)
    machine = store.describe_machine(torch.device("cpu"), "channels_last", seconds)
    images, _ = test
    path = finish(experiment, seed, net, images, predict(net, images), history, machine, results)
    remove_checkpoint(checkpoint)
    return path


def new_network(experiment: Experiment, seed: int) -> nn.Module:
    """The network of `experiment` as every run starts: weights from `seed`, then `seed` again."""
    torch.manual_seed(seed)
    net = experiment.network().to(memory_format=torch.channels_last)
    torch.manual_seed(seed)
    return net


def identify(experiment: Experiment, seeds: list[int]) -> dict:
    """What a checkpoint must agree with to be continued."""
    return {
        "experiment": experiment.name,
        "seeds": seeds,
        "hyper_parameters": experiment.hyper_parameters,
    }


def go_on(
    checkpoint: Path, experiment: Experiment, seed: int, net: nn.Module, steps_per_epoch: int
) -> tuple[History, float]:
    """Put weights and random state of the last good checkpoint back; its history and seconds.

    Where there is none, `net` stays as it is and the history is empty.
    """
    tensors = net.state_dict() | {RANDOM_STATE: torch.get_rng_state()}
    start = Checkpoint(tensors, [History(experiment.epochs, steps_per_epoch)], 0.0)
    found = last_good_checkpoint(checkpoint, identify(experiment, [seed]), start)
    torch.set_rng_state(found.tensors.pop(RANDOM_STATE))
    net.load_state_dict(found.tensors)
    return found.histories[0], found.seconds


def finish(
    experiment: Experiment,
    seed: int,
    net: nn.Module,
    images: Tensor,
    answers: Tensor,
    history: History,
    machine: dict,
    results: Path,
) -> Path:
    """Write the record, and of seed 0 the weights, of a run that has ended; return its path.

    `answers`, int64 `[n]`, are the digits that the network named for the test `images`.
    """
    if seed == 0:
        tensors = weights_to_keep(net, images)
        path = store.weights_path(experiment.name, seed, results)
        write_atomically(path, lambda temporary: save_file(tensors, temporary))
    curves = {"train_loss": history.train_loss, "test_accuracy": history.test_accuracy}
    record = store.make_record(experiment, seed, net, answers, curves, machine)
    return store.write_record(record, results)


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

"""Many seeds at once: one step trains S independent networks, on a GPU as one CUDA graph.

The CUDA path has not run on a GPU yet; its steps are tested on a CPU.

A batch of ten digits keeps a GPU busy for microseconds; most of a step is the launching of small
kernels. So S networks of one kind are stacked: each parameter gets a first axis of length S, `vmap`
runs the network's own `forward` along it, and the sum of the S losses has in its gradient the S
separate gradients. Each network keeps its own first weights, its own order and its own dropout.
"""

import copy
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, vmap

from mnistconv.checks import stop_if_diverged
from mnistconv.data import Pair, to_input
from mnistconv.experiments import Experiment
from mnistconv.initialisation import INITIALISATIONS
from mnistconv.recipes import PLAIN, Recipe, check_only
from mnistconv.records import store
from mnistconv.reproduce.checkpoints import (
    RANDOM_STATE,
    Checkpoint,
    last_good_checkpoint,
    remove_checkpoint,
    sweep,
    write_checkpoint,
)
from mnistconv.reproduce.guards import alone_in_this_process
from mnistconv.reproduce.planning import Job, spell
from mnistconv.reproduce.recording import (
    describe_machine,
    finish,
    hash_code,
    make_record,
    make_room,
)
from mnistconv.reproduce.runner import DONE, attempt, sum_up
from mnistconv.reproduce.runs import DATA_CODE, identify, load_data, new_network
from mnistconv.training import History

BATCH_SIZE = 10
SEEDS_AT_ONCE = 8


class Stack(nn.Module):
    """S networks of one kind in one module: parameters `[S, ...]`, images `[S, n, 1, 28, 28]`."""

    def __init__(self, nets: list[nn.Module]):
        super().__init__()
        self.nets = copy.deepcopy(nets[0])
        states = [dict(net.named_parameters()) for net in nets]
        for name, parameter in self.nets.named_parameters():
            parameter.data = torch.stack([state[name].detach().contiguous() for state in states])

    def forward(self, images: Tensor) -> Tensor:
        """Logits `[S, n, 10]`."""

        def one(parameters: dict, images: Tensor) -> Tensor:
            return functional_call(self.nets, parameters, (images,))

        return vmap(one, randomness="different")(dict(self.nets.named_parameters()), images)

    def take_out(self, index: int, net: nn.Module) -> nn.Module:
        """Put the weights of network `index` into `net`, on its device, and return it."""
        net.load_state_dict({name: value[index] for name, value in self.nets.state_dict().items()})
        return net


def stacked_losses(stack: Stack, images: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of each network on its own batch: `[S]`, for labels int64 `[S, n]`."""
    logits = stack(to_input(images.flatten(0, 1)).unflatten(0, labels.shape))
    return F.cross_entropy(logits.movedim(2, 1), labels, reduction="none").mean(dim=1)


def stacked_step(stack: Stack, sgd: torch.optim.Optimizer, images: Tensor, labels: Tensor):
    """One SGD step of every network; the losses `[S]` before it."""
    losses = stacked_losses(stack, images, labels)
    sgd.zero_grad()
    losses.sum().backward()
    sgd.step()
    return losses.detach()


def step_on(device: torch.device, stack: Stack, sgd, train: Pair) -> Callable[[Tensor], Tensor]:
    """A function that makes one step on the images with the numbers `[S, 10]`: losses `[S]`.

    On CUDA the step is captured once as a graph and replayed; the weights stay as they came.
    """
    images, labels = train

    def step(numbers: Tensor) -> Tensor:
        return stacked_step(stack, sgd, images[numbers], labels[numbers])

    return capture(step, stack, train) if device.type == "cuda" else step


def capture(step: Callable[[Tensor], Tensor], stack: Stack, train: Pair):
    """`step` as a CUDA graph: its kernels recorded once, then launched with a single call.

    Each replay reads and writes the memory of the capture: the numbers in, weights, gradients and
    losses out, so losses are to be used before the next replay. Dropout goes on from the random
    state of the device, which a replay moves on as the step itself would. Three steps before the
    capture let the libraries set themselves up; weights and random state are then put back.
    Source: PyTorch's notes on CUDA semantics, "CUDA Graphs".
    """
    seeds = len(next(stack.parameters()))
    numbers = torch.zeros(seeds, BATCH_SIZE, dtype=torch.int64, device=train[1].device)
    before = copy.deepcopy(stack.state_dict())
    random_state = torch.cuda.get_rng_state()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(numbers)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = step(numbers)
    stack.load_state_dict(before)
    torch.cuda.set_rng_state(random_state)

    def replay(chosen: Tensor) -> Tensor:
        numbers.copy_(chosen)
        graph.replay()
        return losses

    return replay


@torch.no_grad()
def stacked_answers(stack: Stack, images: Tensor, batch_size: int = 500) -> Tensor:
    """The digit that each network names for each uint8 image `[n, 28, 28]`: int64 `[S, n]`."""
    seeds = len(next(stack.parameters()))
    stack.eval()
    logits = [
        stack(to_input(batch).expand(seeds, -1, -1, -1, -1)) for batch in images.split(batch_size)
    ]
    stack.train()
    return torch.cat(logits, dim=1).argmax(dim=2)


def shares(answers: Tensor, labels: Tensor) -> list[float]:
    """The share of right `answers`, int64 `[S, n]`, of each network: 0 to 1, as Python counts."""
    return [right / len(labels) for right in (answers == labels).sum(dim=1).tolist()]


def new_stack(experiment: Experiment, seeds: list[int]) -> Stack:
    """Each network with the first weights that it has when it is trained alone with its seed."""
    return Stack([new_network(experiment.recipe, seed) for seed in seeds])


@alone_in_this_process()
def run_stack(
    experiment: Experiment,
    seeds: list[int],
    device: torch.device,
    results: Path = store.RESULTS,
    report: Callable[[list[History]], None] = lambda histories: None,
) -> list[Path]:
    """Train `experiment` with all `seeds` at once to its end; return the paths of the records.

    Like `run`, it goes on from a checkpoint, written after each epoch, and `report` is then called
    with the histories. Raises ValueError unless batches of ten divide the training images, and
    FloatingPointError, naming the seed, when a network diverges.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # streams and graphs belong to the current one
    recipe = experiment.recipe
    check_only(recipe, PLAIN, "a stack of seeds")
    for seed in seeds:
        make_room(experiment, seed, results)
    train, _, test = load_data(recipe)
    n = len(train[1])
    if n % BATCH_SIZE:
        raise ValueError(f"{n} training images do not divide into batches of {BATCH_SIZE}.")
    train, (test_images, test_labels) = ([t.to(device) for t in pair] for pair in (train, test))
    stack = new_stack(experiment, seeds).to(device)
    histories = [History(recipe.epochs, n // BATCH_SIZE) for _ in seeds]
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    torch.manual_seed(seeds[0])
    checkpoint = stack_checkpoint_path(experiment, seeds, results)
    sweep(checkpoint)
    code = _hash_of_code(recipe)
    seconds, code_before = _go_on(checkpoint, experiment, seeds, stack, histories, orders, device)
    if seconds and code_before != code:
        code = None
    sgd = torch.optim.SGD(
        recipe.parameter_groups(stack.nets), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    step = step_on(device, stack, sgd, train)
    while histories[0].steps < histories[0].planned_steps:
        start = time.perf_counter()
        _one_epoch(stack, step, n, (test_images, test_labels), seeds, histories, orders)
        seconds += time.perf_counter() - start
        _write(checkpoint, experiment, seeds, stack, histories, orders, device, seconds, code)
        report(histories)
    made = describe_machine(device, "contiguous", seconds)
    made |= {"seeds_at_once": len(seeds), "code_sha256": code}
    _write_records(experiment, seeds, stack, histories, test[0], made, results)
    remove_checkpoint(checkpoint)
    return [store.record_path(experiment.name, seed, results) for seed in seeds]


def _one_epoch(stack, step, n, test: Pair, seeds, histories, orders) -> None:
    """One pass of each network over its own order of the `n` images; what it brought is noted."""
    device = test[1].device
    order = torch.stack([torch.randperm(n, generator=generator) for generator in orders])
    loss_sums = torch.zeros(len(seeds), dtype=torch.float64, device=device)
    for numbers in order.to(device).split(BATCH_SIZE, dim=1):
        loss_sums += step(numbers)
    accuracies = shares(stacked_answers(stack, test[0]), test[1])
    for seed, history, loss, accuracy in zip(
        seeds, histories, loss_sums.tolist(), accuracies, strict=True
    ):
        stop_if_diverged(loss / history.steps_per_epoch, f"{history.place}, seed {seed}")
        history.steps += history.steps_per_epoch
        history.train_loss.append(loss / history.steps_per_epoch)
        history.test_accuracy.append(accuracy)


def _hash_of_code(recipe: Recipe) -> str | None:
    first_weights = INITIALISATIONS[recipe.initialisation]
    steps = (Stack, stacked_losses, stacked_step, run_stack, _one_epoch)
    return hash_code(recipe.network, first_weights, *DATA_CODE, *steps)


def _write_records(experiment, seeds, stack, histories, images, made: dict, results) -> None:
    """The record of each network that has none yet; `images` are those of the test, on the CPU."""
    device = next(stack.parameters()).device
    answers = stacked_answers(stack, images.to(device)).cpu()
    for index, (seed, history) in enumerate(zip(seeds, histories, strict=True)):
        if not store.has_record(experiment, seed, results):
            net = stack.take_out(index, experiment.recipe.network())
            record = make_record(experiment, seed, net, answers[index], history, made)
            finish(record, net, images, results)


def stack_checkpoint_path(experiment: Experiment, seeds: list[int], results: Path) -> Path:
    name = f"{experiment.name}-seeds{'_'.join(map(str, seeds))}.safetensors"
    return results / "unfinished" / name


def _random_states(orders: list[torch.Generator], device: torch.device) -> dict[str, Tensor]:
    """What the next epoch draws from: the order of each network, and the device's dropout."""
    of_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
    states = torch.stack([generator.get_state() for generator in orders])
    return {f"{RANDOM_STATE}.orders": states, f"{RANDOM_STATE}.device": of_device}


def _write(checkpoint, experiment, seeds, stack, histories, orders, device, seconds, code) -> None:
    tensors = stack.nets.state_dict() | _random_states(orders, device)
    kept = {"histories": [asdict(history) for history in histories], "seconds": seconds}
    kept["code_sha256"] = code
    write_checkpoint(checkpoint, tensors, identify(experiment, seeds) | kept)


def _go_on(checkpoint, experiment, seeds, stack, histories, orders, device) -> tuple:
    """Put weights, histories and random states of the last good checkpoint back.

    Returns its seconds and the hash of the code that trained it.
    """
    start = Checkpoint(stack.nets.state_dict() | _random_states(orders, device), histories)
    found = last_good_checkpoint(checkpoint, identify(experiment, seeds), start)
    if found is None:
        return 0.0, None
    tensors = found.tensors
    for generator, state in zip(orders, tensors.pop(f"{RANDOM_STATE}.orders"), strict=True):
        generator.set_state(state.clone())
    of_device = tensors.pop(f"{RANDOM_STATE}.device")
    if device.type == "cuda":
        torch.cuda.set_rng_state(of_device, device)
    else:
        torch.set_rng_state(of_device)
    stack.nets.load_state_dict(tensors)
    histories[:] = found.histories
    return found.seconds, found.header.get("code_sha256")


def run_all(jobs: list[Job], results: Path, device: torch.device, seeds_at_once: int) -> int:
    """Run the jobs run by run, up to `seeds_at_once` of one at a time; return the exit code.

    It is that of `runner.run_all`; a failure does not stop the others.
    """
    states = {}
    for experiment, seeds in group(jobs, seeds_at_once, results):
        name = f"{experiment.name}, seeds {', '.join(map(str, seeds))}"
        report = _print_epoch(name, time.perf_counter())
        train = partial(run_stack, experiment, seeds, device, results, report)
        state, text = attempt(experiment, seeds, results, train)
        if state != DONE:
            print(f"{name}: {text}.", flush=True)
        states |= {j: state for j in jobs if j.experiment is experiment and j.seed in seeds}
    return sum_up(states, results)


def group(jobs: list[Job], seeds_at_once: int, results: Path) -> list[tuple[Experiment, list[int]]]:
    """The jobs as experiments with up to `seeds_at_once` seeds each, in the order of the jobs.

    Seeds of a stack under way stay together, with those of it that have their record already: only
    so can its checkpoint be continued.
    """
    groups = []
    for experiment in {job.experiment.name: job.experiment for job in jobs}.values():
        left = {job.seed for job in jobs if job.experiment is experiment}
        for seeds in stacks_under_way(experiment, results):
            if left & set(seeds):
                groups.append((experiment, seeds))
                left -= set(seeds)
        rest = sorted(left)
        for first in range(0, len(rest), seeds_at_once):
            groups.append((experiment, rest[first : first + seeds_at_once]))
    return groups


def stacks_under_way(experiment: Experiment, results: Path) -> list[list[int]]:
    """The seeds of each checkpoint of a stack of `experiment`, the largest stack first."""
    name = re.compile(rf"{re.escape(experiment.name)}-seeds([\d_]+)\.safetensors(\.previous)?")
    paths = (results / "unfinished").glob(f"{experiment.name}-seeds*")
    found = {match[1] for path in paths if (match := name.fullmatch(path.name))}
    return sorted(([int(seed) for seed in seeds.split("_")] for seeds in found), key=len)[::-1]


def _print_epoch(name: str, start: float) -> Callable[[list[History]], None]:
    def report(histories: list[History]) -> None:
        done, planned = len(histories[0].test_accuracy), histories[0].planned_epochs
        last = [history.test_accuracy[-1] for history in histories]
        took = spell(time.perf_counter() - start)
        print(f"{name}: {done}/{planned} {min(last):.2%} to {max(last):.2%} {took}", flush=True)

    return report

"""Many seeds at once: one step trains S independent networks, on a GPU as one CUDA graph.

A batch of ten digits keeps a GPU busy for microseconds; most of a step is the launching of small
kernels. So S networks of one kind are stacked (`mnistconv.reproduce.stack`), some steps of theirs
are captured as one graph, and several stacks take turns, each on a stream of its own, so that one's
kernels fill the gaps of another's. Each network keeps its own first weights, order and dropout.
"""

import copy
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from mnistconv.checks import stop_if_diverged
from mnistconv.data import Pair
from mnistconv.experiments import Experiment
from mnistconv.recipes import PLAIN, Recipe, check_only
from mnistconv.records import store
from mnistconv.reproduce import stack as stack_module
from mnistconv.reproduce import steps
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
from mnistconv.reproduce.runner import DONE, failure, in_hand, sum_up
from mnistconv.reproduce.runs import KEPT, code_of, identify, load_data, new_network
from mnistconv.reproduce.stack import Stack
from mnistconv.training import History

BATCH_SIZE = 10
SEEDS_AT_ONCE = 8
STACKS_AT_ONCE = 12  # on a GPU
STEPS_AT_ONCE = 10  # in one graph
KNOWN = PLAIN | {"held_out", "kept_epoch", "order"}  # hyper-parameters


def steps_on(device: torch.device, stack: Stack, train: Pair, batches: int):
    """A function that makes steps on images with the numbers `[S, 10 · batches]`.

    It returns the sum of each network's losses, `[S]`, over these `batches` steps.
    On CUDA the steps are captured once as a graph and replayed; the weights stay as they came.
    """
    images, labels = train

    def make(numbers: Tensor) -> Tensor:
        return sum(
            stack.step(images[batch], labels[batch]) for batch in numbers.split(BATCH_SIZE, dim=1)
        )

    if device.type != "cuda":
        return make
    numbers = torch.zeros(stack.seeds, BATCH_SIZE * batches, dtype=torch.int64, device=device)
    return capture(make, stack, numbers)


def capture(make: Callable[[Tensor], Tensor], stack: Stack, numbers: Tensor):
    """`make(numbers)` as a CUDA graph: its kernels recorded once, then launched with one call.

    Each replay reads and writes the memory of the capture: the numbers in, weights and losses out,
    so losses are to be used before the next replay. Dropout goes on from the state of the stack's
    generators, which a replay moves on as the steps themselves would. A first run lets the
    libraries set themselves up; weights and generators are then put back. The current stream must
    be the stack's own: the workspace of cuBLAS belongs to the stream of the capture.
    Source: PyTorch's notes on CUDA semantics, "CUDA Graphs".
    """
    before = copy.deepcopy(stack.nets.state_dict())
    generators = list(stack.generators.values())
    random_states = [generator.get_state() for generator in generators]
    make(numbers)
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        losses = make(numbers)
    stack.nets.load_state_dict(before)
    for generator, state in zip(generators, random_states, strict=True):
        generator.set_state(state)

    def replay(chosen: Tensor) -> Tensor:
        numbers.copy_(chosen)
        graph.replay()
        return losses

    return replay


def shares(answers: Tensor, labels: Tensor) -> list[float]:
    """The share of right `answers`, int64 `[S, n]`, of each network: 0 to 1, as Python counts."""
    return [right / len(labels) for right in (answers == labels).sum(dim=1).tolist()]


def new_stack(experiment: Experiment, seeds: list[int], device: torch.device) -> Stack:
    """Each network with the first weights that it has when it is trained alone with its seed.

    The dropout of all starts with the first seed.
    """
    with alone_in_this_process():
        nets = [new_network(experiment.recipe, seed) for seed in seeds]
    stack = Stack(nets, experiment.recipe, device)
    stack.generator.manual_seed(seeds[0])
    return stack


def run_stack(
    experiment: Experiment,
    seeds: list[int],
    device: torch.device,
    results: Path = store.RESULTS,
    report: Callable[[list[History]], None] = lambda histories: None,
) -> list[Path]:
    """Train `experiment` with all `seeds` at once to its end; return the paths of the records.

    Like `run`, it goes on from a checkpoint, written after each epoch, and `report` is then called
    with the histories. Raises ValueError unless batches of ten divide the training images,
    LookupError for a network whose layers the stack does not know, and FloatingPointError, naming
    the seed, when a network diverges.
    """
    with own_stream(device):
        for _ in train_in_turns(experiment, seeds, device, results, report):
            pass
    return [store.record_path(experiment.name, seed, results) for seed in seeds]


def train_in_turns(experiment, seeds, device, results, report) -> Iterator[None]:
    """What `run_stack` does, with a pause after each few steps, in which others may do theirs."""
    torch.backends.cuda.matmul.allow_tf32 = False
    recipe = experiment.recipe
    check_only(recipe, KNOWN, "a stack of seeds")
    for seed in seeds:
        make_room(experiment, seed, results)
    train, held_out, test = load_data(recipe)
    n = len(train[1])
    if n % BATCH_SIZE:
        raise ValueError(f"{n} training images do not divide into batches of {BATCH_SIZE}.")
    images = test[0]
    train, held_out, test = (
        pair and tuple(tensor.to(device) for tensor in pair) for pair in (train, held_out, test)
    )
    stack = new_stack(experiment, seeds, device)
    best = Best(recipe, stack, held_out)
    histories = [History(recipe.epochs, n // BATCH_SIZE) for _ in seeds]
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    checkpoint = stack_checkpoint_path(experiment, seeds, results)
    sweep(checkpoint)
    code = _hash_of_code(recipe)
    seconds, code_before = _go_on(checkpoint, experiment, seeds, stack, best, histories, orders)
    if seconds and code_before != code:
        code = None
    at_once = math.gcd(n // BATCH_SIZE, STEPS_AT_ONCE)
    make_steps = steps_on(device, stack, train, at_once)
    while histories[0].steps < histories[0].planned_steps:
        start = time.perf_counter()
        order = order_of_images(recipe, n, orders)
        loss_sums = torch.zeros(len(seeds), dtype=torch.float64, device=device)
        for numbers in order.to(device).split(BATCH_SIZE * at_once, dim=1):
            loss_sums += make_steps(numbers)
            yield
        _note_epoch(stack, loss_sums, test, seeds, histories)
        best.note_epoch()
        seconds += time.perf_counter() - start
        _write(checkpoint, experiment, seeds, stack, best, histories, orders, seconds, code)
        report(histories)
    made = describe_machine(device, "contiguous", seconds)
    made |= {"trainer": "steps", "seeds_at_once": len(seeds), "code_sha256": code}
    _write_records(experiment, seeds, stack, best, histories, images, made, results)
    remove_checkpoint(checkpoint)


def order_of_images(recipe: Recipe, n: int, orders: list[torch.Generator]) -> Tensor:
    """The numbers of the images in the order of the next epoch, for each network: `[S, n]`."""
    if recipe.order == "fixed":
        return torch.arange(n).expand(len(orders), n)
    return torch.stack([torch.randperm(n, generator=generator) for generator in orders])


class Best:
    """What the held-out digits said of each network by epoch, and its weights of the best epoch.

    Without held-out digits there is nothing of both; weights are kept for a recipe that keeps its
    best epoch.
    """

    def __init__(self, recipe: Recipe, stack: Stack, held_out: Pair | None):
        self.recipe, self.stack, self.held_out = recipe, stack, held_out
        self.accuracies = [[] for _ in range(stack.seeds)]
        state = {} if recipe.kept_epoch == "last" else stack.nets.state_dict()
        self.weights = {name: tensor.clone() for name, tensor in state.items()}

    def note_epoch(self) -> None:
        """Ask the held-out digits, and keep the weights of each network that is at its best."""
        if self.held_out is None:
            return
        images, labels = self.held_out
        found, now = shares(self.stack.answers(images), labels), self.stack.nets.state_dict()
        for index, (accuracies, share) in enumerate(zip(self.accuracies, found, strict=True)):
            accuracies.append(share)
            if self.recipe.number_of_kept_epoch(accuracies) == len(accuracies):
                for name, kept in self.weights.items():
                    kept[index] = now[name][index]

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        return {KEPT + name: tensor for name, tensor in self.weights.items()}

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint has an accuracy for each network and each of its epochs, if any."""
        found = checkpoint.header.get("validation_accuracies", [[] for _ in self.accuracies])
        epochs = len(checkpoint.histories[0].train_loss) if self.held_out else 0
        return (
            isinstance(found, list)
            and len(found) == len(self.accuracies)
            and all(isinstance(part, list) and len(part) == epochs for part in found)
            and all(isinstance(s, float) and 0 <= s <= 1 for part in found for s in part)
        )

    def put_back(self, checkpoint: Checkpoint) -> None:
        """Take over what a checkpoint of the same run holds, out of its tensors."""
        self.accuracies = checkpoint.header.get("validation_accuracies", self.accuracies)
        for name in self.weights:
            self.weights[name].copy_(checkpoint.tensors.pop(KEPT + name))


def _note_epoch(stack: Stack, loss_sums: Tensor, test: Pair, seeds, histories) -> None:
    accuracies = shares(stack.answers(test[0]), test[1])
    for seed, history, loss, accuracy in zip(
        seeds, histories, loss_sums.tolist(), accuracies, strict=True
    ):
        stop_if_diverged(loss / history.steps_per_epoch, f"{history.place}, seed {seed}")
        history.steps += history.steps_per_epoch
        history.train_loss.append(loss / history.steps_per_epoch)
        history.test_accuracy.append(accuracy)


def _hash_of_code(recipe: Recipe) -> str | None:
    training = (steps, stack_module, train_in_turns, order_of_images, Best)
    return hash_code(*code_of(recipe), *training)


def _write_records(experiment, seeds, stack, best, histories, images, made: dict, results) -> None:
    """The record of each network that has none yet; `images` are those of the test, on the CPU."""
    on_device = images.to(stack.generator.device)
    answers = last_answers = stack.answers(on_device).cpu()
    if best.weights:
        stack.nets.load_state_dict(best.weights)
        answers = stack.answers(on_device).cpu()
    for index, (seed, history) in enumerate(zip(seeds, histories, strict=True)):
        if not store.has_record(experiment, seed, results):
            net = stack.take_out(index, experiment.recipe.network())
            found = best.accuracies[index], None, last_answers[index]
            record = make_record(experiment, seed, net, answers[index], history, made, *found)
            finish(record, net, images, results)


def stack_checkpoint_path(experiment: Experiment, seeds: list[int], results: Path) -> Path:
    name = f"{experiment.name}-seeds{'_'.join(map(str, seeds))}.safetensors"
    return results / "unfinished" / name


def _random_states(stack: Stack, orders: list[torch.Generator]) -> dict[str, Tensor]:
    """What the next epoch draws from: the order of each network, and the dropout of all."""
    states = torch.stack([generator.get_state() for generator in orders])
    masks = {name: generator.get_state() for name, generator in stack.generators.items()}
    return {f"{RANDOM_STATE}.{name}": state for name, state in {"orders": states, **masks}.items()}


def _write(checkpoint, experiment, seeds, stack, best, histories, orders, seconds, code) -> None:
    tensors = stack.nets.state_dict() | _random_states(stack, orders) | best.tensors()
    kept = {"histories": [asdict(history) for history in histories], "seconds": seconds}
    kept |= {"code_sha256": code, "validation_accuracies": best.accuracies}
    write_checkpoint(checkpoint, tensors, identify(experiment, seeds) | kept)


def _go_on(checkpoint, experiment, seeds, stack, best, histories, orders) -> tuple:
    """Put weights, histories and random states of the last good checkpoint back.

    Returns its seconds and the hash of the code that trained it.
    """
    tensors = stack.nets.state_dict() | _random_states(stack, orders) | best.tensors()
    start = Checkpoint(tensors, histories)
    found = last_good_checkpoint(checkpoint, identify(experiment, seeds), start, best.fits)
    if found is None:
        return 0.0, None
    tensors = found.tensors
    for generator, state in zip(orders, tensors.pop(f"{RANDOM_STATE}.orders"), strict=True):
        generator.set_state(state.clone())
    for name, generator in stack.generators.items():
        generator.set_state(tensors.pop(f"{RANDOM_STATE}.{name}"))
    best.put_back(found)
    stack.nets.load_state_dict(tensors)
    histories[:] = found.histories
    return found.seconds, found.header.get("code_sha256")


def places_on(device: torch.device) -> int:
    """How many stacks take turns: a CPU has enough to do with one."""
    return STACKS_AT_ONCE if device.type == "cuda" else 1


def own_stream(device: torch.device):
    """A block whose work on a GPU is queued beside that of other such blocks."""
    if device.type != "cuda":
        return nullcontext()
    return torch.cuda.stream(torch.cuda.Stream(device))


def run_all(jobs: list[Job], results: Path, device: torch.device, seeds_at_once: int) -> int:
    """Run the jobs, up to `seeds_at_once` of one run in a stack; return the exit code.

    It is that of `runner.run_all`; a failure does not stop the others. On a GPU several stacks take
    turns.
    """
    waiting, turns, states = deque(group(jobs, seeds_at_once, results)), deque(), {}
    streams = [own_stream(device) for _ in range(places_on(device))]
    while waiting or turns:
        while waiting and streams:
            experiment, seeds = waiting.popleft()
            turn = attempt(experiment, seeds, device, results)
            turns.append((experiment, seeds, turn, streams.pop()))
        experiment, seeds, turn, stream = turns.popleft()
        with stream:
            ended = next(turn)
        if ended is None:
            turns.append((experiment, seeds, turn, stream))
            continue
        streams.append(stream)
        state, text = ended
        if state != DONE:
            print(f"{experiment.name}, seeds {', '.join(map(str, seeds))}: {text}.", flush=True)
        states |= {j: state for j in jobs if j.experiment is experiment and j.seed in seeds}
    return sum_up(states, results)


def attempt(experiment, seeds, device, results) -> Iterator[tuple[int, str] | None]:
    """Train with the locks of these runs, unless all have their record: None after each turn.

    At the end how it ended, and why it did not end well.
    """
    report = _print_epoch(f"{experiment.name}, seeds {', '.join(map(str, seeds))}")
    try:
        with in_hand(experiment, seeds, results):
            if not all(store.has_record(experiment, seed, results) for seed in seeds):
                yield from train_in_turns(experiment, seeds, device, results, report)
        yield DONE, ""
    except Exception as error:
        yield failure(error)


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


def _print_epoch(name: str) -> Callable[[list[History]], None]:
    start = time.perf_counter()

    def report(histories: list[History]) -> None:
        done, planned = len(histories[0].test_accuracy), histories[0].planned_epochs
        last = [history.test_accuracy[-1] for history in histories]
        took = spell(time.perf_counter() - start)
        print(f"{name}: {done}/{planned} {min(last):.2%} to {max(last):.2%} {took}", flush=True)

    return report

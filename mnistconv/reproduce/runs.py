"""One full-length run: trained epoch by epoch, a checkpoint after each, a record at its end."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from mnistconv import nielsen
from mnistconv.checks import stop_if_diverged
from mnistconv.data import SHIFTS, Pair, expand, load_mnist, to_input
from mnistconv.experiments import Experiment
from mnistconv.initialisation import INITIALISATIONS
from mnistconv.protocol import digits_of, first_network, shuffle_once
from mnistconv.recipes import PLAIN, Recipe
from mnistconv.records import store
from mnistconv.reproduce import steps
from mnistconv.reproduce.checkpoints import (
    RANDOM_STATE,
    Checkpoint,
    last_good_checkpoint,
    remove_checkpoint,
    write_checkpoint,
)
from mnistconv.reproduce.guards import alone_in_this_process
from mnistconv.reproduce.recording import (
    describe_machine,
    finish,
    hash_code,
    make_record,
    make_room,
)
from mnistconv.training import Batches, History, evaluate, predict, train_epoch

DATA_CODE = (to_input, expand, *SHIFTS)
BY_STEPS, BY_OPTIM = "steps", "torch.optim"  # the trainers
STEPS_KNOW = PLAIN | {
    "batch_size",
    "held_out",
    "kept_epoch",
    "order",
}  # hyper-parameters; others do more
TRAINING_CODE = {BY_STEPS: (Batches, steps), BY_OPTIM: (Batches, train_epoch)}
MOMENTUM, KEPT = "momentum.", "kept."  # before the names of parameters, in a checkpoint


@dataclass
class Training:
    """A run under way: all that it needs to go on, and what it has measured.

    `kept` are the weights of the best epoch so far, for a recipe that reports that one; `code` is
    the hash of the code that trains, None where other code has trained a part of it. `trainer` is
    "steps" where `by_steps` trains, else "torch.optim", or "torch.optim, then steps".
    """

    recipe: Recipe
    net: nn.Module
    sgd: torch.optim.SGD
    schedule: OneCycleLR | None
    history: History
    trainer: str
    by_steps: steps.Steps | None = None
    validation_accuracy: list[float] = field(default_factory=list)
    loss_curve: list[float] = field(default_factory=list)
    kept: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0
    code: str | None = None

    def train_epoch(self, batches: Batches) -> None:
        """One pass over `batches`, in their order. Raises FloatingPointError: it diverged."""
        if self.by_steps is not None:
            self.by_steps.train_epoch(batches, self.history)
            return
        smoothing = self.recipe.label_smoothing
        epoch = partial(train_smoothed, smoothing=smoothing) if smoothing else train_epoch
        if every := self.recipe.loss_every:
            self.loss_curve += train_in_parts(
                epoch, self.net, batches, self.sgd, self.history, every
            )
        else:
            epoch(self.net, batches, self.sgd, self.history)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds: weights, random states, momentum, weights of the best epoch."""
        found = self.net.state_dict() | {RANDOM_STATE: torch.get_rng_state()}
        for name, generator in generators_of_masks(self.net).items():
            found[f"{RANDOM_STATE}.{name}"] = generator.get_state()
        if self.recipe.momentum:
            for name, parameter in self.net.named_parameters():
                buffer = self.sgd.state[parameter].get("momentum_buffer", parameter.detach())
                found[MOMENTUM + name] = buffer
        if self.recipe.kept_epoch != "last":
            kept = self.kept or self.net.state_dict()
            found |= {KEPT + name: tensor for name, tensor in kept.items()}
        return found

    def header(self) -> dict:
        """What a checkpoint says besides, as JSON holds it."""
        return {
            "histories": [asdict(self.history)],
            "validation_accuracy": self.validation_accuracy,
            "loss_curve": self.loss_curve,
            "seconds": self.seconds,
            "code_sha256": self.code,
            "trainer": self.trainer,
        }

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint has an accuracy on the held-out digits for each of its epochs.

        And the curve of the loss, where the recipe asks for these; and names its trainer by a text,
        if it does: older ones do not.
        """
        shares = checkpoint.header.get("validation_accuracy", [])
        losses = checkpoint.header.get("loss_curve", [])
        history, every = checkpoint.histories[0], self.recipe.loss_every
        epochs = len(history.train_loss) if self.recipe.held_out else 0
        parts = math.ceil(history.steps_per_epoch / every) if every else 0
        return (
            isinstance(checkpoint.header.get("trainer", BY_OPTIM), str)
            and isinstance(shares, list)
            and len(shares) == epochs
            and all(isinstance(share, float) and 0 <= share <= 1 for share in shares)
            and isinstance(losses, list)
            and len(losses) == parts * len(history.train_loss)
            and all(isinstance(loss, float) and 0 <= loss < math.inf for loss in losses)
        )

    def put_back(self, checkpoint: Checkpoint) -> None:
        """Take over what a checkpoint of the same run holds."""
        tensors = checkpoint.tensors
        torch.set_rng_state(tensors[RANDOM_STATE])
        for name, generator in generators_of_masks(self.net).items():
            generator.set_state(tensors[f"{RANDOM_STATE}.{name}"])
        self.net.load_state_dict({name: tensors[name] for name in self.net.state_dict()})
        for name, parameter in self.net.named_parameters():
            if self.recipe.momentum:
                buffer = torch.empty_like(parameter).copy_(tensors[MOMENTUM + name])
                self.sgd.state[parameter]["momentum_buffer"] = buffer.detach()
        if self.recipe.kept_epoch != "last":
            self.kept = {name: tensors[KEPT + name] for name in self.net.state_dict()}
        self.history, self.seconds = checkpoint.histories[0], checkpoint.seconds
        self.validation_accuracy = checkpoint.header.get("validation_accuracy", [])
        self.loss_curve = checkpoint.header.get("loss_curve", [])
        if checkpoint.header.get("code_sha256") != self.code:
            self.code = None
        before = checkpoint.header.get("trainer", BY_OPTIM)
        if before.endswith(self.trainer):
            self.trainer = before
        else:
            self.trainer = f"{before}, then {self.trainer}"
        if self.schedule is not None:
            steps = self.history.steps
            self.schedule.load_state_dict({"last_epoch": steps - 1, "_step_count": steps})
            self.schedule.step()  # the rates of the next step

    def measure(self, held_out: Pair | None, test: Pair) -> None:
        """Add the accuracies after an epoch, and keep the weights if they are the best so far."""
        self.history.test_accuracy.append(evaluate(self.net, *test))
        if held_out is not None:
            self.validation_accuracy.append(evaluate(self.net, *held_out))
        epochs = len(self.history.test_accuracy)
        if self.recipe.kept_epoch == "last":
            return
        if self.recipe.number_of_kept_epoch(self.validation_accuracy) == epochs:
            state = self.net.state_dict()
            self.kept = {name: tensor.clone() for name, tensor in state.items()}


def generators_of_masks(net: nn.Module) -> dict[str, torch.Generator]:
    """Of each layer of Nielsen's dropout the generator of its masks, by the name of the layer."""
    return {
        name: layer.generator
        for name, layer in net.named_modules()
        if isinstance(layer, nielsen.Dropout)
    }


def train_in_parts(
    train_epoch: Callable,
    net: nn.Module,
    batches: Batches,
    sgd: torch.optim.SGD,
    history: History,
    every: int,
) -> list[float]:
    """One pass over `batches`, as `train_epoch` makes it; the mean loss of each `every` steps.

    The last part may be shorter. `history` gets steps and loss of the whole pass.
    """
    entry, following = len(history.train_loss), iter(batches)
    images = []
    while part := list(islice(following, every)):
        train_epoch(net, part, sgd, history)
        images.append(sum(len(labels) for _, labels in part))
    losses = history.train_loss[entry:]
    total = sum(loss * n for loss, n in zip(losses, images, strict=True))
    history.train_loss[entry:] = [total / sum(images)]
    return losses


def train_smoothed(
    net: nn.Module, batches: Batches, sgd: torch.optim.SGD, history: History, smoothing: float
) -> None:
    """One pass over `batches` as `train_epoch` makes it, but for the labels, which are smoothed."""
    net.train()
    loss_sum, seen = 0.0, 0
    for images, labels in batches:
        loss = F.cross_entropy(net(images), labels, label_smoothing=smoothing)
        stop_if_diverged(loss, history.place)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        history.steps += 1
        loss_sum += loss.item() * len(labels)
        seen += len(labels)
    history.train_loss.append(loss_sum / seen)


@alone_in_this_process()
def run(
    experiment: Experiment,
    seed: int,
    results: Path = store.RESULTS,
    report: Callable[[History], None] = lambda history: None,
) -> Path:
    """Train `experiment` with `seed` on the CPU to its end and write its record; return the path.

    Goes on from a checkpoint where there is one; sets aside what stands in the place of the record
    and does not count. However often it was interrupted, it ends with the same bits. A recipe that
    `fit` knows draws the same random numbers as `torch.manual_seed(seed)`, a network, and
    `fit(..., seed=seed)`, and learns the same up to rounding, see `mnistconv.reproduce.steps`; one
    of momentum or a schedule, or a network unknown there, is trained by `torch.optim`. `report` is
    called with the history after every epoch. Raises RuntimeError when another run is under way in
    the same process.
    """
    make_room(experiment, seed, results)
    train, held_out, test = load_data(experiment.recipe)
    recipe = experiment.recipe
    batches = Batches(*train, recipe.batch_size, shuffle=recipe.order == "fresh")
    training = start(experiment.recipe, seed, steps_per_epoch=len(batches))
    checkpoint = store.checkpoint_path(experiment.name, seed, results)
    go_on(checkpoint, identify(experiment, [seed]), training)
    while training.history.steps < training.history.planned_steps:
        begin = time.perf_counter()
        training.train_epoch(batches)
        training.measure(held_out, test)
        training.seconds += time.perf_counter() - begin
        header = identify(experiment, [seed]) | training.header()
        write_checkpoint(checkpoint, training.tensors(), header)
        report(training.history)
    path = end(experiment, seed, training, test, results)
    remove_checkpoint(checkpoint)
    return path


def load_data(recipe: Recipe) -> tuple[Pair, Pair | None, Pair]:
    """What a recipe trains on, the digits that it holds out (None without), and the test set."""
    everything, test = load_mnist()
    train, held_out = digits_of(recipe, everything)
    return train, held_out if recipe.held_out else None, test


def new_network(recipe: Recipe, seed: int) -> nn.Module:
    """The network of `recipe` as every run starts: weights from `seed`, then `seed` again."""
    return first_network(recipe, seed).to(memory_format=torch.channels_last)


def start(recipe: Recipe, seed: int, steps_per_epoch: int) -> Training:
    """A run before its first step."""
    net = new_network(recipe, seed)
    sgd = torch.optim.SGD(
        recipe.parameter_groups(net),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    history = History(recipe.epochs, steps_per_epoch)
    schedule, by_steps = None, None
    if recipe.schedule == "one-cycle":
        peaks = [group["lr"] for group in sgd.param_groups]
        schedule = OneCycleLR(sgd, peaks, history.planned_steps, cycle_momentum=False)
        sgd.register_step_post_hook(lambda *_: schedule.step())
    elif recipe.hyper_parameters.keys() <= STEPS_KNOW and steps.is_known(net):
        by_steps = steps.Steps(net, sgd)
    trainer = BY_STEPS if by_steps else BY_OPTIM
    epoch = (train_in_parts,) if recipe.loss_every else ()
    epoch += (train_smoothed,) if recipe.label_smoothing else ()
    code = hash_code(*code_of(recipe), *TRAINING_CODE[trainer], *epoch)
    return Training(recipe, net, sgd, schedule, history, trainer, by_steps, code=code)


def code_of(recipe: Recipe) -> tuple:
    """The code of network, first weights and data, for the hash of what trained."""
    network = recipe.network
    if network.__module__ == nielsen.__name__:
        network = nielsen  # with the layers that it is made of
    fixed = (shuffle_once,) if recipe.order == "fixed" else ()
    return (network, INITIALISATIONS[recipe.initialisation], *DATA_CODE, *fixed)


def identify(experiment: Experiment, seeds: list[int]) -> dict:
    """What a checkpoint must agree with to be continued."""
    return {
        "experiment": experiment.name,
        "seeds": seeds,
        "hyper_parameters": experiment.recipe.hyper_parameters,
    }


def go_on(checkpoint: Path, must_agree: dict, training: Training) -> None:
    """Continue from the last good checkpoint; where there is none, `training` stays as it is."""
    start = Checkpoint(training.tensors(), [training.history])
    found = last_good_checkpoint(checkpoint, must_agree, start, training.fits)
    if found is not None:
        training.put_back(found)


def end(experiment: Experiment, seed: int, training: Training, test: Pair, results: Path) -> Path:
    """Write record and weights of a run that has ended, at the epoch that its recipe keeps."""
    net, images = training.net, test[0]
    last_answers = predict(net, images)
    if training.kept:
        net.load_state_dict(training.kept)
    made = describe_machine(torch.device("cpu"), "channels_last", training.seconds)
    made |= {"code_sha256": training.code, "trainer": training.trainer}
    answers = predict(net, images) if training.kept else last_answers
    curves = training.validation_accuracy, training.loss_curve, last_answers
    record = make_record(experiment, seed, net, answers, training.history, made, *curves)
    return finish(record, net, images, results)

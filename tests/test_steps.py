"""The trainer by steps learns what `fit` learns; what it does not know is left to torch.optim.

Float32 rounds, and where two values of a pool are all but equal, or one is all but 0, rounding
decides which way the error takes; so weights are compared in float64, where that does not happen.
"""

import copy
import dataclasses
import re

import pytest
import torch
import torch.nn.functional as F
from small import changed
from torch import nn
from torch.func import grad

from mnistconv.data import to_input
from mnistconv.experiments import EXPERIMENTS
from mnistconv.networks import ConvNetSimple, ConvNetTwoConvTwoDenseLayersWithDropout, DenseNet
from mnistconv.recipes import Recipe
from mnistconv.records.store import checkpoint_path, read_record, record_path
from mnistconv.reproduce import runs, steps
from mnistconv.reproduce.checkpoints import read_checkpoint, write_checkpoint
from mnistconv.training import Batches, History, fit

SIMPLE = Recipe(ConvNetSimple, 1, 0.1)
BY_OPTIM = {
    name
    for name, experiment in EXPERIMENTS.items()
    if experiment.recipe.loss_every or experiment.recipe.momentum
}
OF_THE_TABLE = {
    dataclasses.replace(experiment.recipe, epochs=1, expanded=False): name
    for name, experiment in EXPERIMENTS.items()
    if name not in BY_OPTIM
}
RECIPES = {name: recipe for recipe, name in OF_THE_TABLE.items()} | {
    "decay of the weights": dataclasses.replace(SIMPLE, weight_decay=0.1, decayed="weights"),
    "dense rate and decay": Recipe(
        DenseNet, 1, 0.1, dense_weight_lr=0.02, weight_decay=0.1, decayed="weights"
    ),
    "nielsen": dataclasses.replace(SIMPLE, initialisation="nielsen"),
    "batches of 16": dataclasses.replace(SIMPLE, batch_size=16),
}
EVERY_RECIPE = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def by_steps(recipe: Recipe, seed: int, data, double=False) -> tuple[nn.Module, History]:
    """The network of a run of `recipe` after one epoch on `data`."""
    batches = Batches(*data, recipe.batch_size)
    training = runs.start(recipe, seed, len(batches))
    assert training.trainer == "steps"
    if double:
        training.by_steps = steps.Steps(training.net.double(), training.sgd)
    training.train_epoch(batches)
    return training.net, training.history


def by_fit(recipe: Recipe, seed: int, data, double=False) -> tuple[nn.Module, History]:
    """That of `fit`, in the default memory format."""
    net = runs.new_network(recipe, seed).to(memory_format=torch.contiguous_format)
    net = net.double() if double else net
    history = fit(
        net, data, epochs=1, lr=recipe.lr, weight_decay=recipe.weight_decay, seed=seed,
        batch_size=recipe.batch_size, params=recipe.parameter_groups(net), device="cpu",
        verbose=False,
    )  # fmt: skip
    return net, history


@pytest.fixture
def in_float64(monkeypatch):
    def double(images):
        return to_input(images).double()

    monkeypatch.setattr(steps, "to_input", double)
    monkeypatch.setattr("mnistconv.training.to_input", double)


@pytest.mark.slow
@EVERY_RECIPE
def test_after_a_hundred_steps_the_weights_are_those_of_fit(recipe, mnist, in_float64):
    """A hundred whole batches and one of a single image."""
    n = 100 * recipe.batch_size + 1
    data = tuple(tensor[:n] for tensor in mnist[0])
    ours, history = by_steps(recipe, 3, data, double=True)
    theirs, expected = by_fit(recipe, 3, data, double=True)
    assert history.steps == expected.steps == 101
    torch.testing.assert_close(history.train_loss, expected.train_loss, rtol=1e-9, atol=0)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


@EVERY_RECIPE
def test_the_same_random_numbers_are_drawn_as_by_fit(recipe, mnist):
    """Ten steps in float32: rounding apart the same, and the generator stands at the same place."""
    n = 9 * recipe.batch_size + 1
    data = tuple(tensor[:n] for tensor in mnist[0])
    ours, history = by_steps(recipe, 0, data)
    place = torch.get_rng_state()
    theirs, expected = by_fit(recipe, 0, data)
    assert torch.equal(place, torch.get_rng_state())
    assert history.train_loss == pytest.approx(expected.train_loss, rel=1e-4)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


def test_a_network_with_sigmoids_is_within_rounding_after_a_hundred_steps(few):
    ours, _ = by_steps(SIMPLE, 0, few)
    theirs, _ = by_fit(SIMPLE, 0, few)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


# The layers, one by one, beside PyTorch's own gradients

LAYERS = {
    "convolution": (steps.Convolution, nn.Conv2d(3, 4, (5, 3)), (2, 3, 9, 8)),
    "convolution of one channel": (steps.Convolution, nn.Conv2d(1, 4, 5), (2, 1, 9, 8)),
    "dense": (steps.Dense, nn.Linear(12, 7), (5, 12)),
    "pool of odd size": (steps.Pool, nn.MaxPool2d(2), (2, 3, 7, 9)),
    "relu": (steps.ReLU, nn.ReLU(), (2, 3, 4, 5)),
    "sigmoid": (steps.Sigmoid, nn.Sigmoid(), (2, 3, 4, 5)),
    "tanh": (steps.Tanh, nn.Tanh(), (2, 3, 4, 5)),
    "flatten": (steps.Flatten, nn.Flatten(), (2, 3, 4, 5)),
}


@pytest.mark.parametrize(("kind", "module", "shape"), LAYERS.values(), ids=LAYERS)
def test_a_layers_way_forward_and_back_is_pytorchs(kind, module, shape):
    module = copy.deepcopy(module).double().to(memory_format=torch.channels_last)
    x = torch.randn(shape, dtype=torch.float64)
    if len(shape) == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    x.requires_grad_()
    expected = module(x)
    error = torch.randn_like(expected)
    expected.backward(error)
    after = [p.detach() - 0.5 * (p.grad + 0.1 * p.detach()) for p in module.parameters()]
    layer = kind(module, dict.fromkeys(module.parameters(), (0.5, 0.1)))
    with torch.no_grad():
        torch.testing.assert_close(layer.forward(x), expected)
        torch.testing.assert_close(layer.backward(error), x.grad)
    for found, right in zip(module.parameters(), after, strict=True):
        torch.testing.assert_close(found.detach(), right)


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
def test_dropout_is_pytorchs_and_stops_the_same_errors(p):
    x = torch.randn(10, 30)
    torch.manual_seed(5)
    expected = F.dropout(x, p)
    torch.manual_seed(5)
    layer = steps.Dropout(nn.Dropout(p), {})
    assert torch.equal(layer.forward(x), expected)
    assert torch.equal(layer.backward(x), expected)


def test_the_error_of_the_logits_is_the_gradient_of_cross_entropy():
    logits, labels = torch.randn(4, 10), torch.tensor([3, 1, 4, 1])
    expected = grad(F.cross_entropy)(logits, labels)
    torch.testing.assert_close(steps.error_of(logits, labels), expected)


# Which networks it takes


class Padded(nn.Module):
    """A chain of known layers, one with another setting than the trainer knows."""

    def __init__(self, **settings):
        super().__init__()
        torch.manual_seed(0)
        self.conv1 = nn.Conv2d(1, 2, 5, **settings)
        self.out = nn.LazyLinear(10)
        self(torch.zeros(1, 1, 28, 28))

    def forward(self, x):
        return self.out(F.relu(F.max_pool2d(self.conv1(x), 2)).flatten(1))


class Skipping(DenseNet):
    def forward(self, x):
        hidden = F.relu(self.fc1(x.flatten(1)))
        return self.out(hidden + hidden.sign())


class Branching(DenseNet):
    """Known layers, but no chain of them; in eval mode, its logits are those of the chain."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout()

    def forward(self, x):
        x = F.relu(self.fc1(x.flatten(1)))
        self.dropout(x)
        return self.out(x)


class Deciding(DenseNet):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


class Softplus(DenseNet):
    def forward(self, x):
        return self.out(F.softplus(self.fc1(x.flatten(1))))


class Pooling(ConvNetSimple):
    """A pool of another size; the network after it fits."""

    def forward(self, x):
        x = F.sigmoid(F.max_pool2d(self.conv1(x), 3, stride=2, padding=1))
        return self.out(F.sigmoid(self.fc1(x.flatten(1))))


class Twice(ConvNetTwoConvTwoDenseLayersWithDropout):
    """Its way back would go through weights that have moved already."""

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.out(F.relu(self.fc2(F.relu(self.fc2(x)))))


class Unheard(DenseNet):
    """Its last layer's answer is not what it gives."""

    def forward(self, x):
        x = self.out(F.relu(self.fc1(x.flatten(1))))
        F.relu(x)
        return x


UNKNOWN = {
    "a layer passed twice": Twice,
    "an answer that is not given": Unheard,
    "padding": lambda: Padded(padding=2),
    "a stride": lambda: Padded(stride=2),
    "no bias": lambda: Padded(bias=False),
    "a branch": Branching,
    "a sum": Skipping,
    "a decision": Deciding,
    "another activation": Softplus,
    "another pool": Pooling,
}


@pytest.mark.parametrize("network", UNKNOWN.values(), ids=UNKNOWN)
def test_what_it_does_not_know_is_left_to_torch_optim(network):
    assert not steps.is_known(network().to(memory_format=torch.channels_last))
    assert steps.is_known(Padded())


@pytest.mark.parametrize("name", sorted(EXPERIMENTS.keys() - BY_OPTIM))
def test_every_network_of_the_table_is_known(name):
    net = runs.new_network(EXPERIMENTS[name].recipe, 0)
    before, place = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    assert steps.is_known(net)
    assert torch.equal(place, torch.get_rng_state()), "the trial must not draw from the run's"
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    "wish", [{"momentum": 0.5}, {"schedule": "one-cycle"}, {"network": Softplus}], ids=str
)
def test_what_is_more_than_plain_sgd_is_trained_by_torch_optim(wish):
    training = runs.start(dataclasses.replace(SIMPLE, **wish), 0, 10)
    assert training.trainer == "torch.optim"
    assert training.by_steps is None


def test_a_hyper_parameter_that_it_was_never_told_of_is_left_to_torch_optim(monkeypatch):
    """A new field of a recipe must not be passed over."""
    recipe = EXPERIMENTS["relu"].recipe
    assert runs.start(recipe, 0, 10).trainer == "steps"
    monkeypatch.setattr(runs, "STEPS_KNOW", runs.STEPS_KNOW - {"weight_decay"})
    assert runs.start(recipe, 0, 10).trainer == "torch.optim"


# A run


DROPOUT = changed(EXPERIMENTS["dropout-nielsen-step"], epochs=3, expanded=False)


class Interrupted(BaseException):
    pass


def run_until(experiment, results, epochs):
    """Run up to the checkpoint after `epochs`; return its path."""

    def stop(history):
        if len(history.train_loss) == epochs:
            raise Interrupted

    with pytest.raises(Interrupted):
        runs.run(experiment, 0, results, stop)
    return checkpoint_path(experiment.name, 0, results)


def read_back(experiment, results) -> dict:
    """The record in a folder of results, without the time it took."""
    found = dataclasses.asdict(read_record(record_path(experiment.name, 0, results), experiment))
    return {key: found[key] for key in found if key != "wall_seconds"}


def make_older(path) -> None:
    """A checkpoint as it was before there were two trainers."""
    tensors, header = read_checkpoint(path)
    for name in ("trainer", "code_sha256", "schema"):
        del header[name]
    write_checkpoint(path, tensors, header)


def test_what_the_older_trainer_began_goes_on_and_its_record_says_so(
    tmp_path, little_data, monkeypatch
):
    """From its last epoch on, however often it is interrupted again."""
    with monkeypatch.context() as patch:
        patch.setattr(steps, "is_known", lambda net: False)
        path = run_until(DROPOUT, tmp_path, epochs=1)
    assert read_checkpoint(path)[1]["trainer"] == "torch.optim"
    make_older(path)
    run_until(DROPOUT, tmp_path, epochs=2)
    assert read_checkpoint(path)[1]["trainer"] == "torch.optim, then steps"
    epochs = []
    runs.run(DROPOUT, 0, tmp_path, lambda history: epochs.append(len(history.train_loss)))
    assert epochs == [3]
    found = read_back(DROPOUT, tmp_path)
    assert found["trainer"] == "torch.optim, then steps"
    assert found["code_sha256"] is None


def test_it_says_where_training_diverged_as_fit_does(tmp_path, little_data):
    experiment = changed(DROPOUT, lr=3e3, dense_weight_lr=None)
    with pytest.raises(FloatingPointError, match="diverged") as ours:
        runs.run(experiment, 0, tmp_path)
    with pytest.raises(FloatingPointError) as theirs:
        by_fit(experiment.recipe, 0, little_data[0])
    assert place(ours.value) == place(theirs.value)
    assert not checkpoint_path(experiment.name, 0, tmp_path).exists()


def place(error: FloatingPointError) -> str:
    return re.search(r"epoch \d+, step \d+", str(error))[0]

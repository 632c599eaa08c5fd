"""Many seeds at once: S stacked networks learn what S separate ones learn."""

import json

import pytest
import torch
import torch.nn.functional as F
from small import changed
from torch import nn

from mnistconv.data import to_input
from mnistconv.experiments import EXPERIMENTS
from mnistconv.records.store import (
    checkpoint_path,
    hash_weights,
    read_record,
    record_path,
    weights_path,
)
from mnistconv.reproduce import checkpoints, guards, runs, stacked
from mnistconv.reproduce import stack as stack_module
from mnistconv.reproduce.planning import Job
from mnistconv.reproduce.stack import Stack
from mnistconv.reproduce.stacked import new_stack, run_stack
from mnistconv.training import evaluate

CPU = torch.device("cpu")
SEEDS = [0, 1, 5]
EVERY_NETWORK = pytest.mark.parametrize(
    "name", ["dense", "simple", "two-conv", "relu", "steps-wide", "steps-deep", "steps-dropout"]
)


class Mask(nn.Module):
    """Dropout with a mask that is given, scaled already."""

    def __init__(self, mask):
        super().__init__()
        self.mask = mask

    def forward(self, x):
        return x * self.mask


def draw_masks(stack) -> list[torch.Tensor]:
    """The masks that the stack draws next, for each of its three dropout layers."""
    state = stack.generator.get_state()
    shapes = [(len(SEEDS), 10, width) for width in (640, 1000, 1000)]
    masks = [
        torch.empty(shape, dtype=torch.float64).bernoulli_(0.5, generator=stack.generator).div_(0.5)
        for shape in shapes
    ]
    stack.generator.set_state(state)
    return masks


@pytest.fixture
def in_float64(monkeypatch):
    """Rounding decides no near-tie of a pool or a ReLU then, and ten steps differ by 1e-15."""
    monkeypatch.setattr(stack_module, "to_input", lambda images: to_input(images).double())
    monkeypatch.setattr(stack_module.steps, "is_known", lambda net: True)


@pytest.mark.slow
@EVERY_NETWORK
def test_stacked_networks_equal_separate_ones(name, few, in_float64):
    recipe = EXPERIMENTS[name].recipe
    images, labels = (tensor[: 10 * len(SEEDS) * 10] for tensor in few)
    images, labels = images.view(10, len(SEEDS), 10, 28, 28), labels.view(10, len(SEEDS), 10)
    nets = [runs.new_network(recipe, seed).double() for seed in SEEDS]
    stack = Stack(nets, recipe, CPU)
    options = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    sgds = [torch.optim.SGD(recipe.parameter_groups(net), **options) for net in nets]
    for step in range(10):
        masks = draw_masks(stack) if name == "steps-dropout" else []
        losses = stack.step(images[step], labels[step])
        for i, (net, sgd) in enumerate(zip(nets, sgds, strict=True)):
            for number, mask in enumerate(masks, start=1):
                setattr(net, f"dropout{number}", Mask(mask[i]))
            loss = F.cross_entropy(net(to_input(images[step, i]).double()), labels[step, i])
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            assert losses[i].item() == pytest.approx(loss.item(), abs=1e-12)
    for i, net in enumerate(nets):
        for (key, stacked_value), value in zip(
            stack.nets.named_parameters(), net.parameters(), strict=True
        ):
            torch.testing.assert_close(
                stacked_value[i], value, rtol=0, atol=1e-12, msg=f"{key} of network {i}"
            )


def test_each_network_has_its_own_weights_and_its_own_dropout(few):
    experiment = EXPERIMENTS["dropout-lr0.03"]
    net = runs.new_network(experiment.recipe, 0)
    stack = Stack([net, net], experiment.recipe, CPU)
    images, labels = few[0][:10].expand(2, -1, -1, -1), few[1][:10].expand(2, -1)
    first, second = stack.step(images, labels)
    assert first != second
    first, second = Stack([net, net], experiment.recipe, CPU).answers(few[0])
    assert torch.equal(first, second)
    first, second = new_stack(experiment, [0, 1], CPU).nets.conv1.weight
    assert not torch.equal(first, second)


class Doubled(nn.Module):
    """No chain: the picture goes in twice."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(784, 10)

    def forward(self, x):
        return self.out(x.flatten(1)) + self.out(x.flatten(1))


def test_a_stack_refuses_layers_that_it_does_not_know():
    with pytest.raises(LookupError, match="does not know all layers of Doubled"):
        Stack([Doubled()], EXPERIMENTS["dense"].recipe, CPU)


@pytest.fixture
def little_data(mnist, monkeypatch):
    (images, labels), (test_images, test_labels) = mnist
    data = (images[:90], labels[:90]), (test_images[:100], test_labels[:100])
    monkeypatch.setattr(runs, "load_mnist", lambda: data)
    monkeypatch.setattr("mnistconv.records.record.TEST_IMAGES", 100)


SMALL = changed(EXPERIMENTS["dropout-nielsen-step"], epochs=3, expanded=False)


def without_time(path) -> dict:
    assert read_record(path, SMALL) is not None
    record = json.loads(path.read_text(encoding="utf-8"))
    return {key: record[key] for key in record if key not in ("wall_seconds", "sha256")}


class Interrupted(BaseException):
    pass


@pytest.mark.slow
def test_a_stack_leaves_records_and_goes_on_to_the_same_bits(tmp_path, little_data):
    whole = run_stack(SMALL, [0, 4], CPU, tmp_path / "whole")
    assert whole == [record_path(SMALL.name, seed, tmp_path / "whole") for seed in (0, 4)]
    record = read_record(whole[1], SMALL)
    assert (record.seed, record.seeds_at_once, record.device) == (4, 2, "cpu")
    assert len(record.train_loss) == len(record.test_accuracy) == 3
    _, (_, labels) = runs.load_mnist()
    assert (record.answers == labels).sum() / 100 == record.final_accuracy
    assert weights_path(SMALL.name, 0, tmp_path / "whole").exists()

    def stop(histories):
        raise Interrupted

    with pytest.raises(Interrupted):
        run_stack(SMALL, [0, 4], CPU, tmp_path / "parts", stop)
    torch.manual_seed(99)
    epochs = []
    parts = run_stack(
        SMALL, [0, 4], CPU, tmp_path / "parts", lambda h: epochs.append(len(h[1].train_loss))
    )
    assert epochs == [2, 3]
    assert list(map(without_time, parts)) == list(map(without_time, whole))
    assert not list((tmp_path / "parts" / "unfinished").iterdir())


@pytest.mark.slow
def test_the_accuracy_of_a_stack_is_that_of_its_networks(few):
    experiment = EXPERIMENTS["relu"]
    stack = new_stack(experiment, SEEDS, CPU)
    answers = stack.answers(few[0], batch_size=300)
    accuracies = stacked.shares(answers, few[1])
    for i, accuracy in enumerate(accuracies):
        net = stack.take_out(i, experiment.recipe.network())
        assert accuracy == evaluate(net, *few)


def test_a_stack_that_diverges_names_the_seed(tmp_path, little_data):
    wild = changed(SMALL, lr=1e6, dense_weight_lr=1e6)
    with pytest.raises(FloatingPointError, match="seed 0"):
        run_stack(wild, [0, 1], CPU, tmp_path)
    jobs = [Job(wild, seed, 1.0) for seed in (0, 1)]
    assert stacked.run_all(jobs, tmp_path, CPU, seeds_at_once=2) == 1


def test_a_stack_refuses_what_it_cannot_do(tmp_path, little_data, capsys):
    other = changed(SMALL, momentum=0.9)
    with pytest.raises(ValueError, match="momentum"):
        run_stack(other, [0, 1], CPU, tmp_path)
    assert stacked.run_all([Job(other, 0, 1.0)], tmp_path, CPU, seeds_at_once=2) == 1
    assert "momentum" in capsys.readouterr().out


def test_a_stack_refuses_to_share_its_process(tmp_path, little_data):
    with guards.alone_in_this_process(), pytest.raises(RuntimeError, match="same process"):
        run_stack(SMALL, [0, 1], CPU, tmp_path)


def test_a_stack_leaves_a_run_in_other_hands_to_them(tmp_path, little_data, monkeypatch, capsys):
    """A runner on the CPU holds one of its seeds."""
    monkeypatch.setattr(guards, "LOCK_PATIENCE", 0.1)
    jobs = [Job(SMALL, seed, 1.0) for seed in (0, 1)]
    with guards.hold(checkpoint_path(SMALL.name, 1, tmp_path)):
        assert stacked.run_all(jobs, tmp_path, CPU, seeds_at_once=2) == 3
    assert "2 in other hands" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["histories", "random states"])
def test_a_stack_sets_aside_a_checkpoint_with_other_content(damage, tmp_path, little_data):
    def stop(histories):
        if histories[0].steps == 2 * histories[0].steps_per_epoch:
            raise Interrupted

    with pytest.raises(Interrupted):
        run_stack(SMALL, [0, 4], CPU, tmp_path, stop)
    path = stacked.stack_checkpoint_path(SMALL, [0, 4], tmp_path)
    tensors, header = checkpoints.read_checkpoint(path)
    if damage == "histories":
        header["histories"].pop()
    else:
        tensors["random_state.orders"][1] = 0
    path.unlink()
    before = checkpoints.previous_path(path).read_bytes()
    checkpoints.write_checkpoint(path, tensors, header)
    checkpoints.previous_path(path).write_bytes(before)
    epochs = []
    with pytest.warns(UserWarning, match="is set aside"):
        run_stack(SMALL, [0, 4], CPU, tmp_path, lambda h: epochs.append(len(h[1].train_loss)))
    assert epochs == [2, 3]


def test_jobs_are_grouped_by_run(tmp_path):
    relu, dense = EXPERIMENTS["relu"], EXPERIMENTS["dense"]
    jobs = [Job(relu, 2, 1.0), Job(dense, 0, 1.0), Job(relu, 0, 1.0), Job(relu, 1, 1.0)]
    assert stacked.group(jobs, 2, tmp_path) == [(relu, [0, 1]), (relu, [2]), (dense, [0])]


def test_a_stack_under_way_stays_together(tmp_path):
    """With other seeds asked for, or other numbers at once, and where seed 0 has its record."""
    relu = EXPERIMENTS["relu"]
    (tmp_path / "unfinished").mkdir()
    for name in (
        "relu-seeds0_1_2.safetensors",
        "relu-seeds3_4.safetensors.previous",
        "relu-seeds5_6.safetensors.set-aside-1",
        "relu-seeds8_9.safetensors",
        "relu-seeds0_1_2.lock",
    ):
        (tmp_path / "unfinished" / name).touch()
    jobs = [Job(relu, seed, 1.0) for seed in range(1, 7)]
    assert stacked.group(jobs, 8, tmp_path) == [(relu, [0, 1, 2]), (relu, [3, 4]), (relu, [5, 6])]


@pytest.mark.slow
def test_a_stack_killed_between_its_records_writes_only_the_others(
    tmp_path, little_data, monkeypatch
):
    whole = run_stack(SMALL, [0, 4], CPU, tmp_path / "whole")
    finish = stacked.finish

    def die_at_seed_4(record, *rest):
        if record.seed == 4:
            raise Interrupted
        finish(record, *rest)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(stacked, "finish", die_at_seed_4)
        run_stack(SMALL, [0, 4], CPU, tmp_path)
    first = record_path(SMALL.name, 0, tmp_path).read_bytes()

    def no_more_training(*_):
        raise AssertionError("all epochs were done")

    monkeypatch.setattr(stacked, "steps_on", lambda *_: no_more_training)
    assert stacked.run_all([Job(SMALL, 4, 1.0)], tmp_path, CPU, seeds_at_once=8) == 0
    assert record_path(SMALL.name, 0, tmp_path).read_bytes() == first
    parts = [record_path(SMALL.name, seed, tmp_path) for seed in (0, 4)]
    assert list(map(without_time, parts)) == list(map(without_time, whole))


class FakeGraph:
    """Stands for CUDA's graph and stream on a CPU: a replay makes the steps again."""

    def __init__(self, monkeypatch):
        self.is_capturing, self.generator, self.calls = False, None, 0
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", self.begin)

    def begin(self, graph, stream):
        assert graph is stream is self
        return self

    def register_generator_state(self, generator):
        self.generator = generator

    def __enter__(self):
        self.is_capturing = True

    def __exit__(self, *_):
        self.is_capturing = False

    def watch(self, make):
        def watched(numbers):
            losses = make(numbers)
            self.calls += 1
            if self.is_capturing:
                self.captured = make, numbers, losses
            return losses

        return watched

    def replay(self):
        make, numbers, losses = self.captured
        losses.copy_(make(numbers))


def test_captured_steps_train_as_the_steps_themselves(few, monkeypatch):
    """Their logic, with a graph of straw: a GPU is not at hand in every test."""
    order = torch.stack([torch.randperm(len(few[1]))[:60] for _ in SEEDS]).split(20, dim=1)

    def train(wrap) -> tuple[list, str]:
        stack = new_stack(SMALL, SEEDS, CPU)
        make_steps = wrap(stacked.steps_on(CPU, stack, few, 2), stack)
        loss_sums = torch.zeros(len(SEEDS))
        for numbers in order:
            loss_sums += make_steps(numbers)
        return loss_sums.tolist(), hash_weights(stack.nets), stack.generator

    fake = FakeGraph(monkeypatch)
    *plain, _ = train(lambda make, stack: make)
    numbers = torch.zeros(len(SEEDS), 20, dtype=torch.int64)
    *captured, generator = train(
        lambda make, stack: stacked.capture(fake.watch(make), stack, numbers)
    )
    assert captured == plain
    assert fake.calls == 2  # one to warm up, and the capture; the rest are replays
    assert fake.generator is generator


def test_stacks_on_a_gpu_take_turns_and_learn_what_they_learn_alone(
    tmp_path, little_data, monkeypatch, capsys
):
    """Two stacks and two places, on a CPU that is taken for a GPU."""
    alone = [run_stack(SMALL, [seed], CPU, tmp_path / "alone")[0] for seed in (0, 4)]
    makers, turns, real = [], [], stacked.steps_on

    def watch(*arguments):
        make = real(*arguments)
        makers.append(make)

        def watched(numbers):
            turns.append(makers.index(make))
            return make(numbers)

        return watched

    monkeypatch.setattr(stacked, "steps_on", watch)
    monkeypatch.setattr(stacked, "places_on", lambda device: 2)
    jobs = [Job(SMALL, seed, 1.0) for seed in (0, 4)]
    assert stacked.run_all(jobs, tmp_path / "turns", CPU, seeds_at_once=1) == 0
    assert turns == [0, 1] * 3 * 9
    in_turns = [record_path(SMALL.name, seed, tmp_path / "turns") for seed in (0, 4)]
    assert list(map(without_time, in_turns)) == list(map(without_time, alone))


def test_batches_must_divide(tmp_path, mnist, monkeypatch):
    (images, labels), test = mnist
    monkeypatch.setattr(runs, "load_mnist", lambda: ((images[:95], labels[:95]), test))
    with pytest.raises(ValueError, match="95 training images do not divide into batches of 10"):
        run_stack(SMALL, [0], CPU, tmp_path)

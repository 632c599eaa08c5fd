"""Every field of a recipe does what it says in a full-length run, and survives an interruption.

The runs are short: 95 training digits, 100 test digits, three epochs.
"""

import dataclasses
import json
import math
import shutil
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from small import changed
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from mnistconv import nielsen as nielsen_module
from mnistconv.data import SHIFTS, expand, to_input
from mnistconv.experiments import EXPERIMENTS, Experiment
from mnistconv.initialisation import (
    nielsen,
    nielsen_biases,
    nielsen_hidden,
    nielsen_weights,
    nielsen_weights_and_zeros,
)
from mnistconv.networks import ConvNetTwoConvTwoDenseLayersWithDropout, DenseNet
from mnistconv.nielsen import NielsenTwoConvReLU
from mnistconv.protocol import shuffle_once
from mnistconv.recipes import Recipe
from mnistconv.records import load_network, store
from mnistconv.records.store import checkpoint_path, find_problem, hash_weights, read_record
from mnistconv.reproduce import runs, stacked, steps
from mnistconv.reproduce.checkpoints import read_checkpoint, write_checkpoint
from mnistconv.reproduce.recording import hash_code, write_record
from mnistconv.training import Batches, evaluate, predict, train_epoch

DENSE = Experiment("mine", "for a test", Recipe(DenseNet, 3, 0.1))
EVERYTHING = changed(
    EXPERIMENTS["relu"],
    epochs=3,
    held_out=20,
    batch_size=16,
    schedule="one-cycle",
    momentum=0.9,
    decayed="weights",
    initialisation="nielsen",
    kept_epoch="best validation",
    loss_every=2,
    order="fixed",
    label_smoothing=0.1,
)


def by_hand(recipe: Recipe, data, step, before=lambda *batch: None) -> nn.Module:
    """The network that `step(net, number)` makes of the batches of seed 0.

    `before(net, images, labels, number)` is called before each step.
    """
    images, labels = data
    net = runs.new_network(recipe, 0)
    number = 0
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(labels)).split(recipe.batch_size):
            before(net, images[batch], labels[batch], number)
            net.zero_grad()
            F.cross_entropy(net(to_input(images[batch])), labels[batch]).backward()
            with torch.no_grad():
                step(net, number)
            number += 1
    return net


def trained(experiment, tmp_path) -> nn.Module:
    """The network whose weights a run of seed 0 leaves."""
    experiment = dataclasses.replace(experiment, name="relu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EXPERIMENTS, "relu", experiment)
        runs.run(experiment, 0, tmp_path)
        return load_network("relu", 0, tmp_path)


def assert_close(net: nn.Module, other: nn.Module) -> None:
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_batches_have_the_size_that_the_recipe_says(tmp_path, little_data):
    experiment = changed(DENSE, batch_size=32)

    def step(net, number):
        for p in net.parameters():
            p -= 0.1 * p.grad

    seen = []
    runs.run(experiment, 0, tmp_path, lambda history: seen.append(history.steps))
    assert seen == [3, 6, 9]
    expected = by_hand(experiment.recipe, little_data[0], step)
    assert_close(trained(experiment, tmp_path / "again"), expected)


def test_momentum_is_a_running_sum_of_gradients(tmp_path, little_data):
    experiment = changed(DENSE, momentum=0.5)
    speed = {}

    def step(net, number):
        for name, p in net.named_parameters():
            speed[name] = p.grad + 0.5 * speed.get(name, 0)
            p -= 0.1 * speed[name]

    expected = by_hand(experiment.recipe, little_data[0], step)
    assert_close(trained(experiment, tmp_path), expected)


def test_weight_decay_can_leave_the_biases_alone(tmp_path, little_data):
    experiment = changed(DENSE, weight_decay=0.1, decayed="weights")

    def step(net, number):
        for name, p in net.named_parameters():
            p -= 0.1 * (p.grad + 0.1 * p * name.endswith("weight"))

    expected = by_hand(experiment.recipe, little_data[0], step)
    assert_close(trained(experiment, tmp_path), expected)


def test_smoothed_labels_change_the_loss(tmp_path, little_data):
    """By hand: .91 of the right digit, .01 of each other one."""
    images, labels = little_data[0]
    experiment = changed(DENSE, label_smoothing=0.1)
    net = runs.new_network(experiment.recipe, 0)
    losses = []
    for _ in range(3):
        seen = []
        for batch in torch.randperm(95).split(10):
            p = F.log_softmax(net(to_input(images[batch])), dim=1)
            loss = -(0.9 * p.gather(1, labels[batch, None]).mean() + 0.01 * p.sum(1).mean())
            net.zero_grad()
            loss.backward()
            seen.append(loss.item() * len(batch))
            with torch.no_grad():
                for parameter in net.parameters():
                    parameter -= 0.1 * parameter.grad
        losses.append(sum(seen) / 95)
    record = read_record(runs.run(experiment, 0, tmp_path), experiment)
    assert record.trainer == "torch.optim"
    assert record.train_loss == pytest.approx(losses, rel=1e-5)
    assert_close(trained(experiment, tmp_path / "again"), net)


def cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def test_one_cycle_rises_to_lr_and_falls_to_almost_nothing(tmp_path, little_data):
    """In 30 % of the steps from lr/25 up to lr, then down to lr/250,000, both on a cosine."""
    experiment = changed(DENSE, schedule="one-cycle", dense_weight_lr=0.2)
    peak = 0.3 * 30 - 1
    rates = []

    def step(net, number):
        for name, p in net.named_parameters():
            lr = 0.2 if name.endswith("weight") else 0.1
            if number <= peak:
                lr = cosine(lr / 25, lr, number / peak)
            else:
                lr = cosine(lr, lr / 25e4, (number - peak) / (29 - peak))
            rates.append(lr)
            p -= lr * p.grad

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = trained(experiment, tmp_path)
    assert_close(net, by_hand(experiment.recipe, little_data[0], step))
    assert max(rates) == 0.2
    assert rates[-1] < 1e-6


def test_digits_that_are_held_out_are_not_trained_on(tmp_path, little_data):
    """The last 20 of the 95, before the data are expanded; their accuracy is in the record."""
    (images, labels), _ = little_data
    for expanded in (False, True):
        experiment = changed(DENSE, held_out=20, expanded=expanded)
        train, held_out, _ = runs.load_data(experiment.recipe)
        first = images[:75], labels[:75]
        assert all(map(torch.equal, train, expand(*first) if expanded else first))
        assert all(map(torch.equal, held_out, (images[75:], labels[75:])))
    record = read_record(runs.run(experiment, 1, tmp_path), experiment)
    assert len(record.validation_accuracy) == 3
    assert record.kept_epoch is None  # so the last
    assert record.final_accuracy == record.test_accuracy[-1]


def test_a_fixed_order_is_that_of_the_file_in_every_epoch(tmp_path, little_data):
    """Nothing is drawn: the batches are the first 16 images, the next 16, and so on."""
    experiment = changed(DENSE, order="fixed", batch_size=16)
    images, labels = little_data[0]
    net = runs.new_network(experiment.recipe, 0)
    for _ in range(3):
        for k in range(0, 95, 16):
            net.zero_grad()
            logits = net(to_input(images[k : k + 16]))
            F.cross_entropy(logits, labels[k : k + 16]).backward()
            with torch.no_grad():
                for p in net.parameters():
                    p -= 0.1 * p.grad
    assert_close(trained(experiment, tmp_path), net)


def test_expanded_data_of_a_fixed_order_are_shuffled_once_for_all_runs(little_data):
    experiment = changed(DENSE, held_out=20, expanded=True, order="fixed")
    (images, labels), held_out, _ = runs.load_data(experiment.recipe)
    again, _, _ = runs.load_data(experiment.recipe)
    assert torch.equal(images, again[0])
    expected, expected_labels = expand(*(tensor[:75] for tensor in little_data[0]))
    pictures = sorted(zip(images.flatten(1).tolist(), labels.tolist(), strict=True))
    in_turn = sorted(zip(expected.flatten(1).tolist(), expected_labels.tolist(), strict=True))
    assert pictures == in_turn
    assert not torch.equal(images, expected)
    assert torch.equal(held_out[0], little_data[0][0][75:])


def test_the_best_epoch_is_kept_with_its_answers_and_weights(tmp_path, little_data, monkeypatch):
    """Validation says 0.5, 0.9, 0.9, 0.7: the third epoch counts, in all that the record says."""
    said = iter([0.5, 0.9, 0.9, 0.7])
    networks = []

    def measure(net, images, labels):
        if len(labels) == 20:
            networks.append(hash_weights(net))
            return next(said)
        return evaluate(net, images, labels)

    monkeypatch.setattr(runs, "evaluate", measure)
    experiment = changed(DENSE, lr=0.5, epochs=4, held_out=20, kept_epoch="best validation")
    record = read_record(runs.run(experiment, 0, tmp_path), experiment)
    assert record.validation_accuracy == [0.5, 0.9, 0.9, 0.7]
    assert record.kept_epoch == 3
    assert record.final_accuracy == record.test_accuracy[2]
    right = (record.last_answers == little_data[1][1]).sum().item() / 100
    assert right == record.test_accuracy[3]
    assert record.last_predictions != record.predictions
    assert record.weights_sha256 == networks[2] != networks[3]


def test_a_record_that_keeps_another_epoch_than_its_recipe_does_not_count(tmp_path, little_data):
    experiment = changed(DENSE, held_out=20, kept_epoch="best validation")
    path = runs.run(experiment, 0, tmp_path)
    record = read_record(path, experiment)
    others = {1, 2, 3} - {record.kept_epoch}
    for other in others:
        write_record(dataclasses.replace(record, kept_epoch=other), tmp_path)
        assert "fit together" in find_problem(path, experiment)


def test_a_record_whose_last_answers_are_not_those_of_its_last_epoch_does_not_count(
    tmp_path, little_data
):
    """One that has none counts: there are older ones."""
    experiment = changed(DENSE, held_out=20, kept_epoch="best validation")
    path = runs.run(experiment, 0, tmp_path)
    record = read_record(path, experiment)
    for last in ("0" * 100, "", "9" * 99):
        write_record(dataclasses.replace(record, last_predictions=last), tmp_path)
        assert "accuracy" in find_problem(path, experiment)
    write_record(dataclasses.replace(record, last_predictions=None), tmp_path)
    assert find_problem(path, experiment) is None
    assert torch.equal(read_record(path, experiment).last_answers, record.answers)


def test_a_run_that_keeps_its_last_epoch_records_its_answers_once(tmp_path, little_data):
    record = read_record(runs.run(DENSE, 1, tmp_path), DENSE)
    assert record.last_predictions is None
    assert torch.equal(record.last_answers, record.answers)


def test_half_of_nielsens_first_weights_leaves_the_rest_as_it_was():
    for part, function in (("bias", nielsen_biases), ("weight", nielsen_weights)):
        torch.manual_seed(0)
        net, before, whole = (ConvNetTwoConvTwoDenseLayersWithDropout() for _ in range(3))
        before.load_state_dict(net.state_dict())
        whole.load_state_dict(net.state_dict())
        torch.manual_seed(1)
        function(net)
        torch.manual_seed(1)
        nielsen(whole)
        for name, value in net.state_dict().items():
            hidden = name.endswith(part) and not name.startswith("out")
            source = whole if hidden else before
            assert torch.equal(value, source.state_dict()[name]), name


def test_the_last_layer_or_the_hidden_biases_may_stay_as_they_were():
    torch.manual_seed(0)
    net, before = (ConvNetTwoConvTwoDenseLayersWithDropout() for _ in range(2))
    for function, stay in ((nielsen_hidden, ["out"]), (nielsen_weights_and_zeros, ["bias"])):
        net.load_state_dict(before.state_dict())
        function(net)
        for name, value in net.state_dict().items():
            kept = torch.equal(value, before.state_dict()[name])
            if name.startswith("out") and stay == ["bias"]:
                assert not value.any(), name
            else:
                assert kept == any(part in name for part in stay), name
    assert net.fc1.weight.std().item() == pytest.approx(1000**-0.5, rel=0.02)


def test_first_weights_as_nielsen_draws_them():
    torch.manual_seed(0)
    net = ConvNetTwoConvTwoDenseLayersWithDropout()
    nielsen(net)
    expected = {"conv1": 0.0894, "conv2": 0.0632, "fc1": 1000**-0.5, "fc2": 1000**-0.5}
    for name, sd in expected.items():
        layer = net.get_submodule(name)
        few = layer.weight.numel() < 1000
        assert layer.weight.std().item() == pytest.approx(sd, rel=0.12 if few else 0.02)
        assert abs(layer.weight.mean().item()) < 0.2 * sd
    assert torch.cat([net.fc1.bias, net.fc2.bias]).std().item() == pytest.approx(1, rel=0.05)
    assert not net.out.weight.any() and not net.out.bias.any()
    torch.manual_seed(0)
    dense = DenseNet()
    nielsen(dense)
    assert dense.fc1.weight.std().item() == pytest.approx(0.1, rel=0.02)


def test_first_weights_are_the_same_seeds_in_a_run_and_in_a_stack():
    alone = runs.new_network(EVERYTHING.recipe, 3)
    (stacked_bias,) = stacked.new_stack(EVERYTHING, [3], torch.device("cpu")).nets.conv2.bias
    assert torch.equal(alone.conv2.bias, stacked_bias)
    assert not alone.out.weight.any()


def test_the_curve_of_the_loss_is_the_mean_of_every_so_many_steps(tmp_path, little_data):
    """Ten batches an epoch, four steps a value: 4, 4 and 2, whose last batch has 5 digits."""
    seen = []

    def step(net, number):
        for p in net.parameters():
            p -= 0.1 * p.grad

    def losses(net, images, labels, number):
        seen.append((F.cross_entropy(net(to_input(images)), labels).item(), len(labels)))

    experiment = changed(DENSE, epochs=2, loss_every=4)
    by_hand(experiment.recipe, little_data[0], step, losses)
    record = read_record(runs.run(experiment, 1, tmp_path), experiment)
    assert record.loss_curve is not None
    record = read_record(runs.run(experiment, 0, tmp_path), experiment)
    parts = [seen[k : k + size] for k, size in ((0, 4), (4, 4), (8, 2), (10, 4), (14, 4), (18, 2))]
    expected = [sum(loss * n for loss, n in p) / sum(n for _, n in p) for p in parts]
    assert record.loss_curve == pytest.approx(expected, rel=1e-5)
    whole = read_record(
        runs.run(changed(DENSE, epochs=2), 0, tmp_path / "b"), changed(DENSE, epochs=2)
    )
    assert whole.loss_curve is None
    assert record.train_loss == pytest.approx(whole.train_loss, rel=1e-4)


@pytest.mark.parametrize("curve", [None, [], [0.5], [0.5] * 4 + [float("nan")] * 2])
def test_a_record_without_the_curve_of_its_recipe_does_not_count(curve, tmp_path, little_data):
    experiment = changed(DENSE, epochs=2, loss_every=4)
    path = runs.run(experiment, 1, tmp_path)
    assert find_problem(path, experiment) is None
    write_record(dataclasses.replace(read_record(path, experiment), loss_curve=curve), tmp_path)
    assert "fit together" in find_problem(path, experiment)


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_with_everything_goes_on_to_the_same_bits(epochs, tmp_path, little_data):
    """Momentum, the place in the schedule and the best weights so far are in the checkpoint."""

    def stop(history):
        if len(history.train_loss) == epochs:
            raise Interrupted

    whole = runs.run(EVERYTHING, 0, tmp_path / "whole")
    with pytest.raises(Interrupted):
        runs.run(EVERYTHING, 0, tmp_path / "parts", stop)
    torch.manual_seed(99)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = runs.run(EVERYTHING, 0, tmp_path / "parts")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (whole, parts)]
    for record in found:
        del record["wall_seconds"], record["sha256"]
    assert found[0] == found[1]
    assert find_problem(whole, EVERYTHING) is None


def test_the_schedule_in_a_checkpoint_is_pytorchs_own(tmp_path, little_data):
    training = runs.start(changed(DENSE, schedule="one-cycle").recipe, 0, steps_per_epoch=10)
    assert isinstance(training.schedule, OneCycleLR)
    assert training.schedule.total_steps == 30


def test_the_code_that_trained_is_in_the_record(tmp_path, little_data):
    first, second = (
        read_record(runs.run(changed(DENSE, epochs=1), seed, tmp_path), changed(DENSE, epochs=1))
        for seed in (0, 1)
    )
    relu = changed(EXPERIMENTS["relu"], epochs=1)
    other = read_record(runs.run(relu, 0, tmp_path), relu)
    assert len(first.code_sha256) == 64
    assert first.code_sha256 == second.code_sha256 != other.code_sha256


@pytest.mark.parametrize(
    ("wish", "epochs"),
    [
        ({}, {steps}),
        ({"momentum": 0.9}, {train_epoch}),
        ({"loss_every": 200}, {train_epoch, runs.train_in_parts}),
        ({"label_smoothing": 0.1}, {train_epoch, runs.train_smoothed}),
    ],
    ids=["steps", "torch.optim", "in parts", "smoothed"],
)
def test_that_code_is_network_first_weights_data_batches_and_epoch(wish, epochs, monkeypatch):
    monkeypatch.setattr(runs, "hash_code", lambda *parts: {*parts})
    recipe = changed(DENSE, initialisation="nielsen", **wish).recipe
    training = runs.start(recipe, 0, steps_per_epoch=10)
    assert training.code == {DenseNet, nielsen, to_input, expand, *SHIFTS, Batches, *epochs}


def test_of_a_network_of_nielsens_that_code_is_his_layers_and_the_order(monkeypatch):
    monkeypatch.setattr(runs, "hash_code", lambda *parts: {*parts})
    training = runs.start(EXPERIMENTS["nielsen-relu"].recipe, 0, steps_per_epoch=10)
    assert {nielsen_module, nielsen, shuffle_once} <= training.code
    assert NielsenTwoConvReLU not in training.code


def test_the_hash_of_code_sees_code_alone():
    def explained():
        def step(x):
            """A docstring."""
            return x + 1  # a remark

        return step

    def bare():
        def step(x): return (x + 1)  # fmt: skip

        return step

    def other():
        def step(x):
            return x + 2

        return step

    hashes = [hash_code(make()) for make in (explained, bare, other)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    "wish",
    [
        {"batch_size": 64},
        {"schedule": "one-cycle"},
        {"momentum": 0.9},
        {"loss_every": 2},
    ],
    ids=str,
)
def test_what_a_stack_cannot_do_it_refuses_by_name(wish, tmp_path):
    experiment = changed(EXPERIMENTS["relu"], **wish)
    with pytest.raises(ValueError, match=next(iter(wish))) as caught:
        stacked.run_stack(experiment, [0], torch.device("cpu"), tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


# Checkpoints of other versions


def test_checkpoints_in_the_repository_are_continued(tmp_path):
    """Copies of them are read, not trained further."""
    for stored in (store.RESULTS / "unfinished").glob("*.safetensors"):
        copy = Path(shutil.copy(stored, tmp_path))
        header = read_checkpoint(copy)[1]
        experiment, seeds = EXPERIMENTS[header["experiment"]], header["seeds"]
        steps_per_epoch = experiment.recipe.steps // experiment.recipe.epochs
        training = runs.start(experiment.recipe, seeds[0], steps_per_epoch)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            runs.go_on(copy, runs.identify(experiment, seeds), training)
        assert training.history.steps > 0


def test_the_old_form_of_a_checkpoint_goes_on_to_the_same_bits(tmp_path, little_data):
    experiment = changed(DENSE, weight_decay=0.1)

    def stop(history):
        raise Interrupted

    whole = runs.run(experiment, 0, tmp_path / "whole")
    with pytest.raises(Interrupted):
        runs.run(experiment, 0, tmp_path / "parts", stop)
    path = checkpoint_path("mine", 0, tmp_path / "parts")
    tensors, header = read_checkpoint(path)
    header["hyper_parameters"] |= {
        "training_images": 60_000,
        "batch_size": 10,
        "dense_weight_lr": None,
    }
    for key in ("schema", "validation_accuracy"):
        del header[key]
    write_checkpoint(path, tensors, header)
    epochs = []
    parts = runs.run(
        experiment, 0, tmp_path / "parts", lambda history: epochs.append(len(history.train_loss))
    )
    assert epochs == [2, 3]
    first, second = (read_record(path, experiment) for path in (whole, parts))
    assert first.weights_sha256 == second.weights_sha256
    assert torch.equal(predict(trained(experiment, tmp_path), little_data[1][0]), first.answers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0}, {"epochs": 2.5}, {"batch_size": 0}, {"lr": -1.0}, {"lr": float("nan")},
        {"held_out": 1.5}, {"held_out": 60_000}, {"momentum": -1.0}, {"weight_decay": float("inf")},
        {"dense_weight_lr": 0.0},
        {"loss_every": -1},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_run_can_follow_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Recipe(**{"network": DenseNet, "epochs": 1, "lr": 0.1} | wrong)


NUMBERS = [f.name for f in dataclasses.fields(Recipe) if f.type in (int, float, float | None)]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_of_a_recipe_is_checked(name):
    with pytest.raises(ValueError, match=name):
        Recipe(**{"network": DenseNet, "epochs": 1, "lr": 0.1} | {name: math.nan})

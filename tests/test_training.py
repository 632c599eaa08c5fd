"""Training: `fit` against a plain loop, what ends it early, the article's functions, bad input."""

import inspect
import math
import os
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

import mnistconv
from mnistconv import checks, data, devices, fooling, inside, probing, training
from mnistconv.data import expand, get_dataset, to_input
from mnistconv.devices import device_of, pick_device
from mnistconv.networks import (
    ConvNetSimple,
    ConvNetTwoConvLayers,
    ConvNetTwoConvLayersReLU,
    ConvNetTwoConvTwoDenseLayersWithDropout,
    DenseNet,
)
from mnistconv.training import (
    Batches,
    History,
    eval_mode,
    evaluate,
    fit,
    predict,
    test_network,
    train_and_test_network,
    train_epoch,
    train_network,
)

NETWORKS = (
    DenseNet,
    ConvNetSimple,
    ConvNetTwoConvLayers,
    ConvNetTwoConvLayersReLU,
    ConvNetTwoConvTwoDenseLayersWithDropout,
)
EVERY_NETWORK = pytest.mark.parametrize("network", NETWORKS)


def make(network, seed: int = 0):
    torch.manual_seed(seed)
    return network()


def part(pair, n: int):
    """The first `n` images and labels."""
    return pair[0][:n], pair[1][:n]


def quiet_fit(net, train, test=None, **arguments) -> History:
    """`fit` on the CPU, where results are the same bits every time, without printing."""
    return fit(net, train, test, **{"device": "cpu", "verbose": False, "lr": 0.03, **arguments})


def assert_same_weights(net, other) -> None:
    for (name, mine), theirs in zip(net.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs), name


# fit, against the plain loop


def plain_loop(net, images, labels, epochs, lr, weight_decay, seed) -> list[float]:
    """The ten lines that `fit` must equal bit by bit; returns the mean loss of each epoch."""
    torch.manual_seed(seed)
    sgd = torch.optim.SGD(net.parameters(), lr=lr, weight_decay=weight_decay)
    means = []
    for _ in range(epochs):
        losses = []
        for batch in torch.randperm(len(images)).split(10):
            loss = nn.CrossEntropyLoss()(net(images[batch][:, None].float() / 255), labels[batch])
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            losses += [loss.item()] * len(batch)
        means.append(sum(losses) / len(images))
    return means


@EVERY_NETWORK
def test_fit_equals_the_plain_loop_bit_by_bit(network, few):
    images, labels = part(few, 123)  # a last batch of 3
    net, reference = make(network), make(network)
    expected = plain_loop(reference, images, labels, epochs=2, lr=0.05, weight_decay=0.01, seed=7)
    history = quiet_fit(net, (images, labels), epochs=2, lr=0.05, weight_decay=0.01, seed=7)
    assert_same_weights(net, reference)
    assert history.train_loss == pytest.approx(expected, rel=1e-12)
    assert history.steps == 2 * 13


def test_a_step_is_the_weight_minus_lr_times_gradient_and_decay(few):
    images, labels = part(few, 10)
    net, before = make(ConvNetSimple), make(ConvNetSimple)
    F.cross_entropy(before(to_input(images)), labels).backward()
    quiet_fit(net, (images, labels), epochs=1, lr=0.5, weight_decay=0.25)
    for mine, old in zip(net.parameters(), before.parameters(), strict=True):
        expected = old - 0.5 * (old.grad + 0.25 * old)
        torch.testing.assert_close(mine, expected, atol=1e-6, rtol=1e-5)


def test_a_short_last_batch_weighs_by_its_images(few):
    """The learning rate is so small that the weights stand still: the loss is that of all 13."""
    images, labels = part(few, 13)
    net = make(ConvNetSimple)
    loss_of_all = F.cross_entropy(net(to_input(images)), labels).item()
    history = quiet_fit(net, (images, labels), epochs=1, lr=1e-12)
    assert history.train_loss == [pytest.approx(loss_of_all, abs=1e-6)]


def test_the_test_set_is_measured_after_each_epoch(few):
    train, test = part(few, 100), (few[0][500:], few[1][500:])
    net = make(DenseNet)
    history = quiet_fit(net, train, test, epochs=3, lr=0.1, seed=0)
    by_epoch = []
    for epochs in (1, 2, 3):
        again = make(DenseNet)
        quiet_fit(again, train, epochs=epochs, lr=0.1, seed=0)
        by_epoch.append(evaluate(again, *test))
    assert history.test_accuracy == by_epoch
    assert quiet_fit(make(DenseNet), train, epochs=2).test_accuracy == []


def test_fit_learns_real_digits(few, mnist):
    net = make(ConvNetTwoConvLayersReLU)
    history = quiet_fit(net, few, part(mnist[1], 1000), epochs=3, lr=0.1, seed=0)
    assert history.test_accuracy[-1] > 0.7
    assert history.train_loss[-1] < history.train_loss[0]


@pytest.mark.slow
@EVERY_NETWORK
def test_one_batch_is_learned_by_heart(network, few):
    steps = {DenseNet: 100, ConvNetSimple: 400, ConvNetTwoConvLayers: 600}.get(network, 80)
    net = make(network)
    history = quiet_fit(
        net, part(few, 10), epochs=steps, lr=0.5 if network in NETWORKS[:3] else 0.1, seed=0
    )
    assert evaluate(net, *part(few, 10)) == 1
    assert history.train_loss[-1] < 0.3


@EVERY_NETWORK
def test_the_loss_starts_near_ln_10(network, few):
    history = quiet_fit(make(network), few, epochs=1, lr=1e-12, max_steps=20)
    assert history.train_loss[0] == pytest.approx(math.log(10), abs=0.15)


def test_a_seed_fixes_everything_and_another_one_changes_it(few):
    def train(seed):
        net = make(ConvNetTwoConvTwoDenseLayersWithDropout)
        quiet_fit(net, few, epochs=1, max_steps=5, seed=seed)
        return net

    first, again, other = train(1), train(1), train(2)
    assert_same_weights(first, again)
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_the_order_is_fresh_in_every_epoch_and_every_call(few):
    orders = []

    def note(_, inputs):
        orders.append(inputs[0].sum(dim=(1, 2, 3)).tolist())

    net = make(DenseNet)
    net.register_forward_pre_hook(note)
    quiet_fit(net, part(few, 10), epochs=2)
    quiet_fit(net, part(few, 10), epochs=1)
    assert len({tuple(order) for order in orders}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1


# max_steps


@pytest.mark.parametrize(
    ("max_steps", "steps", "entries"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (5, 5, 1),
        (6, 6, 2),
        (8, 8, 2),
        (15, 15, 3),
        (99, 15, 3),
        (None, 15, 3),
    ],
)
def test_max_steps_ends_the_run(max_steps, steps, entries, few):
    test = part(few, 20)
    history = quiet_fit(make(DenseNet), part(few, 50), test, epochs=3, max_steps=max_steps)
    assert history.steps == steps
    assert history.epochs == steps / 5
    assert len(history.train_loss) == len(history.test_accuracy) == entries
    assert history.planned_steps == 15


def test_a_run_cut_within_its_second_epoch_is_the_beginning_of_the_longer_run(few):
    train = part(few, 50)
    weights = []

    def note(net, _):
        weights.append(net.out.weight.detach().clone())

    longer = make(DenseNet)
    longer.register_forward_pre_hook(note)
    quiet_fit(longer, train, epochs=2, seed=3)
    cut = make(DenseNet)
    history = quiet_fit(cut, train, epochs=2, seed=3, max_steps=7)
    assert torch.equal(cut.out.weight, weights[7])  # as the longer run stood before its step 8
    assert history.epochs == 1.4


def test_no_epochs_change_nothing(few):
    net = make(DenseNet)
    history = quiet_fit(net, few, few, epochs=0)
    assert_same_weights(net, make(DenseNet))
    assert (history.steps, history.epochs, history.train_loss) == (0, 0, [])
    assert history.test_accuracy == []


# What fit prints


def test_one_line_per_epoch_and_a_word_on_a_short_run(few, capsys):
    train = part(few, 50)
    fit(make(DenseNet), train, train, epochs=2, lr=0.1, device="cpu")
    lines = capsys.readouterr().out.splitlines()
    assert [line[:8] for line in lines] == ["epoch  1", "epoch  2"]
    assert all(re.search(r"train loss \d\.\d{4}  test accuracy +\d+\.\d\d%$", x) for x in lines)
    fit(make(DenseNet), train, epochs=60, lr=0.1, device="cpu", max_steps=5)
    lines = capsys.readouterr().out.splitlines()
    assert "test accuracy" not in lines[0]
    assert lines[-1] == "1 of 60 epochs (5 steps): a short run, not the full one."


def test_verbose_false_is_silent(few, capsys):
    quiet_fit(make(DenseNet), part(few, 50), few, epochs=2, max_steps=7)
    assert capsys.readouterr().out == ""


# What becomes of the network


def test_fit_keeps_the_memory_format(few):
    for memory_format in (torch.contiguous_format, torch.channels_last):
        net = make(ConvNetTwoConvLayersReLU).to(memory_format=memory_format)
        quiet_fit(net, part(few, 20), part(few, 20), epochs=1)
        assert net.conv2.weight.is_contiguous(memory_format=memory_format)


def test_channels_last_trains_to_the_same_weights_but_for_rounding(few):
    plain, turned = make(ConvNetTwoConvLayersReLU), make(ConvNetTwoConvLayersReLU)
    turned.to(memory_format=torch.channels_last)
    for net in (plain, turned):
        quiet_fit(net, few, epochs=1, seed=0, max_steps=30)
    for mine, other in zip(plain.parameters(), turned.parameters(), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=0)


def test_params_replaces_the_parameters_of_the_network(few):
    net, before = make(DenseNet), make(DenseNet)
    groups = [{"params": [net.out.weight], "lr": 0.5}, {"params": [net.out.bias]}]
    quiet_fit(net, part(few, 50), epochs=1, lr=1e-6, params=groups)
    assert torch.equal(net.fc1.weight, before.fc1.weight)
    assert (net.out.weight - before.out.weight).abs().max() > 1e-3
    assert 0 < (net.out.bias - before.out.bias).abs().max() < 1e-5
    quiet_fit(net, part(few, 50), epochs=1, params=(p for p in [net.fc1.bias]))
    assert not torch.equal(net.fc1.bias, before.fc1.bias)
    assert torch.equal(net.fc1.weight, before.fc1.weight)


def test_no_parameters_are_not_taken_for_all(few):
    with pytest.raises(ValueError, match="params is empty"):
        quiet_fit(make(DenseNet), part(few, 50), epochs=1, params=[])


@pytest.mark.parametrize("training_mode", [True, False])
def test_predict_answers_in_eval_mode_and_restores_the_mode(training_mode, few):
    net = make(ConvNetTwoConvTwoDenseLayersWithDropout).train(training_mode)
    images = few[0][:200]
    answers = predict(net, images)
    assert net.training == net.dropout1.training == training_mode
    assert answers.dtype == torch.int64
    assert answers.shape == (200,)
    with torch.no_grad():
        assert torch.equal(answers, net.eval()(to_input(images)).argmax(dim=1))
    assert torch.equal(predict(net, images, batch_size=7), answers)


def test_evaluate_is_the_share_of_right_digits(few):
    net = make(DenseNet)
    images, labels = part(few, 300)
    answers = predict(net, images)
    assert evaluate(net, images, answers) == 1
    assert evaluate(net, images, (answers + 1) % 10) == 0
    right = sum(int(a == b) for a, b in zip(answers.tolist(), labels.tolist(), strict=True))
    assert evaluate(net, images, labels) == right / 300


def test_measuring_leaves_no_gradients_and_no_trace_in_the_random_numbers(few):
    net = make(ConvNetTwoConvTwoDenseLayersWithDropout)
    before = torch.get_rng_state()
    evaluate(net, *part(few, 50))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.grad is None for p in net.parameters())


# Batches


def test_batches_without_shuffling_keep_the_order(few):
    images, labels = part(few, 25)
    batches = list(Batches(images, labels, batch_size=10, shuffle=False))
    assert [x.shape for x, _ in batches] == [(10, 1, 28, 28), (10, 1, 28, 28), (5, 1, 28, 28)]
    assert torch.equal(torch.cat([x for x, _ in batches]), to_input(images))
    assert torch.equal(torch.cat([y for _, y in batches]), labels)
    assert batches[0][0].dtype == torch.float32
    assert len(Batches(images, labels, batch_size=10)) == 3


def test_batches_follow_the_order_of_the_global_generator(few):
    images, labels = part(few, 25)
    torch.manual_seed(5)
    expected = [torch.randperm(25), torch.randperm(25)]
    torch.manual_seed(5)
    batches = Batches(images, labels, batch_size=4)
    for order in expected:
        pictures, digits = zip(*batches, strict=True)
        assert torch.equal(torch.cat(pictures), to_input(images[order]))
        assert torch.equal(torch.cat(digits), labels[order])
    assert not torch.equal(*expected)


def test_train_epoch_takes_any_list_of_batches(few):
    batches = list(Batches(*part(few, 25)))
    net = make(DenseNet).eval()
    history = History(planned_epochs=1, steps_per_epoch=3)
    train_epoch(net, batches, torch.optim.SGD(net.parameters(), lr=0.1), history)
    assert (history.steps, len(history.train_loss)) == (3, 1)
    assert net.training
    assert not torch.equal(net.out.bias, make(DenseNet).out.bias)


# Divergence


@EVERY_NETWORK
def test_divergence_is_an_error_that_names_place_and_cause(network, few):
    with pytest.raises(FloatingPointError) as caught:
        quiet_fit(make(network), few, few, epochs=2, lr=1e6, seed=0)
    message = str(caught.value)
    assert re.search(r"epoch 1, step \d+\b", message)
    assert "learning rate" in message


def test_divergence_in_a_later_epoch_names_it(few):
    net = make(DenseNet)
    calls = 0

    def spoil(net, _):
        nonlocal calls
        calls += 1
        if calls == 9:
            net.out.weight.data.fill_(torch.nan)

    net.register_forward_pre_hook(spoil)
    with pytest.raises(FloatingPointError, match=r"loss is nan at epoch 2, step 4\."):
        quiet_fit(net, part(few, 50), epochs=3)


@EVERY_NETWORK
def test_the_articles_loop_reports_divergence_too(network, few):
    loader = list(Batches(*part(few, 200)))
    with pytest.raises(FloatingPointError, match=r"epoch 1, step \d+\..*learning rate"):
        train_and_test_network(
            make(network), lr=1e6, num_epochs=3, train_loader=loader, test_loader=loader
        )


def test_the_articles_loop_names_the_epoch_of_a_late_divergence(few):
    net, loader = make(DenseNet), list(Batches(*part(few, 30)))

    def spoil_the_second_epoch(*_):
        net.out.weight.data.fill_(torch.nan)
        return loader

    class Loader:
        passes = 0

        def __iter__(self):
            self.passes += 1
            return iter(spoil_the_second_epoch() if self.passes == 2 else loader)

    with pytest.raises(FloatingPointError, match=r"nan at epoch 2, step 1\."):
        train_and_test_network(net, 5, 0.1, train_loader=Loader(), test_loader=loader)


# Ctrl-C


def stop_at(net, call: int) -> None:
    """Let the network raise what Ctrl-C raises, in the middle of its `call`-th forward pass."""
    calls = 0

    def stop(*_):
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt

    net.out.register_forward_pre_hook(stop)


def test_control_c_leaves_what_was_learned_and_says_how_far_it_came(few, capsys):
    train = part(few, 50)
    net, reference = make(DenseNet), make(DenseNet)
    stop_at(net, 8)
    history = fit(net, train, epochs=4, lr=0.1, seed=0, device="cpu")
    assert history.steps == 7
    assert len(history.train_loss) == 1
    out = capsys.readouterr().out
    assert "Stopped by hand" in out
    assert "1.4 of 4 epochs (7 steps)" in out
    quiet_fit(reference, train, epochs=4, lr=0.1, seed=0, max_steps=7)
    assert_same_weights(net, reference)
    quiet_fit(net, train, epochs=1)  # goes on


def test_control_c_while_testing_keeps_the_epoch(few):
    net = make(DenseNet)
    stop_at(net, 6)  # five steps, then the test
    history = quiet_fit(net, part(few, 50), few, epochs=4, lr=0.1)
    assert (history.steps, len(history.train_loss), history.test_accuracy) == (5, 1, [])
    assert 0 <= evaluate(net, *few) <= 1


def test_control_c_in_the_articles_function_still_tests_the_network(few, capsys):
    loader = list(Batches(*part(few, 30)))
    net = make(DenseNet)
    stop_at(net, 3 + 3 + 2)  # an epoch, its test, one step of the second epoch
    accuracy = train_and_test_network(net, 60, 0.1, train_loader=loader, test_loader=loader)
    lines = capsys.readouterr().out.splitlines()
    assert "epoch 2 of 60" in lines[1]
    assert lines[2] == f"Test data results: {accuracy:.4f}"
    assert accuracy == test_network(net, loader)


SCRIPT = """
import signal, torch
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a job of a shell ignores it
from mnistconv import DenseNet, evaluate, fit
images = torch.randint(256, (200, 28, 28), dtype=torch.uint8)
labels = torch.randint(10, (200,))
net = DenseNet()
history = fit(net, (images, labels), epochs=1_000_000, lr=0.01, device="cpu")
print("history", history.steps, len(history.train_loss), evaluate(net, images, labels))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_a_real_control_c_ends_fit_and_the_program_goes_on():
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(data.__file__))},
    )
    assert process.stdout.readline().startswith("epoch  1")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    steps, epochs, accuracy = re.search(r"^history (\d+) (\d+) (\S+)$", out, re.M).groups()
    assert int(steps) >= 20 * int(epochs) >= 20
    assert 0 <= float(accuracy) <= 1
    assert "Stopped by hand" in out


# The article's functions


def test_train_network_equals_the_plain_loop(few):
    batches = list(Batches(*part(few, 45)))
    net, reference = make(ConvNetSimple), make(ConvNetSimple)
    train_network(net, batches, 2, nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.1))
    sgd = torch.optim.SGD(reference.parameters(), lr=0.1)
    for images, labels in batches * 2:
        sgd.zero_grad()
        F.cross_entropy(reference(images), labels).backward()
        sgd.step()
    assert_same_weights(net, reference)


def test_train_network_uses_the_loss_and_the_optimiser_that_it_is_given(few):
    batches = list(Batches(*part(few, 20)))
    net = make(DenseNet)
    asked = []

    def loss_function(logits, labels):
        asked.append((logits.shape, labels.shape))
        return F.cross_entropy(logits, labels)

    sgd = torch.optim.SGD([net.out.bias], lr=0.1)
    train_network(net, batches, 3, loss_function, sgd)
    assert asked == [((10, 10), (10,))] * 6
    assert torch.equal(net.fc1.weight, make(DenseNet).fc1.weight)
    assert not torch.equal(net.out.bias, make(DenseNet).out.bias)


def test_test_network_counts_images_not_batches(few):
    """25 right of 45: the mean over batches of 20, 20, 5 would be another number."""
    net = make(ConvNetTwoConvTwoDenseLayersWithDropout)
    images, _ = part(few, 45)
    labels = predict(net, images)
    labels[:20] = (labels[:20] + 1) % 10
    loader = DataLoader(TensorDataset(to_input(images), labels), batch_size=20)
    assert test_network(net.train(), loader) == 25 / 45
    assert test_network.__test__ is False


def test_train_and_test_network_uses_the_loaders_that_it_is_given(few, capsys, monkeypatch):
    monkeypatch.setattr(training, "load_mnist", lambda: pytest.fail("loaders were given"))
    train, test = list(Batches(*part(few, 50))), list(Batches(few[0][50:80], few[1][50:80]))
    net, reference = make(DenseNet), make(DenseNet)
    accuracy = train_and_test_network(
        net, num_epochs=3, lr=0.2, wd=0.01, train_loader=train, test_loader=test
    )
    sgd = torch.optim.SGD(reference.parameters(), lr=0.2, weight_decay=0.01)
    expected = []
    for epoch in (1, 2, 3):
        train_network(reference, train, 1, nn.CrossEntropyLoss(), sgd)
        expected.append(f"Epoch {epoch}/3: accuracy {test_network(reference, test):.4f}")
    assert_same_weights(net, reference)
    assert accuracy == test_network(reference, test)
    assert capsys.readouterr().out.splitlines() == [
        *expected,
        f"Test data results: {accuracy:.4f}",
    ]


def test_without_loaders_train_and_test_network_means_the_same(few, monkeypatch):
    """It trains on MNIST in memory, in batches of 10, in a fresh order, as `fit` does."""
    train, test = part(few, 95), (few[0][200:260], few[1][200:260])
    monkeypatch.setattr(training, "load_mnist", lambda: (train, test))
    net, reference = make(ConvNetSimple), make(ConvNetSimple)
    torch.manual_seed(4)
    accuracy = train_and_test_network(net, num_epochs=2, lr=0.1)
    history = quiet_fit(reference, train, test, epochs=2, lr=0.1, seed=4)
    assert_same_weights(net, reference)
    assert accuracy == history.test_accuracy[-1]


def test_no_epochs_are_a_test_alone(few, capsys):
    loader = list(Batches(*part(few, 30)))
    net = make(DenseNet)
    accuracy = train_and_test_network(net, 0, train_loader=loader, test_loader=loader)
    assert capsys.readouterr().out == f"Test data results: {accuracy:.4f}\n"
    assert_same_weights(net, make(DenseNet))


SESSIONS = {
    "simple": """
net = ConvNetSimple()
train_and_test_network(net)
""",
    "two convolutions": """
net = ConvNetTwoConvLayers()
train_and_test_network(net)
""",
    "ReLU, too much weight decay": """
net = ConvNetTwoConvLayersReLU()
train_and_test_network(net, lr=0.03, wd=0.1)
""",
    "ReLU": """
net = ConvNetTwoConvLayersReLU()
train_and_test_network(net, lr=0.03, wd=0.00005)
""",
    "expanded data": """
train_loader = get_extended_train_loader()
net = ConvNetTwoConvLayersReLU()
train_and_test_network(net, lr=0.03, wd=0.00005, train_loader=train_loader)
""",
    "dropout": """
train_loader = get_extended_train_loader()
net = ConvNetTwoConvTwoDenseLayersWithDropout()
train_and_test_network(net, num_epochs=40, lr=0.03, train_loader=train_loader)
""",
    "dropout, smaller steps": """
train_loader = get_extended_train_loader()
net = ConvNetTwoConvTwoDenseLayersWithDropout()
train_and_test_network(net, num_epochs=40, lr=0.005, train_loader=train_loader)
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_of_the_article_runs_with_its_import_line_changed(
    session, few, capsys, monkeypatch
):
    """All as written, epochs too; only MNIST has shrunk, to six digits."""

    def six(root=None, train=True, transform=None, download=True):
        return Subset(get_dataset(root, train, transform, download), range(6))

    tiny = part(few, 6)
    monkeypatch.setattr(training, "load_mnist", lambda: (tiny, tiny))
    monkeypatch.setattr(data, "get_dataset", six)
    exec("from mnistconv import *\n" + SESSIONS[session], {})
    lines = capsys.readouterr().out.splitlines()
    epochs = 40 if "dropout" in session else 60
    assert [line.split(":")[0] for line in lines[:-1]] == [
        f"Epoch {epoch}/{epochs}" for epoch in range(1, epochs + 1)
    ]
    assert re.fullmatch(r"Test data results: [01]\.\d{4}", lines[-1])


def test_every_name_of_the_article_is_importable():
    functions = {"train_network", "test_network", "train_and_test_network"}
    functions |= {"get_train_loader", "get_extended_train_loader", "get_test_loader"}
    functions |= {"get_dataset", "get_extended_dataset"}
    functions |= {"identity", "shift_right", "shift_left", "shift_up", "shift_down"}
    assert {name for name in functions if callable(getattr(mnistconv, name, None))} == functions


# Devices


def test_auto_takes_the_best_device_that_is_there(monkeypatch):
    for cuda, mps, expected in [
        (True, True, "cuda"),
        (True, False, "cuda"),
        (False, True, "mps"),
        (False, False, "cpu"),
    ]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=cuda: there)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=mps: there)
        assert pick_device("auto").type == expected
        assert pick_device().type == expected


def test_a_named_device_is_taken_as_it_is():
    assert pick_device("cpu") == pick_device(torch.device("cpu")) == torch.device("cpu")


ODD_DEVICES = ["cuda:99", "abacus", "", "CPU", "cuda:-1", None, True, 99, -1, 10**30, 1.5, []]
NOT_OURS = ["meta", "xla", "vulkan", "mkldnn", "hpu", "xpu", "ipu", torch.device("meta")]


@pytest.mark.parametrize("device", [*ODD_DEVICES, *NOT_OURS], ids=repr)
def test_an_absent_device_is_one_sentence(device, few):
    net = make(DenseNet)
    named = re.escape(f"device {device!r}")
    with pytest.raises(ValueError, match=rf'{named}.*"auto" or "cpu"') as caught:
        quiet_fit(net, few, epochs=1, device=device)
    assert "\n" not in str(caught.value)
    assert net.out.bias.device.type == "cpu"
    assert_same_weights(net, make(DenseNet))


def test_a_number_is_that_gpu():
    if torch.cuda.is_available():
        assert pick_device(0) == torch.device("cuda:0")
    else:
        with pytest.raises(ValueError, match="device 0 is not here"):
            pick_device(0)


# Threads


@pytest.fixture
def threads(monkeypatch):
    """`threads(before, **environment)`: how many there are when mnistconv has been imported."""

    def count(before: int, **environment: str) -> int:
        now = [before]
        for name in ("MNISTCONV_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            monkeypatch.setenv(name, environment.get(name, ""))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
        monkeypatch.setattr(torch, "get_num_threads", lambda: now[-1])
        monkeypatch.setattr(torch, "set_num_threads", now.append)
        devices.set_threads()
        return now[-1]

    return count


def test_one_thread_unless_the_reader_decided(threads):
    """On a machine with 8 logical cores, where PyTorch starts with 8 threads, or with 4."""
    assert threads(8) == threads(4) == 1
    assert threads(3) == 3  # by torch.set_num_threads, before
    assert threads(9) == 9
    assert threads(8, OMP_NUM_THREADS="8") == threads(8, MKL_NUM_THREADS="8") == 8
    assert threads(8, MNISTCONV_THREADS="2") == 2
    assert threads(3, MNISTCONV_THREADS="2", OMP_NUM_THREADS="3") == 2


@pytest.mark.parametrize("wish", ["abc", "0", "-1", "1.5", "1025", "9" * 5000, "²", "two"])
def test_a_number_of_threads_that_makes_no_sense_is_one_sentence(threads, wish):
    with pytest.raises(ValueError, match=r"MNISTCONV_THREADS.* 1 to 1024") as caught:
        threads(8, MNISTCONV_THREADS=wish)
    assert "\n" not in str(caught.value)


COUNT = "print(torch.get_num_threads())"
CHANGE = "import torch; n = torch.get_num_threads(); import mnistconv; n -= torch.get_num_threads()"
FRESH = {
    "nothing said": (f"import mnistconv, torch; {COUNT}", {}, "1"),
    "torch first": (f"import torch; from mnistconv.training import fit; {COUNT}", {}, "1"),
    "a wish": (f"import mnistconv, torch; {COUNT}", {"MNISTCONV_THREADS": "3"}, "3"),
    "OMP": (f"{CHANGE}; print('change', n)", {"OMP_NUM_THREADS": "2"}, "change 0"),
    "MKL": (f"{CHANGE}; print('change', n)", {"MKL_NUM_THREADS": "2"}, "change 0"),
    "set": (f"import torch; torch.set_num_threads(777); import mnistconv; {COUNT}", {}, "777"),
    "nonsense": ("import mnistconv", {"MNISTCONV_THREADS": "abc"}, "MNISTCONV_THREADS is 'abc'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FRESH)
def test_threads_in_a_fresh_process(case):
    code, chosen, expected = FRESH[case]
    said = ("MNISTCONV_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in said}
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment | chosen | {"PYTHONPATH": os.path.dirname(os.path.dirname(data.__file__))},
    )
    last = (result.stdout + result.stderr).splitlines()[-1]
    assert last.startswith(expected) or last.startswith(f"ValueError: {expected}")


@pytest.mark.slow
def test_check_names_a_number_of_threads_that_makes_no_sense():
    result = subprocess.run(
        [sys.executable, "-m", "mnistconv", "check"],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "MNISTCONV_THREADS": "abc",
            "PYTHONPATH": os.path.dirname(os.path.dirname(data.__file__)),
        },
    )
    assert result.returncode == 1
    assert re.search(r"!!  threads +MNISTCONV_THREADS is 'abc'", result.stdout)


def test_the_command_line_is_reached_without_pytorch():
    """`python -m mnistconv check` has to say what is missing; `import mnistconv` offers it all."""
    code = (
        "import sys; sys.argv = ['-m']; sys.orig_argv = ['python', '-m', 'mnistconv', 'check'];"
        "import mnistconv; print('torch' in sys.modules, hasattr(mnistconv, 'fit'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(data.__file__))},
    )
    assert result.stdout == "False False\n", result.stderr


def test_fit_trains_on_the_device_that_auto_picks(few):
    net = make(DenseNet)
    history = fit(net, part(few, 50), part(few, 50), epochs=1, lr=0.1, verbose=False)
    assert net.out.bias.device.type == pick_device().type
    assert len(history.test_accuracy) == 1
    assert predict(net, few[0][:5]).device.type == "cpu"


# Bad input

IMAGES = torch.zeros(4, 28, 28, dtype=torch.uint8)
INK = torch.arange(4 * 784, dtype=torch.int64).reshape(4, 28, 28).remainder(251).to(torch.uint8)
LABELS = torch.tensor([0, 1, 2, 9])
BAD_PAIRS = [
    ((IMAGES.float(), LABELS), TypeError, "images must be a uint8 tensor.*torch.float32"),
    (
        (IMAGES.numpy() / 255, LABELS),
        TypeError,
        "images must be a uint8 tensor.*ndarray of float64",
    ),
    ((IMAGES.bfloat16(), LABELS), TypeError, r"images.*bfloat16.*\(255 \* x\)"),
    ((IMAGES.long() - 1, LABELS), ValueError, "images must have pixels 0 to 255.*from -1 to -1"),
    ((IMAGES.int() + 256, LABELS), ValueError, "images must have pixels 0 to 255.*from 256 to 256"),
    ((["a", "b"], LABELS), TypeError, "images must be a uint8 tensor.*list"),
    (([], LABELS), TypeError, "images"),
    ((None, LABELS), TypeError, "images must be a uint8 tensor.*NoneType"),
    (([IMAGES[0], IMAGES[1, 1:]], LABELS), TypeError, "images must be a uint8 tensor.*list"),
    ((IMAGES[0], LABELS), ValueError, r"images.*\[n, 28, 28\], not \[28, 28\]: reshape"),
    ((IMAGES.flatten(1), LABELS), ValueError, r"images.*\[n, 28, 28\], not \[4, 784\]: reshape"),
    ((LABELS, IMAGES), ValueError, r"images.*\[n, 28, 28\], not \[4\]\."),
    ((IMAGES[:, None], LABELS), ValueError, r"images.*\[n, 28, 28\], not \[4, 1, 28, 28\]"),
    ((IMAGES[:, :, :27], LABELS), ValueError, r"images.*\[n, 28, 28\], not \[4, 28, 27\]"),
    ((IMAGES[:0], LABELS[:0]), ValueError, "no .*images"),
    ((IMAGES, LABELS[:3]), ValueError, r"4 .*images need 4 labels, \[4\], not \[3\]"),
    ((IMAGES, LABELS[:, None]), ValueError, r"4 .*images need 4 labels, \[4\], not \[4, 1\]"),
    ((IMAGES, torch.eye(10)[LABELS]), ValueError, r"need 4 labels.*\[4, 10\]: labels.argmax"),
    ((IMAGES, LABELS[:, None].numpy()), ValueError, r"need 4 labels.*\[4, 1\]: labels.flatten"),
    ((IMAGES, LABELS + 0.5), TypeError, "labels.*no whole numbers"),
    ((IMAGES, LABELS * torch.nan), TypeError, "labels.*no whole numbers"),
    ((IMAGES, LABELS > 1), TypeError, "labels must be an int64 tensor.*torch.bool"),
    ((IMAGES, [str(label) for label in range(4)]), TypeError, "labels must be an int64.*list"),
    ((IMAGES, 7), ValueError, r"4 .*images need 4 labels, \[4\], not \[\]"),
    ((IMAGES, []), ValueError, r"4 .*images need 4 labels, \[4\], not \[0\]"),
    ((IMAGES, None), TypeError, "labels must be an int64 tensor.*NoneType"),
    ((IMAGES, LABELS + 1), ValueError, "labels must be digits 0 to 9; these reach from 1 to 10"),
    ((IMAGES, LABELS - 1), ValueError, "labels must be digits 0 to 9; these reach from -1 to 8"),
]
BAD_DATA = [
    *BAD_PAIRS,
    (IMAGES, TypeError, r"must be a pair \(images, labels\), not Tensor"),
    ((IMAGES, LABELS, LABELS), TypeError, r"must be a pair \(images, labels\)"),
    (7, TypeError, r"must be a pair \(images, labels\), not int"),
]


@pytest.mark.parametrize(("pair", "error", "words"), BAD_DATA)
@pytest.mark.parametrize("place", ["train", "test"])
def test_bad_data_is_refused_before_anything_happens(place, pair, error, words):
    """Also a bad test set: it is not found after the first epoch."""
    net = make(DenseNet)
    state = torch.get_rng_state()
    sets = {"train": (IMAGES, LABELS), "test": (IMAGES, LABELS)} | {place: pair}
    with pytest.raises(error, match=f"{place} .*{words}|{words}") as caught:
        quiet_fit(net, **sets, epochs=1, seed=5)
    assert place in str(caught.value)
    assert_same_weights(net, make(DenseNet))
    make(DenseNet)
    assert torch.equal(torch.get_rng_state(), state)


def test_no_training_set_is_refused():
    with pytest.raises(TypeError, match=r"train must be a pair .*NoneType"):
        quiet_fit(make(DenseNet), None, epochs=1)


@pytest.mark.parametrize(("pair", "error", "words"), BAD_PAIRS)
def test_bad_data_is_refused_by_batches_and_evaluate(pair, error, words):
    with pytest.raises(error, match=words):
        Batches(*pair)
    with pytest.raises(error, match=words):
        evaluate(make(DenseNet), *pair)


@pytest.mark.parametrize(
    ("images", "error"),
    [(IMAGES.float(), TypeError), (IMAGES[:, None], ValueError), (IMAGES[:0], ValueError)],
)
def test_bad_images_are_refused_by_predict(images, error):
    with pytest.raises(error, match="images"):
        predict(make(DenseNet), images)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (INK.numpy(), LABELS.numpy()),
        (INK.tolist(), LABELS.tolist()),
        (list(INK), list(LABELS)),
        (list(INK.numpy()), tuple(LABELS.numpy())),
        (INK.int(), LABELS.int()),
        (INK.numpy().astype(">i8"), LABELS.numpy().astype(">i4")),
        (INK.numpy()[::-1][::-1], LABELS.float()),
        (INK.long(), LABELS.to(torch.uint8)),
        (INK.to(torch.uint16), LABELS.to(torch.float16)),
        (INK.to_sparse(), LABELS),
        (INK.numpy().astype(np.uint16), LABELS.double().numpy()),
    ],
)
def test_arrays_lists_and_other_whole_numbers_are_taken(images, labels):
    expected, net = make(DenseNet), make(DenseNet)
    quiet_fit(expected, (INK, LABELS), epochs=2, seed=0)
    history = quiet_fit(net, [images, labels], (images, labels), epochs=2, seed=0)
    assert_same_weights(net, expected)
    assert torch.equal(predict(net, images), predict(net, INK))
    assert evaluate(net, images, labels) == evaluate(net, INK, LABELS) == history.test_accuracy[-1]
    assert torch.equal(to_input(images), to_input(INK))
    for mine, theirs in zip(expand(images, labels), expand(INK, LABELS), strict=True):
        assert torch.equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    batch = next(iter(Batches(images, labels, batch_size=99, shuffle=False)))
    assert torch.equal(batch[0], to_input(INK))
    assert torch.equal(batch[1], LABELS)


def test_read_only_arrays_are_taken_without_a_word():
    images = INK.numpy().copy()
    images.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert to_input(images).shape == (len(images), 1, 28, 28)


# Pictures of another kind


@pytest.fixture
def warned():
    """`warned(call)`: the warnings of a call, as if it were the first of the process."""

    def words(call) -> list[str]:
        checks._warn_once.cache_clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        return [str(one.message) for one in caught]

    yield words
    checks._warn_once.cache_clear()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda images: 255 - images, "255 - images"),
        (lambda images: 200 - images // 2, "255 - images"),
        (lambda images: (images > 100).to(torch.uint8), "0 and 1"),
        (lambda images: images > 100, "0 and 1"),
        (lambda images: images // 16, "no pixel is bright"),
    ],
)
@pytest.mark.parametrize("n", [1, 30])
def test_pictures_unlike_mnist_are_named_once(change, word, n, few, warned):
    images, labels = change(few[0][:n]), few[1][:n]
    net = make(DenseNet)
    for call in (
        lambda: [predict(net, images) for _ in range(2)],
        lambda: evaluate(net, images, labels),
        lambda: Batches(images, labels),
        lambda: quiet_fit(make(DenseNet), (images, labels), epochs=1),
        lambda: quiet_fit(make(DenseNet), part(few, 20), (images, labels), epochs=1),
    ):
        (said,) = warned(call)
        assert "MNIST, white ink, up to 255, on black" in said
        assert word in said


def test_no_picture_of_mnist_is_called_unlike_it(mnist, warned):
    for images, _ in mnist:
        means = images.float().mean(dim=(1, 2))
        assert means.max() < checks.BRIGHT - 30
        assert (255 - means).min() > checks.BRIGHT
        assert images.amax(dim=(1, 2)).min() > checks.FAINT
    net = make(DenseNet)
    boldest, faintest = means.argmax(), means.argmin()
    some = [images[i : i + 1] for i in (boldest, faintest, 0)]
    assert warned(lambda: [predict(net, one) for one in [*some, images[:200]]]) == []
    noise = torch.randint(256, (50, 28, 28), dtype=torch.uint8)
    assert warned(lambda: predict(net, noise)) == []
    assert warned(lambda: predict(net, torch.zeros_like(noise))) == []


# Networks that are none


class Answers(nn.Module):
    """A network whose answer to images is `answer(images, weight)`."""

    def __init__(self, answer):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.answer = answer

    def forward(self, images):
        return self.answer(images, self.weight)


def on_meta() -> DenseNet:
    with torch.device("meta"):
        return DenseNet()


def parts_on_meta() -> DenseNet:
    net = DenseNet()
    net.out.to("meta")
    return net


def answers_of_shape(*shape):
    return lambda: Answers(lambda images, weight: weight * torch.ones(len(images), *shape))


NO_NETWORKS = {
    "its class": (lambda: DenseNet, TypeError, r"net is the class DenseNet.* DenseNet\(\)"),
    "a function": (lambda: predict, TypeError, "net must be a network.*function"),
    "a name": (lambda: "simple", TypeError, "net must be a network.*str"),
    "nothing": (lambda: None, TypeError, "net must be a network.*NoneType"),
    "its weights": (lambda: DenseNet().state_dict(), TypeError, "net must be a network"),
    "on meta": (on_meta, ValueError, "net lies on the device meta"),
    "in part on meta": (parts_on_meta, ValueError, "net lies on the device meta"),
    "11 outputs": (answers_of_shape(11), ValueError, r"logits \[4, 10\].*not \[4, 11\]"),
    "9 outputs": (answers_of_shape(9), ValueError, r"logits \[4, 10\].*not \[4, 9\]"),
    "an axis too many": (answers_of_shape(1, 10), ValueError, r"not \[4, 1, 10\]"),
    "an axis too few": (lambda: Answers(lambda x, w: w * x.sum()), ValueError, r"not \[\]"),
    "two answers": (lambda: Answers(lambda x, w: (w, w)), ValueError, "not tuple"),
    "for flat pictures": (lambda: nn.Linear(784, 10), ValueError, r"\[4, 1, 28, 28\].*shapes"),
    "for colours": (lambda: nn.Conv2d(3, 10, 28), ValueError, r"\[4, 1, 28, 28\].*channels"),
    "in double": (lambda: DenseNet().double(), ValueError, "batch.*torch.float32.*dtype"),
}
NOTHING_TO_TRAIN = {
    "no parameters": (nn.Identity, ValueError, "net has no parameters"),
    "frozen": (
        lambda: DenseNet().requires_grad_(False),
        ValueError,
        "parameters of net are frozen",
    ),
}


def measurements(net) -> list:
    """Everything that asks a network for digits."""
    return [
        lambda: predict(net, INK),
        lambda: evaluate(net, INK, LABELS),
        lambda: test_network(net, [(to_input(INK), LABELS)]),
    ]


def trainings(net) -> list:
    """Everything that trains a network."""
    loader = [(to_input(INK), LABELS)]
    sgd = torch.optim.SGD([parameters[0] if (parameters := some_weights(net)) else LOOSE], lr=0.1)
    return [
        lambda: quiet_fit(net, (INK, LABELS), epochs=1),
        lambda: train_epoch(net, loader, sgd, History(planned_epochs=1, steps_per_epoch=1)),
        lambda: train_network(net, loader, 1, nn.CrossEntropyLoss(), sgd),
        lambda: train_and_test_network(net, 1, 0.1, train_loader=loader, test_loader=loader),
    ]


LOOSE = nn.Parameter(torch.ones(1))


def some_weights(net) -> list:
    is_network = isinstance(net, nn.Module)
    return [p for p in net.parameters() if not p.is_meta] if is_network else []


@pytest.mark.parametrize("case", NO_NETWORKS)
def test_a_network_that_is_none_is_one_sentence(case):
    make_it, error, words = NO_NETWORKS[case]
    net = make_it()
    for call in [*measurements(net), *trainings(net)]:
        with pytest.raises(error, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", NOTHING_TO_TRAIN)
def test_a_network_with_nothing_to_train_is_refused(case):
    make_it, error, words = NOTHING_TO_TRAIN[case]
    for call in trainings(make_it()):
        with pytest.raises(error, match=words):
            call()


def test_a_frozen_network_and_one_without_parameters_can_be_tested():
    frozen = make(DenseNet).requires_grad_(False)
    assert torch.equal(predict(frozen, INK), predict(make(DenseNet), INK))

    class Always(nn.Module):
        def forward(self, images):
            return F.one_hot(torch.full((len(images),), 9), 10).float()

    assert predict(Always(), INK).tolist() == [9, 9, 9, 9]
    assert [call() for call in measurements(Always())][1:] == [0.25, 0.25]


def test_a_network_on_two_devices_is_named():
    with pytest.raises(ValueError, match=r"lies on cpu and meta.*net.to"):
        device_of(parts_on_meta())
    assert device_of(DenseNet()) == torch.device("cpu")


def test_digits_go_to_the_device_on_which_the_network_lies(monkeypatch):
    """As if it lay on meta: that device is on every machine."""
    monkeypatch.setattr(training, "device_of", lambda net: torch.device("meta"))
    seen = []

    def answer(images, weight):
        seen.append(images.device.type)
        return weight * torch.ones(len(images), 10)

    def loss(logits, labels):
        seen.append(labels.device.type)
        return logits.mean()

    net = Answers(answer)
    for call in measurements(net):
        call()
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    train_network(net, [(to_input(INK), LABELS)], 1, loss, sgd)
    assert seen == ["meta"] * 5


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("lost", [1, 4])
def test_an_answer_that_is_no_number_is_no_digit(value, lost):
    def answer(images, weight):
        logits = weight * torch.ones(len(images), 10)
        logits[:lost, 3] = value
        return logits

    for call in measurements(Answers(answer)):
        with pytest.raises(FloatingPointError, match=rf"nan or inf to {lost} of 4 images.*lr"):
            call()
    minus = Answers(lambda x, w: w * torch.tensor([[0.0] + 9 * [-math.inf]]).expand(len(x), 10))
    assert predict(minus, INK).tolist() == [0, 0, 0, 0]  # the logarithm of a probability of 0


def test_fit_names_no_accuracy_of_a_network_that_is_lost_in_the_last_step(few):
    """Its loss is taken before the step that goes wrong: only the test can find it."""
    net = make(DenseNet)

    def spoil(bias) -> None:
        bias.data.fill_(torch.nan)

    net.out.bias.register_post_accumulate_grad_hook(spoil)
    with pytest.raises(FloatingPointError, match="nan"):
        quiet_fit(net, part(few, 10), few, epochs=1)


# Modes


class StopError(Exception):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, StopError])
@pytest.mark.parametrize("training_mode", [True, False])
def test_measuring_restores_every_mode_when_it_raises(error, training_mode):
    net = make(ConvNetTwoConvTwoDenseLayersWithDropout).train(training_mode)
    net.dropout2.train(not training_mode)
    modes = [part.training for part in net.modules()]

    def stop(*_):
        assert not any(part.training for part in net.modules())
        raise error

    handle = net.out.register_forward_pre_hook(stop)
    for call in measurements(net):
        with pytest.raises((error, ValueError)):
            call()
        assert [part.training for part in net.modules()] == modes
    handle.remove()
    for call in measurements(net):
        call()
        assert [part.training for part in net.modules()] == modes


def test_a_bad_batch_restores_the_mode_too():
    net = make(DenseNet)

    def loader():
        yield to_input(INK), LABELS
        raise StopError

    with pytest.raises(StopError):
        test_network(net, loader())
    with pytest.raises(ValueError):
        test_network(net, [(to_input(INK), LABELS[:3])])
    assert net.training


@pytest.mark.parametrize("net", [ConvNetSimple, None, lambda images: images])
def test_whoever_asks_a_network_that_is_none_is_told_in_one_sentence(net, few):
    images = to_input(few[0][:1])
    asks = [
        lambda: eval_mode(net),
        lambda: probing.gradients(net, images, few[1][:1]),
        lambda: fooling.gradient_signs(net, images, few[1][:1]),
        lambda: inside.occlusion(net, images[0], inside.logit_of(3)),
        lambda: inside.trace(net, images[0], inside.logit_of(3)),
    ]
    for ask in asks:
        with pytest.raises(TypeError, match=r"^net (is the class|must be a network)"):
            ask()


def test_eval_mode_holds_inside_and_ends():
    net = make(ConvNetTwoConvTwoDenseLayersWithDropout)
    with eval_mode(net):
        assert not net.dropout1.training
    assert net.dropout1.training


def test_control_c_while_testing_leaves_the_mode_and_the_weights_can_be_tested(few, capsys):
    """What `train` needs: the accuracy of the weights as they are, not of earlier ones."""
    net = make(DenseNet)
    train, test = part(few, 50), part(few, 300)
    stop_at(net, 5 + 2 + 5 + 1)  # an epoch and its test in two batches, an epoch, half a test
    history = quiet_fit(net, train, test, epochs=2, lr=0.1, seed=0)
    assert net.training
    assert (history.steps, len(history.train_loss), len(history.test_accuracy)) == (10, 2, 1)
    longer = make(DenseNet)
    expected = quiet_fit(longer, train, test, epochs=2, lr=0.1, seed=0)
    assert evaluate(net, *test) == expected.test_accuracy[-1]


# Parameters and optimisers


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (
            lambda net, other: other.parameters(),
            ValueError,
            "4 of 4 params are no parameters of net",
        ),
        (lambda net, other: [net.out.bias, other.out.bias], ValueError, "1 of 2 params"),
        (lambda net, other: [{"params": other.parameters(), "lr": 0.5}], ValueError, "4 of 4"),
        (lambda net, other: other.named_parameters(), ValueError, "4 of 4"),
        (lambda net, other: [net.out.bias.data], ValueError, "1 of 1"),
        (lambda net, other: net.state_dict(), ValueError, "4 of 4"),
        (lambda net, other: ["out.bias"], ValueError, "1 of 1"),
        (lambda net, other: iter([]), ValueError, "params is empty"),
        (lambda net, other: [{"params": []}], ValueError, "params is empty"),
        (lambda net, other: [{"lr": 0.5}], ValueError, "params is empty"),
        (lambda net, other: net.out.bias, TypeError, "params must be parameters"),
        (lambda net, other: 7, TypeError, "params must be parameters.*int"),
    ],
)
def test_parameters_of_another_network_are_refused(params, error, words):
    net, other = make(DenseNet), make(DenseNet)
    with pytest.raises(error, match=words):
        quiet_fit(net, (INK, LABELS), epochs=1, params=params(net, other))
    assert_same_weights(net, make(DenseNet))


def test_frozen_parameters_alone_are_refused():
    net = make(DenseNet)
    net.fc1.requires_grad_(False)
    with pytest.raises(ValueError, match="all params are frozen"):
        quiet_fit(net, (INK, LABELS), epochs=1, params=net.fc1.parameters())
    quiet_fit(net, (INK, LABELS), epochs=1, params=net.named_parameters())
    assert torch.equal(net.fc1.weight, make(DenseNet).fc1.weight)
    assert not torch.equal(net.out.bias, make(DenseNet).out.bias)


def test_an_optimiser_of_another_network_is_refused():
    net, other = make(DenseNet), make(DenseNet)
    loader, history = [(to_input(INK), LABELS)], History(planned_epochs=1, steps_per_epoch=1)
    for sgd, error, words in [
        (torch.optim.SGD(other.parameters(), lr=0.1), ValueError, "sgd holds no parameter of net"),
        (torch.optim.SGD, TypeError, "sgd must be an optimiser.*the class SGD"),
        (0.1, TypeError, "sgd must be an optimiser.*float"),
    ]:
        with pytest.raises(error, match=words):
            train_network(net, loader, 1, nn.CrossEntropyLoss(), sgd)
        with pytest.raises(error, match=words):
            train_epoch(net, loader, sgd, history)


def test_a_loss_function_is_an_object_and_gives_one_number():
    loader = [(to_input(INK), LABELS)]
    for loss_function, error, words in [
        (nn.CrossEntropyLoss, TypeError, r"loss_function is the class.*CrossEntropyLoss\(\)"),
        ("cross entropy", TypeError, "loss_function must be a function"),
        (nn.CrossEntropyLoss(reduction="none"), ValueError, r"one number.*\[4\].*epoch 1, step 1"),
    ]:
        with pytest.raises(error, match=words):
            train_and_test_network(make(DenseNet), 1, 0.1, 0, loss_function, loader, loader)


# Loaders

X = to_input(IMAGES)
ODD_BATCHES = [
    ((X, LABELS[:, None]), ValueError, r"need 4 labels.*\[4, 1\]: labels.flatten"),
    ((X, F.one_hot(LABELS, 10)), ValueError, r"need 4 labels.*\[4, 10\]: labels.argmax"),
    ((X, F.one_hot(LABELS, 10).float()), ValueError, r"need 4 labels.*\[4, 10\]"),
    ((X, LABELS[:3]), ValueError, r"need 4 labels, \[4\], not \[3\]"),
    ((X, LABELS[0]), ValueError, r"need 4 labels, \[4\], not \[\]"),
    ((X, LABELS + 1), ValueError, "digits 0 to 9; these reach from 1 to 10"),
    ((X, LABELS + 0.5), TypeError, "no whole numbers"),
    ((X, ("five", "two")), TypeError, "labels of .*tuple"),
    ((X, None), TypeError, "labels of .*NoneType"),
    ((X[:0], LABELS[:0]), ValueError, "an empty batch"),
    ((IMAGES, LABELS), TypeError, r"float32 \[n, 1, 28, 28\].*torch.uint8"),
    ((["a"], LABELS), TypeError, r"float32 \[n, 1, 28, 28\].*list"),
    ((X[:, 0], LABELS), ValueError, "batch"),
    ((X, LABELS, LABELS), TypeError, "pairs .*tuple"),
    ({"image": X, "label": LABELS}, TypeError, "pairs .*dict"),
    (X, TypeError, "pairs .*Tensor"),
    ((X[0], 5), ValueError, "need 1 labels"),
]


@pytest.mark.parametrize(("batch", "error", "words"), ODD_BATCHES)
def test_odd_batches_are_one_sentence(batch, error, words):
    net = ConvNetSimple()
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    for call in (
        lambda: test_network(net, [batch]),
        lambda: train_network(net, [batch], 1, nn.CrossEntropyLoss(), sgd),
        lambda: train_epoch(net, [batch], sgd, History(planned_epochs=1, steps_per_epoch=1)),
    ):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize(
    "loader",
    [None, DataLoader, 5, "train", X, {0: (X, LABELS)}, TensorDataset(X, LABELS)],
    ids=lambda loader: type(loader).__name__,
)
def test_what_is_no_loader_is_refused(loader):
    with pytest.raises(TypeError, match="test_loader must yield batches"):
        test_network(DenseNet(), loader)


def test_a_pair_is_no_loader_but_batches_of_it_are(few):
    with pytest.raises(TypeError, match=r"pairs.*Batches\(images, labels\).*Tensor"):
        test_network(make(DenseNet), few)
    assert test_network(make(DenseNet), Batches(*few)) == evaluate(make(DenseNet), *few)


def test_batches_of_arrays_lists_and_other_whole_numbers_are_taken():
    net = make(DenseNet)
    labels = predict(net, INK)
    x = to_input(INK)
    for batch in [
        (x.numpy(), labels.numpy()),
        (x.double().numpy(), labels.tolist()),
        [list(x), list(labels)],
        (x, labels.int()),
        (x, labels.float()),
        (x, labels.to(torch.uint8)),
    ]:
        assert test_network(net, [batch]) == 1
        sgd = torch.optim.SGD(net.parameters(), lr=1e-9)
        train_network(net, [batch], 1, nn.CrossEntropyLoss(), sgd)


# Numbers

BAD_NUMBERS = [
    ("epochs", -1, ValueError, "epochs must be at least 0, not -1"),
    ("epochs", 2.5, TypeError, "epochs must be a whole number, an int, not 2.5"),
    ("epochs", "3", TypeError, "epochs must be a whole number, an int, not '3'"),
    ("epochs", None, TypeError, "epochs must be a whole number, an int, not None"),
    ("epochs", True, TypeError, "epochs must be a whole number, an int, not True"),
    ("lr", 0, ValueError, "learning rate, lr, must be a number above 0, not 0"),
    ("lr", -0.1, ValueError, "learning rate, lr, must be a number above 0, not -0.1"),
    ("lr", math.nan, ValueError, "learning rate, lr, must be a number above 0, not nan"),
    ("lr", math.inf, ValueError, "learning rate, lr, must be a number above 0, not inf"),
    ("lr", "0.1", TypeError, "learning rate, lr, must be a number, a float, not '0.1'"),
    ("lr", None, TypeError, "learning rate, lr, must be a number, a float, not None"),
    ("lr", True, TypeError, "learning rate, lr, must be a number, a float, not True"),
    ("weight_decay", -1e-5, ValueError, "weight decay must be 0 or a number above it, not -1e-05"),
    ("weight_decay", math.nan, ValueError, "weight decay must be 0 or a number above it, not nan"),
    ("weight_decay", "1", TypeError, "weight decay must be a number, a float, not '1'"),
    ("weight_decay", None, TypeError, "weight decay must be a number, a float, not None"),
    ("batch_size", 0, ValueError, "batch_size must be at least 1, not 0"),
    ("batch_size", -10, ValueError, "batch_size must be at least 1, not -10"),
    ("batch_size", 2.0, TypeError, "batch_size must be a whole number, an int, not 2.0"),
    ("batch_size", None, TypeError, "batch_size must be a whole number, an int, not None"),
    ("max_steps", -1, ValueError, "max_steps must be at least 0, not -1"),
    ("max_steps", 1.5, TypeError, "max_steps must be a whole number, an int, not 1.5"),
    ("seed", "a", TypeError, "seed must be a whole number, an int, not 'a'"),
    ("seed", 1.0, TypeError, "seed must be a whole number, an int, not 1.0"),
    ("seed", -1, ValueError, "seed must be at least 0, not -1"),
    ("seed", 2**64, ValueError, "seed must be at most 18446744073709551615"),
    ("epochs", 60.0, TypeError, "epochs must be a whole number, an int, not 60.0"),
    ("epochs", np.float64(60), TypeError, "epochs must be a whole number, an int, not"),
    ("epochs", np.bool_(True), TypeError, "epochs must be a whole number, an int, not"),
    ("epochs", torch.tensor(2.0), TypeError, "epochs must be a whole number, an int, not"),
    ("epochs", [3], TypeError, "epochs must be a whole number, an int, not [3]"),
    ("batch_size", 10**30, ValueError, "batch_size must be at most 9223372036854775807"),
    ("lr", 10**400, ValueError, "learning rate, lr, must be a number above 0, not inf"),
    ("lr", 0.1j, TypeError, "learning rate, lr, must be a number, a float, not 0.1j"),
    ("lr", np.bool_(True), TypeError, "learning rate, lr, must be a number, a float, not"),
    ("lr", torch.tensor([0.1]), TypeError, "learning rate, lr, must be a number, a float, not"),
    ("lr", [0.1], TypeError, "learning rate, lr, must be a number, a float, not [0.1]"),
]


@pytest.mark.parametrize(("name", "value", "error", "words"), BAD_NUMBERS)
def test_a_number_that_makes_no_sense_is_one_sentence(name, value, error, words):
    net = make(DenseNet)
    with pytest.raises(error, match=re.escape(words)):
        quiet_fit(net, (IMAGES, LABELS), **({"epochs": 1} | {name: value}))
    assert_same_weights(net, make(DenseNet))


ARTICLES_NAMES = {"epochs": "num_epochs", "lr": "lr", "weight_decay": "wd"}


@pytest.mark.parametrize(
    ("name", "value", "error", "words"), [row for row in BAD_NUMBERS if row[0] in ARTICLES_NAMES]
)
def test_the_articles_function_refuses_the_same(name, value, error, words):
    loader = [(to_input(IMAGES), LABELS)]
    argument = {ARTICLES_NAMES[name]: value}
    with pytest.raises(error, match=re.escape(words)):
        train_and_test_network(make(DenseNet), train_loader=loader, test_loader=loader, **argument)


def test_a_learning_rate_of_numpy_is_a_number():
    """As in `for lr in np.logspace(-2, 0, 5)`."""
    rates = np.logspace(-2, 0, 3)
    train = [IMAGES, LABELS]
    histories = [quiet_fit(make(DenseNet), train, epochs=2, lr=lr, batch_size=3) for lr in rates]
    assert [history.steps for history in histories] == [4, 4, 4]


def test_numbers_of_numpy_and_of_torch_are_numbers():
    expected = make(DenseNet)
    quiet_fit(expected, (INK, LABELS), epochs=2, lr=0.5, batch_size=3, seed=7, weight_decay=0.25)
    for whole, real in [
        (np.int64, np.float64),
        (np.uint8, np.float32),
        (np.int32, np.float16),
        (torch.tensor, torch.tensor),
        (np.array, np.array),
    ]:
        net = make(DenseNet)
        numbers = {"epochs": whole(2), "batch_size": whole(3), "seed": whole(7)}
        rates = {"lr": real(0.5), "weight_decay": real(0.25)}
        history = quiet_fit(net, (INK, LABELS), max_steps=whole(99), **numbers, **rates)
        assert_same_weights(net, expected)
        assert str(history) == "2 of 2 epochs (4 steps)"
    quiet_fit(make(DenseNet), (INK, LABELS), epochs=1, lr=1, seed=2**64 - 1, batch_size=2**62)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0])
def test_batch_sizes_are_whole_and_positive_everywhere(batch_size):
    for call in (
        lambda: Batches(IMAGES, LABELS, batch_size),
        lambda: predict(make(DenseNet), IMAGES, batch_size),
    ):
        with pytest.raises((TypeError, ValueError), match="batch_size must be"):
            call()


def test_an_empty_loader_is_refused():
    net, full = make(DenseNet), [(to_input(IMAGES), LABELS)]
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="train_loader yields no images in pass 1"):
        train_network(net, [], 1, nn.CrossEntropyLoss(), sgd)
    with pytest.raises(ValueError, match="batches yields no images in pass 1"):
        train_epoch(net, [], sgd, History(planned_epochs=1, steps_per_epoch=1))
    with pytest.raises(ValueError, match="test_loader yields no images"):
        test_network(net, [])
    once = (batch for batch in full)
    with pytest.raises(ValueError, match=r"train_loader yields no images in pass 2.*generator"):
        train_and_test_network(net, 2, train_loader=once, test_loader=full)


def test_expanded_data_trains_as_it_is(few):
    train = expand(*part(few, 20))
    assert quiet_fit(make(ConvNetSimple), train, epochs=1).steps == 10


# The checks as such


def test_a_checked_function_looks_like_itself():
    assert str(inspect.signature(predict)).startswith("(net: torch.nn.modules.module.Module")
    assert inspect.signature(fit).parameters["epochs"].kind is inspect.Parameter.KEYWORD_ONLY
    assert inspect.signature(Batches).parameters["batch_size"].default == 10
    assert fit.__doc__.startswith("Train `net` in place")
    assert (fit.__name__, fit.__module__) == ("fit", "mnistconv.training")
    assert "def fit(" in inspect.getsource(fit)


def test_a_wrong_call_is_pythons_own_error():
    net = DenseNet()
    for call, words in [
        (lambda: fit(net, (INK, LABELS), lr=0.1), r"fit\(\) missing 1 required.*'epochs'"),
        (lambda: fit(net, (INK, LABELS), None, 5), r"fit\(\) takes .* positional"),
        (lambda: fit(net, (INK, LABELS), epochs=1, lr=1, learning=1), "unexpected.*'learning'"),
        (lambda: evaluate(net, INK), r"evaluate\(\) missing 1 required.*'labels'"),
        (lambda: evaluate(net, INK, LABELS, net=net), "multiple values.*'net'"),
        (lambda: predict(), r"predict\(\) missing 2 required"),
        (lambda: Batches(INK, LABELS, 1, True, 2), "positional"),
    ]:
        with pytest.raises(TypeError, match=words):
            call()


def test_checkers_convert_and_compare():
    def smaller(low, high=9, **_):
        if low > high:
            raise ValueError(f"{low} > {high}")

    @checks.arguments(smaller, low=lambda value, name: int(value))
    def between(low, *, high=9):
        return low, high

    assert between("3") == (3, 9)
    assert between(low="3", high=5) == (3, 5)
    with pytest.raises(ValueError, match="3 > 2"):
        between("3", high=2)

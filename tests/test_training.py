"""Training: `fit` against a plain loop, what ends it early, the article's functions, bad input."""

import math
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

import mnistconv
from mnistconv import data, training
from mnistconv.data import expand, get_dataset, to_input
from mnistconv.devices import pick_device
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


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_an_absent_device_is_one_sentence(device, few):
    net = make(DenseNet)
    with pytest.raises(ValueError, match=rf"device '{device}'.*\"auto\" or \"cpu\"") as caught:
        quiet_fit(net, few, epochs=1, device=device)
    assert "\n" not in str(caught.value)
    assert_same_weights(net, make(DenseNet))


def test_fit_trains_on_the_device_that_auto_picks(few):
    net = make(DenseNet)
    history = fit(net, part(few, 50), part(few, 50), epochs=1, lr=0.1, verbose=False)
    assert net.out.bias.device.type == pick_device().type
    assert len(history.test_accuracy) == 1
    assert predict(net, few[0][:5]).device.type == "cpu"


# Bad input

IMAGES = torch.zeros(4, 28, 28, dtype=torch.uint8)
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

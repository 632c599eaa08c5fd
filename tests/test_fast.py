"""The fast recipe: its network, its ways, the time that is taken, what is claimed of it."""

import dataclasses
import json
import math
import statistics
import subprocess
import sys
import time

import pytest
import torch
import torch.nn.functional as F
from small import changed
from torch import nn

from mnistconv import fast, figures
from mnistconv.__main__ import main
from mnistconv.data import get_dataset, to_input
from mnistconv.experiments import EXPERIMENTS
from mnistconv.networks import DenseNet
from mnistconv.records import load_network, load_records
from mnistconv.records.intervals import t_interval
from mnistconv.records.scores import percents
from mnistconv.records.speed import load_speed
from mnistconv.records.store import RESULTS, read_record
from mnistconv.reproduce import runs, speed
from mnistconv.training import Batches

FLOOR, CEILING = 99.0, 6.0  # percent, seconds: the claim of chapter 14


@pytest.fixture
def digits(mnist):
    (images, labels), _ = mnist
    return images[:300], labels[:300]


# The network


def test_the_fast_network_computes_what_its_docstring_says(few):
    """Against the same arithmetic from PyTorch's functions, in eval mode and in training."""
    torch.manual_seed(1)
    net = fast.FastNet()
    x = to_input(few[0])
    for training in (True, False):
        net.train(training)

        def norm(values, layer, training=training):
            axes = [0, 2, 3][: values.dim() - 1]
            shape = [1, -1, 1, 1][: values.dim()]
            mean, var = layer.running_mean, layer.running_var
            if training:
                mean, var = values.mean(axes), values.var(axes, correction=0)
            values = (values - mean.view(shape)) / (var.view(shape) + layer.eps).sqrt()
            return values * layer.weight.view(shape) + layer.bias.view(shape)

        y = F.max_pool2d(F.conv2d(x[:, :, 2:26, 2:26], net.conv1.weight), 2)
        y = norm(y, net.norm1).relu()
        y = norm(F.max_pool2d(F.conv2d(y, net.conv2.weight), 2), net.norm2).relu()
        y = norm(y.flatten(1) @ net.fc1.weight.T, net.norm3).relu()
        torch.testing.assert_close(net(x), net.out(y), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("net", "parameters"),
    [
        (fast.FastNet(), 36_690),
        (fast.FastNet(maps=(20, 40), border=0), 500 + 40 + 20_000 + 80 + 64_000 + 200 + 1_010),
        (fast.PlainNet(), 36_690 - (8 + 32 + 100)),
    ],
    ids=["fast", "as large as the ReLU network", "plain"],
)
def test_sizes(net, parameters):
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert net(torch.rand(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("wrong", [{"units": 0}, {"border": 6}, {"border": -1}, {"units": 2.5}])
def test_a_network_that_cannot_be_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
        fast.FastNet(**wrong)


def test_no_weight_reads_the_border():
    """Where MNIST has hardly any ink: two pixels all around."""
    net = fast.FastNet().eval()
    x = torch.rand(1, 1, 28, 28)
    other = x.clone()
    other[:, :, 2:26, 2:26] = 0
    other = x - other + torch.rand(1, 1, 28, 28) * (other == x)
    assert not torch.equal(x, other)
    assert torch.equal(net(x), net(other))


# The ways


def test_each_way_changes_one_thing_of_the_one_before():
    changes = []
    for before, way in zip(fast.WAYS, fast.WAYS[1:], strict=False):
        fields = [field.name for field in dataclasses.fields(fast.Way) if field.name != "title"]
        changes.append({f for f in fields if getattr(before, f) != getattr(way, f)})
    assert changes == [
        {"batches"}, {"channels_last"}, {"batch_size"}, {"momentum"}, {"one_cycle", "lr"},
        {"network"}, {"label_smoothing"}, {"network"}, {"network"}, {"lr"},
    ]  # fmt: skip
    assert fast.WAYS[-1] is fast.FAST


def test_the_first_way_is_the_articles_recipe_for_one_epoch():
    recipe, way = EXPERIMENTS["relu"].recipe, fast.ARTICLE
    assert (way.network, way.lr, way.weight_decay, way.batch_size, way.momentum) == (
        recipe.network, recipe.lr, recipe.weight_decay, recipe.batch_size, recipe.momentum,
    )  # fmt: skip


def test_the_articles_loader_gives_the_first_digits_of_mnist(mnist):
    (images, labels), _ = mnist
    loader = fast.one_by_one(images[:70], labels[:70], 10)
    found = [(x.sum().item(), y.item()) for batch in loader for x, y in zip(*batch, strict=True)]
    assert len(loader) == 7
    digits = get_dataset(train=True)
    expected = [(x.sum().item(), y) for x, y in (digits[k] for k in range(70))]
    torch.testing.assert_close(torch.tensor(sorted(found)), torch.tensor(sorted(expected)))


def test_titles_tell_the_ways_apart():
    titles = [way.title for way in fast.WAYS + fast.WITHOUT]
    assert len(set(titles)) == len(titles)


# The training


@pytest.mark.parametrize("way", fast.WAYS[1:], ids=lambda way: way.title)
def test_a_way_learns_as_its_steps_say(way, digits):
    """Against momentum, rate and smoothed labels written out."""
    images, labels = (part[:128] for part in digits)
    way = dataclasses.replace(way, batch_size=min(way.batch_size, 32))
    net, _ = fast.train_once(way, (images, labels), seed=3, max_steps=3)
    torch.manual_seed(3)
    expected = way.network()
    torch.manual_seed(3)
    order = torch.randperm(128).split(way.batch_size)
    rates = one_cycle(way.lr, len(order)) if way.one_cycle else [way.lr] * len(order)
    speeds = [torch.zeros_like(p) for p in expected.parameters()]
    for batch, lr in list(zip(order, rates, strict=True))[:3]:
        wanted = F.one_hot(labels[batch], 10) * (1 - way.label_smoothing) + way.label_smoothing / 10
        logits = expected(to_input(images[batch]))
        loss = -(wanted * F.log_softmax(logits, dim=1)).sum(1).mean()
        gradients = torch.autograd.grad(loss, list(expected.parameters()))
        with torch.no_grad():
            for p, gradient, moving in zip(expected.parameters(), gradients, speeds, strict=True):
                moving.mul_(way.momentum).add_(gradient + way.weight_decay * p)
                p -= lr * moving
    for a, b in zip(net.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def one_cycle(lr: float, steps: int) -> list[float]:
    """Up on a cosine from lr/25 in 30 % of the steps, down on another to lr/250,000."""

    def cosine(start, end, share):
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    peak = 0.3 * steps - 1
    return [
        cosine(lr / 25, lr, k / peak)
        if k <= peak
        else cosine(lr, lr / 25e4, (k - peak) / (steps - 1 - peak))
        for k in range(steps)
    ]


def test_the_recorded_recipe_is_the_last_way_to_the_bit(tmp_path, little_data, monkeypatch):
    """One seed by `reproduce`, the same by the loop that takes the time."""
    experiment = changed(EXPERIMENTS["fast"], batch_size=16)
    monkeypatch.setitem(EXPERIMENTS, "fast", experiment)
    path = runs.run(experiment, 0, tmp_path)
    way = dataclasses.replace(fast.FAST, batch_size=16)
    net, _ = fast.train_once(way, little_data[0], seed=0)
    recorded = load_network("fast", 0, tmp_path).state_dict()
    for name, value in net.state_dict().items():
        assert torch.equal(value, recorded[name]), name
    record = read_record(path, experiment)
    net.eval()
    answers = net(to_input(little_data[1][0])).argmax(dim=1)
    assert torch.equal(record.answers, answers)


def test_the_row_of_the_table_is_the_last_way():
    recipe, way = EXPERIMENTS["fast"].recipe, fast.FAST
    assert (recipe.network, recipe.epochs, recipe.lr, recipe.batch_size, recipe.momentum) == (
        way.network, 1, way.lr, way.batch_size, way.momentum,
    )  # fmt: skip
    assert (recipe.weight_decay, recipe.label_smoothing) == (way.weight_decay, way.label_smoothing)
    assert recipe.schedule == "one-cycle" and way.one_cycle
    assert EXPERIMENTS["fast"].seeds == tuple(range(20))


def test_the_time_is_processor_time_from_the_first_line_on(digits):
    """A sleep is not counted, work in making network and batches is."""

    def work(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    def network():
        work(0.2)
        return DenseNet()

    def batches(*arguments):
        time.sleep(0.3)
        work(0.2)
        return Batches(*arguments)

    way = fast.Way("slow", network, batches)
    _, seconds = fast.train_once(way, digits, seed=0, max_steps=1)
    assert 0.4 <= seconds < 0.65


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"seed": -1}, "seed"), ({"max_steps": 1.5}, "max_steps"), ({"seed": 2**70}, "seed")],
)
def test_arguments_that_make_no_sense_are_named(wrong, said, digits):
    with pytest.raises((TypeError, ValueError), match=said):
        fast.train_once(fast.FAST, digits, **{"seed": 0} | wrong)
    with pytest.raises((TypeError, ValueError), match="train"):
        fast.train_once(fast.FAST, digits[0], seed=0)


SECOND_STEP = """
import sys
from mnistconv import fast, load_mnist
train, _ = load_mnist()
fast.warm_up(train)
before = set(sys.modules)
for way in (fast.ARTICLE, fast.FAST):
    fast.train_once(way, train, seed=1, max_steps=2)
print(sorted(set(sys.modules) - before))
"""


def test_after_the_warm_up_nothing_is_imported_under_the_clock():
    found = subprocess.run(
        [sys.executable, "-c", SECOND_STEP], capture_output=True, text=True, timeout=120
    )
    assert found.stdout.strip() == "[]", found.stderr


def test_a_short_run_keeps_the_rates_of_the_whole_one(digits):
    short, _ = fast.train_once(fast.FAST, digits, seed=0, max_steps=1)
    begun, _ = fast.train_once(dataclasses.replace(fast.FAST, lr=0.8), digits, seed=0, max_steps=1)
    torch.manual_seed(0)
    start = fast.FastNet()
    one = (short.out.bias - start.out.bias).norm()
    assert ((begun.out.bias - start.out.bias).norm() / one).item() == pytest.approx(2, rel=0.01)


# What was measured


def test_bars_are_as_long_as_the_seconds_and_dots_stand_at_the_accuracies():
    seconds = {"slow": 20.0, "poor": 5.0, "quick": 2.5}
    accuracy = {"slow": [0.98, 0.981], "poor": [0.92, 0.93], "quick": [0.991]}
    left, right = figures.shrinking_bars(seconds, accuracy).axes
    assert [bar.get_width() for bar in left.patches] == [20, 5, 2.5]
    assert [label.get_text() for label in left.get_yticklabels()] == list(seconds)
    dots = [line.get_xdata() for line in right.lines if line.get_marker() == "o"]
    assert dots[0] == pytest.approx([98, 98.1]) and dots[2] == pytest.approx([99.1])
    assert dots[1] == pytest.approx([96.5, 96.5])  # at the edge, with the mean beside them
    assert [text.get_text().strip() for text in right.texts] == ["92.5"]


@pytest.fixture
def quick(monkeypatch):
    """Runs that take no time: (way, number of digits, seed) of each, in their order."""
    seen = []

    def run_once(way, train, *, seed, max_steps=None):
        seen.append((way.title, len(train[1]), seed))
        return DenseNet(), 20.0 if way is fast.ARTICLE else 2.0

    monkeypatch.setattr(speed, "train_once", run_once)
    monkeypatch.setattr(speed, "warm_up", lambda train: None)
    monkeypatch.setattr(speed, "evaluate", lambda net, images, labels: 0.99)
    return seen


def test_a_race_takes_turns(quick, mnist, capsys):
    article, found = speed.race(*mnist, range(7))
    first, last = fast.ARTICLE.title, speed.RECIPE.title
    assert [title for title, *_ in quick] == [first, *[last] * 5, first, *[last] * 2]
    assert [seed for title, _, seed in quick if title == last] == list(range(7))
    assert {size for _, size, _ in quick} == {60_000}
    assert (len(article.seconds), len(found.seconds)) == (2, 7)
    said = speed.describe(article, found)
    assert "99.00% of the test digits after 2.0 s of one core, mean of 7 seeds" in said
    assert "10.0 times as quick" in said
    assert capsys.readouterr().out.count("\n") == 9


def test_every_way_is_measured_on_digits_that_are_held_out(quick, mnist):
    speed.measure(*mnist, [4])
    first = [entry for entry in quick if entry[1] == 50_000]
    ways = [way.title for way in fast.WAYS + fast.WITHOUT]
    assert first == [(title, 50_000, seed) for seed in range(5) for title in ways]
    assert quick[len(first) :] == [(fast.ARTICLE.title, 60_000, 0), (speed.RECIPE.title, 60_000, 4)]


def run_fast(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["mnistconv", "fast", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_the_command_prints_both_and_the_ratio(quick, monkeypatch, capsys):
    assert run_fast(monkeypatch) == 0
    out = capsys.readouterr().out
    assert [seed for title, _, seed in quick if title == speed.RECIPE.title] == [0, 1, 2]
    assert "mean of 3 seeds" in out and "10.0 times as quick" in out


def test_what_is_measured_is_written_and_read_again(quick, monkeypatch, tmp_path, capsys):
    assert run_fast(monkeypatch, "--into", str(tmp_path / "speed.json")) == 0
    found = load_speed(tmp_path)
    assert [way.title for way in found.ways] == [way.title for way in fast.WAYS]
    assert len(found.fast.seconds) == 20 and len(found.article.seconds) == 4
    assert found.ratio == pytest.approx(10)
    assert found.fast.mean_accuracy == pytest.approx(0.99)


def test_times_that_cannot_be_written_in_the_end_go_to_a_place_that_works(
    quick, monkeypatch, tmp_path, capsys
):
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.chdir(tmp_path)
    measure = speed.measure

    def lose_the_folder(*arguments):
        there.rmdir()
        there.write_bytes(b"a file now")
        return measure(*arguments)

    monkeypatch.setattr(speed, "measure", lose_the_folder)
    assert run_fast(monkeypatch, "--into", str(there / "speed.json"), "--seeds", "0-4") == 2
    (kept,) = tmp_path.glob("*/speed.json")
    said = capsys.readouterr()
    assert f"the times lie in {kept} instead" in said.err and "10.0 times as quick" in said.out
    assert len(load_speed(kept.parent).fast.seconds) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "x"], "--seeds 'x'"),
        (["--seeds", ""], "--seeds ''"),
        (["--seeds", "3-1"], "comes before"),
        (["--into", "/nowhere/speed.json"], "there is no folder /nowhere"),
    ],
)
def test_bad_arguments_are_one_sentence_before_any_training(
    arguments, said, quick, monkeypatch, capsys
):
    assert run_fast(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert quick == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ways": [1], "without": []}', "no JSON"])
def test_a_file_of_something_else_is_named(text, tmp_path):
    (tmp_path / "speed.json").write_text(text)
    with pytest.raises(ValueError, match=r"speed\.json does not hold"):
        load_speed(tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["fast", "seconds", 0], math.nan),
        (["fast", "seconds", 0], 0.0),
        (["fast", "seconds", 0], "3"),
        (["fast", "seconds"], []),
        (["article", "accuracy", 0], 98.2),
        (["ways"], []),
        (["ways", 0, "seeds"], [0, 1]),
        (["device_name"], None),
    ],
)
def test_a_damaged_file_is_named(path, value, tmp_path):
    content = json.loads((RESULTS / "speed.json").read_text(encoding="utf-8"))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (tmp_path / "speed.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"speed\.json does not hold"):
        load_speed(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "speed.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"speed\.json"):
        load_speed(tmp_path)


def test_without_the_file_the_error_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"speed\.json"):
        load_speed(tmp_path)


def test_the_file_has_todays_ways_and_the_recorded_seeds():
    found = load_speed()
    assert [way.title for way in found.ways] == [way.title for way in fast.WAYS]
    assert [way.title for way in found.without] == [way.title for way in fast.WITHOUT]
    assert {len(way.seconds) for way in found.ways + found.without} == {speed.SEEDS_A_WAY}
    recorded = [record.final_accuracy for record in load_records("fast")]
    assert found.fast.accuracy == recorded
    assert found.fast.seeds == list(range(20))


def test_the_claim_holds_for_the_twenty_records():
    """The mean of seeds 0 to 19, and the seconds that the same runs took; with room to spare."""
    percent, _ = percents(EXPERIMENTS["fast"])
    assert [record.seed for record in load_records("fast")] == list(range(20))
    assert t_interval(percent)[0] > FLOOR
    found = load_speed()
    assert statistics.mean(found.fast.seconds) < max(found.fast.seconds) < CEILING
    assert found.ratio > 4


@pytest.mark.slow
def test_one_seed_reaches_what_the_records_say(mnist):
    """On any machine: its accuracy, and its processor time as a ratio to the article's loop.

    The article's loop is timed on a tenth of an epoch, before and after.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train, test = mnist
        _, before = fast.train_once(fast.ARTICLE, train, seed=0, max_steps=600)
        net, seconds = fast.train_once(fast.FAST, train, seed=0)
        _, after = fast.train_once(fast.ARTICLE, train, seed=0, max_steps=600)
    finally:
        torch.set_num_threads(threads)
    assert isinstance(net, nn.Module)
    assert speed.evaluate(net, *test) > 0.985
    assert 5 * (before + after) / seconds > 3


def test_the_file_is_json_that_people_can_read(quick, mnist):
    content = json.loads(speed.to_json(speed.measure(*mnist, [0])))
    assert list(content) == ["device_name", "versions", "ways", "without", "article", "fast"]

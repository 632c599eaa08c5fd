"""The benchmark's own logic: what it counts, compares, prints and refuses. Nothing is timed."""

import copy
import importlib
import re
import subprocess
import sys

import pytest
import torch
from book import NAMES, REPOSITORY, read_notebook
from torch import nn

from mnistconv.experiments import EXPERIMENTS

FOLDER = REPOSITORY / "tests" / "benchmarks"
sys.path.insert(0, str(FOLDER))

bench_site, bench_training, loops, peers, report, tried = map(
    importlib.import_module, ("bench_site", "bench_training", "loops", "peers", "report", "tried")
)

NETWORKS = pytest.mark.parametrize("network", list(report.MFLOP))


# Operations


@NETWORKS
def test_operations_follow_from_the_layers_shapes(network):
    """Multiplications in each layer, counted where the images pass through it."""
    products = []

    def count(layer, inputs, output):
        values_of_one_image = output[0].numel()
        products.append(values_of_one_image * layer.weight[0].numel())

    net = EXPERIMENTS[network].recipe.network()
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(count)
    net(torch.zeros(1, 1, 28, 28))
    forward, backward = sum(products), 2 * sum(products) - products[0]
    assert round(2 * (forward + backward) / 1e6, 2) == report.MFLOP[network]


def test_every_row_of_the_article_is_timed_as_its_own_network():
    rows = [name for name, experiment in EXPERIMENTS.items() if experiment.article is not None]
    assert list(report.TIMED_AS) == rows
    for row, network in report.TIMED_AS.items():
        assert EXPERIMENTS[row].recipe.network is EXPERIMENTS[network].recipe.network


# Tables


def test_ratios_and_shares_are_medians_of_those_within_a_round():
    first = report.Timing("first", 100, [2.0, 4.0, 9.0])
    other = report.Timing("other", 200, [2.0, 12.0, 9.0])
    assert other.epoch_seconds == 9.0 / 200 * 60_000
    assert other.ratio_to(first) == 0.5  # of 0.5, 1.5, 0.5
    limits = [200 * 9.22e6, 200 * 9.22e6, 200 * 9.22e6]
    assert other.share_of(limits, "relu") == pytest.approx(1 / 9)  # of 1/2, 1/12, 1/9


def timings() -> dict[str, list[report.Timing]]:
    """Two loops, one and two milliseconds an image in every network but the last: ten."""
    paces = {network: 0.001 for network in report.MFLOP} | {"dropout-lr0.03": 0.01}
    return {
        network: [
            report.Timing("slow", 1000, [2000 * pace], note="loss 2.3"),
            report.Timing("quick", 1000, [1000 * pace], note="loss 2.3, same bits"),
        ]
        for network, pace in paces.items()
    }


LIMITS = {network: [1e11] for network in report.MFLOP}


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_table_of_networks():
    table = cells(report.network_table(timings(), LIMITS, {("relu", "quick"): 0.55}))
    assert table[0][:5] == ["network", "loop", "s / epoch", "ratio", "% of limit"]
    assert len(table) == 2 + 8
    assert table[6][:4] == ["relu", "slow", "120.0", "1.00"]
    assert table[7] == ["relu", "quick", "60.0", "0.50 (aim 0.55)", "9", "loss 2.3, same bits"]


def test_what_was_tried_is_no_row_of_the_other_tables():
    kept = report.leave_out(timings(), ["quick"])
    assert [timing.loop for of_network in kept.values() for timing in of_network] == ["slow"] * 4


def test_what_was_tried_stands_beside_the_trainer():
    sentence, table = report.tried_table(timings(), "quick", ["slow"]).split("\n\n")
    assert "`quick`" in sentence
    table = cells(table)
    assert table[0][1:] == list(report.MFLOP)
    assert table[2] == ["slow", "2.00", "2.00", "2.00", "2.00"]
    assert report.tried_table(timings(), "quick", []) == ""
    assert report.tried_table(timings(), "not timed", ["slow"]) == ""


def test_the_hours_of_the_seven_rows():
    """60 + 60 + 60 + 60 + 300 epochs of 60 s, and twice 200 epochs of 600 s."""
    quick = (540 * 60 + 400 * 600) / 3600
    table = cells(report.hours_table(timings(), LIMITS))
    assert table[2] == ["slow", f"{2 * quick:.2f}", f"{quick:.2f}", "1.00"]
    assert table[3] == ["quick", f"{quick:.2f}", f"{quick / 2:.2f}", "0.50"]
    mflop = 60 * 2.89 + (60 + 60 + 60 + 300) * 9.22 + 400 * 18.73
    assert table[4][:2] == ["arithmetic alone, at the limit", f"{mflop * 0.06 / 100 / 3.6:.2f}"]


def test_hours_on_two_cores_are_at_least_those_of_the_longest_row():
    one_long = {network: 0.0 for network in report.MFLOP} | {"simple": 60.0}
    some = {network: [report.Timing("a", 60_000, [one_long[network]])] for network in one_long}
    table = cells(report.hours_table(some, LIMITS))
    assert table[2][1:3] == ["1.00", "1.00"]


def test_no_hours_without_every_network():
    some = {"relu": timings()["relu"]}
    assert report.hours_table(some, LIMITS) == ""


def test_the_committed_page_is_what_the_benchmark_writes():
    page = (REPOSITORY / "results" / "benchmark.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- benchmark -->\n(.*)<!-- /benchmark -->", page, re.S).group(1)
    rows = [line.strip("|").split("|") for line in block.splitlines() if line.startswith("| ")]
    found = {(row[0].strip(), row[1].strip()) for row in rows if len(row) == 6}
    kinds = (*loops.LOOPS, *peers.PEERS)
    assert found - {("network", "loop")} == {
        (network, kind.name) for network in report.MFLOP for kind in kinds
    }


# What a loop has learned


@pytest.mark.slow
def test_every_loop_of_ours_learns_what_the_articles_does(mnist):
    train, _ = mnist
    few = tuple(tensor[:100] for tensor in train)
    for network in ("relu", "dropout-lr0.03"):
        experiment, dataset = EXPERIMENTS[network], bench_training.get_dataset(train=True)
        kinds = (*loops.LOOPS, *tried.TRIED)
        made = [kind(experiment, train, dataset) for kind in kinds]
        for loop in made:
            loop.train(3, 4)
        article, start = made[0].network(), loops.first_network(experiment)
        for loop in made:
            bench_training.learned_the_same(loop.network(), article, start, few)
        assert all(map(torch.equal, made[1].net.parameters(), article.parameters()))


def test_what_a_loop_has_learned_is_said_beside_the_articles(few):
    start, article = (loops.first_network(EXPERIMENTS["relu"]) for _ in range(2))
    with torch.no_grad():
        article.fc1.bias += 0.1
    same, other = copy.deepcopy(article), copy.deepcopy(article)
    with torch.no_grad():
        other.fc1.bias[3] += 0.004
    notes = [
        bench_training.learned_the_same(n, article, start, few) for n in (article, same, other)
    ]
    assert "," not in notes[0]
    assert notes[1].endswith("same bits")
    assert notes[2].endswith("weights within 4e-03")


@pytest.mark.slow
@pytest.mark.parametrize("steps_more", [-1, 1])
def test_a_loop_that_trains_otherwise_is_found_out(steps_more, mnist, monkeypatch):
    train, _ = mnist

    class Wrong(loops.Fit):
        def train(self, seed, steps):
            super().train(seed, steps + steps_more)

    monkeypatch.setattr(bench_training, "FIRST_STEPS", 3)
    with pytest.raises(ArithmeticError, match="relu, fit, "):
        bench_training.time_loops("relu", [loops.ArticlesLoop, Wrong], train, 1, 1)


@NETWORKS
def test_weights_come_back_from_channels_last_arrays(network):
    net = loops.first_network(EXPERIMENTS[network])
    arrays = peers.to_arrays(net)
    back = peers.from_arrays(EXPERIMENTS[network].recipe.network(), arrays)
    assert all(map(torch.equal, back.parameters(), net.parameters()))
    assert arrays[0].shape == (5, 5, 1, 20)


def test_rows_of_the_first_dense_layer_are_those_of_a_channels_last_picture():
    net = loops.first_network(EXPERIMENTS["relu"])
    weight, bias = map(torch.tensor, peers.to_arrays(net)[4:6])
    maps = torch.randn(3, 40, 4, 4)
    expected = net.fc1(maps.flatten(1))
    found = maps.permute(0, 2, 3, 1).flatten(1) @ weight + bias
    torch.testing.assert_close(found, expected)


# The command


BAD = [
    (["--steps", "0"], "at least 1"),
    (["--rounds", "-1"], "at least 1"),
    (["--steps", "many"], "invalid int"),
    (["--networks", "resnet"], "invalid choice"),
    (["--into", "no/such/page.md"], "no such page"),
    (["--into", str(FOLDER / "report.py")], "no line"),
    (["--quickly"], "unrecognized"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_bad_arguments_are_one_sentence_and_exit_code_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        bench_training.parse(arguments)
    assert stop.value.code == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Error: ") and words in shown
    assert shown.count("\n") == 1


def test_a_peer_that_is_absent_is_left_out_or_refused_by_name(monkeypatch, capsys):
    monkeypatch.setattr(bench_training, "is_installed", lambda peer: peer is not peers.Keras)
    chosen = bench_training.parse([])
    assert chosen.absent == [peers.Keras]
    assert chosen.kinds == [*loops.LOOPS, *tried.TRIED, peers.Lightning, peers.Jax]
    with pytest.raises(SystemExit) as stop:
        bench_training.parse(["--loops", "Fit", "Keras"])
    assert stop.value.code == 2
    assert "Error: keras: not installed" in capsys.readouterr().err
    assert bench_training.parse(["--loops", "Fit"]).kinds == [loops.ArticlesLoop, loops.Fit]


@pytest.mark.slow
def test_the_command_writes_what_it_prints_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- benchmark -->\n<!-- /benchmark -->\nbelow\n", encoding="utf-8")
    options = ["--networks", "relu", "--steps", "2", "--rounds", "1", "--loops", "Fit"]
    result = subprocess.run(
        [sys.executable, str(FOLDER / "bench_training.py"), *options, "--into", str(page)],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    text = page.read_text(encoding="utf-8")
    assert text == (
        f"above\n<!-- benchmark -->\n\n{result.stdout.strip()}\n\n<!-- /benchmark -->\nbelow\n"
    )
    assert re.search(r"\| relu +\| fit +\| +\d+\.\d \| \d\.\d\d \(aim 0\.75\)", text)
    assert "same bits" in text


# The site's figures


def test_the_seconds_of_the_chapters_are_those_noted_in_them():
    seconds = [read_notebook(name).metadata["mnistconv"]["seconds"] for name in NAMES]
    line = bench_site.chapters_line()
    assert f"{sum(seconds)} s" in line
    assert f"{max(seconds)} s (aim 180)" in line


@pytest.mark.slow
def test_frames_are_timed_by_the_page_itself(visit, address):
    forward, frame = bench_site.frame_times(visit, address, "relu")
    assert 0 < forward <= frame

"""Times the ways to train the book's networks on this machine, in turn, on one thread each.

    python tests/benchmarks/bench_training.py --into results/benchmark.md

Before anything is timed, each loop makes the same 100 steps from the same weights and must have
learned the same as the article's. Processor time is taken, since what other programs do on the
machine counts less in it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import torch
import torch.nn.functional as F
from loops import BATCH_SIZE, LOOPS, BySteps, Fit, FitChannelsLast, Loop, first_network
from peers import PEERS, is_installed
from report import (
    MFLOP,
    Timing,
    conditions,
    hours_table,
    leave_out,
    machine,
    network_table,
    tried_table,
)
from torch import nn
from tried import TRIED

from mnistconv.data import Pair, expand, get_dataset, load_mnist, to_input
from mnistconv.experiments import EXPERIMENTS
from mnistconv.files import write_between
from mnistconv.training import evaluate

MARK = "benchmark"
AIMS = {(network, Fit.name): 0.75 for network in ("simple", "two-conv", "relu")}
AIMS |= {(network, FitChannelsLast.name): 0.55 for network in ("simple", "two-conv", "relu")}
AIMS |= {("dropout-lr0.03", Fit.name): 0.90, ("dropout-lr0.03", FitChannelsLast.name): 0.80}
AIMS |= {(network, BySteps.name): 0.55 for network in ("two-conv", "relu")}
AIMS |= {("dropout-lr0.03", BySteps.name): 0.60}
FIRST_STEPS = 100  # untimed: caches fill, compilers compile, and the loops are compared
LIMIT_SIZE, LIMIT_PRODUCTS = 1024, 10


def seconds(function, *arguments) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def matrix_product_limit() -> float:
    """Floating point operations a second of a float32 matrix product, on one thread."""
    a, b = torch.randn(LIMIT_SIZE, LIMIT_SIZE), torch.randn(LIMIT_SIZE, LIMIT_SIZE)
    spent = seconds(lambda: [torch.mm(a, b) for _ in range(LIMIT_PRODUCTS)])
    return 2 * LIMIT_SIZE**3 * LIMIT_PRODUCTS / spent


@torch.no_grad()
def mean_loss(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    return F.cross_entropy(net.eval()(to_input(images)), labels).item()


def distance(net: nn.Module, other: nn.Module) -> float:
    """Euclidean distance of all weights."""
    pairs = zip(net.parameters(), other.parameters(), strict=True)
    return sum((a.detach() - b.detach()).square().sum().item() for a, b in pairs) ** 0.5


def largest_difference(net: nn.Module, other: nn.Module) -> float:
    """Of two weights that stand in the same place."""
    pairs = zip(net.parameters(), other.parameters(), strict=True)
    return max((a.detach() - b.detach()).abs().max().item() for a, b in pairs)


def learned_the_same(net: nn.Module, article: nn.Module, start: nn.Module, few: Pair) -> str:
    """How `net` stands beside the `article`'s after the same steps from `start`, in a few words.

    Loss on the images `few` and distance gone must agree within a tenth, with dropout, whose masks
    are each library's own, within a half. Raises ArithmeticError when they do not.
    """
    loss, expected = mean_loss(net, *few), mean_loss(article, *few)
    gone, expected_gone = distance(net, start), distance(article, start)
    has_dropout = any(isinstance(layer, nn.Dropout) for layer in net.modules())
    tolerance = 0.5 if has_dropout else 0.1
    for value, right in ((loss, expected), (gone, expected_gone)):
        if not abs(value - right) <= tolerance * right:
            raise ArithmeticError(
                f"loss {loss:.4f} and way {gone:.4f} after {FIRST_STEPS} steps, where the article's"
                f" loop has {expected:.4f} and {expected_gone:.4f}."
            )
    if net is article:
        return f"loss {loss:.4f}"
    apart = largest_difference(net, article)
    return f"loss {loss:.4f}, " + (f"weights within {apart:.0e}" if apart else "same bits")


def time_loops(
    network: str, kinds: list[type[Loop]], train: Pair, steps: int, rounds: int
) -> tuple[list[Timing], list[float]]:
    """Timings of the loops on one network, and the limit in each round.

    Raises ArithmeticError, naming network and loop, when one of them does not train the same.
    """
    experiment, dataset = EXPERIMENTS[network], get_dataset(train=True)
    loops = [kind(experiment, train, dataset) for kind in kinds]
    for loop in loops:
        loop.train(0, FIRST_STEPS)
    start, article = first_network(experiment), loops[0].network()
    few = tuple(tensor[:1000] for tensor in train)
    timings, limits = [], []
    for loop in loops:
        try:
            note = learned_the_same(loop.network(), article, start, few)
        except ArithmeticError as error:
            raise ArithmeticError(
                f"{network}, {loop.name}, does not train the same: {error}"
            ) from None
        images = steps_of(loop, steps) * loop.networks * BATCH_SIZE
        timings.append(Timing(loop.name, images, note=note))
    for turn in range(rounds):
        print(f"\r{network}: round {turn + 1} of {rounds} ", end="", file=sys.stderr, flush=True)
        limits.append(matrix_product_limit())
        places = list(range(len(loops)))
        first = turn % len(loops)
        for place in places[first:] + places[:first]:
            loop = loops[place]
            spent = seconds(loop.train, turn + 1, steps_of(loop, steps))
            timings[place].seconds.append(spent)
    print(file=sys.stderr)
    return timings, limits


def steps_of(loop: Loop, steps: int) -> int:
    """Fewer steps where one step trains several networks: about as many images for every loop."""
    return max(1, steps // loop.networks)


def time_evaluation(network: str, test: Pair, rounds: int) -> str:
    net = first_network(EXPERIMENTS[network])
    plain = statistics.median(seconds(evaluate, net, *test) for _ in range(rounds))
    net.to(memory_format=torch.channels_last)
    turned = statistics.median(seconds(evaluate, net, *test) for _ in range(rounds))
    aim = 2.5 if "dropout" in network else 1.5
    return f"{network} {plain:.2f} s, in channels_last {turned:.2f} s (aim {aim})"


def child(program: str) -> list[float]:
    """The numbers that a fresh Python prints when it runs `program`."""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return [float(word) for word in result.stdout.split()]


IMPORT = """
import time
start = time.process_time()
import {name}
print(time.process_time() - start)
"""

EXPAND = """
import re, time
from mnistconv import expand, load_mnist

def memory(kind):
    status = open("/proc/self/status").read()
    return int(re.search(kind + r":\\s+(\\d+) kB", status).group(1)) * 1024 / 1e6

train, _ = load_mnist()
before = memory("VmRSS")
result = expand(*train)
print(memory("VmHWM") - before)
"""


def time_imports(rounds: int) -> str:
    times = {"torch": [], "mnistconv": []}
    for _ in range(rounds):
        for name, spent in times.items():
            spent += child(IMPORT.format(name=name))
    alone, ours = (statistics.median(spent) for spent in times.values())
    ratio = statistics.median(b / a for a, b in zip(*times.values(), strict=True))
    return f"torch {alone:.2f} s, mnistconv {ours:.2f} s, ratio {ratio:.2f} (aim 1.50)"


def time_data(train: Pair, rounds: int) -> str:
    loading = statistics.median(seconds(load_mnist) for _ in range(rounds))
    expanding = statistics.median(seconds(expand, *train) for _ in range(rounds))
    line = f"load_mnist {loading:.2f} s (aim 0.50), expand {expanding:.2f} s (aim 1.00)"
    if sys.platform == "linux":
        line += f", {child(EXPAND)[0]:.0f} MB more at its peak (aim 300)"
    return line


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, with exit code 2."""

    def error(self, message: str):
        self.exit(2, f"Error: {message}\n")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    kinds = {kind.__name__: kind for kind in (*LOOPS, *TRIED, *PEERS)}
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500, help="steps of each loop in each round")
    parser.add_argument("--rounds", type=int, default=7, help="how often each loop runs")
    parser.add_argument("--networks", nargs="+", choices=list(MFLOP), default=list(MFLOP))
    parser.add_argument("--loops", nargs="+", choices=list(kinds), help="all that can run if none")
    parser.add_argument("--into", type=Path, help="also write the result into this Markdown page")
    chosen = parser.parse_args(arguments)
    if chosen.steps < 1 or chosen.rounds < 1:
        parser.error("--steps and --rounds must be at least 1.")
    if chosen.into is not None:
        if not chosen.into.is_file():
            parser.error(f"--into {chosen.into}: there is no such page.")
        if f"<!-- {MARK} -->" not in chosen.into.read_text(encoding="utf-8"):
            parser.error(f"--into {chosen.into}: the page has no line <!-- {MARK} -->.")
    wanted = list(kinds.values()) if chosen.loops is None else [kinds[k] for k in chosen.loops]
    chosen.absent = [peer for peer in PEERS if peer in wanted and not is_installed(peer)]
    if chosen.loops is not None and chosen.absent:
        names = ", ".join(peer.module for peer in chosen.absent)
        parser.error(f"{names}: not installed, see tests/benchmarks/requirements-peers.txt.")
    chosen.kinds = [LOOPS[0]]  # what the others go by
    chosen.kinds += [kind for kind in wanted if kind not in (LOOPS[0], *chosen.absent)]
    return chosen


def main() -> None:
    chosen = parse()
    torch.set_num_threads(1)
    train, test = load_mnist()
    timings, limits = {}, {}
    try:
        for network in chosen.networks:
            timings[network], limits[network] = time_loops(
                network, chosen.kinds, train, chosen.steps, chosen.rounds
            )
    except ArithmeticError as error:
        sys.exit(f"Error: {error}")
    tried = [kind.name for kind in chosen.kinds if kind in TRIED]
    kept = leave_out(timings, tried)
    parts = [
        machine(("torch", *(peer.module for peer in chosen.kinds if peer in PEERS))),
        conditions(chosen.steps, chosen.rounds, limits),
        network_table(kept, limits, AIMS),
        *(f"{peer.name} is left out: not installed." for peer in chosen.absent),
        hours_table(kept, limits),
        tried_table(timings, BySteps.name, tried),
        "Evaluation of the 10,000 test images: "
        + "; ".join(time_evaluation(network, test, chosen.rounds) for network in chosen.networks)
        + f".\nImport: {time_imports(chosen.rounds)}.\nData: {time_data(train, chosen.rounds)}.",
    ]
    text = "\n\n".join(part for part in parts if part)
    print(text)
    if chosen.into is not None:
        write_between(chosen.into, MARK, text)


if __name__ == "__main__":
    main()

"""Times the training loops on this machine: python tests/benchmarks/bench_training.py

Three loops start from the same weights and see the same batches: the article's, over a DataLoader;
`fit`; and `fit` on a network in channels_last. They run in turn, round after round, on one thread.
Shown are medians over the rounds, in seconds of processor time (what other programs do on the
machine counts less in it), and medians of the ratios within a round.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TQDM_DISABLE"] = "1"

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from mnistconv.data import expand, get_dataset, load_mnist
from mnistconv.experiments import EXPERIMENTS, Experiment
from mnistconv.training import evaluate, fit

RUNS = ("simple", "two-conv", "relu", "dropout-lr0.03")
AIMS = {"simple": (0.75, 0.55), "two-conv": (0.75, 0.55), "relu": (0.75, 0.55)}
AIMS |= {"dropout-lr0.03": (0.90, 0.80)}
SEED = 0


def new_network(experiment: Experiment):
    torch.manual_seed(SEED)
    return experiment.network()


def articles_loop(net, experiment: Experiment, dataset, steps: int) -> None:
    """The article's loop, with the order that `fit` draws from the same seed."""
    torch.manual_seed(SEED)
    order = torch.randperm(len(dataset))[: 10 * steps].tolist()
    loader = DataLoader(dataset, batch_size=10, sampler=order, generator=torch.Generator())
    sgd = torch.optim.SGD(net.parameters(), lr=experiment.lr, weight_decay=experiment.weight_decay)
    net.train()
    for images, labels in loader:
        loss = F.cross_entropy(net(images), labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()


def our_loop(net, experiment: Experiment, train, steps: int) -> None:
    fit(
        net,
        train,
        epochs=1,
        max_steps=steps,
        lr=experiment.lr,
        weight_decay=experiment.weight_decay,
        seed=SEED,
        device="cpu",
        verbose=False,
    )


def seconds(function, *arguments) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def compare_loops(name: str, train, dataset, steps: int, rounds: int) -> str:
    """One line of the table: seconds of the three loops, their ratios, whether they agree."""
    experiment = EXPERIMENTS[name]
    times = {"article": [], "fit": [], "channels_last": []}
    for turn in range(rounds):
        nets = {arm: new_network(experiment) for arm in times}
        nets["channels_last"].to(memory_format=torch.channels_last)
        arms = list(times)
        for arm in arms[turn % 3 :] + arms[: turn % 3]:
            if arm == "article":
                spent = seconds(articles_loop, nets[arm], experiment, dataset, steps)
            else:
                spent = seconds(our_loop, nets[arm], experiment, train, steps)
            times[arm].append(spent)
    same = all(map(torch.equal, nets["fit"].parameters(), nets["article"].parameters()))
    line = f"{name:16}{statistics.median(times['article']):9.2f}"
    for arm, aim in zip(("fit", "channels_last"), AIMS[name], strict=True):
        ratios = [ours / theirs for ours, theirs in zip(times[arm], times["article"], strict=True)]
        ratio, spent = statistics.median(ratios), statistics.median(times[arm])
        line += f"{spent:10.2f}{ratio:7.2f} (aim {aim:.2f})"
    return f"{line}  {'same' if same else 'DIFFERENT'} weights"


def time_evaluation(name: str, test, rounds: int) -> str:
    net = new_network(EXPERIMENTS[name])
    plain = statistics.median(seconds(evaluate, net, *test) for _ in range(rounds))
    net.to(memory_format=torch.channels_last)
    turned = statistics.median(seconds(evaluate, net, *test) for _ in range(rounds))
    aim = 2.5 if "dropout" in name else 1.5
    return f"{name:16}{plain:9.2f}{turned:17.2f}     (aim {aim})"


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


def print_imports(rounds: int) -> None:
    times = {"torch": [], "mnistconv": []}
    for _ in range(rounds):
        for name, spent in times.items():
            spent += child(IMPORT.format(name=name))
    alone, ours = (statistics.median(spent) for spent in times.values())
    ratios = [ours / alone for alone, ours in zip(*times.values(), strict=True)]
    print(f"import torch {alone:.2f} s, mnistconv {ours:.2f} s:", end=" ")
    print(f"ratio {statistics.median(ratios):.2f} (aim 1.50)")


def print_data(train, rounds: int) -> None:
    loading = statistics.median(seconds(load_mnist) for _ in range(rounds))
    expanding = statistics.median(seconds(expand, *train) for _ in range(rounds))
    print(f"load_mnist {loading:.2f} s (aim 0.50), expand {expanding:.2f} s (aim 1.00)", end="")
    if sys.platform == "linux":
        print(f", {child(EXPAND)[0]:.0f} MB more at its peak (aim 300)", end="")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500, help="steps of each loop in each round")
    parser.add_argument("--rounds", type=int, default=7, help="how often each loop runs")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS, help="which networks")
    arguments = parser.parse_args()
    if arguments.steps < 1 or arguments.rounds < 1:
        parser.error("--steps and --rounds must be at least 1")
    torch.set_num_threads(1)
    train, test = load_mnist()
    dataset = get_dataset(train=True)

    print(f"torch {torch.__version__}, one thread, {arguments.rounds} rounds")
    print(f"\n{arguments.steps} steps: seconds, ratio to the article's loop")
    print(f"{'':16}{'article':>9}{'fit':>10}{'':17}{'channels_last':>13}")
    for name in arguments.runs:
        print(compare_loops(name, train, dataset, arguments.steps, arguments.rounds), flush=True)
    print("\nevaluation of 10,000 images: seconds")
    print(f"{'':16}{'plain':>9}{'channels_last':>17}")
    for name in arguments.runs:
        print(time_evaluation(name, test, arguments.rounds), flush=True)
    print()
    print_imports(arguments.rounds)
    print_data(train, arguments.rounds)


if __name__ == "__main__":
    main()

"""What the benchmark says: floating point operations counted, medians, tables in Markdown."""

import datetime
import os
import platform
import statistics
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import torch
from loops import BATCH_SIZE
from tabulate import tabulate

from mnistconv.experiments import EXPERIMENTS
from mnistconv.reproduce.recording import device_name

# Millions of floating point operations for one image, forward and backward: two for each multiply
# and add in convolutions and dense layers. Backward takes twice forward, for the gradients of the
# weights and of the input, less what the first layer's input would need.
MFLOP = {"simple": 2.89, "two-conv": 9.22, "relu": 9.22, "dropout-lr0.03": 18.73}
EPOCH_IMAGES = 60_000
TIMED_AS = {
    "simple": "simple",
    "two-conv": "two-conv",
    "relu-wd0.1": "relu",
    "relu": "relu",
    "expanded": "relu",
    "dropout-lr0.03": "dropout-lr0.03",
    "dropout-lr0.005": "dropout-lr0.03",
}  # the article's seven rows, and the network that each of them trains
CORES = 2


@dataclass
class Timing:
    """Seconds of processor time that one loop took for `images` images, round by round."""

    loop: str
    images: int
    seconds: list[float] = field(default_factory=list)
    note: str = ""  # how its network stands beside the article's loop after the same steps

    @property
    def epoch_seconds(self) -> float:
        return statistics.median(self.seconds) / self.images * EPOCH_IMAGES

    def ratio_to(self, other: "Timing") -> float:
        """Median over the rounds of its time for an image to the other's in the same round."""
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(a / self.images / (b / other.images) for a, b in pairs)

    def share_of(self, limits: list[float], network: str) -> float:
        """Median over the rounds of its operations a second to `limits`, those of a product."""
        operations = MFLOP[network] * 1e6 * self.images
        pairs = zip(self.seconds, limits, strict=True)
        return statistics.median(operations / spent / limit for spent, limit in pairs)


def network_table(timings: dict[str, list[Timing]], limits: dict[str, list[float]], aims) -> str:
    """One row per network and loop; the first loop of each network is what the others go by.

    `limits` holds for each network the operations a second of a matrix product in each round,
    `aims` for some pairs of network and loop the ratio to reach.
    """
    rows = []
    for network, of_network in timings.items():
        for timing in of_network:
            ratio = f"{timing.ratio_to(of_network[0]):.2f}"
            aim = aims.get((network, timing.loop))
            rows.append(
                {
                    "network": network,
                    "loop": timing.loop,
                    "s / epoch": f"{timing.epoch_seconds:.1f}",
                    "ratio": f"{ratio} (aim {aim:.2f})" if aim else ratio,
                    "% of limit": f"{100 * timing.share_of(limits[network], network):.0f}",
                    "after the same steps": timing.note,
                }
            )
    return _table(rows, right=("s / epoch", "% of limit"))


def leave_out(timings: dict[str, list[Timing]], names: list[str]) -> dict[str, list[Timing]]:
    """The timings of each network without those of the loops in `names`."""
    return {
        network: [timing for timing in of_network if timing.loop not in names]
        for network, of_network in timings.items()
    }


def tried_table(timings: dict[str, list[Timing]], trainer: str, names: list[str]) -> str:
    """A row for each loop in `names`, a column for each network: its time in parts of `trainer`'s.

    Empty when there is none, or `trainer` was not timed.
    """
    rows = [{"tried and dropped": name} for name in names]
    for network, of_network in timings.items():
        loops = {timing.loop: timing for timing in of_network}
        if trainer not in loops:
            return ""
        for row, name in zip(rows, names, strict=True):
            row[network] = f"{loops[name].ratio_to(loops[trainer]):.2f}"
    if not rows:
        return ""
    table = _table(rows, right=tuple(timings))
    return f"The loop `{trainer}` with one thing done otherwise, its own time being 1:\n\n{table}"


def hours_table(timings: dict[str, list[Timing]], limits: dict[str, list[float]]) -> str:
    """The article's seven rows, one seed each, in hours; empty when a network is missing."""
    if not set(TIMED_AS.values()) <= set(timings):
        return ""
    loops = [timing.loop for timing in timings["relu"]]
    all_limits = [limit for of_network in limits.values() for limit in of_network]
    seconds = {
        loop: {network: of_network[place].epoch_seconds for network, of_network in timings.items()}
        for place, loop in enumerate(loops)
    }
    seconds["arithmetic alone, at the limit"] = {
        network: MFLOP[network] * 1e6 * EPOCH_IMAGES / statistics.median(all_limits)
        for network in timings
    }
    first = sum(hours_of_rows(seconds[loops[0]]))
    rows = []
    for loop, epoch_seconds in seconds.items():
        hours = hours_of_rows(epoch_seconds)
        rows.append(
            {
                "loop": loop,
                "hours of one core": f"{sum(hours):.2f}",
                f"hours on {CORES} cores": f"{max(max(hours), sum(hours) / CORES):.2f}",
                "ratio": f"{sum(hours) / first:.2f}",
            }
        )
    return _table(rows, right=("hours of one core", f"hours on {CORES} cores", "ratio"))


def hours_of_rows(epoch_seconds: dict[str, float]) -> list[float]:
    """Hours of each of the seven rows, from seconds per 60,000 images of each network."""
    return [
        EXPERIMENTS[row].recipe.epochs
        * EXPERIMENTS[row].recipe.training_images
        / EPOCH_IMAGES
        * epoch_seconds[network]
        / 3600
        for row, network in TIMED_AS.items()
    ]


def _table(rows: list[dict], right: tuple[str, ...]) -> str:
    align = ["right" if column in right else "left" for column in rows[0]]
    return tabulate(rows, headers="keys", tablefmt="pipe", colalign=align, disable_numparse=True)


def machine(libraries: tuple[str, ...]) -> str:
    """The machine and the versions of `libraries`, as far as they are installed; no names."""
    device = device_name(torch.device("cpu"))
    capability = torch.backends.cpu.get_cpu_capability()
    system = f"{platform.system()} {platform.machine()}"
    versions = [f"Python {platform.python_version()}"]
    for library in libraries:
        try:
            versions.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return (
        f"{device}, {os.cpu_count()} cores, {capability}, {system}; {', '.join(versions)};"
        f" {datetime.date.today().isoformat()}."
    )


def conditions(steps: int, rounds: int, limits: dict[str, list[float]]) -> str:
    """How the figures were taken, in sentences."""
    all_limits = [limit for of_network in limits.values() for limit in of_network]
    limit = statistics.median(all_limits) / 1e9
    load = (
        f" Load average at the end: {os.getloadavg()[0]:.1f}." if hasattr(os, "getloadavg") else ""
    )
    return (
        f"{rounds} rounds of {steps * BATCH_SIZE:,} images, the loops in turn within each round,"
        " one thread each, processor time (of all threads of the process). Medians over the rounds;"
        " ratios and shares are medians of those within a round. Limit, a float32 product of two"
        f" 1024 x 1024 matrices timed in every round: {limit:.0f} GFLOP/s (lowest"
        f" {min(all_limits) / 1e9:.0f}, highest {max(all_limits) / 1e9:.0f}).{load}"
    )

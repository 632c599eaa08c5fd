"""Many runs: each in a process of its own, one per core, or on a Dask or Ray cluster."""

import importlib.util
import pickle
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import torch
from filelock import Timeout
from joblib import cpu_count

from mnistconv import streams
from mnistconv.devices import pick_device
from mnistconv.experiments import Experiment
from mnistconv.records.store import (
    checkpoint_path,
    has_record,
    read_record,
    record_path,
    weights_path,
)
from mnistconv.reproduce import worker
from mnistconv.reproduce.checkpoints import sweep
from mnistconv.reproduce.guards import hold
from mnistconv.reproduce.planning import Job, Progress, spell, time_left
from mnistconv.reproduce.runs import run

DONE, FAILED, BUSY = 0, 1, 3  # how a job ended; also exit codes
BACKENDS = ("local", "dask", "ray")
PAUSE = 0.1  # seconds between two looks at the processes


def run_all(
    jobs: list[Job], results: Path, workers: int, backend: str = "local", scheduler: str = ""
) -> int:
    """Run the jobs, up to `workers` at a time, show their progress, say how they ended.

    Returns the exit code: DONE when all have their record, FAILED when one failed, BUSY when one is
    left to another runner. Raises KeyboardInterrupt after Ctrl-C, with all checkpoints kept.
    """
    results, workers = results.absolute(), min(workers, len(jobs))
    display = Display(jobs, results, workers)
    waiting, running, states = deque(jobs), {}, {}
    with use(backend, scheduler, results) as start:
        while waiting or running:
            while waiting and len(running) < workers:
                job = waiting.popleft()
                running[job] = start(job)
            time.sleep(PAUSE)
            for job in [job for job, future in running.items() if future.done()]:
                states[job], text = outcome(running.pop(job))
                display.tell_end(job, states[job], text)
            display.renew(running)
    display.clear()
    return sum_up(states, results)


def outcome(future) -> tuple[int, str]:
    """How the job of a finished future ended, and why it did not end well."""
    try:
        return future.result()
    except Exception as error:  # of the cluster: what goes wrong in a run is in the result
        return FAILED, f"its process was lost ({_in_a_line(error)})"


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def sum_up(states_of: dict[Job, int], results: Path) -> int:
    """Say how many jobs ended in which way; return the exit code.

    What another runner had in hand and has recorded meanwhile is done.
    """
    recorded = {job for job in states_of if has_record(job.experiment, job.seed, results)}
    states = [
        DONE if state == BUSY and job in recorded else state for job, state in states_of.items()
    ]
    runs_have = "1 run has its" if len(states) == 1 else f"{len(states)} runs have their"
    line = f"{states.count(DONE)} of {runs_have} record"
    line += f", {states.count(BUSY)} in other hands" * (BUSY in states)
    line += f", {states.count(FAILED)} failed" * (FAILED in states)
    print(line + ".")
    return next((state for state in (FAILED, BUSY) if state in states), DONE)


# One job


def do(job: Job, results: Path) -> tuple[int, str]:
    """One job, unless another runner has it in hand: how it ended, and why it did not end well."""
    torch.set_num_threads(1)
    experiment, seed = job.experiment, job.seed
    try:
        with in_hand(experiment, [seed], results):
            if not has_record(experiment, seed, results):
                run(experiment, seed, results)
        return DONE, ""
    except Exception as error:
        return failure(error)


@contextmanager
def in_hand(experiment: Experiment, seeds: list[int], results: Path):
    """Hold the locks of these runs, and sweep away what a killed one left half written."""
    with ExitStack() as locks:
        for seed in seeds:
            checkpoint = checkpoint_path(experiment.name, seed, results)
            locks.enter_context(hold(checkpoint))
            record = record_path(experiment.name, seed, results)
            sweep(checkpoint, record, weights_path(experiment.name, seed, results))
        yield


def failure(error: Exception) -> tuple[int, str]:
    """How a job ended in which `error` was raised, and why it did not end well."""
    if isinstance(error, Timeout):
        return BUSY, "another runner has it in hand"
    return FAILED, f"failed, its finished epochs are kept ({_in_a_line(error)})"


def work(job: Job, results: Path) -> int:
    """The job as a process of its own: prints what went wrong, returns its exit code."""
    streams.warn_plainly()
    state, text = do(job, results)
    sys.stdout.reconfigure(encoding="utf-8")
    print(text, end="", flush=True)
    return state


class Worker:
    """A job in a process of this machine, to be asked like a future: `done()`, then `result()`.

    Ctrl-C in a terminal does not reach it: the runner stops it. See worker.py for how it ends when
    the runner cannot.
    """

    def __init__(self, job: Job, results: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-P", worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            process_group=0,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Windows
        )
        task = pickle.dumps((work, job, results))
        with suppress(BrokenPipeError):  # killed already
            self.process.stdin.write(pickle.dumps((sys.path, task)))

    def done(self) -> bool:
        return self.process.poll() is not None

    def result(self) -> tuple[int, str]:
        state, (text, _) = self.process.returncode, self.process.communicate()
        if state == DONE or (state in (FAILED, BUSY) and text):
            return state, text.decode()
        reason = f"its process ended with exit code {state}"
        if state == -9:  # SIGKILL, which Windows has not
            reason = "its process was killed, most likely for want of memory: try fewer --jobs"
        return FAILED, reason

    def stop(self) -> None:
        if not self.done():
            self.process.kill()
            self.process.communicate()


# Where jobs run


@contextmanager
def use(backend: str, scheduler: str, results: Path):
    """A function that starts a job, here or on the cluster at `scheduler`, and returns its future.

    Leaving the block stops what still runs on this machine; a cluster ends what it has begun.
    """
    if backend == "local":
        with _processes(results) as start:
            yield start
    elif backend == "dask":
        from distributed import Client

        with Client(scheduler) as client:
            yield lambda job: client.submit(do, job, results, pure=False, retries=0)
    else:
        import ray

        ray.init(address=scheduler)
        remote = ray.remote(max_retries=0)(do)
        yield lambda job: remote.remote(job, results).future()


@contextmanager
def _processes(results: Path):
    started = []

    def start(job: Job) -> Worker:
        started.append(Worker(job, results))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            one.stop()


def check_backend(backend: str, scheduler: str) -> None:
    """Raise ValueError unless `backend` is known, installed, and has the address that it needs."""
    if backend not in BACKENDS:
        raise ValueError(f"--backend {backend!r}: choose one of {', '.join(BACKENDS)}.")
    package = {"dask": "distributed", "ray": "ray"}.get(backend)
    if package and not scheduler:
        raise ValueError(f"--backend {backend} needs --scheduler, the address of your cluster.")
    if package and importlib.util.find_spec(package) is None:
        raise ValueError(f'--backend {backend} is not installed: pip install "-e .[{backend}]"')


def runs_on_gpu(device: str) -> bool:
    """Whether `device` asks for CUDA. Raises ValueError when it is unknown or absent."""
    kind = pick_device(device).type
    if kind == "mps" and device == "auto":
        return False
    if kind not in ("cpu", "cuda"):
        raise ValueError(f"--device {device}: records are made on cpu or cuda.")
    return kind == "cuda"


def default_workers() -> int:
    """One process per core: the fastest simple layout for these small batches."""
    return cpu_count(only_physical_cores=True)


# What the reader sees meanwhile


class Display:
    """A line per run that ends, and how far the others are.

    A terminal's last line is renewed every second; a log gets a line a minute.
    """

    def __init__(self, jobs: list[Job], results: Path, workers: int):
        self.results, self.workers = results, workers
        self.progress = {job: job.progress(results) for job in jobs}
        self.ended = 0
        self.is_terminal = sys.stdout.isatty()
        self.next_time = time.monotonic() + 1

    def tell_end(self, job: Job, state: int, text: str) -> None:
        epochs = self.progress[job].epochs
        if state == DONE:
            self.ended += 1
            epochs, text = job.experiment.recipe.epochs, _result(job, self.results)
        self.progress[job] = Progress(epochs, None, 0.0)
        self.clear()
        print(f"{job}: {text}.", flush=True)

    def renew(self, running: Iterable[Job]) -> None:
        if time.monotonic() < self.next_time:
            return
        self.next_time = time.monotonic() + (1 if self.is_terminal else 60)
        for job in running:
            self.progress[job] = job.progress(self.results)
        line = self.line(running)
        if self.is_terminal:
            self.clear()
            width = max(shutil.get_terminal_size().columns - 1, 0)
            print(line[:width], end="", flush=True)
        else:
            print(line, flush=True)

    def clear(self) -> None:
        if self.is_terminal:
            print("\r\033[K", end="", flush=True)

    def line(self, running: Iterable[Job]) -> str:
        """Runs and epochs done, time left, and the accuracy of each run under way."""
        epochs = sum(progress.epochs for progress in self.progress.values())
        planned = sum(job.experiment.recipe.epochs for job in self.progress)
        left = spell(time_left(list(self.progress.values()), self.workers))
        line = f"{self.ended} of {len(self.progress)} runs, {epochs} of {planned} epochs"
        under_way = [
            f"{job.experiment.name}-{job.seed} {done}/{job.experiment.recipe.epochs} {accuracy:.2%}"
            for job in running
            for done, accuracy, _ in [self.progress[job]]
            if accuracy is not None
        ]
        return "  ".join([f"{line}, about {left} left", *under_way])


def _result(job: Job, results: Path) -> str:
    """What the record says of a run that has just ended: accuracy, wrong digits, time."""
    record = read_record(record_path(job.experiment.name, job.seed, results), job.experiment)
    if record is None:
        return "its record does not count"
    took = spell(record.wall_seconds)
    return f"{record.final_accuracy:.2%} of the test digits, {record.wrong} wrong, in {took}"

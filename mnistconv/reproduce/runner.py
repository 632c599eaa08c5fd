"""Many runs: as single-thread processes, one per core, or on a Dask or Ray cluster."""

import functools
import importlib.util
import os
import shutil
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from joblib import Parallel, cpu_count, delayed, parallel_config

from mnistconv.devices import pick_device
from mnistconv.records.store import checkpoint_path, has_record, read_record, record_path
from mnistconv.reproduce.planning import Job, spell, time_left
from mnistconv.reproduce.runs import run

DONE, BUSY, FAILED = "done", "busy", "failed"
LOCK_PATIENCE = 5.0  # seconds: a killed runner's worker lives on for one or two
BACKENDS = ("loky", "dask", "ray")


def run_all(
    jobs: list[Job], results: Path, workers: int, backend: str = "loky", scheduler: str = ""
) -> int:
    """Run the jobs, `workers` at a time, show their progress, say how they ended.

    Returns the exit code: 0 when no job failed (one that another runner has in hand did not fail),
    1 otherwise. Raises KeyboardInterrupt after Ctrl-C, with all checkpoints kept.
    """
    work = [delayed(do)(job, results, os.getpid()) for job in jobs]
    with show_progress(jobs, results, workers), use(backend, scheduler):
        outcomes = Parallel(n_jobs=workers, batch_size=1)(work)
    for state, job, text in outcomes:
        if state != DONE:
            print(f"{job}: {text}")
    states = [state for state, _, _ in outcomes]
    runs_have = "1 run has its" if len(jobs) == 1 else f"{len(jobs)} runs have their"
    print(f"{states.count(DONE)} of {runs_have} record", end="")
    print(f", {states.count(BUSY)} in other hands" * (BUSY in states), end="")
    print(f", {states.count(FAILED)} failed" * (FAILED in states), end=".\n")
    return 1 if FAILED in states else 0


def do(job: Job, results: Path, runner: int) -> tuple[str, Job, str]:
    """One job, unless another runner has it in hand: its state, the job, what went wrong.

    `runner` is the process that waits for it.
    """
    torch.set_num_threads(1)
    if os.getpid() != runner:
        leave_signals_to_the_runner()
        warn_plainly()
    lock = checkpoint_path(job.experiment.name, job.seed, results).with_suffix(".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=LOCK_PATIENCE):
            if not has_record(job.experiment, job.seed, results):
                run(job.experiment, job.seed, results)
        return DONE, job, ""
    except Timeout:
        return BUSY, job, "another runner has it in hand."
    except Exception as error:
        return FAILED, job, f"failed, its last checkpoint stays ({type(error).__name__}: {error})."


def warn_plainly() -> None:
    """Warnings as one sentence: who reads them on the command line does not know the code."""
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"


@functools.cache
def leave_signals_to_the_runner() -> None:
    """In a worker: Ctrl-C is for the runner, and a runner that died takes its workers along."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


@contextmanager
def use(backend: str, scheduler: str):
    """Send joblib's work to processes of this machine ("loky") or to a cluster at `scheduler`."""
    if backend == "loky":
        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield
    elif backend == "dask":
        from distributed import Client

        with Client(scheduler), parallel_config(backend="dask"):
            yield
    else:
        import ray
        from ray.util.joblib import register_ray

        ray.init(address=scheduler)
        register_ray()
        with parallel_config(backend="ray"):
            yield


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


@contextmanager
def show_progress(jobs: list[Job], results: Path, workers: int):
    """While the block runs: a line per run that ends, and how far the others are.

    A terminal's last line is renewed every second; a log gets a line a minute.
    """
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(jobs, results, workers, stop))
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _watch(jobs: list[Job], results: Path, workers: int, stop: threading.Event) -> None:
    is_terminal, start = sys.stdout.isatty(), time.time()
    clear = "\r\033[K" if is_terminal else ""
    running, next_line = list(jobs), 0.0
    while True:
        is_last_look = stop.wait(1.0)
        for job in [job for job in running if job.has_ended(results)]:
            running.remove(job)
            print(clear + ended(job, results), flush=True)
        if is_last_look:
            print(clear, end="", flush=True)
            return
        if is_terminal or time.time() >= next_line:
            line = status(jobs, results, workers, start)
            if is_terminal:
                print(clear + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
            else:
                print(line, flush=True)
            next_line = time.time() + 60


def ended(job: Job, results: Path) -> str:
    """One line on a run that has its record: accuracy, wrong digits, time."""
    record = read_record(record_path(job.experiment.name, job.seed, results), job.experiment)
    if record is None:
        return f"{job}: its record does not count."
    took = spell(record.wall_seconds)
    return f"{job}: {record.final_accuracy:.2%} of the test digits, {record.wrong} wrong, in {took}"


def status(jobs: list[Job], results: Path, workers: int, start: float) -> str:
    """One line: runs and epochs done, time left, accuracy of each run under way since `start`."""
    has_ended = [job.has_ended(results) for job in jobs]
    epochs, under_way = 0, []
    for job, is_over in zip(jobs, has_ended, strict=True):
        done, accuracy, _ = job.progress(results)
        epochs += job.experiment.recipe.epochs if is_over else done
        checkpoint = checkpoint_path(job.experiment.name, job.seed, results)
        if not is_over and checkpoint.exists() and checkpoint.stat().st_mtime >= start:
            name = f"{job.experiment.name}-{job.seed}"
            under_way.append(f"{name} {done}/{job.experiment.recipe.epochs} {accuracy:.2%}")
    planned = sum(job.experiment.recipe.epochs for job in jobs)
    left = spell(time_left(jobs, workers, results))
    line = f"{sum(has_ended)} of {len(jobs)} runs, {epochs} of {planned} epochs, about {left} left"
    return "  ".join([line, *under_way])

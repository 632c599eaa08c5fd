"""What keeps runs apart: one at a time in a process, one process at a time for a run."""

import threading
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_PATIENCE = 5.0  # seconds: a killed runner's workers live on for a moment
_process = threading.Lock()


@contextmanager
def alone_in_this_process():
    """Refuse to share the process with another run: PyTorch's random state belongs to all of it.

    Raises RuntimeError when another thread is in such a block.
    """
    if not _process.acquire(blocking=False):
        raise RuntimeError(
            "another run is under way in the same process, and each would draw the other's random "
            "numbers: start workers with one thread (Dask: --nthreads 1)"
        )
    try:
        yield
    finally:
        _process.release()


@contextmanager
def hold(checkpoint: Path):
    """Hold the lock of the run with this checkpoint, so that no two runners do it at once.

    Raises filelock.Timeout when another one holds it, OSError when the folder takes no locks.
    """
    path = checkpoint.with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=LOCK_PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise
    except (OSError, NotImplementedError) as error:
        raise OSError(f"the folder {path.parent} takes no locks: {error}") from error
    try:
        yield
    finally:
        lock.release()

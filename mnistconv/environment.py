"""What `python -m mnistconv check` looks at: libraries, kernel, device, data, write access.

It needs nothing but Python itself: whatever is missing or broken gets its line.
"""

import importlib
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from mnistconv.fetch import verify
from mnistconv.places import base, data_root, repository, results_root

INSTALL = "python -m pip install -r requirements.txt"
ELSEWHERE = "set the environment variable MNISTCONV_DATA to a folder that you may write to"
DATA_NEEDS = 55e6  # bytes
WIDTH = 120  # characters of a library's own message


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, what was found, what to do if it is not good."""

    what: str
    found: str
    advice: str = ""

    @property
    def is_good(self) -> bool:
        return not self.advice

    def __str__(self) -> str:
        line = f"{'ok ' if self.is_good else '!! '} {self.what:18}{self.found}"
        return line if self.is_good else f"{line}\n{'':22}-> {self.advice}"


def report() -> int:
    """Print what every look found; return the exit code, 0 when all is well and else 1."""
    problems = 0
    for look in LOOKS:
        for finding in _careful(look):
            print(finding, flush=True)
            problems += not finding.is_good
    well = "All well: open notebooks/01_convolution.ipynb."
    print(f"\n{problems} to mend." if problems else f"\n{well}")
    return 1 if problems else 0


def _careful(look: Callable[[], list[Finding]]) -> list[Finding]:
    """What `look` finds; an error on the way is a finding too."""
    try:
        return look()
    except Exception as error:
        what = look.__name__.strip("_").replace("_", " ")
        return [Finding(what, f"cannot be looked at: {_message(error)}", INSTALL)]


def _message(error: Exception) -> str:
    """Its first line; a library's may be pages long."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:WIDTH]}" if lines else type(error).__name__


def _python() -> list[Finding]:
    return [Finding("Python", f"{sys.version.split()[0]} in {sys.prefix}")]


def _package() -> list[Finding]:
    here, book = Path(__file__).parent, repository()
    if book is None:
        advice = "run this in the folder of the book, or there: python -m pip install -e ."
        found = f"{here}, a copy outside of the book: it finds no records, and data in {base()}"
        return [Finding("mnistconv", found, advice)]
    if here.parent == book:
        return [Finding("mnistconv", str(here))]
    found = f"{here}, a copy; records and data are those of {book}, as long as you are in there"
    return [Finding("mnistconv", found)]


def _libraries() -> list[Finding]:
    """The requirements of the package itself, each with the version that is installed."""
    return [_library(requirement) for requirement in _requirements()]


def _requirements() -> list[str]:
    """For example ["numpy>=2.1,<3"], as the installed package or its repository says."""
    try:
        required = requires("mnistconv") or []
    except PackageNotFoundError:
        book = repository()
        if book is None:
            raise
        project = tomllib.loads((book / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        required = project["dependencies"]
    return [text for text in required if "extra ==" not in text]


def _library(requirement: str) -> Finding:
    """Missing, broken, of an untested version, or well; each torchvision fits one torch only."""
    name = re.split(r"[<>=!~; \[]", requirement, maxsplit=1)[0]
    pair = "torch torchvision" if name.startswith("torch") else name
    again = f"python -m pip install --force-reinstall {pair}"
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(name, "is missing", INSTALL)
    try:
        importlib.import_module(name.replace("-", "_"))
    except Exception as error:
        return Finding(name, f"{found} cannot be imported ({_message(error)})", again)
    if not _is_in_range(found, requirement):
        return Finding(name, f"{found}, but the book needs {requirement}", INSTALL)
    return Finding(name, found)


def _is_in_range(found: str, requirement: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:  # no range can be checked without
        return True
    return Requirement(requirement).specifier.contains(found, prereleases=True)


def _kernel() -> list[Finding]:
    """Whether the notebooks' kernel is this Python: another one may lack the package."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except Exception as error:
        return [Finding("kernel", f"no Python for notebooks ({_message(error)})", INSTALL)]
    is_this = Path(program).parent in (Path(), Path(sys.executable).parent)  # "python": any
    if is_this:
        return [Finding("kernel", "the notebooks run in this Python")]
    where = "--user" if sys.prefix == sys.base_prefix else "--sys-prefix"
    advice = f"python -m ipykernel install {where}"
    return [Finding("kernel", f"the notebooks run in another Python, {program}", advice)]


def _device() -> list[Finding]:
    try:
        import torch

        from mnistconv.devices import pick_device
    except ValueError as error:  # MNISTCONV_THREADS
        advice = "unset MNISTCONV_THREADS, or set it to a number of threads"
        return [Finding("threads", str(error), advice)]
    except Exception:  # has its line above
        return []
    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    threads = torch.get_num_threads()
    return [Finding("device", f"{name}, {threads} CPU thread{'s' * (threads != 1)}")]


def _data() -> list[Finding]:
    root = data_root()
    problems = verify(root / "MNIST" / "raw")
    if not problems:
        return [Finding("MNIST", f"complete and verified in {root / 'MNIST' / 'raw'}")]
    found = "; ".join(f"{name} {problem}" for name, problem in problems.items())
    missing = Finding("MNIST", f"{root / 'MNIST' / 'raw'}: {found}", "python -m mnistconv data")
    return [missing, _writable("data folder", root, ELSEWHERE), _room(root)]


def _results() -> list[Finding]:
    advice = "python -m mnistconv reproduce --results FOLDER, with a folder that you may write to"
    return [_writable("results folder", results_root(), advice)]


def _writable(what: str, folder: Path, advice: str) -> Finding:
    """Tried by writing: access rights alone do not tell of quotas and full disks."""
    place = _nearest_that_exists(folder)
    if not place.is_dir():
        return Finding(what, f"{place} is a file", advice)
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"1234")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return Finding(what, f"{place} cannot be written to ({error.strerror})", advice)
    return Finding(what, f"{folder} can be written to")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(_nearest_that_exists(folder)).free
    found = f"{free / 1e9:.1f} GB free"
    return Finding("disk", found) if free > DATA_NEEDS else Finding("disk", found, ELSEWHERE)


def _nearest_that_exists(path: Path) -> Path:
    """`path` itself, or the nearest folder above it that exists."""
    return next(place for place in [path, *path.absolute().parents] if place.exists())


LOOKS = (_python, _package, _libraries, _kernel, _device, _data, _results)

"""What `python -m mnistconv check` looks at: libraries, device, data, write access."""

import importlib
import os
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import torch

from mnistconv.devices import pick_device
from mnistconv.fetch import data_root, verify


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


def examine() -> list[Finding]:
    """Look at everything that the book needs; nothing is changed, nothing fetched."""
    return [_python(), *_libraries(), _torchvision_fits(), _device(), _data(), _write_access()]


def _python() -> Finding:
    return Finding("Python", sys.version.split()[0])


def _libraries() -> list[Finding]:
    """The requirements of the package itself, each with the version that is installed."""
    required = [text for text in requires("mnistconv") or [] if "extra ==" not in text]
    return [_library(re.split(r"[<>=!~; \[]", text, maxsplit=1)[0]) for text in required]


def _library(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "is missing", "python -m pip install -r requirements.txt")


def _torchvision_fits() -> Finding:
    """torch and torchvision come in pairs; an odd couple fails at import."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, AttributeError) as error:
        advice = "python -m pip install --upgrade --force-reinstall torch torchvision"
        return Finding("torchvision", f"does not fit torch ({error})", advice)
    return Finding("torchvision", "fits torch")


def _device() -> Finding:
    device = pick_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return Finding("device", f"{name}, {torch.get_num_threads()} CPU threads")


def _data() -> Finding:
    folder = data_root() / "MNIST" / "raw"
    problems = verify(folder)
    if problems:
        found = "; ".join(f"{name} {problem}" for name, problem in problems.items())
        return Finding("MNIST", f"{folder}: {found}", "python -m mnistconv data")
    return Finding("MNIST", f"complete and verified in {folder}")


def _write_access() -> Finding:
    place = _nearest_that_exists(data_root())
    advice = "set the environment variable MNISTCONV_DATA to a folder that you may write to"
    if not place.is_dir():
        return Finding("data folder", f"{place} is a file", advice)
    if not os.access(place, os.W_OK):
        return Finding("data folder", f"{place} cannot be written to", advice)
    return Finding("data folder", f"{data_root()} can be written to")


def _nearest_that_exists(path: Path) -> Path:
    """`path` itself, or the nearest folder above it that exists."""
    return next(place for place in [path, *path.absolute().parents] if place.exists())

"""What some tests need beyond requirements.txt: found, or skipped with the line that says how."""

import importlib.util
import shutil
from pathlib import Path

import pytest

REASONS = Path(__file__).with_name("expected_skips.txt")
AXE = Path(__file__).parent / "site" / "node_modules" / "axe-core" / "axe.min.js"


def skip_without(tool: str):
    """Skip for the reason of expected_skips.txt that begins with `tool`."""
    lines = REASONS.read_text(encoding="utf-8").splitlines()
    (reason,) = [line for line in lines if line.startswith(f"{tool} ")]
    pytest.skip(reason)


def module(name: str):
    """The module of an extra, imported."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        skip_without(name.split(".")[0])


def axe() -> Path:
    """The script of axe-core, which checks accessibility."""
    return AXE if AXE.exists() else skip_without("axe-core")


def node() -> str:
    """The command that starts Node: the system's, or the one that playwright brings along."""
    found = shutil.which("node")
    playwright = importlib.util.find_spec("playwright")
    if found is None and playwright is not None:
        found = shutil.which("node", path=str(Path(playwright.origin).parent / "driver"))
    return found or skip_without("Node")


def chromium(playwright) -> str:
    """The path of a Chromium: the system's, or the one that playwright has installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
    return found if Path(found).exists() else skip_without("Chromium")


def firefox() -> str:
    """The command that starts Firefox."""
    found = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
    return found or skip_without("Firefox")


def webkit() -> tuple[str, str]:
    """The commands that start WebKitGTK's driver, and a screen for its window."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    return (driver, screen) if driver and screen else skip_without("WebKitGTK")


def quick_first(cases) -> list:
    """The cases of a parametrized test, of which the quick check takes the first alone."""
    first, *others = cases
    return [first, *(pytest.param(*_values(case), marks=pytest.mark.slow) for case in others)]


def _values(case) -> tuple:
    return case if isinstance(case, tuple) else (case,)

"""What a run left out: a skipped test may be a failure, a deselected one is counted.

CI=true: every skip fails the run, since a green run must have run everything. With the variable
MNISTCONV_EXPECTED_SKIPS=tests/expected_skips.txt only those whose reason is no line of that file.
"""

import os
from pathlib import Path

import pytest

LEFT_OUT = pytest.StashKey[int]()


def allowed_reasons() -> list[str] | None:
    """The reasons for which a test may be skipped; None: any."""
    if file := os.environ.get("MNISTCONV_EXPECTED_SKIPS"):
        return Path(file).read_text(encoding="utf-8").splitlines()
    return [] if os.environ.get("CI") == "true" else None


def unexpected_reasons(config) -> list[str]:
    reporter, allowed = config.pluginmanager.get_plugin("terminalreporter"), allowed_reasons()
    if reporter is None or allowed is None:
        return []
    reasons = {report.longrepr[2] for report in reporter.stats.get("skipped", [])}
    return sorted({reason.removeprefix("Skipped: ") for reason in reasons} - {*allowed})


def pytest_deselected(items):
    if items:
        config = items[0].config
        config.stash[LEFT_OUT] = config.stash.get(LEFT_OUT, 0) + len(items)


def pytest_sessionfinish(session):
    config = session.config
    if hasattr(config, "workeroutput"):  # a process of pytest-xdist tells the one that began it
        config.workeroutput["left_out"] = config.stash.get(LEFT_OUT, 0)
    if session.exitstatus == pytest.ExitCode.OK and unexpected_reasons(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter, config):
    for reason in unexpected_reasons(config):
        terminalreporter.write_line(f"Skipped against expectation: {reason}", red=True)
    left_out = config.stash.get(LEFT_OUT, 0)
    if left_out and config.option.markexpr == "not slow":
        tests = "test" if left_out == 1 else "tests"
        terminalreporter.write_line(f"{left_out} slow {tests} left out: `make test-all` runs all.")

"""The conftest.py of the repository: what a run of pytest says at its end, and its exit code."""

import os
import shutil
import subprocess
import sys

import pytest
from book import REPOSITORY

TESTS = """
import pytest

def test_quick(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.slow
def test_slow_too(): pass

@pytest.mark.skip(reason="no tool")
def test_skipped(): pass
"""


def run(folder, *options: str, ci: bool = False) -> subprocess.CompletedProcess:
    shutil.copy(REPOSITORY / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n", encoding="utf-8")
    (folder / "test_some.py").write_text(TESTS, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder, env=os.environ | {"CI": "true" if ci else "false"},
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("processes", ["0", "2"])
def test_the_quick_tier_says_how_many_tests_it_left_out(tmp_path, processes):
    said = run(tmp_path, "-m", "not slow", "-n", processes)
    assert said.returncode == 0, said.stdout
    assert "Left out: 2 tests" in said.stdout
    assert "passed" in said.stdout.splitlines()[-1], "the last line is pytest's"


def test_a_run_of_everything_leaves_nothing_out(tmp_path):
    assert "Left out" not in run(tmp_path).stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_skip_is_a_failure_under_ci_alone(tmp_path, options):
    assert run(tmp_path, *options).returncode == 0
    assert run(tmp_path, *options, ci=True).returncode == 1
    assert (
        run(tmp_path, *options, "--deselect", "test_some.py::test_skipped", ci=True).returncode == 0
    )

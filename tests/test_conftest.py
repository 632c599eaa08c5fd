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


def run(folder, *options: str, ci: str = "false") -> subprocess.CompletedProcess:
    shutil.copy(REPOSITORY / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n", encoding="utf-8")
    (folder / "test_some.py").write_text(TESTS, encoding="utf-8")
    alone = {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, env=os.environ | alone, capture_output=True, text=True
    )


@pytest.mark.parametrize("processes", ["0", "1"])
def test_the_quick_tier_says_what_it_left_out_and_ci_allows_no_skip(tmp_path, processes):
    said = run(tmp_path, "-m", "not slow", "-n", processes, ci="true")
    assert said.returncode == 1
    assert "Left out: 2 tests" in said.stdout
    assert "1 passed, 1 skipped" in said.stdout.splitlines()[-1], "the last line is pytest's"


def test_elsewhere_a_skip_is_none_and_a_run_of_everything_leaves_nothing_out(tmp_path):
    said = run(tmp_path)
    assert said.returncode == 0
    assert "Left out" not in said.stdout

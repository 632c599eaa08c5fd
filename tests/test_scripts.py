"""The site's scripts pass their linter."""

import shutil
import subprocess

import pytest
from book import REPOSITORY

pytestmark = pytest.mark.slow

ESLINT = REPOSITORY / "tests" / "site" / "node_modules" / "eslint" / "bin" / "eslint.js"
CONFIGURATION = REPOSITORY / "tests" / "site" / "eslint.config.mjs"


def lint(*arguments, script: str | None = None) -> subprocess.CompletedProcess:
    if shutil.which("node") is None or not ESLINT.exists():
        pytest.skip("ESLint is not installed: npm ci --prefix tests/site")
    command = ["node", ESLINT, "--config", CONFIGURATION, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, input=script, capture_output=True, text=True)


def test_all_scripts_pass_the_linter():
    finished = lint("site/_static", "tests/site")
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_linter_sees_a_slip_in_a_script_of_the_site():
    finished = lint("--stdin", "--stdin-filename", "site/_static/draw/x.js", script="one = 1;\n")
    assert finished.returncode == 1
    assert "'one' is not defined" in finished.stdout

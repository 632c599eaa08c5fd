"""The tests' own promises: what may be skipped, what the quick check leaves out."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib

import pytest
import tools
from book import REPOSITORY

TESTS = REPOSITORY / "tests"
EXAMPLES = """
import pytest

def skip(): pytest.skip("Node is not installed: apt-get install nodejs")
def test_that_needs_node(): skip()
def test_that_needs_nothing(): pass
@pytest.mark.slow
def test_that_takes_long(): pass
"""


@pytest.fixture
def run(tmp_path):
    """Run the examples with the repository's conftest.py: the finished process."""
    shutil.copy(REPOSITORY / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow", encoding="utf-8")
    (tmp_path / "test_examples.py").write_text(EXAMPLES, encoding="utf-8")

    def run(*options: str, **environment: str):
        ours = ("CI", "MNISTCONV_EXPECTED_SKIPS")
        kept = {k: v for k, v in os.environ.items() if k not in ours and "PYTEST" not in k}
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they take seconds to start
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options],
            cwd=tmp_path, env=kept | environment, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_a_skip_fails_where_everything_must_run(run):
    finished = run(CI="true")
    assert finished.returncode == 1
    assert "expectation: Node is not installed" in finished.stdout


def test_only_expected_skips_are_let_pass(run, tmp_path):
    expected = tmp_path / "expected.txt"
    expected.write_text("playwright is not installed\n", encoding="utf-8")
    finished = run(MNISTCONV_EXPECTED_SKIPS=str(expected))
    assert finished.returncode == 1
    assert "expectation: Node is not installed" in finished.stdout
    expected.write_text("Node is not installed: apt-get install nodejs\n", encoding="utf-8")
    assert run(MNISTCONV_EXPECTED_SKIPS=str(expected), CI="true").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "2"]], ids=["one process", "two"])
def test_the_summary_says_what_was_left_out(run, options):
    assert "1 slow test left out: `make test-all`" in run("-m", "not slow", *options).stdout


def test_what_is_missing_is_skipped_with_a_line_of_the_list(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(tools, "AXE", TESTS / "nothing.js")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    lines = tools.REASONS.read_text(encoding="utf-8").splitlines()
    in_path = (tools.node, tools.firefox, tools.webkit)
    for look_for in (lambda: tools.module("onnxruntime"), tools.axe, *in_path):
        with pytest.raises(pytest.skip.Exception) as skipped:
            look_for()
        assert str(skipped.value) in lines


def names_imported_at_the_top(source: str) -> set[str]:
    names = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names


def test_no_module_needs_an_extra_to_be_read():
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {
        name
        for lines in pyproject["project"]["optional-dependencies"].values()
        for line in lines
        for name in line.split(">")[0].rstrip("]").split("[")  # dask[distributed] brings both
    }
    assert {"onnxruntime", "playwright", "dask", "distributed"} <= extras
    for path in TESTS.rglob("*.py"):
        found = names_imported_at_the_top(path.read_text(encoding="utf-8")) & extras
        assert not found, f"{path.name} imports {found} at its top"


def test_the_quick_check_holds_four_of_five_test_functions():
    everything, quick = 0, 0
    for path in TESTS.glob("test_*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        marks = [ast.unparse(n.value) for n in body if ast.unparse(n).startswith("pytestmark = ")]
        for node in body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = marks + [ast.unparse(decorator) for decorator in node.decorator_list]
                everything += 1
                quick += not any(mark.endswith(("mark.slow", "SLOW")) for mark in own)
    assert quick >= 0.8 * everything, f"{quick} of {everything} functions are not marked slow"

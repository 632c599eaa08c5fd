"""README and CONTRIBUTING: commands run, links lead somewhere, the table is today's."""

import re
import shutil
import subprocess

import pytest
from book import NAMES, REPOSITORY
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from mnistconv.commands import app
from mnistconv.records import format_scoreboard

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
RESULTS = (REPOSITORY / "results" / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
EVERY_DOCUMENT = pytest.mark.parametrize(
    "text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"]
)


@EVERY_DOCUMENT
def test_links_to_files_lead_somewhere(text):
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert targets
    for target in targets:
        assert (REPOSITORY / target).exists(), target


@pytest.mark.parametrize(
    "text", [README, CONTRIBUTING, RESULTS], ids=["README", "CONTRIBUTING", "results"]
)
def test_make_targets_exist(text):
    targets = re.findall(r"^    make (\w+)|`make (\w+)`", text, re.M)
    assert targets
    for target in {one or other for one, other in targets}:
        assert re.search(rf"^{target}:", MAKEFILE, re.M), target


def test_commands_of_the_readme_are_commands():
    named = re.findall(r"python -m mnistconv (\w+)((?: [^ \n`]+)*)", README + RESULTS)
    commands = {"list", "train", "reproduce", "table", "export", "data", "check"}
    assert {name for name, _ in named} == commands
    for name, rest in named:
        options = re.findall(r"--[a-z]+", rest)
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0, name
        for option in options:
            assert option in shown.output


def test_first_screen_holds_the_two_commands():
    first_screen = "\n".join(README.splitlines()[:30])
    assert "make lab" in first_screen
    assert "make test" in first_screen


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_and_make_test_begin_with_the_whole_set_up():
    for target in ("lab", "test"):
        plan = subprocess.run(
            ["make", "--dry-run", "VENV=not-there", target],
            cwd=REPOSITORY, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        steps = ["-m venv", "pip install -r requirements.txt -c constraints.txt", "mnistconv data"]
        places = [plan.index(step) for step in steps]
        assert places == sorted(places)


def test_every_notebook_is_in_the_table_of_contents():
    for name in NAMES:
        assert f"(notebooks/{name}.ipynb)" in README


def test_the_readmes_scoreboard_is_todays():
    between = re.search(r"<!-- scoreboard -->\n(.*)<!-- /scoreboard -->", README, re.S).group(1)
    assert between.strip() == format_scoreboard("markdown").strip(), "run `make notebooks`"


def test_requirements_and_package_agree():
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    required = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    dependencies = re.search(r"^dependencies = \[(.*?)\]", pyproject, re.S | re.M).group(1)
    for line in re.findall(r'"([^"]+)"', dependencies):
        assert line in required.splitlines(), line
    assert required.rstrip().splitlines()[-1] == "-e ."


def test_constraints_lie_within_the_tested_ranges():
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text("utf-8"), re.M
        )
    }
    for line in (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-e")):
            requirement = Requirement(line)
            version = pinned[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), line

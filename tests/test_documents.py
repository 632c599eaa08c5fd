"""README, CONTRIBUTING and what runs their commands: links lead somewhere, tables are today's."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib

import claim
import lines
import pytest
import yaml
from book import NAMES, REPOSITORY
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from mnistconv.commands import app
from mnistconv.experiments import boards, on_board
from mnistconv.records import format_scoreboard, load_records, verdict

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
    targets = re.findall(r"^    make ([\w-]+)|`make ([\w-]+)`", text, re.M)
    assert targets
    for target in {one or other for one, other in targets}:
        assert re.search(rf"^{target}:", MAKEFILE, re.M), target


def test_contributing_says_what_each_file_of_code_is_for():
    folders = [REPOSITORY, REPOSITORY / "site", REPOSITORY / "mnistconv"]
    files = [path.name for folder in folders for path in folder.glob("*.py")]
    named = re.findall(r"[`/](\w+\.py)`", CONTRIBUTING)
    assert sorted({*files} - {"__init__.py", *named}) == []


def test_commands_of_the_readme_are_commands():
    named = re.findall(r"python -m mnistconv (\w+)((?: [^ \n`]+)*)", README + RESULTS)
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
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


def plan(*arguments: str) -> str:
    """The commands that `make` would run in a fresh clone."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "--dry-run", "VENV=not-there", *arguments]
    planned = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return planned.stdout


@pytest.mark.parametrize("target", ["lab", "test", "test-all"])
def test_a_make_target_begins_with_the_whole_set_up(target):
    planned = plan(target)
    steps = [
        "-m venv",
        "python install.py",
        "mnistconv data",
        "pytest" if target != "lab" else "lab",
    ]
    places = [planned.index(step) for step in steps]
    assert places == sorted(places)
    assert "--cuda" not in planned
    assert "install.py --cuda" in plan(target, "CUDA=1")


def test_make_test_is_the_quick_tier_of_make_test_all():
    quick, every = plan("test"), plan("test-all")
    assert quick != every
    assert quick.replace(' -m "not slow"', "") == every
    assert "--nbval-lax notebooks" in quick


def plain_commands() -> list[str]:
    """What the README says for machines without make, up to the opening of JupyterLab."""
    blocks = re.findall(r"(?:^    .+\n)+", README[: README.index("![Test accuracy")], re.M)
    lines = [
        line.split("   ")[0] for block in blocks for line in textwrap.dedent(block).splitlines()
    ]
    return [line for line in lines if not line.startswith(("make", "jupyter"))]


def steps(job: str) -> list[dict]:
    path = REPOSITORY / ".github" / "workflows" / "ci.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"][job]["steps"]


def test_the_workflow_runs_the_readmes_commands_before_it_installs_more():
    commands = [step["run"] for step in steps("other-systems") if "run" in step]
    assert commands[0] == "make test"
    assert len(plain_commands()) == 6
    assert commands[1].splitlines()[1:] == plain_commands()
    assert "dask" in commands[2]
    assert "bash .ci/run" in [step.get("run") for step in steps("test")]


def test_ci_runs_the_readmes_command_first_and_every_test_last():
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    first, *_, last = [line for line in script if "make test" in line]
    assert first.startswith("env -u CI ") and first.endswith(" make test")
    assert last == script[-1] == "make test-all"
    before = "\n".join(script[: script.index(first)])
    assert not re.search(r"install|npm|lint|CI=", before.split("set -euo")[1])
    file = re.search(r"MNISTCONV_EXPECTED_SKIPS=(\S+)", first)[1]
    assert (REPOSITORY / file).is_file()


def test_the_development_container_sets_up_as_make_does():
    container = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    command, target = container["postCreateCommand"].split()
    assert command == "make"
    assert "python install.py" in plan(target)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_readmes_colab_cell_works_in_a_process_that_runs_already(tmp_path):
    """A real clone, of an empty package; pip only notes what it is asked for."""
    cell = re.search(r"### Google Colab\n(?:.*\n)+?((?:    .+\n)+)", README)[1]
    cell = textwrap.dedent(cell).replace("REPOSITORY_ADDRESS", str(tmp_path / "origin"))
    origin, elsewhere = tmp_path / "origin", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (origin / "mnistconv").mkdir(parents=True)
    (origin / "mnistconv" / "__init__.py").touch()
    shutil.copy(REPOSITORY / "pyproject.toml", origin)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", origin]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *arguments], check=True)
    (elsewhere / "pip.py").write_text(
        "import sys; open('asked', 'w').write(' '.join(sys.argv[1:]))"
    )
    (elsewhere / "session.py").write_text(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"InteractiveShell.instance().run_cell({cell!r})\n"
        "import mnistconv\nprint(mnistconv.__file__)\n"
    )
    ran = subprocess.run(
        [sys.executable, "session.py"], cwd=elsewhere, capture_output=True, text=True, check=True,
        env=os.environ | {"IPYTHONDIR": str(tmp_path / "ipython")},
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == str(elsewhere / "book" / "mnistconv" / "__init__.py")
    *_, option, package = (elsewhere / "asked").read_text().split()
    assert option == "-e"
    assert (elsewhere / package / "pyproject.toml").exists()


def test_the_readme_says_what_memory_a_run_needs():
    (row,) = [line for line in README.splitlines() if "memory |" in line]
    for words in ("60,000", "300,000", "dropout"):
        assert re.search(rf"[\d.]+ GB with {words}", row)


def test_the_page_of_results_says_how_long_runs_took():
    """From the shortest to the longest of the board `article` on a CPU."""
    kinds = {"dense": [], "60,000": [], "expanded": [], "dropout": []}
    for name, experiment in on_board("article").items():
        network = name.split("-")[0]
        kind = network if network in kinds else f"{experiment.recipe.training_images:,}"
        kinds[kind] += [r.wall_seconds / 60 for r in load_records(name) if r.device == "cpu"]
    (said,) = re.findall(r"^On one core of a server,.*?wall_seconds", RESULTS, re.M | re.S)
    for words, kind, minutes in (
        (r"dense run took (half) a minute to ([\d.]+) minutes", "dense", 1),
        (r"60,000 images (\d+) to (\d+),", "60,000", 1),
        (r"expanded data ([\d.]+)() hours", "expanded", 60),
        (r"dropout network (\d+) to (\d+) ", "dropout", 60),
    ):
        shortest, longest = re.search(words, " ".join(said.split())).groups()
        shortest = float(shortest.replace("half", "0.5"))
        longest = float(longest or shortest)
        assert min(kinds[kind]) / minutes == pytest.approx(shortest, rel=0.2)
        assert max(kinds[kind]) / minutes == pytest.approx(longest, rel=0.2)


def test_the_page_to_draw_on_leads_to_the_chapter_with_the_verdict():
    page = (REPOSITORY / "notebooks" / "draw.md").read_text(encoding="utf-8")
    (name,) = re.findall(r"what each step of the book is worth.*?\((\w+)\.ipynb\)", page)
    assert "verdict()" in (REPOSITORY / "notebooks" / "text" / f"{name}.md").read_text("utf-8")


def test_the_readme_calls_simulated_what_was_only_simulated():
    (said,) = re.findall(r"^- \*\*Where it has been run\.\*\*(.*?)\n(?=- )", README, re.M | re.S)
    for place in ("macOS", "Windows", "Colab", "Binder", "container", "CPU builds", "simulated"):
        assert place in said


def test_every_notebook_is_in_the_table_of_contents():
    for name in NAMES:
        assert f"(notebooks/{name}.ipynb)" in README


NUMBERS = {
    14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen",
    19: "nineteen", 20: "twenty",
}  # fmt: skip


def test_readme_and_first_page_count_the_chapters():
    number = NUMBERS[len(NAMES)]
    assert f"A book in {number} notebooks" in README
    index = (REPOSITORY / "notebooks" / "index.md").read_text(encoding="utf-8")
    assert f"{number.capitalize()} chapters" in index


def test_the_readmes_scoreboard_is_todays():
    between = re.search(r"<!-- scoreboard -->\n(.*)<!-- /scoreboard -->", README, re.S).group(1)
    assert between.strip() == format_scoreboard("markdown").strip(), "run `make notebooks`"


def test_the_verdict_beside_the_records_is_todays(tmp_path):
    page = REPOSITORY / "results" / "README.md"
    renewed = tmp_path / page.name
    shutil.copy(page, renewed)
    verdict.write_into(renewed)
    assert renewed.read_text("utf-8") == page.read_text("utf-8"), "run `make notebooks`"


def test_the_readmes_sentence_on_speed_is_todays():
    between = README.split("<!-- fast -->")[1].split("<!-- /fast -->")[0]
    assert between.strip() == claim.format_claim(), "run `make notebooks`"


def test_the_readmes_lines_are_todays():
    between = re.search(r"<!-- lines -->\n(.*)<!-- /lines -->", README, re.S).group(1)
    assert between.strip() == lines.format_lines(), "run `make notebooks`"


def requirements() -> list[Requirement]:
    lines = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "-e ."
    return [Requirement(line) for line in lines[:-1] if line and not line.startswith("#")]


def dependencies() -> list[Requirement]:
    """What the package itself requires."""
    pyproject = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(line) for line in pyproject["project"]["dependencies"]]


def test_each_tested_range_is_written_once():
    """The package's in pyproject.toml, the tools' in requirements.txt, which names no index."""
    ranges = [one for one in requirements() + dependencies() if one.specifier]
    names = [canonicalize_name(one.name) for one in ranges]
    assert len(names) == len(set(names))
    assert all(one.specifier for one in dependencies())
    assert {one.name for one in requirements()} <= set(names)


def test_requirements_name_the_books_own_libraries():
    expected = {"torch", "torchvision", "matplotlib", "scipy", "jupyter", "jupytext", "nbval"}
    assert expected <= {one.name for one in requirements()}


def test_constraints_lie_within_the_tested_ranges():
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"^([\w.-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text("utf-8"), re.M
        )
    }
    for one in requirements() + dependencies():
        version = pinned[canonicalize_name(one.name)]
        assert one.specifier.contains(version), one
        assert "+" not in version, "a build's own name exists on its own index alone"


def test_make_reproduce_makes_every_board():
    rule = re.search(r"^reproduce: data\n((?:\t.*\n)+)", MAKEFILE, re.M)[1]
    named = re.findall(r"mnistconv reproduce(?: --board (\w+))?$", rule, re.M)
    assert sorted(board or "article" for board in named) == sorted(boards())

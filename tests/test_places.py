"""Where data and results lie, from every folder, with and without a repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from book import REPOSITORY

from mnistconv import places
from mnistconv.places import data_root, results_root


def test_the_data_folder_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MNISTCONV_DATA", str(tmp_path / "elsewhere"))
    assert data_root() == tmp_path / "elsewhere"
    monkeypatch.setenv("MNISTCONV_DATA", "")
    assert data_root() == REPOSITORY / "data"
    monkeypatch.delenv("MNISTCONV_DATA")
    assert data_root() == REPOSITORY / "data"
    assert results_root() == REPOSITORY / "results"


@pytest.mark.parametrize("folder", [REPOSITORY, REPOSITORY / "notebooks", Path("/")])
def test_a_relative_data_folder_is_the_same_from_everywhere(monkeypatch, folder):
    monkeypatch.setenv("MNISTCONV_DATA", "my/digits")
    monkeypatch.chdir(folder)
    assert data_root() == REPOSITORY / "my" / "digits"


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("MNISTCONV_DATA", "~/digits")
    assert data_root() == tmp_path / "digits"


def test_a_home_that_is_none_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MNISTCONV_DATA", "~no-such-user-here/digits")
    with pytest.raises(ValueError, match="~no-such-user-here"):
        data_root()


ASK = """
import runpy, sys
places = runpy.run_path(sys.argv[1])  # without the package around it, which imports torch
print(places["data_root"](), places["results_root"](), sep="\\n")
"""


@pytest.fixture
def installed(tmp_path) -> Path:
    """A copy of the package as `pip install .` puts it somewhere; returns that folder."""
    shutil.copytree(Path(places.__file__).parent, tmp_path / "packages" / "mnistconv")
    return tmp_path / "packages"


def ask(installed: Path, current: Path, **environment: str) -> list[Path]:
    environment = {"MNISTCONV_DATA": "", **environment}
    command = [sys.executable, "-c", ASK, str(installed / "mnistconv" / "places.py")]
    result = subprocess.run(
        command, capture_output=True, text=True, cwd=current, env=os.environ | environment
    )
    assert result.returncode == 0, result.stderr
    return [Path(line) for line in result.stdout.splitlines()]


def test_a_copy_finds_the_repository_around_the_current_folder(installed):
    for current in (REPOSITORY, REPOSITORY / "notebooks"):
        assert ask(installed, current) == [REPOSITORY / "data", REPOSITORY / "results"]


def test_a_copy_without_a_repository_uses_one_folder_in_the_home_folder(installed, tmp_path):
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    for current in (tmp_path, installed):
        found = [tmp_path / "mnistconv" / "data", tmp_path / "mnistconv" / "results"]
        assert ask(installed, current, **home) == found
        digits = [tmp_path / "mnistconv" / "digits", found[1]]
        assert ask(installed, current, MNISTCONV_DATA="digits", **home) == digits

"""The command line as a user meets it: what it prints, what it leaves behind, its exit codes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

from mnistconv.data import load_mnist
from mnistconv.experiments import EXPERIMENTS
from mnistconv.fetch import data_root
from mnistconv.networks import DenseNet
from mnistconv.training import evaluate


def command(*arguments: str, **environment: str) -> list[str]:
    return [sys.executable, "-m", "mnistconv", *arguments]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"} | environment,
    )


def assert_one_sentence(result: subprocess.CompletedProcess, *words: str) -> None:
    """Exit code 2, no traceback, and each of `words` in what was said."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_help_names_every_command():
    result = run("--help")
    assert result.returncode == 0
    for name in ("list", "train", "table", "data", "check"):
        assert re.search(rf"^\s+{name}\s", result.stdout, re.M)


def test_list_shows_every_run_with_the_published_figures():
    result = run("list")
    assert result.returncode == 0
    for experiment in EXPERIMENTS.values():
        assert experiment.name in result.stdout
        assert experiment.article is None or f"{experiment.article:.2f}" in result.stdout


def test_train_obeys_its_epochs_whatever_the_profile(tmp_path):
    weights = tmp_path / "dense.safetensors"
    result = run(
        "train", "dense", "--epochs", "2", "--seed", "3", "--device", "cpu", "--save", str(weights),
        MNISTCONV_PROFILE="test",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    accuracies = [float(value) for value in re.findall(r"test accuracy +([\d.]+)%", result.stdout)]
    assert len(accuracies) == 2
    assert accuracies[-1] > 90
    net = DenseNet()
    net.load_state_dict(load_file(weights))
    assert 100 * evaluate(net, *load_mnist()[1]) == pytest.approx(accuracies[-1], abs=0.005)


def test_train_of_no_epochs_is_no_training():
    result = run("train", "dense", "--epochs", "0")
    assert result.returncode == 0
    assert "epoch " not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "lenet"), ("lenet", "relu-wd0.1")),
        (("train", "dense", "--epochs", "-1"), ("epochs", "-1")),
        (("train", "dense", "--epochs", "two"), ("two",)),
        (("train", "dense", "--device", "abacus"), ("abacus",)),
        (("train",), ("RUN",)),
        (("table", "--format", "pdf"), ("pdf", "csv")),
        (("dance",), ("dance",)),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, words):
    assert_one_sentence(run(*arguments), *words)


def test_a_folder_that_is_missing_is_found_before_the_training(tmp_path):
    result = run("train", "dense", "--save", str(tmp_path / "nowhere" / "net.safetensors"))
    assert_one_sentence(result, "nowhere", "--save")
    assert "epoch" not in result.stdout


def test_control_c_says_how_far_it_came(tmp_path):
    weights = tmp_path / "net.safetensors"
    process = subprocess.Popen(
        command("train", "dense", "--epochs", "50", "--device", "cpu", "--save", str(weights)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    first = process.stdout.readline()
    assert first.startswith("epoch  1")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "of 50 epochs" in out
    assert "Traceback" not in err
    assert evaluate_file(weights) > 0.8


def evaluate_file(weights) -> float:
    net = DenseNet()
    net.load_state_dict(load_file(weights))
    return evaluate(net, *load_mnist()[1])


def test_data_says_where_the_verified_files_lie():
    result = run("data")
    assert result.returncode == 0, result.stderr
    assert str(data_root()) in result.stdout


def test_check_finds_all_well_here():
    result = run("check")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "All well" in result.stdout
    for what in ("torch", "torchvision", "MNIST", "device"):
        assert what in result.stdout


def test_check_says_what_to_do_about_missing_data(tmp_path):
    result = run("check", MNISTCONV_DATA=str(tmp_path / "empty"))
    assert result.returncode == 1
    assert "python -m mnistconv data" in result.stdout
    assert not (tmp_path / "empty").exists()


def test_check_says_what_to_do_about_a_data_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("check", MNISTCONV_DATA=str(tmp_path / "file"))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "MNISTCONV_DATA" in result.stdout


def test_the_scoreboard_comes_as_csv_too():
    lines = run("table", "--format", "csv").stdout.splitlines()
    assert len(lines) == 1 + len(EXPERIMENTS)
    assert lines[0].startswith("run,parameters")

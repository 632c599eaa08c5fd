"""The command line as a user meets it: what it prints, what it leaves behind, its exit codes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file
from small import changed

from mnistconv.__main__ import main
from mnistconv.data import load_mnist
from mnistconv.experiments import EXPERIMENTS, on_board
from mnistconv.fetch import data_root
from mnistconv.networks import DenseNet
from mnistconv.training import evaluate


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mnistconv", *arguments]


def run_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


@pytest.fixture
def run(monkeypatch, capsys):
    """The command line in this process: arguments -> (exit code, standard output, error output)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mnistconv", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_help_names_every_command():
    result = run_process("--help")
    assert result.returncode == 0
    for name in ("list", "train", "table", "data", "check"):
        assert re.search(rf"^\s+{name}\s", result.stdout, re.M)


def test_list_shows_every_run_with_the_published_figures(run):
    code, out, _ = run("list")
    assert code == 0
    for experiment in on_board("article").values():
        assert experiment.name in out
        assert experiment.article is None or f"{experiment.article:.2f}" in out
    assert "steps-deep" not in out
    assert "--board ablation" in out


def test_list_and_table_show_a_board_that_is_asked_for(run):
    for command in ("list", "table"):
        code, out, _ = run(command, "--board", "ablation")
        assert code == 0
        assert all(name in out for name in on_board("ablation"))
        assert "two-conv" not in out


def test_what_train_cannot_do_it_refuses_before_it_begins(run, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "dense", changed(EXPERIMENTS["dense"], momentum=0.9))
    code, out, said = run("train", "dense")
    assert (code, out) == (2, "")
    assert "momentum 0.9" in said and "reproduce" in said


def test_train_obeys_its_epochs_whatever_the_profile(tmp_path):
    weights = tmp_path / "dense.safetensors"
    result = run_process(
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


def test_train_of_no_epochs_is_no_training(run):
    code, out, _ = run("train", "dense", "--epochs", "0", "--device", "cpu")
    assert code == 0
    assert "epoch " not in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "lenet"), ("lenet", "relu-wd0.1")),
        (("train", "dense", "--epochs", "-1"), ("epochs", "-1")),
        (("train", "dense", "--epochs", "two"), ("--epochs",)),
        (("train", "dense", "--device", "abacus"), ("abacus",)),
        (("train",), ("argument",)),
        (("table", "--format", "pdf"), ("pdf", "csv")),
        (("table", "--board", "kitchen"), ("kitchen", "article")),
        (("list", "--board", "kitchen"), ("kitchen", "article")),
        (("reproduce", "--board", "kitchen"), ("kitchen", "article")),
        (("dance",), ("dance",)),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, arguments, words):
    code, _, said = run(*arguments)
    assert code == 2
    assert "Traceback" not in said
    for word in words:
        assert word in said


def test_a_folder_that_is_missing_is_found_before_the_training(run, tmp_path):
    code, out, said = run("train", "dense", "--save", str(tmp_path / "nowhere" / "net.safetensors"))
    assert code == 2
    assert "nowhere" in said
    assert "--save" in said
    assert "epoch" not in out


def heed_control_c() -> None:
    """Undo what a shell does to programs in the background: they inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_control_c_says_how_far_it_came(tmp_path):
    weights = tmp_path / "net.safetensors"
    process = subprocess.Popen(
        command("train", "dense", "--epochs", "50", "--device", "cpu", "--save", str(weights)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=None if sys.platform == "win32" else heed_control_c,
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


def test_data_says_where_the_verified_files_lie(run):
    code, out, _ = run("data")
    assert code == 0
    assert str(data_root()) in out


def test_check_finds_all_well_here():
    result = run_process("check")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "All well" in result.stdout
    for what in ("torch", "torchvision", "MNIST", "device"):
        assert what in result.stdout


def test_check_says_what_to_do_about_missing_data(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTCONV_DATA", str(tmp_path / "empty"))
    code, out, _ = run("check")
    assert code == 1
    assert "python -m mnistconv data" in out
    assert not (tmp_path / "empty").exists()


def test_check_says_what_to_do_about_a_data_folder_that_is_a_file(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MNISTCONV_DATA", str(tmp_path / "file"))
    code, out, _ = run("check")
    assert code == 1
    assert "is a file" in out
    assert "MNISTCONV_DATA" in out


def test_the_scoreboard_comes_as_csv_too(run):
    code, out, _ = run("table", "--format", "csv")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == 1 + len(on_board("article"))
    assert lines[0].startswith("run,parameters")

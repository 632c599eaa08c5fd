"""The command line as a user meets it: what it prints, what it leaves behind, its exit codes."""

import errno
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import processes
import pytest
import torch
from safetensors.torch import load_file
from small import changed
from users import without_roots_rights

from mnistconv import commands, training
from mnistconv.__main__ import main
from mnistconv.data import load_mnist
from mnistconv.experiments import EXPERIMENTS, on_board
from mnistconv.networks import DenseNet
from mnistconv.places import data_root
from mnistconv.records import scores
from mnistconv.reproduce import planning
from mnistconv.training import History, evaluate


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
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_help_names_every_command():
    result = run_process("--help")
    assert result.returncode == 0
    for name in ("list", "train", "table", "verdict", "data", "check"):
        assert re.search(rf"^\s+{name}\s", result.stdout, re.M)


def test_list_shows_every_run_with_the_published_figures(run):
    code, out, _ = run("list")
    assert code == 0
    for experiment in on_board("article").values():
        assert experiment.name in out
        assert experiment.article is None or f"{experiment.article:.2f}" in out
    assert "steps-deep" not in out
    assert "--board ablation" in out


def test_nielsens_board_ends_with_his_vote(run):
    for command in ("list", "table"):
        code, out, _ = run(command, "--board", "nielsen")
        assert code == 0
        rows = re.findall(r"^nielsen-[\w-]+", out.split("parameters")[1], re.M)
        assert rows == [*on_board("nielsen"), "nielsen-vote"]


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


@pytest.mark.slow
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
        (("train", "reul"), ("reul", "did you mean relu?")),
        (("reproduce", "dropuot-lr0.03"), ("did you mean dropout-lr0.03?",)),
        (("tables",), ("tables", "Did you mean")),
        (("train", "dense", "--epochs", "-1"), ("epochs", "-1")),
        (("table", "--into", "page.md", "--format", "csv"), ("--into", "Markdown")),
        (("table", "--into", "page.md", "--board", "ablation"), ("--into", "article")),
        (("reproduce", "--backend", "dask", "--device", "cuda"), ("--device cuda", "cluster")),
        (("train", "dense", "--seed", "-1"), ("seed", "-1")),
        (("train", "dense", "--seed", "9" * 30), ("seed", "9" * 30)),
        (("reproduce", "dense", "--seeds", "0-99999999999"), ("--seeds", "0-99999999999")),
        (("reproduce", "dense", "--seeds", "0-" + "9" * 5000), ("--seeds",)),
        (("train", "dense", "--epochs", "two"), ("--epochs",)),
        (("train", "dense", "--device", "abacus"), ("abacus",)),
        (("train",), ("argument",)),
        (("table", "--format", "pdf"), ("pdf", "csv")),
        (("table", "--board", "kitchen"), ("kitchen", "article")),
        (("list", "--board", "kitchen"), ("kitchen", "article")),
        (("reproduce", "--board", "kitchen"), ("kitchen", "article")),
        (("reproduce", "--board", "nielson"), ("nielson", "nielsen")),
        (("train", "nielsen-relu"), ("held_out 10000", "order fixed", "reproduce")),
        (("reproduce", "nielsen-vote"), ("nielsen-vote", "nielsen-dropout")),
        (("dance",), ("dance",)),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, arguments, words):
    code, _, said = run(*arguments)
    assert code == 2
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    for word in words:
        assert word in said


def test_a_folder_that_is_missing_is_found_before_the_training(run, tmp_path):
    code, out, said = run("train", "dense", "--save", str(tmp_path / "nowhere" / "net.safetensors"))
    assert code == 2
    assert "nowhere" in said
    assert "--save" in said
    assert "epoch" not in out


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *_, **__: pytest.fail("trained all the same"))


POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


@POSIX_ONLY
@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "below a file", "protected folder"])
def test_a_place_that_takes_no_weights_is_found_before_the_training(
    run, tmp_path, kind, no_training
):
    path = tmp_path / "thing"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/null")
    elif kind == "below a file":
        path.write_bytes(b"")
        path = path / "net"
    else:
        tmp_path.chmod(0o555)
    with without_roots_rights(tmp_path):
        code, _, said = run("train", "dense", "--device", "cpu", "--save", str(path))
    assert code == 2
    assert str(path) in said
    assert len(said.splitlines()) == 1
    assert [*tmp_path.iterdir()] == [tmp_path / "thing"] * (kind != "protected folder")


def test_a_disk_that_is_full_is_found_before_the_training(run, tmp_path, monkeypatch, no_training):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, said = run("train", "dense", "--device", "cpu", "--save", str(tmp_path / "net"))
    assert code == 2
    assert "disk is full" in said
    assert [*tmp_path.iterdir()] == []


def test_room_for_less_than_the_weights_is_found_before_the_training(
    run, tmp_path, monkeypatch, no_training
):
    write_bytes = Path.write_bytes

    def write_a_little(path, content):
        write_bytes(path, content[:1000])
        if len(content) > 1000:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(Path, "write_bytes", write_a_little)
    code, _, said = run("train", "dense", "--device", "cpu", "--save", str(tmp_path / "net"))
    assert code == 2
    assert "disk is full" in said
    assert [*tmp_path.iterdir()] == []


def test_weights_that_cannot_be_written_in_the_end_go_to_a_place_that_works(
    run, tmp_path, monkeypatch
):
    here, save = tmp_path / "here", tmp_path / "there" / "net.safetensors"
    for folder in (here, save.parent):
        folder.mkdir()
    monkeypatch.chdir(here)

    def lose_the_folder(*_, **__):
        save.parent.rmdir()
        save.parent.write_bytes(b"a file now")
        return History(1, 1, steps=1)

    monkeypatch.setattr(training, "fit", lose_the_folder)
    code, out, said = run("train", "dense", "--device", "cpu", "--save", str(save))
    (found,) = here.glob("*/net.safetensors")
    assert code == 2
    assert str(save) in said
    assert str(found) in said
    assert f"{evaluate_file(found):.4f}"[2:].lstrip("0") in out.replace(",", "")


def test_weights_that_no_folder_takes_are_said_to_be_lost(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "write_atomically", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    weights = str(tmp_path / "net")
    code, _, said = run("train", "dense", "--device", "cpu", "--epochs", "0", "--save", weights)
    assert code == 2
    assert "lost" in said
    assert [*tmp_path.glob("mnistconv-*")] == []


@POSIX_ONLY
def test_others_may_read_the_weights_as_the_umask_says(run, tmp_path):
    before = os.umask(0o022)
    try:
        run("train", "dense", "--device", "cpu", "--epochs", "0", "--save", str(tmp_path / "net"))
    finally:
        os.umask(before)
    assert (tmp_path / "net").stat().st_mode & 0o777 == 0o644


def test_control_c_reports_the_accuracy_of_the_weights_that_are_saved(run, tmp_path, monkeypatch):
    """They have moved since the epoch that was tested last."""

    def one_epoch_and_a_bit(net, batches, sgd, history):
        history.steps += 1
        if history.train_loss:
            with torch.no_grad():
                net.fc1.weight.normal_()
            raise KeyboardInterrupt
        history.train_loss.append(0.1)

    monkeypatch.setattr(training, "train_epoch", one_epoch_and_a_bit)
    weights = tmp_path / "net.safetensors"
    code, out, _ = run("train", "dense", "--device", "cpu", "--save", str(weights))
    assert code == 130
    right = re.search(r"([\d,]+) of 10,000 test digits right", out)[1].replace(",", "")
    assert int(right) == round(10_000 * evaluate_file(weights))


def test_a_training_that_diverges_is_one_sentence_and_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "dense", changed(EXPERIMENTS["dense"], lr=1e6))
    code, _, said = run("train", "dense", "--device", "cpu", "--save", str(tmp_path / "net"))
    assert code == 2
    assert len(said.splitlines()) == 1
    assert "diverged" in said
    assert [*tmp_path.iterdir()] == []


def test_a_run_that_is_named_twice_is_done_once(run, monkeypatch, tmp_path):
    planned = []
    monkeypatch.setattr(planning, "plan", lambda runs, *_: planned.extend(runs))
    code, _, _ = run("reproduce", "relu", "dense", "relu", "--results", str(tmp_path))
    assert code == 0
    assert [experiment.name for experiment in planned] == ["relu", "dense"]


@POSIX_ONLY
@pytest.mark.parametrize("command", ["table", "verdict"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "nothing", "no marks"])
def test_a_page_that_is_none_is_one_sentence(run, tmp_path, kind, command):
    page = tmp_path / "page.md"
    if kind == "pipe":
        os.mkfifo(page)
    elif kind == "folder":
        page.mkdir()
    elif kind == "no marks":
        page.write_text("# A page", encoding="utf-8")
    code, _, said = run(command, "--into", str(page))
    assert code == 2
    assert "page.md" in said
    assert len(said.splitlines()) == 1


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mnistconv", "table"])
    monkeypatch.setattr(scores, "format_scoreboard", lambda *_: {}["of ours"])
    with pytest.raises(KeyError, match="of ours"):
        main()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.slow
def test_control_c_says_how_far_it_came(tmp_path):
    weights = tmp_path / "net.safetensors"
    process = subprocess.Popen(
        command("train", "dense", "--epochs", "50", "--device", "cpu", "--save", str(weights)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        preexec_fn=None if sys.platform == "win32" else processes.heed_control_c,
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


@pytest.mark.slow
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


def test_the_verdict_is_printed_with_what_its_words_mean(run):
    code, out, _ = run("verdict")
    assert code == 0
    assert re.search(r"simple (→|->) two-conv .*(shown|likely|open|refuted)", out)
    assert "Welch" in out


def test_the_scoreboard_comes_as_csv_too(run):
    code, out, _ = run("table", "--format", "csv")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == 1 + len(on_board("article"))
    assert lines[0].startswith("run,parameters")

"""The runner: what it plans, how it goes on after a kill, what it does with damaged files."""

import dataclasses
import errno
import io
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import tools
import torch
from processes import LINUX, children, is_alive, wait_for
from safetensors.torch import save_file
from small import changed
from tools import quick_first

from mnistconv.__main__ import main
from mnistconv.experiments import EXPERIMENTS, on_board
from mnistconv.files import set_aside
from mnistconv.records.store import checkpoint_path, read_record, record_path, weights_path
from mnistconv.reproduce import checkpoints, guards, planning, runner, runs
from mnistconv.reproduce.checkpoints import (
    RANDOM_STATE,
    fresh_path,
    previous_path,
    read_checkpoint,
    write_checkpoint,
)
from mnistconv.reproduce.planning import Job, parse_seeds, plan, spell

SMALL = changed(EXPERIMENTS["relu"], epochs=4, seeds=(0, 1))
FULL = changed(EXPERIMENTS["relu"], epochs=30)  # as in small_reproduce.py
HERE = Path(__file__).parent


@pytest.fixture
def in_this_process(little_data, monkeypatch):
    """Jobs run on little data, without processes of their own."""

    class Here:
        def __init__(self, job, results):
            outcome = runner.do(job, results)
            self.result = lambda: outcome

        def done(self):
            return True

        def stop(self):
            pass

    monkeypatch.setattr(runner, "Worker", Here)
    monkeypatch.setattr(runner, "PAUSE", 0)


def without_time(path: Path) -> dict:
    record = json.loads(path.read_text(encoding="utf-8"))
    return {key: record[key] for key in record if key not in ("wall_seconds", "sha256")}


class Interrupted(BaseException):
    pass


def run_until(experiment, seed, results, epochs) -> Path:
    """Run up to the checkpoint after `epochs`; return the checkpoint."""

    def stop(history):
        if len(history.train_loss) == epochs:
            raise Interrupted

    with pytest.raises(Interrupted):
        runs.run(experiment, seed, results, stop)
    return checkpoint_path(experiment.name, seed, results)


# Checkpoints


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "unfinished" / "x.safetensors"
    tensors = {"w": torch.randn(3, 4).t(), "state": torch.get_rng_state()}
    write_checkpoint(path, tensors, {"seeds": [3]})
    found, header = read_checkpoint(path)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert header == {"seeds": [3], "schema": 1}
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_checkpoint_before_is_kept(tmp_path):
    path = tmp_path / "x.safetensors"
    for value in (1.0, 2.0, 3.0):
        write_checkpoint(path, {"w": torch.tensor([value])}, {})
    assert read_checkpoint(path)[0]["w"] == 3
    assert read_checkpoint(previous_path(path))[0]["w"] == 2


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def edit_the_history(path: Path) -> None:
    content = path.read_bytes()
    edited = re.sub(rb'(\\"test_accuracy\\": \[0\.)\d', rb"\g<1>9", content)
    assert edited != content
    path.write_bytes(edited)


def make_text(path: Path) -> None:
    path.write_text("<html>not found</html>" * 50)


DAMAGES = [truncate, empty, flip_a_bit, edit_the_history, make_text]
EVERY_DAMAGE = pytest.mark.parametrize(
    "damage", quick_first(DAMAGES), ids=[damage.__name__ for damage in DAMAGES]
)


@EVERY_DAMAGE
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_continued(
    damage, tmp_path, little_data
):
    whole = runs.run(SMALL, 0, tmp_path / "whole")
    checkpoint = run_until(SMALL, 0, tmp_path / "parts", epochs=3)
    damage(checkpoint)
    epochs = []
    with pytest.warns(UserWarning, match=r"safetensors is set aside as .*: it (is|was)"):
        path = runs.run(SMALL, 0, tmp_path / "parts", lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [3, 4]
    assert without_time(path) == without_time(whole)
    kept = [p.name for p in checkpoint.parent.iterdir()]
    assert kept == ["relu-seed0.safetensors.set-aside-1"]


def test_with_both_checkpoints_damaged_the_run_starts_anew(tmp_path, little_data):
    whole = runs.run(SMALL, 0, tmp_path / "whole")
    checkpoint = run_until(SMALL, 0, tmp_path / "parts", epochs=3)
    truncate(checkpoint)
    flip_a_bit(previous_path(checkpoint))
    epochs = []
    with pytest.warns(UserWarning, match="is set aside"):
        path = runs.run(SMALL, 0, tmp_path / "parts", lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [1, 2, 3, 4]
    assert without_time(path) == without_time(whole)
    assert len(list(checkpoint.parent.glob("*.set-aside-1"))) == 2


def test_the_checkpoint_before_is_enough(tmp_path, little_data):
    whole = runs.run(SMALL, 0, tmp_path / "whole")
    run_until(SMALL, 0, tmp_path, epochs=3).unlink()
    epochs = []
    path = runs.run(SMALL, 0, tmp_path, lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [3, 4]
    assert without_time(path) == without_time(whole)


def test_a_folder_in_place_of_a_checkpoint_is_set_aside(tmp_path, little_data):
    checkpoint = run_until(SMALL, 0, tmp_path, epochs=3)
    checkpoint.unlink()
    checkpoint.mkdir()
    epochs = []
    with pytest.warns(UserWarning, match="is set aside"):
        runs.run(SMALL, 0, tmp_path, lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [3, 4]


def test_what_another_runner_has_set_aside_already_is_no_error(tmp_path):
    with pytest.warns(UserWarning, match="x is set aside as x.set-aside-1: why"):
        set_aside(tmp_path / "x", "why")


def rewrite(path: Path, change) -> None:
    """Let `change` edit tensors and header of a checkpoint, or return a list for a header."""
    tensors, header = read_checkpoint(path)
    changed = change(tensors, header)
    header = changed if isinstance(changed, list) else header
    metadata = {"header": json.dumps(header)}
    metadata["sha256"] = checkpoints.hash_tensors(tensors, metadata["header"])
    save_file(tensors, path, metadata)


def in_history(**fields):
    return lambda tensors, header: header["histories"][0].update(fields)


def in_header(**fields):
    return lambda tensors, header: header.update(fields)


FOREIGN = {
    "no history": lambda tensors, header: header.pop("histories"),
    "a history of nothing": in_header(histories=[{}]),
    "histories that are none": in_header(histories="of nothing"),
    "two histories": lambda tensors, header: header["histories"].append(header["histories"][0]),
    "a field more": in_history(validation_loss=[0.0]),
    "a field less": lambda tensors, header: header["histories"][0].pop("steps_per_epoch"),
    "a loss more": lambda tensors, header: header["histories"][0]["train_loss"].append(0.0),
    "losses as text": in_history(train_loss=["low", "lower", "lowest"]),
    "losses as a number": in_history(train_loss=3),
    "an accuracy that is no number": in_history(test_accuracy=[0.1, 0.2, float("nan")]),
    "percent": in_history(test_accuracy=[10.0, 20.0, 30.0]),
    "fewer steps": in_history(steps=1),
    "longer epochs": in_history(steps=60, steps_per_epoch=20),
    "more epochs planned": in_history(planned_epochs=9),
    "more epochs done": in_history(
        steps=90, train_loss=[1.0] * 9, test_accuracy=[0.5] * 9, steps_per_epoch=10
    ),
    "no seconds": lambda tensors, header: header.pop("seconds"),
    "seconds as text": in_header(seconds="many"),
    "seconds that are no number": in_header(seconds=float("nan")),
    "a trainer that is no text": in_header(trainer=7),
    "a later schema": in_header(schema=2),
    "a list": lambda tensors, header: [header],
    "other seeds": in_header(seeds=[1]),
    "random zeros": lambda tensors, header: tensors[RANDOM_STATE].zero_(),
    "half of the random state": lambda tensors, header: tensors.update(
        {RANDOM_STATE: tensors[RANDOM_STATE][:100].clone()}
    ),
    "another kind of numbers": lambda tensors, header: tensors.update(
        {RANDOM_STATE: tensors[RANDOM_STATE].float()}
    ),
    "no random state": lambda tensors, header: tensors.pop(RANDOM_STATE),
    "other weights": lambda tensors, header: tensors.update({"conv1.weight": torch.zeros(3)}),
}


@pytest.fixture(scope="module")
def three_epochs(mnist, tmp_path_factory):
    """A folder with the checkpoint of a run after three of four epochs, and the one before."""
    folder = tmp_path_factory.mktemp("three_epochs")
    (images, labels), (test_images, test_labels) = mnist
    data = (images[:95], labels[:95]), (test_images[:100], test_labels[:100])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "load_mnist", lambda: data)
        run_until(SMALL, 0, folder, epochs=3)
    return folder


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_a_checkpoint_with_other_content_is_set_aside(change, three_epochs, tmp_path, little_data):
    """However well its hash fits; the plan lives with it, and the run goes on from the other."""
    shutil.copytree(three_epochs, tmp_path, dirs_exist_ok=True)
    checkpoint = checkpoint_path("relu", 0, tmp_path)
    rewrite(checkpoint, change)
    assert Job(SMALL, 0, 2.0).progress(tmp_path).epochs in (2, 3)
    epochs = []
    with pytest.warns(UserWarning, match="is set aside as .*: (it|the figures)"):
        runs.run(SMALL, 0, tmp_path, lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [3, 4]


RICH = changed(
    EXPERIMENTS["relu"], epochs=4, held_out=15, kept_epoch="best validation", momentum=0.5
)
RICH = changed(RICH, schedule="one-cycle", lr=0.01, loss_every=4)
FOREIGN_TO_THE_RICH = {
    "no validation": lambda tensors, header: header.pop("validation_accuracy"),
    "validation of two epochs": in_header(validation_accuracy=[0.5, 0.5]),
    "validation as text": in_header(validation_accuracy=["good", "better", "best"]),
    "validation in percent": in_header(validation_accuracy=[50.0, 60.0, 70.0]),
    "no curve of the loss": lambda tensors, header: header.pop("loss_curve"),
    "a curve of two epochs": in_header(loss_curve=[2.0] * 4),
    "a curve that is none": in_header(loss_curve="falls"),
    "a curve without end": in_header(loss_curve=[float("inf")] * 6),
    "no momentum": lambda tensors, header: tensors.pop("momentum.conv1.weight"),
}


@pytest.mark.parametrize("change", FOREIGN_TO_THE_RICH.values(), ids=FOREIGN_TO_THE_RICH)
def test_so_is_one_that_lacks_what_its_recipe_needs(change, tmp_path, little_data):
    checkpoint = run_until(RICH, 0, tmp_path, epochs=3)
    rewrite(checkpoint, change)
    epochs = []
    with pytest.warns(UserWarning, match="is set aside as .*: (it|the figures)"):
        runs.run(RICH, 0, tmp_path, lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [3, 4]


def test_a_checkpoint_of_an_older_version_is_continued(three_epochs, tmp_path, little_data):
    """They had one `history`, not a list of them."""
    shutil.copytree(three_epochs, tmp_path, dirs_exist_ok=True)

    def change(tensors, header):
        [header["history"]] = header.pop("histories")

    rewrite(checkpoint_path("relu", 0, tmp_path), change)
    epochs = []
    runs.run(SMALL, 0, tmp_path, lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [4]


def test_nielsens_dropout_comes_before_his_rows_of_300_and_1000_units(tmp_path):
    """These are of a higher rank; among the others the shorter comes first."""
    jobs = plan([*on_board("nielsen").values()], None, tmp_path, on_gpu=True)
    assert len(jobs) == 7 * 3 + 6 + 5
    assert {str(job.experiment.name) for job in jobs[-4:]} == {
        f"nielsen-{kind}-{units}" for kind in ("expanded", "double") for units in (300, 1000)
    }
    dropout = [k for k, job in enumerate(jobs) if job.experiment.name == "nielsen-dropout"]
    assert dropout == list(range(21, 26))


def test_a_checkpoint_that_is_not_ours_does_not_stop_the_plan(tmp_path):
    checkpoint = checkpoint_path("relu", 0, tmp_path)
    write_checkpoint(checkpoint, {"w": torch.zeros(1)}, {"history": "of nothing"})
    assert Job(SMALL, 0, 2.0).progress(tmp_path) == (0, None, 8.0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_a_pipe_in_place_of_a_checkpoint_is_set_aside(tmp_path, little_data):
    """Reading it would wait for ever."""
    checkpoint = checkpoint_path("relu", 0, tmp_path)
    checkpoint.parent.mkdir()
    os.mkfifo(checkpoint)
    assert Job(SMALL, 0, 2.0).progress(tmp_path).epochs == 0
    with pytest.warns(UserWarning, match="it is not a file"):
        runs.run(SMALL, 0, tmp_path)


def test_what_killed_writers_left_is_swept_by_who_holds_the_lock(tmp_path, little_data):
    checkpoint = checkpoint_path("relu", 0, tmp_path)
    mine = [fresh_path(checkpoint)]
    for path in (fresh_path(checkpoint), record_path("relu", 0, tmp_path)):
        mine.append(path.with_name(f".{path.name}.123.tmp"))
    weights = weights_path("relu", 0, tmp_path)
    mine.append(weights.with_name(f".{weights.name}.123.tmp"))
    others = [checkpoint.with_name(".relu-seed1.safetensors.fresh.123.tmp")]
    for path in mine + others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half a file")
    assert runner.do(Job(SMALL, 0, 1.0), tmp_path) == (runner.DONE, "")
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in others)
    fresh_path(checkpoint).write_bytes(b"a run that has its record trains no more")
    assert runner.do(Job(SMALL, 0, 1.0), tmp_path) == (runner.DONE, "")
    assert not fresh_path(checkpoint).exists()


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (changed(SMALL, lr=0.1), "its hyper_parameters is"),
        (
            dataclasses.replace(SMALL, name="simple"),
            "its experiment is 'simple', today's is 'relu'",
        ),
    ],
    ids=["other learning rate", "other run"],
)
def test_a_checkpoint_of_another_run_is_set_aside(other, reason, tmp_path, little_data):
    foreign = run_until(other, 0, tmp_path, epochs=2)
    previous_path(foreign).unlink()
    foreign.rename(checkpoint_path("relu", 0, tmp_path))
    epochs = []
    with pytest.warns(UserWarning, match=f"is set aside as .*: {re.escape(reason)}"):
        runs.run(SMALL, 0, tmp_path, lambda h: epochs.append(len(h.train_loss)))
    assert epochs == [1, 2, 3, 4]


def out_of_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def over_quota(*_):
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


@pytest.mark.parametrize(
    ("what", "fails"),
    quick_first(
        [
            ("os.fsync", out_of_space),
            ("os.fsync", over_quota),
            ("os.replace", over_quota),
        ]
    ),
)
def test_a_full_disk_leaves_the_last_checkpoint_and_can_be_continued(
    what, fails, tmp_path, little_data, monkeypatch
):
    whole = runs.run(SMALL, 0, tmp_path / "whole")
    checkpoint = run_until(SMALL, 0, tmp_path / "parts", epochs=2)
    before = checkpoint.read_bytes()
    job = Job(SMALL, 0, 1.0)
    with monkeypatch.context() as patch:
        patch.setattr(what, fails)
        state, text = runner.do(job, tmp_path / "parts")
    assert state == runner.FAILED
    assert re.search(r"kept.*(space left|quota)", text)
    assert "\n" not in text
    assert checkpoint.read_bytes() == before
    assert not [p.name for p in checkpoint.parent.iterdir() if p.name.endswith(".tmp")]
    assert runner.do(job, tmp_path / "parts")[0] == runner.DONE
    record = record_path("relu", 0, tmp_path / "parts")
    assert without_time(record) == without_time(whole)


# The plan


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", [3]),
        ("0-4", [0, 1, 2, 3, 4]),
        ("0,2,5-6", [0, 2, 5, 6]),
        (" 1 , 1", [1]),
        ("0-3,2", [0, 1, 2, 3]),
    ],
)
def test_seeds_as_text(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "4-2", "1,,2", "1.5", "0-", "9" * 5000, "0-1000"])
def test_bad_seeds(text):
    with pytest.raises(ValueError, match=re.escape(f"--seeds {text!r}: ")):
        parse_seeds(text)


def test_too_many_seeds_are_called_so(tmp_path):
    with pytest.raises(ValueError, match="at most 9 digits"):
        parse_seeds("0-99999999999")


def test_a_run_named_twice_is_planned_once(tmp_path):
    jobs = plan([SMALL, SMALL], [1, 0, 1], tmp_path)
    assert sorted(map(str, jobs)) == ["relu, seed 0", "relu, seed 1"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (12 * 60, "12 min"), (3 * 3600 + 300, "3 h 05 min")]
)
def test_durations(seconds, text):
    assert spell(seconds) == text


@pytest.mark.slow
def test_the_plan_holds_what_has_no_record_what_was_begun_first(tmp_path, little_data):
    short = changed(EXPERIMENTS["dense"], epochs=2, seeds=(0, 1))
    runs.run(short, 0, tmp_path)
    jobs = plan([SMALL, short], None, tmp_path)
    assert list(map(str, jobs)) == ["dense, seed 1", "relu, seed 0", "relu, seed 1"]
    run_until(SMALL, 1, tmp_path, epochs=1)
    jobs = plan([SMALL, short], None, tmp_path)
    assert list(map(str, jobs)) == ["relu, seed 1", "dense, seed 1", "relu, seed 0"]
    assert [job.seed for job in plan([short], [0, 5], tmp_path)] == [5]
    text = planning.describe(jobs, 2, tmp_path)
    assert text.startswith("3 runs to do, 2 at a time, about ")
    assert re.search(r"dense, seed 1 +epoch 1 to 2 +about \d+ s", text)


def test_a_run_under_way_is_planned_from_its_checkpoint_on(tmp_path, little_data):
    run_until(SMALL, 1, tmp_path, epochs=3)
    job = Job(SMALL, 1, epoch_seconds=1000.0)
    done, accuracy, left = job.progress(tmp_path)
    assert done == 3
    _, header = read_checkpoint(checkpoint_path("relu", 1, tmp_path))
    assert accuracy == header["histories"][0]["test_accuracy"][-1]
    assert 0 < left < 60  # by its own pace, not by the estimate
    plan = planning.describe([job], 1, tmp_path)
    assert plan.startswith("1 run to do")
    assert re.search(r"epoch 4 to 4 ", plan)


def test_of_a_run_that_died_before_its_record_only_that_is_planned(tmp_path, little_data):
    run_until(SMALL, 1, tmp_path, epochs=4)
    assert "its record" in planning.describe([Job(SMALL, 1, 1.0)], 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', "edited", "other hyper-parameters"])
def test_a_record_that_does_not_count_is_set_aside_and_made_again(content, tmp_path, little_data):
    good = runs.run(SMALL, 0, tmp_path)
    expected = without_time(good)
    planned = SMALL
    if content == "edited":
        content = good.read_text().replace('"seed": 0', '"seed":  0').replace("0.0", "0.1", 1)
    elif content == "other hyper-parameters":
        content, planned = good.read_text(), changed(SMALL, lr=0.02)
    good.write_text(content)
    jobs = plan([planned], [0], tmp_path)
    assert [job.seed for job in jobs] == [0]
    assert good.read_text() == content, "who asks for the plan alone finds all as it was"
    with pytest.warns(UserWarning, match="relu-seed0.json is set aside as"):
        assert runner.do(jobs[0], tmp_path)[0] == runner.DONE
    assert good.with_name("relu-seed0.json.set-aside-1").read_text() == content
    assert read_record(good, planned) is not None
    if planned is SMALL:
        assert without_time(good) == expected


# The runner


def test_a_failing_run_does_not_stop_the_others(tmp_path, in_this_process, monkeypatch, capsys):
    original = runs.Training.train_epoch

    def diverge(training, batches):
        if torch.initial_seed() == 0:
            raise FloatingPointError("the loss is nan in epoch 1, step 3\nand more")
        original(training, batches)

    monkeypatch.setattr(runs.Training, "train_epoch", diverge)
    jobs = [Job(SMALL, seed, 1.0) for seed in (0, 1, 2)]
    assert runner.run_all(jobs, tmp_path, workers=1) == 1
    printed = capsys.readouterr().out
    assert "relu, seed 0: failed" in printed
    assert "the loss is nan in epoch 1, step 3" in printed
    assert "and more" not in printed
    assert "2 of 3 runs have their record, 1 failed." in printed
    assert re.search(r"relu, seed 1: [\d.]+% of the test digits, \d+ wrong, in \d+ s", printed)
    assert not record_path("relu", 0, tmp_path).exists()


def test_a_run_in_other_hands_is_left_to_them(tmp_path, in_this_process, monkeypatch, capsys):
    """And the exit code says so, unless the others have made the record in the meantime."""
    monkeypatch.setattr(guards, "LOCK_PATIENCE", 0.1)
    with guards.hold(checkpoint_path("relu", 0, tmp_path)):
        assert runner.run_all([Job(SMALL, 0, 1.0)], tmp_path, workers=1) == runner.BUSY == 3
    printed = capsys.readouterr().out
    assert "relu, seed 0: another runner has it in hand." in printed
    assert "0 of 1 run has its record, 1 in other hands." in printed
    assert not record_path("relu", 0, tmp_path).exists()

    monkeypatch.setattr(runner, "has_record", lambda *_: True)
    with guards.hold(checkpoint_path("relu", 0, tmp_path)):
        assert runner.run_all([Job(SMALL, 0, 1.0)], tmp_path, workers=1) == runner.DONE == 0


@pytest.mark.parametrize(
    "refusal", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError("no flock")]
)
def test_a_folder_that_takes_no_locks_is_named(
    refusal, tmp_path, in_this_process, monkeypatch, capsys
):
    def refuse(lock, *_, **__):
        raise refusal

    monkeypatch.setattr(guards.FileLock, "acquire", refuse)
    assert runner.run_all([Job(SMALL, 0, 1.0)], tmp_path, workers=1) == runner.FAILED
    printed = capsys.readouterr().out
    assert f"the folder {tmp_path / 'unfinished'} takes no locks" in printed
    assert not record_path("relu", 0, tmp_path).exists()


def test_a_run_refuses_to_share_its_process_with_another(tmp_path, little_data):
    """Each would draw from the other's random numbers, and both records would be wrong."""
    alone = runs.run(SMALL, 0, tmp_path / "alone")
    outcomes = []

    def report(history):
        thread = threading.Thread(
            target=lambda: outcomes.append(runner.do(Job(SMALL, 1, 1.0), tmp_path))
        )
        thread.start()
        thread.join()

    assert without_time(runs.run(SMALL, 0, tmp_path, report)) == without_time(alone)
    assert len(outcomes) == SMALL.recipe.epochs
    for state, text in outcomes:
        assert state == runner.FAILED
        assert "same process" in text
    assert not record_path("relu", 1, tmp_path).exists()
    assert runner.do(Job(SMALL, 1, 1.0), tmp_path)[0] == runner.DONE


def test_no_more_workers_than_runs(tmp_path, monkeypatch):
    at_once = []

    class Idle:
        running = 0

        def __init__(self, job, results):
            Idle.running += 1
            at_once.append(Idle.running)

        def done(self):
            Idle.running -= 1
            return True

        def result(self):
            return runner.BUSY, "of no matter"

        def stop(self):
            pass

    monkeypatch.setattr(runner, "Worker", Idle)
    jobs = [Job(SMALL, seed, 1.0) for seed in range(5)]
    assert "5 at a time" in planning.describe(jobs, 10**12, tmp_path)
    runner.run_all(jobs, tmp_path, workers=10**12)
    assert max(at_once) == 5
    at_once.clear()
    runner.run_all(jobs, tmp_path, workers=2)
    assert max(at_once) == 2


# What the reader sees meanwhile


def test_the_status_line(tmp_path, little_data):
    runs.run(SMALL, 0, tmp_path)
    run_until(SMALL, 1, tmp_path, epochs=2)
    jobs = [Job(SMALL, seed, 30.0) for seed in (0, 1, 2)]
    display = runner.Display(jobs, tmp_path, workers=1)
    display.tell_end(jobs[0], runner.DONE, "")
    line = display.line([jobs[1]])
    assert line.startswith("1 of 3 runs, 6 of 12 epochs, about 2 min left  relu-1 2/4 ")
    assert line.endswith("%")


def on_a_terminal(results: Path) -> runner.Display:
    display = runner.Display([Job(SMALL, 0, 30.0)], results, workers=1)
    display.is_terminal, display.next_time = True, 0
    return display


@pytest.mark.parametrize("columns", [0, 1, 20])
def test_the_display_keeps_to_a_narrow_terminal(columns, tmp_path, monkeypatch, capsys):
    size = SimpleNamespace(get_terminal_size=lambda: os.terminal_size((columns, 0)))
    monkeypatch.setattr(runner, "shutil", size)
    on_a_terminal(tmp_path).renew([])
    shown = capsys.readouterr().out.replace("\r\033[K", "")
    assert len(shown) == max(columns - 1, 0)


def test_the_display_survives_a_checkpoint_that_is_renamed_while_it_looks(
    three_epochs, tmp_path, monkeypatch, capsys
):
    shutil.copytree(three_epochs, tmp_path, dirs_exist_ok=True)
    checkpoint = checkpoint_path("relu", 0, tmp_path)
    display = on_a_terminal(tmp_path)
    safe_open = checkpoints.safe_open

    def open_too_late(path, **options):
        checkpoint.unlink(missing_ok=True)
        return safe_open(path, **options)

    monkeypatch.setattr(checkpoints, "safe_open", open_too_late)
    display.renew([Job(SMALL, 0, 30.0)])
    assert "relu-0 2/4" in capsys.readouterr().out


def test_the_display_survives_a_record_that_vanishes(tmp_path, capsys):
    display = runner.Display([Job(SMALL, 0, 30.0)], tmp_path, workers=1)
    with pytest.warns(UserWarning, match="relu-seed0.json"):
        display.tell_end(Job(SMALL, 0, 30.0), runner.DONE, "")
    assert "its record does not count" in capsys.readouterr().out


# Processes


def small_reproduce(results: Path, *more: str) -> list[str]:
    return [sys.executable, str(HERE / "small_reproduce.py"), str(results), *more]


def small_run(results: Path) -> list[str]:
    """What a worker of it does with seed 0, without a runner."""
    return small_reproduce(results, "--alone")


def start(command: list[str], **options) -> subprocess.Popen:
    """The command as the leader of a group of processes, as a terminal starts it."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, **options
    )


def test_the_plan_counts_from_the_checkpoint_before_when_the_newest_is_missing(
    tmp_path, little_data
):
    """What a kill leaves between the two renames of `write_checkpoint`."""
    run_until(SMALL, 0, tmp_path, epochs=2)
    newest = checkpoint_path("relu", 0, tmp_path)
    newest.replace(previous_path(newest))
    assert Job(SMALL, 0, 30.0).progress(tmp_path)[0] == 2
    previous_path(newest).unlink()
    assert Job(SMALL, 0, 30.0).progress(tmp_path)[0] == 0


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_bits(tmp_path):
    """SIGKILL, at least twenty times, at random moments between start and end."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(small_run(whole), check=True, capture_output=True)
    draw = random.Random(0)
    kills, done = 0, -1
    while kills < 20:
        process = start(small_run(parts), stderr=subprocess.PIPE)
        for _ in range(draw.randint(1, 4)):
            process.stderr.readline()  # an epoch
        time.sleep(draw.uniform(0.0, 0.2))
        if process.poll() is None:
            process.kill()
            kills += 1
        process.communicate()
        if record_path("relu", 0, parts).exists():
            record = record_path("relu", 0, parts)
            assert without_time(record) == without_time(record_path("relu", 0, whole))
            record.unlink()
            now = 0  # the next round starts a new run
        else:
            now = Job(FULL, 0, 1.0).progress(parts).epochs
            assert now >= done, "a kill lost an epoch that had its checkpoint"
        done = now
    subprocess.run(small_run(parts), check=True, capture_output=True)
    records = [without_time(record_path("relu", 0, folder)) for folder in (whole, parts)]
    assert records[0] == records[1]
    assert sorted(path.name for path in (parts / "unfinished").iterdir()) == ["relu-seed0.lock"]


@pytest.mark.slow
def test_two_runners_share_the_work_without_doing_it_twice(tmp_path):
    command = small_reproduce(tmp_path, "--seeds", "0-2", "--jobs", "1")
    processes = [start(command, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    trained = re.findall(r"trained (\d) epoch (\d+)", "".join(told))
    assert sorted(trained) == sorted((str(s), str(e)) for s in range(3) for e in range(1, 31))
    assert len(list((tmp_path / "records").glob("*.json"))) == 3


def wait_for_a_process(runner: subprocess.Popen) -> None:
    assert wait_for(lambda: children(runner.pid), 60)


def wait_for_pytorch(runner: subprocess.Popen) -> None:
    """Until a worker is in the middle of its imports."""

    def imports() -> bool:
        maps = [Path(f"/proc/{worker}/maps") for worker in children(runner.pid)]
        return any("libtorch" in path.read_text() for path in maps if path.exists())

    assert wait_for(imports, 60)


def wait_for_an_epoch(runner: subprocess.Popen) -> None:
    assert runner.stderr.readline().startswith("trained ")


def wait_for_a_record(runner: subprocess.Popen) -> None:
    """Until the first of three runs has ended, and the third is about to begin."""
    while "of the test digits" not in runner.stdout.readline():
        assert runner.poll() is None


MOMENTS = [wait_for_a_process, wait_for_pytorch, wait_for_an_epoch, wait_for_a_record]
AT_EVERY_MOMENT = pytest.mark.parametrize("wait", MOMENTS, ids=lambda wait: wait.__name__)


@pytest.fixture
def started(tmp_path):
    """A runner of three small runs, two at a time, after it has told its plan."""
    process = start(
        small_reproduce(tmp_path, "--seeds", "0-2", "--jobs", "2"), stderr=subprocess.PIPE
    )
    assert "3 runs to do, 2 at a time" in process.stdout.readline()
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


@LINUX
@pytest.mark.slow
@AT_EVERY_MOMENT
def test_a_runner_that_dies_takes_its_workers_along(wait, started, tmp_path):
    """From their first moment on; the next runner then finds no run in other hands."""
    wait(started)
    wait_for(lambda: children(started.pid), 10)  # between two runs there may be none for a moment
    workers = children(started.pid)
    started.kill()
    assert workers
    assert wait_for(lambda: not any(map(is_alive, workers)), 10)
    started.communicate()
    with guards.hold(checkpoint_path("relu", 0, tmp_path)):
        pass


def test_a_worker_ends_with_its_runner_while_it_still_imports(tmp_path):
    """Unpacking its task imports PyTorch, for seconds; here something that takes for ever."""
    endless = "import threading\nprint('begun', flush=True)\nthreading.Event().wait()\n"
    (tmp_path / "endless.py").write_text(endless)
    task = b"cendless\nwork\n."  # a pickle that asks for `endless.work`
    command = [sys.executable, "-P", runner.worker.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            process.stdin.write(pickle.dumps(([str(tmp_path), *sys.path], task)))
            process.stdin.flush()
            assert process.stdout.readline().split() == [b"begun"]
            process.stdin.close()  # as the end of the runner does
            assert process.wait(60) == 1
        finally:
            process.kill()


@LINUX
@pytest.mark.slow
@AT_EVERY_MOMENT
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_runner_that_is_stopped_says_how_to_go_on(stop, wait, started, tmp_path):
    """Ctrl-C reaches the whole group of the terminal, `kill` the runner alone."""
    wait(started)
    workers = children(started.pid)
    os.killpg(started.pid, stop) if stop == signal.SIGINT else started.send_signal(stop)
    out, err = started.communicate()
    assert not any(map(is_alive, workers))
    assert started.returncode == 130
    assert out.count("Stopped. Every finished epoch is kept") == 1
    assert not [line for line in err.splitlines() if not line.startswith("trained ")]
    for path in (tmp_path / "unfinished").glob("*.safetensors"):
        read_checkpoint(path)


@LINUX
@pytest.mark.slow
def test_who_closes_the_output_does_not_stop_the_training(started, tmp_path):
    """As `reproduce | head -1` does."""
    started.stdout.close()
    err = started.stderr.read()
    assert started.wait() == 0
    assert not [line for line in err.splitlines() if not line.startswith("trained ")]
    assert len(list((tmp_path / "records").glob("*.json"))) == 3


@LINUX
@pytest.mark.slow
def test_a_process_that_is_killed_costs_its_run_alone(started, tmp_path):
    told = {}
    while "0" not in told:
        words = started.stderr.readline().split()
        told[words[1]] = int(words[-1])
    os.kill(told["0"], signal.SIGKILL)
    out, err = started.communicate()
    assert started.returncode == runner.FAILED
    assert re.search("relu, seed 0: its process was killed, .*memory", out)
    assert "2 of 3 runs have their record, 1 failed." in out
    assert not [line for line in err.splitlines() if not line.startswith("trained ")]
    assert len(list((tmp_path / "records").glob("*.json"))) == 2


@pytest.mark.slow
def test_a_process_that_cannot_begin_costs_its_run_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "work", sys.exit)  # called with two arguments: an error
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    assert runner.run_all([Job(SMALL, 0, 1.0)], tmp_path, workers=1) == runner.FAILED
    assert "relu, seed 0: its process ended with exit code 1." in capsys.readouterr().out


def test_a_process_says_in_every_encoding_what_went_wrong(tmp_path, monkeypatch):
    """The runner reads UTF-8, whatever the standard output of its workers would write."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(runner, "do", lambda *_: (runner.FAILED, "no room in Übungen"))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", said)
        assert runner.work(Job(SMALL, 0, 1.0), tmp_path) == runner.FAILED
    assert said.buffer.getvalue().decode() == "no room in Übungen"


@pytest.fixture
def command_line(monkeypatch, capsys):
    """`reproduce` in this process: arguments -> (exit code, standard output, error output)."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mnistconv", "reproduce", *arguments])
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_nothing_left_to_do(command_line, tmp_path):
    """Copies of the stored records are all that the plan asks for."""
    stored = record_path("dense", 0)
    record_path("dense", 0, tmp_path).parent.mkdir()
    record_path("dense", 0, tmp_path).write_bytes(stored.read_bytes())
    code, out, err = command_line("dense", "--seeds", "0", "--results", str(tmp_path))
    assert (code, err) == (0, "")
    assert out == "Nothing is left to do: every planned run has its record.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resnet"], "unknown experiment 'resnet'"),
        (["dense", "--seeds", "3-1"], "1 comes before 3"),
        (["dense", "--seeds", "0-99999999999"], "at most 9 digits"),
        (["dense", "--jobs", "0"], "--jobs 0: at least 1 run at a time"),
        (["dense", "--device", "tpu"], "device 'tpu' is "),
        (["dense", "--device", "meta"], "device 'meta' is "),
        (["dense", "--backend", "slurm"], "choose one of local, dask, ray"),
        (["dense", "--backend", "dask"], "--backend dask needs --scheduler"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, sentence, command_line, tmp_path):
    code, _, err = command_line(*arguments, "--results", str(tmp_path))
    assert code == 2
    assert err.startswith("Error: ")
    assert len(err.splitlines()) == 1
    assert sentence in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("results", ["a file", "a file/below it"])
def test_results_that_cannot_be_written_are_found_before_the_training(
    results, command_line, tmp_path
):
    (tmp_path / "a file").write_text("")
    code, out, err = command_line("dense", "--seeds", "0", "--results", str(tmp_path / results))
    assert code == 2
    assert err.startswith("Error: ")
    assert len(err.splitlines()) == 1
    assert "a file" in err
    assert "to do" not in out


def test_a_full_disk_is_found_before_the_training(command_line, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", out_of_space)
    monkeypatch.setattr(runner, "run_all", lambda *_: pytest.fail("trained all the same"))
    arguments = ("dense", "--seeds", "0", "--device", "cpu", "--results", str(tmp_path))
    code, out, err = command_line(*arguments)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "disk is full" in err
    assert "to do" not in out
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_records_are_made_on_the_gpu_of_a_mac(monkeypatch):
    """Where it is what `auto` finds, the CPU makes them."""
    monkeypatch.setattr(runner, "pick_device", lambda device: torch.device("mps"))
    assert runner.runs_on_gpu("auto") is False
    with pytest.raises(ValueError, match="cpu or cuda"):
        runner.runs_on_gpu("mps")


def test_control_c_before_the_first_run_says_how_to_go_on(command_line, monkeypatch, tmp_path):
    def press_control_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(planning, "calibrate", press_control_c)
    code, out, err = command_line("dense", "--results", str(tmp_path))
    assert code == 130
    assert "the same command goes on from there" in out
    assert err == ""


@pytest.mark.slow
def test_deleting_one_record_redoes_exactly_that_one(
    command_line, monkeypatch, tmp_path, in_this_process
):
    """And a damaged one is set aside in one plain sentence."""
    small = {
        name: changed(EXPERIMENTS[name], epochs=2, seeds=(0, 1), expanded=False)
        for name in ("dense", "relu")
    }
    for name, experiment in small.items():
        monkeypatch.setitem(EXPERIMENTS, name, experiment)
    arguments = (*small, "--jobs", "1", "--device", "cpu", "--results", str(tmp_path))
    code, out, _ = command_line(*arguments)
    assert code == 0
    assert "4 of 4 runs have their record." in out
    assert "Nothing is left to do" in command_line(*arguments)[1]
    record_path("relu", 1, tmp_path).unlink()
    code, out, err = command_line(*arguments)
    assert "1 run to do" in out
    assert re.search(r"relu, seed 1: .* of the test digits", out)
    assert "1 of 1 run has its record." in out
    assert err == ""
    record_path("dense", 0, tmp_path).write_text("")
    with pytest.warns(UserWarning, match="dense-seed0.json is set aside as .*: it is damaged"):
        code, out, _ = command_line(*arguments)
    assert code == 0
    assert re.search(r"dense, seed 0: .* of the test digits", out)


@pytest.mark.slow
def test_warnings_of_the_command_line_are_one_sentence(tmp_path):
    path = record_path("dense", 0, tmp_path)
    path.parent.mkdir()
    path.write_text("")
    program = (
        "import sys, pathlib; from mnistconv import __main__ as line, records;"
        "line._run = lambda words: len(records.load_records('dense', pathlib.Path(words[0])));"
        "line.main()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert re.fullmatch(
        r"Warning: dense-seed0\.json is left out: it is damaged [^\n]*\n", result.stderr
    )


@pytest.fixture
def cluster():
    """A function that starts a real scheduler and real workers on the loopback address."""
    distributed = tools.module("distributed")
    with ExitStack() as clusters:

        def begin(**options):
            cluster = distributed.LocalCluster(host="127.0.0.1", dashboard_address=None, **options)
            return clusters.enter_context(cluster).scheduler_address

        yield begin


ONE_EPOCH = changed(EXPERIMENTS["dense"], epochs=1)


@pytest.mark.slow
def test_a_dask_cluster_does_the_same(tmp_path, cluster, monkeypatch):
    jobs = [Job(ONE_EPOCH, seed, 2.0) for seed in (0, 1)]
    address = cluster(n_workers=2, threads_per_worker=1)
    monkeypatch.chdir(tmp_path)
    assert runner.run_all(jobs, Path("shared"), 2, "dask", address) == 0
    alone = runs.run(ONE_EPOCH, 1, tmp_path / "alone")
    assert without_time(record_path("dense", 1, tmp_path / "shared")) == without_time(alone)
    assert record_path("dense", 0, tmp_path / "shared").exists()


@pytest.mark.slow
def test_a_dask_worker_with_two_threads_writes_nothing_wrong(tmp_path, cluster, capsys):
    jobs = [Job(ONE_EPOCH, seed, 2.0) for seed in (0, 1)]
    address = cluster(n_workers=1, threads_per_worker=2)
    assert runner.run_all(jobs, tmp_path, 2, "dask", address) == runner.FAILED
    printed = capsys.readouterr().out
    assert "same process" in printed
    assert "1 of 2 runs have their record, 1 failed." in printed
    [written] = (tmp_path / "records").glob("*.json")
    seed = json.loads(written.read_text(encoding="utf-8"))["seed"]
    assert without_time(written) == without_time(runs.run(ONE_EPOCH, seed, tmp_path / "alone"))


@pytest.mark.slow
def test_a_dask_worker_that_dies_costs_its_run_alone(tmp_path, cluster, monkeypatch, capsys):
    dask = tools.module("dask")

    def die(job, results):  # goes to the workers by value
        if job.seed == 0:
            os._exit(1)
        return 3, "left to others"

    monkeypatch.setattr(runner, "do", die)
    jobs = [Job(ONE_EPOCH, seed, 2.0) for seed in (0, 1)]
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        address = cluster(n_workers=1, threads_per_worker=1)
        assert runner.run_all(jobs, tmp_path, 1, "dask", address) == runner.FAILED
    printed = capsys.readouterr().out
    assert "dense, seed 0: its process was lost (KilledWorker" in printed
    assert "dense, seed 1: left to others." in printed

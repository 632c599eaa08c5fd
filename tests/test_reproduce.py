"""The runner: what it plans, how it goes on after a kill, what it does with damaged files."""

import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch
from small import changed

from mnistconv.__main__ import main
from mnistconv.experiments import EXPERIMENTS
from mnistconv.records.store import checkpoint_path, read_record, record_path
from mnistconv.reproduce import planning, runner, runs
from mnistconv.reproduce.checkpoints import (
    last_good_checkpoint,
    previous_path,
    read_checkpoint,
    read_header,
    set_aside,
    write_checkpoint,
)
from mnistconv.reproduce.planning import Job, parse_seeds, plan, spell

SMALL = changed(EXPERIMENTS["relu"], epochs=4, seeds=(0, 1))
HERE = Path(__file__).parent


@pytest.fixture
def little_data(mnist, monkeypatch):
    """MNIST, shrunk to 95 training and 100 test images, for every run of this process."""
    (images, labels), (test_images, test_labels) = mnist
    data = (images[:95], labels[:95]), (test_images[:100], test_labels[:100])
    monkeypatch.setattr(runs, "load_mnist", lambda: data)
    monkeypatch.setattr("mnistconv.records.record.TEST_IMAGES", 100)


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
    assert header == read_header(path) == {"seeds": [3], "schema": 1}
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
EVERY_DAMAGE = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


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


def test_a_checkpoint_that_is_not_ours_does_not_stop_the_plan(tmp_path):
    checkpoint = checkpoint_path("relu", 0, tmp_path)
    write_checkpoint(checkpoint, {"w": torch.zeros(1)}, {"history": "of nothing"})
    assert Job(SMALL, 0, 2.0).progress(tmp_path) == (0, None, 8.0)


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


def test_a_checkpoint_with_other_tensors_is_set_aside(tmp_path):
    path = tmp_path / "x.safetensors"
    write_checkpoint(path, {"w": torch.zeros(3)}, {"seeds": [0]})
    with pytest.warns(UserWarning, match="its tensors are not those of the network"):
        assert last_good_checkpoint(path, {"seeds": [0]}, {"w": (4,)}) is None


def test_a_full_disk_leaves_the_last_checkpoint_and_can_be_continued(
    tmp_path, little_data, monkeypatch
):
    whole = runs.run(SMALL, 0, tmp_path / "whole")
    checkpoint = run_until(SMALL, 0, tmp_path / "parts", epochs=2)
    before = checkpoint.read_bytes()

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    job = Job(SMALL, 0, 1.0)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", disk_full)
        state, _, text = runner.do(job, tmp_path / "parts", os.getpid())
    assert state == runner.FAILED
    assert "No space left on device" in text
    assert checkpoint.read_bytes() == before
    assert not [p.name for p in checkpoint.parent.iterdir() if p.name.endswith(".tmp")]
    assert runner.do(job, tmp_path / "parts", os.getpid())[0] == runner.DONE
    record = record_path("relu", 0, tmp_path / "parts")
    assert without_time(record) == without_time(whole)


# The plan


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [3]), ("0-4", [0, 1, 2, 3, 4]), ("0,2,5-6", [0, 2, 5, 6]), (" 1 , 1", [1])],
)
def test_seeds_as_text(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "4-2", "1,,2", "1.5", "0-", "9" * 20, "0-1000"])
def test_bad_seeds(text):
    with pytest.raises(ValueError, match=re.escape(f"--seeds {text!r}: ")):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (12 * 60, "12 min"), (3 * 3600 + 300, "3 h 05 min")]
)
def test_durations(seconds, text):
    assert spell(seconds) == text


def test_the_plan_holds_what_has_no_record_the_longest_first(tmp_path, little_data):
    short = changed(EXPERIMENTS["dense"], epochs=2, seeds=(0, 1))
    runs.run(short, 0, tmp_path)
    jobs = plan([short, SMALL], None, tmp_path)
    assert sorted(map(str, jobs)) == ["dense, seed 1", "relu, seed 0", "relu, seed 1"]
    assert [job.experiment.name for job in jobs] == ["relu", "relu", "dense"]
    assert [job.seed for job in plan([short], [0, 5], tmp_path)] == [5]
    text = planning.describe(jobs, 2, tmp_path)
    assert text.startswith("3 runs to do, 2 at a time, about ")
    assert re.search(r"dense, seed 1 +epoch 1 to 2 +about \d+ s", text)


def test_a_run_under_way_is_planned_from_its_checkpoint_on(tmp_path, little_data):
    run_until(SMALL, 1, tmp_path, epochs=3)
    job = Job(SMALL, 1, epoch_seconds=1000.0)
    done, accuracy, left = job.progress(tmp_path)
    assert done == 3
    assert (
        accuracy
        == read_header(checkpoint_path("relu", 1, tmp_path))["history"]["test_accuracy"][-1]
    )
    assert 0 < left < 60  # by its own pace, not by the estimate
    plan = planning.describe([job], 1, tmp_path)
    assert plan.startswith("1 run to do")
    assert re.search(r"epoch 4 to 4 ", plan)


def test_of_a_run_that_died_before_its_record_only_that_is_planned(tmp_path, little_data):
    run_until(SMALL, 1, tmp_path, epochs=4)
    assert "its record" in planning.describe([Job(SMALL, 1, 1.0)], 1, tmp_path)


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
    assert good.read_text() == content  # a plan renames nothing
    with pytest.warns(UserWarning, match="relu-seed0.json is set aside as"):
        assert runner.do(jobs[0], tmp_path, os.getpid())[0] == runner.DONE
    assert good.with_name("relu-seed0.json.set-aside-1").read_text() == content
    assert read_record(good, planned) is not None
    if planned is SMALL:
        assert without_time(good) == expected


# The runner


def test_a_failing_run_does_not_stop_the_others(tmp_path, little_data, monkeypatch, capsys):
    original = runs.train_epoch

    def diverge(net, batches, sgd, history):
        if torch.initial_seed() == 0:
            raise FloatingPointError("the loss is nan in epoch 1, step 3")
        original(net, batches, sgd, history)

    monkeypatch.setattr(runs, "train_epoch", diverge)
    jobs = [Job(SMALL, seed, 1.0) for seed in (0, 1, 2)]
    assert runner.run_all(jobs, tmp_path, workers=1) == 1
    printed = capsys.readouterr().out
    assert "relu, seed 0: failed" in printed
    assert "the loss is nan in epoch 1, step 3" in printed
    assert "2 of 3 runs have their record, 1 failed." in printed
    assert re.search(r"relu, seed 1: [\d.]+% of the test digits, \d+ wrong, in \d+ s", printed)
    assert not record_path("relu", 0, tmp_path).exists()


def test_a_run_in_other_hands_is_left_to_them(tmp_path, little_data, monkeypatch, capsys):
    monkeypatch.setattr(runner, "LOCK_PATIENCE", 0.1)
    lock = checkpoint_path("relu", 0, tmp_path).with_suffix(".lock")
    lock.parent.mkdir()
    with runner.FileLock(lock):
        assert runner.run_all([Job(SMALL, 0, 1.0)], tmp_path, workers=1) == 0
    assert "relu, seed 0: another runner has it in hand." in capsys.readouterr().out
    assert not record_path("relu", 0, tmp_path).exists()


def test_the_status_line(tmp_path, little_data):
    runs.run(SMALL, 0, tmp_path)
    start = time.time() - 1
    run_until(SMALL, 1, tmp_path, epochs=2)
    line = runner.status([Job(SMALL, seed, 30.0) for seed in (0, 1, 2)], tmp_path, 1, start)
    assert line.startswith("1 of 3 runs, 6 of 12 epochs, about 2 min left  relu-1 2/4 ")
    assert line.endswith("%")


def small_reproduce(results: Path, *more: str) -> list[str]:
    return [sys.executable, str(HERE / "small_reproduce.py"), str(results), *more]


def interrupt_before_start() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_the_plan_counts_from_the_checkpoint_before_when_the_newest_is_missing(tmp_path):
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
    subprocess.run(small_reproduce(tmp_path / "whole"), check=True, capture_output=True)
    draw = random.Random(0)
    kills = lost = 0
    done = -1
    while kills < 20:
        process = subprocess.Popen(
            small_reproduce(tmp_path / "parts"), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline().startswith("ready")
        time.sleep(draw.uniform(0.05, 0.6))
        if process.poll() is None:
            process.kill()
            kills += 1
        process.communicate()
        header = read_header(checkpoint_path("relu", 0, tmp_path / "parts"))
        now = len(header["history"]["train_loss"]) if header else 0
        if record_path("relu", 0, tmp_path / "parts").exists():
            now = 0  # the next round starts a new run
            record = record_path("relu", 0, tmp_path / "parts")
            assert without_time(record) == without_time(record_path("relu", 0, tmp_path / "whole"))
            record.unlink()
            lost += 1
        else:
            assert now >= done, "a kill lost an epoch that had its checkpoint"
        done = now
    subprocess.run(small_reproduce(tmp_path / "parts"), check=True, capture_output=True)
    whole, parts = (record_path("relu", 0, tmp_path / name) for name in ("whole", "parts"))
    assert without_time(parts) == without_time(whole)
    assert not list((tmp_path / "parts" / "unfinished").glob("*set-aside*"))


@pytest.mark.slow
def test_two_runners_share_the_work_without_doing_it_twice(tmp_path):
    processes = [
        subprocess.Popen(
            small_reproduce(tmp_path, "0", "1", "2"), stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    trained = re.findall(r"trained (\d) epoch (\d+)", "".join(outputs))
    assert sorted(trained) == sorted((str(s), str(e)) for s in range(3) for e in range(1, 31))
    assert len(list((tmp_path / "records").glob("*.json"))) == 3


def reproduce(*arguments: str, results: Path) -> list[str]:
    command = [sys.executable, "-m", "mnistconv", "reproduce", *arguments]
    return [*command, "--results", str(results)]


def children(process: int) -> set[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    found = {int(word) for word in path.read_text().split()}
    return found.union(*map(children, found))


def is_alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().split(")")[1].split()[0] != "Z"


def wait_for(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the processes of Linux")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_on_two_cores_end_with_their_runner(end, tmp_path):
    """The real command on real data: Ctrl-C, SIGTERM or SIGKILL after the first epochs."""
    process = subprocess.Popen(
        reproduce("dense", "--seeds", "0,1", "--jobs", "2", results=tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interrupt_before_start,
    )
    checkpoints = [checkpoint_path("dense", seed, tmp_path) for seed in (0, 1)]
    assert wait_for(lambda: all(path.exists() for path in checkpoints), 120)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.send_signal(end)
    out, err = process.communicate(timeout=30)
    assert wait_for(lambda: not any(map(is_alive, workers)), 10)
    assert re.search(r"2 runs to do, 2 at a time, about \d+ (s|min)", out)
    if end != signal.SIGKILL:
        assert process.returncode == 130
        assert "Stopped. Every finished epoch is kept" in out
        assert "Traceback" not in err
    assert all(read_checkpoint(path)[1]["seeds"] == [s] for s, path in enumerate(checkpoints))


def test_nothing_left_to_do(tmp_path):
    """Copies of the stored records are all that the plan asks for."""
    stored = record_path("dense", 0)
    record_path("dense", 0, tmp_path).parent.mkdir()
    record_path("dense", 0, tmp_path).write_bytes(stored.read_bytes())
    result = subprocess.run(
        reproduce("dense", "--seeds", "0", results=tmp_path), capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "Nothing is left to do: every planned run has its record.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resnet"], "unknown experiment 'resnet'"),
        (["dense", "--seeds", "3-1"], "1 comes before 3"),
        (["dense", "--jobs", "0"], "--jobs 0: at least 1 run at a time"),
        (["dense", "--device", "tpu"], "device 'tpu' is not here"),
        (["dense", "--device", "meta"], "--device meta: records are made on cpu or cuda"),
        (["dense", "--backend", "slurm"], "choose one of loky, dask, ray"),
        (["dense", "--backend", "dask"], "--backend dask needs --scheduler"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, sentence, tmp_path):
    command = reproduce(*arguments, results=tmp_path)
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert sentence in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("results", ["a file", "a file/below it"])
def test_results_that_cannot_be_written_are_found_before_the_training(results, tmp_path):
    (tmp_path / "a file").write_text("")
    command = reproduce("dense", "--seeds", "0", results=tmp_path / results)
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert "a file" in result.stderr
    assert "to do" not in result.stdout


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


def test_control_c_before_the_first_run_says_how_to_go_on(command_line, monkeypatch, tmp_path):
    def press_control_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(planning, "calibrate", press_control_c)
    code, out, err = command_line("dense", "--results", str(tmp_path))
    assert code == 130
    assert "the same command goes on from there" in out
    assert err == ""


def test_deleting_one_record_redoes_exactly_that_one(
    command_line, monkeypatch, tmp_path, little_data
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


@pytest.mark.slow
def test_a_dask_cluster_does_the_same(tmp_path):
    """A real scheduler and two real workers on the loopback address."""
    distributed = pytest.importorskip("distributed")
    experiment = changed(EXPERIMENTS["dense"], epochs=1)
    jobs = [Job(experiment, seed, 2.0) for seed in (0, 1)]
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        code = runner.run_all(jobs, tmp_path, 2, "dask", cluster.scheduler_address)
    assert code == 0
    alone = runs.run(experiment, 1, tmp_path / "alone")
    assert without_time(record_path("dense", 1, tmp_path)) == without_time(alone)
    assert record_path("dense", 0, tmp_path).exists()

"""Records of full-length runs: what counts, how a run goes on, what the scoreboard says of them."""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
import re
import shutil
import socket
import sys
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file
from small import changed
from tools import quick_first

from mnistconv import recipes
from mnistconv.experiments import EXPERIMENTS
from mnistconv.networks import ConvNetTwoConvLayersReLU, DenseNet
from mnistconv.records import answers as answers_module
from mnistconv.records import load_network, load_records, load_weights, store
from mnistconv.records.answers import plurality, recorded_answers, vote
from mnistconv.records.record import SCHEMA, Record, hash_record, to_json
from mnistconv.records.store import (
    checkpoint_path,
    hash_file,
    hash_weights,
    read_record,
    record_path,
    weights_path,
)
from mnistconv.reproduce import recording, runs
from mnistconv.reproduce.recording import make_record, write_record
from mnistconv.training import History, fit, predict

DENSE = EXPERIMENTS["dense"]
RECIPE = DENSE.recipe.hyper_parameters
HERE = {
    "device": "cpu",
    "device_name": "abacus",
    "memory_format": "contiguous",
    "threads": 1,
    "wall_seconds": 1.5,
    "versions": {"python": "3.12.1", "torch": "2.15.0", "numpy": "2.4.0"},
}


def answers_right_in(right: int) -> torch.Tensor:
    """Answers to the test images of which the last `right` are right: int64 `[10000]`."""
    labels = torch.tensor([int(digit) for digit in store.right_digits()])
    labels[: len(labels) - right] += 1
    return labels % 10


def a_record(experiment=DENSE, seed: int = 0, accuracy: float = 0.98, **fields) -> Record:
    torch.manual_seed(seed)
    recipe = experiment.recipe
    history = History(recipe.epochs, steps_per_epoch=1)
    history.train_loss += [0.5] * (recipe.epochs - 1) + [0.25]
    history.test_accuracy += [0.9] * (recipe.epochs - 1) + [accuracy]
    answers = answers_right_in(round(10_000 * accuracy))
    record = make_record(experiment, seed, recipe.network(), answers, history, HERE)
    return dataclasses.replace(record, **fields)


def write_edited(record: Record, results, **changes):
    """Write `record` with these entries in its JSON and a hash that agrees; return the path."""
    content = to_json(record) | changes
    path = write_record(record, results)
    path.write_text(json.dumps(content | {"sha256": hash_record(content)}), encoding="utf-8")
    return path


# Writing and reading


def test_a_record_comes_back_as_it_was_written(tmp_path):
    record = a_record(seed=3)
    path = write_record(record, tmp_path)
    assert path == tmp_path / "records" / "dense-seed3.json"
    assert read_record(path, DENSE) == record
    assert load_records("dense", tmp_path) == [record]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_a_record_holds():
    record = a_record(seed=3, accuracy=0.9797)
    assert (record.experiment, record.seed, record.final_accuracy) == ("dense", 3, 0.9797)
    assert record.wrong == 203
    assert record.answers.dtype == torch.int64
    assert "".join(map(str, record.answers.tolist())) == record.predictions
    assert not record.learned_nothing
    assert record.hyper_parameters == DENSE.recipe.hyper_parameters
    torch.manual_seed(3)
    assert record.weights_sha256 == hash_weights(DenseNet())
    assert {"schema", "train_loss", "test_accuracy", *HERE} <= set(to_json(record))


def test_records_come_in_the_order_of_their_seeds(tmp_path):
    for seed in (10, 0, 2):
        write_record(a_record(seed=seed), tmp_path)
    write_record(a_record(EXPERIMENTS["simple"]), tmp_path)
    assert [record.seed for record in load_records("dense", tmp_path)] == [0, 2, 10]
    assert load_records("relu", tmp_path) == []


def test_relu_does_not_take_the_records_of_relu_with_more_weight_decay(tmp_path):
    write_record(a_record(EXPERIMENTS["relu-wd0.1"]), tmp_path)
    assert load_records("relu", tmp_path) == []
    assert len(load_records("relu-wd0.1", tmp_path)) == 1


def test_no_run_no_records(tmp_path):
    with pytest.raises(ValueError, match="unknown experiment 'resnet'"):
        load_records("resnet", tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"final_accuracy": 0.98', '"final_accuracy": 0.99'), ("0.25", "0.26"), ("abacus", "Abacus")],
)
def test_an_edit_by_hand_shows(tmp_path, old, new):
    path = write_record(a_record(), tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"dense-seed0\.json is left out: it was changed"):
        assert load_records("dense", tmp_path) == []


@pytest.mark.parametrize(
    ("record", "changes", "reason"),
    [
        (a_record(), {"schema": SCHEMA + 1}, "schema is version 2, today's is 1"),
        (a_record(changed(DENSE, lr=0.2)), {}, "hyper-parameters are not those"),
        (a_record(changed(DENSE, epochs=3)), {}, "hyper-parameters are not those"),
        (a_record(changed(DENSE, batch_size=64)), {}, "hyper-parameters are not those"),
    ],
)
def test_a_record_of_other_rules_is_left_out_with_a_warning(tmp_path, record, changes, reason):
    write_edited(record, tmp_path, **changes)
    write_record(a_record(seed=1), tmp_path)
    with pytest.warns(UserWarning, match=f"dense-seed0.json is left out: .*{reason}"):
        assert [r.seed for r in load_records("dense", tmp_path)] == [1]


def test_a_field_that_recipes_get_later_spoils_no_record(tmp_path, monkeypatch):
    """Its default is what every run did before; another value of it is another recipe."""
    write_record(a_record(), tmp_path)
    monkeypatch.setitem(recipes.DEFAULTS, "batch_norm", False)
    assert len(load_records("dense", tmp_path)) == 1
    write_edited(a_record(seed=1), tmp_path, hyper_parameters=RECIPE | {"batch_norm": False})
    assert len(load_records("dense", tmp_path)) == 2
    path = write_edited(a_record(seed=2), tmp_path, hyper_parameters=RECIPE | {"batch_norm": True})
    assert "hyper-parameters" in store.find_problem(path, DENSE)


def test_asking_whether_a_record_counts_renames_nothing(tmp_path):
    assert not store.has_record(DENSE, 0, tmp_path)
    path = write_record(a_record(changed(DENSE, lr=0.2)), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not store.has_record(DENSE, 0, tmp_path)
    assert path.exists()
    write_record(a_record(), tmp_path)
    assert store.has_record(DENSE, 0, tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"schema": 1}', "\udcff", "[" * 100_000]
)
def test_a_damaged_record_is_left_out_with_a_warning(tmp_path, content):
    path = record_path("dense", 0, tmp_path)
    path.parent.mkdir()
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.warns(UserWarning, match="dense-seed0.json is left out: it is damaged"):
        assert load_records("dense", tmp_path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"final_accuracy": float("nan")},
        {"final_accuracy": 0.99},
        {"final_accuracy": "0.98"},
        {"train_loss": [float("nan")] * 60},
        {"train_loss": []},
        {"test_accuracy": [0.9, 0.98]},
        {"test_accuracy": [0.9] * 59 + [1.7], "final_accuracy": 1.7},
        {"validation_accuracy": [0.9]},
        {"kept_epoch": 59},
        {"seed": "0"},
        {"wall_seconds": "an hour"},
        {"versions": {"torch": 2.15}},
        {"device_name": None},
        {"code_sha256": 7},
        {"trainer": 7},
    ],
    ids=str,
)
def test_a_record_whose_figures_do_not_fit_together_does_not_count(tmp_path, changes):
    """Whole, with today's hash, and still not what a run of 60 epochs leaves."""
    path = write_edited(a_record(), tmp_path, **changes)
    assert "fit together" in store.find_problem(path, DENSE)


@pytest.mark.parametrize(
    "predictions",
    [
        "",
        "seven",
        a_record().predictions[:-1],
        a_record().predictions + "7",
        a_record(accuracy=0.9801).predictions,
        a_record().predictions[:-1] + "٣",
    ],
    ids=[
        "none",
        "a word",
        "one less",
        "one more",
        "one more is right",
        "a digit of another script",
    ],
)
def test_an_accuracy_that_is_not_that_of_the_answers_does_not_count(tmp_path, predictions):
    path = write_edited(a_record(), tmp_path, predictions=predictions)
    assert "answers" in store.find_problem(path, DENSE)


@pytest.mark.parametrize("length", [1, 5_000, 10_001, 20_000])
def test_answers_that_are_all_right_but_not_10_000_do_not_count(length, tmp_path):
    predictions = (2 * store.right_digits())[:length]
    path = write_edited(a_record(accuracy=1.0), tmp_path, predictions=predictions)
    assert store.find_problem(path, DENSE) == "its accuracy is not that of its answers"


def test_the_labels_that_answers_are_compared_with_are_mnists(mnist):
    _, (_, labels) = mnist
    assert store.right_digits() == "".join(map(str, labels.tolist()))


def make_folder(path):
    path.mkdir()


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    # In its folder: the address of a socket must be short.
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def make_huge_file(path):
    path.touch()
    os.truncate(path, 2_000_000_000)


def make_loop(path):
    path.symlink_to(path.name)


SPECIAL = [make_folder, make_pipe, make_socket, make_huge_file, make_loop]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("make", SPECIAL, ids=lambda make: make.__name__)
def test_what_is_no_file_is_one_warning_and_no_waiting(make, tmp_path):
    """Read as a record, as weights, and cleared away before a run."""
    path = record_path("dense", 0, tmp_path)
    path.parent.mkdir()
    make(path)
    with pytest.warns(UserWarning, match=r"is left out: it cannot be read") as caught:
        assert load_records("dense", tmp_path) == []
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="set aside"):
        recording.make_room(DENSE, 0, tmp_path)
    assert not os.path.lexists(path)
    write_record(a_record(), tmp_path)
    weights_path("dense", 0, tmp_path).parent.mkdir()
    make(weights_path("dense", 0, tmp_path))
    with pytest.raises(ValueError, match=r"dense-seed0\.safetensors"):
        load_weights("dense", 0, tmp_path)


def test_other_library_versions_do_not_spoil_a_record(tmp_path):
    path = write_record(a_record(versions={"python": "3.9", "torch": "1.0"}), tmp_path)
    assert store.find_problem(path, DENSE) is None


def test_other_code_does_not_spoil_a_record(tmp_path):
    for seed, code in enumerate((None, "0" * 64)):
        write_record(a_record(seed=seed, code_sha256=code), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load_records("dense", tmp_path)
    assert [record.code_sha256 for record in found] == [None, "0" * 64]


@pytest.mark.parametrize("copy", [("dense", 1), ("simple", 0)])
def test_a_copy_under_another_name_does_not_count_twice(tmp_path, copy):
    path = write_record(a_record(), tmp_path)
    shutil.copy(path, record_path(*copy, tmp_path))
    with pytest.warns(UserWarning, match="it is a record of dense with seed 0"):
        found = load_records("dense", tmp_path) + load_records("simple", tmp_path)
    assert found == [a_record()]


def test_a_failed_write_keeps_the_record_that_was_there(tmp_path, monkeypatch):
    path = write_record(a_record(), tmp_path)
    before = path.read_bytes()

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_record(a_record(accuracy=0.5), tmp_path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_hash_of_weights_sees_one_changed_weight_but_no_memory_format():
    torch.manual_seed(0)
    net = ConvNetTwoConvLayersReLU()
    before = hash_weights(net)
    assert hash_weights(net.to(memory_format=torch.channels_last)) == before
    with torch.no_grad():
        net.conv2.bias[3] += 1e-6
    assert hash_weights(net) != before


def test_recorded_answers_are_the_recorded_predictions(monkeypatch):
    """But for a network that learned nothing: it would only name every digit hard."""
    dense = [a_record(seed=0), a_record(seed=1, predictions="1" * 10_000), a_record(seed=2)]
    found = {"dense": dense, "simple": []}
    monkeypatch.setattr("mnistconv.records.answers.load_records", found.get)
    expected = torch.stack([dense[0].answers, dense[2].answers])
    assert torch.equal(recorded_answers("dense", "simple"), expected)
    assert torch.equal(recorded_answers("dense", seed=2), expected[1:])
    assert recorded_answers("dense", seed=1).shape == (0, 10_000)
    assert recorded_answers("simple").shape == (0, 10_000)


# A run and its interruption, on 200 digits and with three epochs

SMALL = [
    changed(EXPERIMENTS["relu"], epochs=3),
    changed(EXPERIMENTS["dropout-nielsen-step"], epochs=3, expanded=False),
]
EVERY_SMALL = pytest.mark.parametrize("experiment", SMALL, ids=lambda e: e.name)


def without_time(path) -> dict:
    record = json.loads(path.read_text(encoding="utf-8"))
    return {key: record[key] for key in record if key not in ("wall_seconds", "sha256")}


def fitted(recipe, data) -> tuple:
    """A network that `fit` has trained with seed 4, in the memory format of a run, its history."""
    net = runs.new_network(recipe, 4)
    history = fit(
        net,
        *data,
        epochs=3,
        lr=recipe.lr,
        weight_decay=recipe.weight_decay,
        params=recipe.parameter_groups(net),
        seed=4,
        device="cpu",
        verbose=False,
    )
    return net, history


@EVERY_SMALL
def test_a_run_by_torch_optim_equals_fit_bit_by_bit(experiment, tmp_path, little_data, monkeypatch):
    monkeypatch.setattr(runs.steps, "is_known", lambda net: False)
    record = read_record(runs.run(experiment, 4, tmp_path), experiment)
    net, history = fitted(experiment.recipe, little_data)
    assert record.trainer == "torch.optim"
    assert record.weights_sha256 == hash_weights(net)
    assert record.train_loss == history.train_loss
    assert record.test_accuracy == history.test_accuracy
    assert torch.equal(record.answers, predict(net, little_data[1][0]))


@EVERY_SMALL
def test_a_run_by_steps_learns_what_fit_does_and_says_how(experiment, tmp_path, little_data):
    record = read_record(runs.run(experiment, 4, tmp_path), experiment)
    _, history = fitted(experiment.recipe, little_data)
    assert record.trainer == "steps"
    assert record.train_loss == pytest.approx(history.train_loss, rel=1e-3)
    assert record.test_accuracy == pytest.approx(history.test_accuracy, abs=0.02)
    assert record.final_accuracy == record.test_accuracy[-1]
    assert (record.device, record.memory_format) == ("cpu", "channels_last")
    assert record.threads == torch.get_num_threads()
    assert record.versions["torch"] == torch.__version__


class Interrupted(BaseException):
    pass


@EVERY_SMALL
def test_an_interrupted_run_goes_on_to_the_same_bits(
    experiment, tmp_path, little_data, monkeypatch
):
    whole = runs.run(experiment, 0, tmp_path / "whole")

    def stop_after_an_epoch(history):
        raise Interrupted

    with pytest.raises(Interrupted):
        runs.run(experiment, 0, tmp_path / "parts", stop_after_an_epoch)
    checkpoint = checkpoint_path(experiment.name, 0, tmp_path / "parts")
    first = checkpoint.read_bytes()
    assert not record_path(experiment.name, 0, tmp_path / "parts").exists()

    def stop_before_the_checkpoint(*_):
        raise Interrupted

    torch.manual_seed(99)  # another process would not have our random numbers
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(runs, "evaluate", stop_before_the_checkpoint)
        runs.run(experiment, 0, tmp_path / "parts")
    assert checkpoint.read_bytes() == first  # the second epoch is lost, the first is kept

    torch.manual_seed(98)
    epochs = []
    resumed = runs.run(
        experiment, 0, tmp_path / "parts", lambda h: epochs.append(len(h.train_loss))
    )
    assert epochs == [2, 3]
    assert without_time(resumed) == without_time(whole)
    assert not checkpoint.exists()


def test_a_run_that_died_before_its_record_only_writes_it(tmp_path, little_data, monkeypatch):
    experiment = SMALL[0]
    whole = runs.run(experiment, 1, tmp_path / "whole")

    def die(*_, **__):
        raise Interrupted

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(runs, "finish", die)
        runs.run(experiment, 1, tmp_path)
    monkeypatch.setattr(runs.Training, "train_epoch", die)
    assert without_time(runs.run(experiment, 1, tmp_path)) == without_time(whole)


def test_weights_are_kept_of_seed_0_alone(tmp_path, little_data):
    experiment = SMALL[0]
    paths = {seed: runs.run(experiment, seed, tmp_path) for seed in (0, 1)}
    assert [p.name for p in (tmp_path / "weights").iterdir()] == ["relu-seed0.safetensors"]
    net = experiment.recipe.network()
    net.load_state_dict(load_file(weights_path("relu", 0, tmp_path)))
    assert hash_weights(net) == read_record(paths[0], experiment).weights_sha256
    assert hash_weights(net) != read_record(paths[1], experiment).weights_sha256


def a_large_network(gap: float) -> torch.nn.Module:
    """The dropout network answers 7 to all images, by `gap` more than 3."""
    net = EXPERIMENTS["dropout-lr0.005"].recipe.network()
    with torch.no_grad():
        net.out.weight.zero_()
        net.out.bias.zero_()
        net.out.bias[3], net.out.bias[7] = 1.0, 1.0 + gap
    return net


@pytest.mark.parametrize(("gap", "kept"), [(0.5, torch.float16), (1e-4, torch.float32)])
def test_large_networks_are_kept_in_half_precision_if_no_answer_changes(gap, kept, few):
    """Half precision has steps of .001 above 1: there 1.0001 is 1, and 3 comes before 7."""
    net, images = a_large_network(gap), few[0][:20]
    answers = predict(net, images)
    assert answers.tolist() == [7] * 20
    before = hash_weights(net)
    weights = recording.weights_to_keep(net, images)
    assert {tensor.dtype for tensor in weights.values()} == {kept}
    assert hash_weights(net) == before  # the record's hash is of the full precision
    net.load_state_dict(weights)
    assert torch.equal(predict(net, images), answers)


def test_small_networks_are_kept_in_full(few):
    net = DenseNet()
    weights = recording.weights_to_keep(net, few[0])
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_a_run_of_the_large_network_leaves_weights_that_answer_as_recorded(
    tmp_path, little_data, monkeypatch
):
    experiment = changed(SMALL[1], epochs=1)
    monkeypatch.setitem(EXPERIMENTS, experiment.name, experiment)
    record = read_record(runs.run(experiment, 0, tmp_path), experiment)
    net = load_network(experiment.name, 0, tmp_path).to(memory_format=torch.channels_last)
    assert torch.equal(predict(net, little_data[1][0]), record.answers)
    assert record.weights_file_sha256 == hash_file(weights_path(experiment.name, 0, tmp_path))


def test_expanded_runs_train_on_five_times_the_images(tmp_path, little_data):
    experiment = changed(EXPERIMENTS["expanded"], epochs=1)
    seen = []
    runs.run(experiment, 0, tmp_path, lambda history: seen.append(history.steps))
    assert seen == [48]  # 5 * 95 images in batches of 10, the last one of 5


# Weights


def keep(tmp_path, seed: int = 0, half: bool = False, **fields) -> dict[str, torch.Tensor]:
    """A record of `dense` in `tmp_path` with its file of weights; returns what the file holds."""
    write_record(a_record(seed=seed, **fields), tmp_path)
    torch.manual_seed(seed)
    weights = DenseNet().state_dict()
    if half:
        weights = {name: tensor.half() for name, tensor in weights.items()}
    path = weights_path("dense", seed, tmp_path)
    path.parent.mkdir(exist_ok=True)
    save_file(weights, path)
    return weights


def test_weights_are_loaded_as_they_were_kept(tmp_path):
    kept = keep(tmp_path)
    found = load_weights("dense", 0, tmp_path)
    assert all(torch.equal(found[name], kept[name]) for name in kept)
    net = load_network("dense", 0, tmp_path)
    assert not net.training
    assert hash_weights(net) == read_record(record_path("dense", 0, tmp_path), DENSE).weights_sha256


def test_weights_of_another_network_are_not_used(tmp_path):
    keep(tmp_path, seed=1)
    keep(tmp_path)
    shutil.copy(weights_path("dense", 1, tmp_path), weights_path("dense", 0, tmp_path))
    with pytest.raises(
        ValueError, match=r"dense-seed0\.safetensors holds other weights .*reproduce"
    ):
        load_weights("dense", 0, tmp_path)


def test_half_precision_has_a_hash_of_its_own(tmp_path):
    """In the record, or, where that is older, in the list; without one nobody can tell."""
    path = weights_path("dense", 0, tmp_path)
    keep(tmp_path, half=True)
    with pytest.raises(ValueError, match="other weights"):
        load_weights("dense", 0, tmp_path)
    (path.parent / store.OLD_FILES).write_text(f"{hash_file(path)}  {path.name}\n")
    assert load_weights("dense", 0, tmp_path)["fc1.weight"].dtype == torch.float16
    keep(tmp_path, half=True, weights_file_sha256=hash_file(path))
    (path.parent / store.OLD_FILES).unlink()
    assert load_weights("dense", 0, tmp_path)["fc1.weight"].dtype == torch.float16
    assert load_network("dense", 0, tmp_path).fc1.weight.dtype == torch.float32


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("pipe", marks=pytest.mark.skipif(sys.platform == "win32", reason="no pipes")),
        "one word",
        "no text",
        "folder",
    ],
)
def test_a_damaged_list_of_old_hashes_is_named(kind, tmp_path):
    keep(tmp_path)
    path = tmp_path / "weights" / store.OLD_FILES
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"deadbeef\n" if kind == "one word" else b"\xff\xfe")
    with pytest.raises(ValueError, match=r"SHA256SUMS is damaged \(.*\): restore it\.$"):
        load_weights("dense", 0, tmp_path)


def test_damaged_weights_are_named(tmp_path):
    keep(tmp_path)
    path = weights_path("dense", 0, tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"dense-seed0\.safetensors is damaged"):
        load_weights("dense", 0, tmp_path)


@pytest.mark.parametrize(("seed", "words"), [(0, "reproduce dense"), (1, "kept of seed 0 alone")])
def test_missing_weights_are_said_in_one_sentence(seed, words, tmp_path):
    keep(tmp_path, seed=seed)
    weights_path("dense", seed, tmp_path).unlink()
    with pytest.raises(ValueError, match=rf"dense-seed{seed}\.safetensors is missing: .*{words}"):
        load_weights("dense", seed, tmp_path)


def test_weights_without_a_record_that_counts_are_not_used(tmp_path):
    keep(tmp_path)
    record_path("dense", 0, tmp_path).unlink()
    with pytest.raises(ValueError, match="dense, seed 0, has no record that counts"):
        load_weights("dense", 0, tmp_path)


# The records in the repository

PATHS = sorted((store.RESULTS / "records").glob("*.json"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_stored_record_counts_and_is_of_one_piece(path, mnist):
    name, seed = re.fullmatch(r"(.+)-seed(\d+)\.json", path.name).groups()
    record = read_record(path, EXPERIMENTS[name])
    assert record is not None, f"{path.name} is in the repository but does not count"
    labels = mnist[1][1]
    assert (record.answers == labels).sum().item() / len(labels) == record.final_accuracy
    assert record.seed == int(seed)
    text = path.read_text(encoding="utf-8")
    assert json.dumps(to_json(record), indent=1) + "\n" == text  # written as it was read


def test_the_stored_records_are_no_fewer_than_they_were():
    assert len(PATHS) >= 18


def with_weights() -> list[str]:
    return [name for name in EXPERIMENTS if weights_path(name, 0).exists()]


def test_every_record_of_seed_0_has_its_weights():
    recorded = [name for name in EXPERIMENTS if record_path(name, 0).exists()]
    assert with_weights() == recorded


@pytest.mark.parametrize("name", quick_first(with_weights()))
def test_stored_weights_give_the_recorded_answers(name, mnist):
    """All of them on the machine that recorded them; others add in another order."""
    record = load_records(name)[0]
    net = load_network(name).to(memory_format=torch.channels_last)
    images, labels = mnist[1]
    answers = predict(net, images)
    here = recording.describe_machine(torch.device("cpu"), "channels_last", 0)
    if all(getattr(record, key) == here[key] for key in ("device_name", "threads", "versions")):
        assert torch.equal(answers, record.answers)
    right = [(given == labels).sum().item() for given in (answers, record.answers)]
    assert abs(right[0] - right[1]) <= 2


# A vote


def test_the_most_votes_win():
    answers = torch.tensor([[3, 5, 7], [3, 5, 1], [4, 9, 7], [4, 5, 7], [4, 9, 7]])
    assert plurality(answers).tolist() == [4, 5, 7]


@pytest.mark.parametrize(
    ("votes", "digit"),
    [
        ([4, 9, 9, 4, 1], 9),  # 9 stands where 1 would
        ([9, 1, 1, 4, 4], 4),  # and where 9 is there first, 1 goes to the place of 7
        ([3, 8, 8, 3, 5], 8),
        ([5, 3, 5, 3, 0], 3),
        ([0, 8, 8, 0, 2], 0),
        ([8, 0, 0, 8, 2], 8),
        ([7, 2], 2),
        ([6], 6),
        ([9, 8, 7, 6, 5, 4], 4),  # six different ones: the dictionary has grown
    ],
)
def test_a_tie_goes_where_python_2_sent_it(votes, digit):
    assert plurality(torch.tensor(votes).unsqueeze(1)).item() == digit


def test_all_votes_of_five_go_where_python_2_sent_them():
    """The hash is that of `Counter(votes).most_common(1)[0][0]` of CPython 2.7.18, for each."""
    votes = torch.tensor(list(itertools.product(range(10), repeat=5))).T
    digits = "".join(map(str, plurality(votes).tolist()))
    expected = "56692b1e98e6c9d78833d4422462432a1708e54c936aff8c888ead21c104605a"
    assert hashlib.sha256(digits.encode()).hexdigest() == expected


DROPOUT = EXPERIMENTS["nielsen-dropout"]


def voters(tmp_path, monkeypatch, seeds) -> list[Record]:
    """Records of nielsen-dropout: seed s misreads 40 + 10 s digits, and ten more at its end."""
    made = []
    for seed in seeds:
        kept, last = (answers_right_in(10_000 - 10 * seed - k) for k in (40, 50))
        history = History(DROPOUT.recipe.epochs, steps_per_epoch=1)
        history.train_loss += [0.5] * 40
        history.test_accuracy += [0.99] * 38 + [
            (9960 - 10 * seed) / 10_000,
            (9950 - 10 * seed) / 10_000,
        ]
        chosen = [0.98] * 38 + [0.99, 0.97]
        net = DROPOUT.recipe.network()
        record = make_record(DROPOUT, seed, net, kept, history, HERE, chosen, None, last)
        write_record(record, tmp_path)
        made.append(record)
    monkeypatch.setattr(answers_module, "load_records", lambda n: load_records(n, tmp_path))
    return made


def test_five_networks_vote_as_their_last_epoch_left_them(tmp_path, monkeypatch):
    records = voters(tmp_path, monkeypatch, range(6))
    assert records[0].kept_epoch == 39
    voted = vote("nielsen-dropout")
    assert (voted.networks, voted.asked) == (5, 5)
    assert torch.equal(voted.answers, plurality(torch.stack([r.last_answers for r in records[:5]])))
    assert voted.wrong == 70  # the third of five nested sets of errors: 50 and 20
    assert voted.accuracy == pytest.approx(0.993)
    assert str(voted) == "a vote of 5: 99.30%, 70 wrong"
    assert vote("nielsen-dropout", epoch="kept").wrong == 60


@pytest.mark.parametrize("n", [1, 2, 4])
def test_fewer_than_five_vote_and_are_counted(n, tmp_path, monkeypatch):
    voters(tmp_path, monkeypatch, range(n))
    voted = vote("nielsen-dropout")
    assert (voted.networks, voted.asked) == (n, 5)
    assert str(voted).startswith(f"a vote of {n} (5 are to vote, {n} recorded): ")


def test_nobody_to_vote_is_one_sentence(tmp_path, monkeypatch):
    voters(tmp_path, monkeypatch, [])
    with pytest.raises(ValueError, match="nielsen-dropout has no record yet: 0 of 5"):
        vote("nielsen-dropout")
    with pytest.raises(ValueError, match="at least 1"):
        vote("nielsen-dropout", 0)
    with pytest.raises(ValueError, match="'last' or 'kept'"):
        vote("nielsen-dropout", epoch="best")
    with pytest.raises(ValueError, match="unknown experiment"):
        vote("nielsen-vote")

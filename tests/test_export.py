"""What the page "Draw a digit" loads: weights, digits, ONNX, made from the records."""

import base64
import gzip
import json
import shutil

import numpy as np
import pytest
import torch
from book import REPOSITORY
from safetensors.torch import load_file

from mnistconv import export
from mnistconv.data import to_input
from mnistconv.records import load_network, store
from mnistconv.records.answers import DOUBTFUL_LABELS

DRAW = REPOSITORY / "site" / "_static" / "draw"
EVERY_NETWORK = pytest.mark.parametrize("name", export.SHOWN)


def read_script(path) -> list:
    """The arguments of the one call in a script, from its text."""
    call = path.read_text(encoding="utf-8").rstrip().removesuffix(");")
    return json.loads(f"[{call.split('(', 1)[1]}]")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export.export(folder)
    return folder


def test_the_list_says_what_the_records_say(exported):
    (listed,) = read_script(exported / "networks.js")
    assert [network["name"] for network in listed] == list(export.SHOWN)
    for network in listed:
        record = store.load_records(network["name"])[0]
        assert network["right"] / network["testImages"] == record.final_accuracy
        low, high = network["interval"]
        assert low < record.final_accuracy < high
        net = load_network(network["name"])
        assert network["parameters"] == sum(p.numel() for p in net.parameters())


@EVERY_NETWORK
def test_weights_come_back_bit_for_bit(exported, name):
    header, text = read_script(exported / f"{name}.js")
    data = base64.b64decode(text)
    assert len(data) == header["bytes"]
    stored = load_file(store.weights_path(name, export.SEED))
    values = np.frombuffer(data, dtype=np.dtype(header["dtype"]).newbyteorder("<"))
    start = 0
    for key, shape in header["shapes"].items():
        size = int(np.prod(shape))
        assert np.array_equal(values[start : start + size].reshape(shape), stored[key].numpy())
        start += size
    assert start == len(values)


@EVERY_NETWORK
def test_onnx_answers_as_pytorch_does(exported, name, mnist):
    _, (images, _) = mnist
    inputs = to_input(images[:1000])
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(exported / f"{name}.onnx")
    (logits,) = session.run(["logits"], {"images": inputs.numpy()})
    with torch.no_grad():
        expected = load_network(name)(inputs).numpy()
    assert np.abs(logits - expected).max() < 1e-4
    assert (logits.argmax(1) == expected.argmax(1)).all()


def test_the_digits_are_mnists(exported, mnist):
    _, (images, labels) = mnist
    header, text = read_script(exported / "digits.js")
    pixels = np.frombuffer(gzip.decompress(base64.b64decode(text)), dtype=np.uint8)
    numbers = header["numbers"]
    assert numbers[: header["ordinary"]] == list(range(1000))
    assert np.array_equal(pixels.reshape(-1, 28, 28), images[numbers].numpy())
    assert header["labels"] == labels[numbers].tolist()


def test_the_digits_worth_a_look_are_there(exported, mnist):
    _, (_, labels) = mnist
    header, _ = read_script(exported / "digits.js")
    assert set(DOUBTFUL_LABELS) <= set(header["numbers"])
    for number, (label, likely) in DOUBTFUL_LABELS.items():
        assert labels[number] == label != likely
        assert header["doubtful"][str(number)] == likely
    for name in export.SHOWN:
        record = store.load_records(name)[0]
        wrong = header["wrong"][name]
        assert len(wrong) == record.wrong
        assert all(record.answers[n] != labels[n] for n in wrong)
        assert set(wrong) <= set(header["numbers"])


def test_the_committed_digits_are_todays(exported):
    assert read_script(DRAW / "digits.js")[0] == read_script(exported / "digits.js")[0], (
        "run `make digits`"
    )


def test_a_network_without_a_record_is_left_out(tmp_path):
    results = tmp_path / "results"
    shutil.copytree(store.RESULTS, results, ignore=shutil.ignore_patterns("unfinished"))
    store.record_path("two-conv", 0, results).unlink()
    paths = export.export_networks(tmp_path / "out", results)
    (listed,) = read_script(tmp_path / "out" / "networks.js")
    assert [network["name"] for network in listed] == ["simple", "relu", "dropout-lr0.005"]
    assert not any(path.stem == "two-conv" for path in paths)


def test_a_damaged_weight_file_is_one_clear_error(tmp_path):
    results = tmp_path / "results"
    shutil.copytree(store.RESULTS, results, ignore=shutil.ignore_patterns("unfinished"))
    path = store.weights_path("relu", 0, results)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"relu-seed0\.safetensors"):
        export.export_networks(tmp_path / "out", results)

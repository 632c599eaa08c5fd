"""What the page "Draw a digit" loads: weights, digits, ONNX, made from the records."""

import base64
import gzip
import json
import shutil

import numpy as np
import pytest
import tools
import torch
from book import REPOSITORY
from safetensors.torch import load_file, save_file

from mnistconv import export
from mnistconv.data import to_input
from mnistconv.experiments import get_experiment
from mnistconv.records import load_network, store
from mnistconv.records.answers import DOUBTFUL_LABELS
from mnistconv.records.intervals import wilson

DRAW = REPOSITORY / "site" / "_static" / "draw"
EVERY_NETWORK = pytest.mark.parametrize("name", export.SHOWN)


def read_script(path) -> list:
    """The arguments of the one call in a script, from its text."""
    call = path.read_text(encoding="utf-8").rstrip().removesuffix(");")
    return json.loads(f"[{call.split('(', 1)[1]}]")


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


def test_the_interval_is_wilsons():
    """Worked out by hand for 99.43 %, as in the book: [99.26, 99.56]."""
    z, n, p = 1.959964, 10_000, 0.9943
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert wilson(9943) == pytest.approx((middle - reach, middle + reach), abs=1e-5)


@EVERY_NETWORK
def test_weights_come_back_to_the_nearest_half(exported, name):
    header, text = read_script(exported / f"{name}.js")
    data = base64.b64decode(text)
    assert len(data) == header["bytes"]
    stored = load_file(store.weights_path(name, export.SEED))
    values = np.frombuffer(data, dtype="<f2")
    start = 0
    for key, shape in header["shapes"].items():
        size = int(np.prod(shape))
        nearest = stored[key].half().numpy()
        assert np.array_equal(values[start : start + size].reshape(shape), nearest)
        start += size
    assert start == len(values)


@EVERY_NETWORK
def test_onnx_answers_as_pytorch_does(exported, name, mnist):
    _, (images, _) = mnist
    inputs = to_input(images[:1000])
    session = tools.module("onnxruntime").InferenceSession(exported / f"{name}.onnx")
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


@pytest.fixture
def results(tmp_path):
    """A copy of records and weights, to spoil."""
    copy = tmp_path / "results"
    shutil.copytree(store.RESULTS, copy, ignore=shutil.ignore_patterns("unfinished"))
    return copy


def test_a_network_without_a_record_is_left_out_by_name(tmp_path, results):
    store.record_path("two-conv", 0, results).unlink()
    with pytest.warns(UserWarning, match="two-conv is left out: it has no record"):
        paths = export.export_networks(tmp_path / "out", results)
    (listed,) = read_script(tmp_path / "out" / "networks.js")
    assert [network["name"] for network in listed] == ["simple", "relu", "dropout-lr0.005"]
    assert not any(path.stem == "two-conv" for path in paths)


def damage(path):
    path.write_bytes(path.read_bytes()[:1000])


def remove(path):
    path.unlink()


def exchange(path):
    shutil.copy(path.with_name("relu-wd0.1-seed0.safetensors"), path)


@pytest.mark.parametrize("spoil", [damage, remove, exchange], ids=lambda spoil: spoil.__name__)
def test_weights_that_are_not_the_records_are_one_clear_error(spoil, tmp_path, results):
    spoil(store.weights_path("relu", 0, results))
    with pytest.raises(ValueError, match=r"relu-seed0\.safetensors"):
        export.export_networks(tmp_path / "out", results)
    assert not (tmp_path / "out").exists()


def test_foreign_weights_in_half_precision_are_found_too(tmp_path, results):
    """Of the same network and the same kind, with one number changed."""
    path = store.weights_path("dropout-lr0.005", 0, results)
    weights = load_file(path)
    weights["out.bias"][3] += 0.01
    save_file(weights, path)
    with pytest.raises(ValueError, match=r"dropout-lr0\.005-seed0\.safetensors holds other"):
        export.export_networks(tmp_path / "out", results)


@EVERY_NETWORK
def test_layers_are_told_by_the_network_itself(name):
    """Compared with what each layer was seen to do, in the order in which it was called."""
    net = get_experiment(name).recipe.network()
    called = []
    for part, layer in net.named_children():
        kind = "dropout" if isinstance(layer, torch.nn.Dropout) else part
        layer.register_forward_hook(lambda *_, kind=kind: called.append(kind))
    net(torch.zeros(1, 1, 28, 28))
    told = export.operations(net)
    assert [part for part in told if part in {*called}] == called
    activations = told.count("relu") + told.count("sigmoid")
    assert activations == sum(part.startswith(("conv", "fc")) for part in called)
    assert told.count("pool") == sum(part.startswith("conv") for part in called)


def test_an_operation_that_the_page_does_not_know_is_no_guess():
    class Odd(torch.nn.Module):
        def forward(self, x):
            return x.tanh()

    with pytest.raises(ValueError, match="tanh"):
        export.operations(Odd())

"""Trained networks and test digits for the page "Draw a digit", and for other programs as ONNX.

Each script hands over a header (JSON) and base64 of little-endian numbers. Scripts, since a page
that was opened from a folder may load scripts, but may not read any other file. Weights go to the
page in half precision, which halves the wait for the first answer; the ONNX files have them whole.
"""

import base64
import gzip
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx, nn

from mnistconv.data import load_mnist
from mnistconv.experiments import Experiment, get_experiment
from mnistconv.files import write_atomically
from mnistconv.records import load_weights, store
from mnistconv.records.answers import DOUBTFUL_LABELS
from mnistconv.records.intervals import wilson
from mnistconv.records.record import Record

SHOWN = ("simple", "two-conv", "relu", "dropout-lr0.005")
SEED = 0
OPERATIONS = {"max_pool2d": "pool", "relu": "relu", "sigmoid": "sigmoid", "flatten": "flatten"}
ORDINARY_DIGITS = 1_000
OPSET, IR_VERSION = 17, 9  # old enough for every runtime in use, new enough for all that is needed


def export(folder: Path, results: Path = store.RESULTS) -> list[Path]:
    """Write everything that the page loads, and the networks as ONNX, into `folder`.

    Returns the paths written. Raises OSError where the folder cannot be written to.
    """
    return [*export_networks(folder, results), export_digits(folder / "digits.js", results)]


def export_networks(folder: Path, results: Path = store.RESULTS) -> list[Path]:
    """Write `networks.js` (what there is), and of each network `NAME.js` and `NAME.onnx`.

    A network whose full-length run is not recorded yet is left out, with a warning. Needs the
    records and weights in `results`, no images. Returns the paths written. Raises ValueError,
    before anything is written, when weights are missing, damaged, or not those of their record.
    """
    found = describe_all(results)
    every_weight = {
        name: {key: tensor.numpy() for key, tensor in load_weights(name, SEED, results).items()}
        for name in [network["name"] for network in found]
    }
    paths = [write_script(folder / "networks.js", "receiveList", found)]
    for network in found:
        name = network["name"]
        weights = every_weight[name]
        paths.append(write_weights(folder / f"{name}.js", name, weights))
        paths.append(write_onnx(folder / f"{name}.onnx", network["layers"], weights))
    return paths


def describe_all(results: Path = store.RESULTS) -> list[dict]:
    """What the page says of each network that is recorded, in the order of the chapters."""
    records = {name: record for name in SHOWN if (record := recorded(name, results))}
    return [describe(get_experiment(name), record) for name, record in records.items()]


def recorded(name: str, results: Path = store.RESULTS) -> Record | None:
    """The record of the network `name` that the page shows; None, with a warning, without one."""
    path = store.record_path(name, SEED, results)
    if path.exists():
        return store.read_record(path, get_experiment(name))
    warnings.warn(f"{name} is left out: it has no record of seed {SEED} yet.", stacklevel=2)
    return None


def describe(experiment: Experiment, record: Record) -> dict:
    """What the page says of a network before it loads it; `interval` is the 95 % Wilson interval.

    `layers` are its operations in their order: names of layers with weights, "pool", "relu",
    "sigmoid", "dropout".
    """
    recipe, images = experiment.recipe, len(record.predictions)
    right = images - record.wrong
    return {
        "name": experiment.name,
        "title": experiment.title,
        "network": recipe.network.__name__,
        "layers": [name for name in operations(recipe.network()) if name != "flatten"],
        "parameters": sum(p.numel() for p in recipe.network().parameters()),
        "epochs": recipe.epochs,
        "trainingImages": recipe.training_images,
        "right": right,
        "testImages": images,
        "interval": [round(end, 5) for end in wilson(right, images)],
    }


def operations(net: nn.Module) -> list[str]:
    """What `net` does to its images, in order, as PyTorch's tracer sees it.

    Raises ValueError for an operation that the page does not know.
    """
    found = []
    for node in fx.symbolic_trace(net).graph.nodes:
        if node.op == "call_module":
            is_dropout = isinstance(net.get_submodule(node.target), nn.Dropout)
            found.append("dropout" if is_dropout else node.target)
        elif node.op in ("call_function", "call_method"):
            name = getattr(node.target, "__name__", node.target)
            if name not in OPERATIONS:
                raise ValueError(f"the page cannot draw {name}, which {type(net).__name__} does.")
            found.append(OPERATIONS[name])
    return found


def write_weights(path: Path, name: str, weights: dict[str, np.ndarray]) -> Path:
    """The weights as a script: shapes in the header, all values, float16, in the text."""
    shapes = {key: list(value.shape) for key, value in weights.items()}
    values = b"".join(value.astype("<f2").tobytes() for value in weights.values())
    header = {"name": name, "shapes": shapes, "bytes": len(values)}
    return write_script(path, "receiveNetwork", header, values)


def export_digits(path: Path, results: Path = store.RESULTS) -> Path:
    """Write the test digits that the page carries: the first 1,000, and those worth a look.

    Worth a look are the digits with a doubtful label and those that a network of the page misread.
    Their pixels, uint8 `[n, 28, 28]`, are compressed by gzip. Needs MNIST.
    """
    _, (images, labels) = load_mnist()
    wrong = {name: misread(name, labels, results) for name in SHOWN}
    worth_a_look = set(DOUBTFUL_LABELS).union(*wrong.values())
    numbers = sorted(worth_a_look | set(range(ORDINARY_DIGITS)))
    header = {
        "numbers": numbers,
        "labels": labels[numbers].tolist(),
        "ordinary": ORDINARY_DIGITS,
        "doubtful": {number: likely for number, (_, likely) in DOUBTFUL_LABELS.items()},
        "wrong": wrong,
    }
    pixels = gzip.compress(images[numbers].numpy().tobytes(), mtime=0)
    return write_script(path, "receiveDigits", header, pixels)


def misread(name: str, labels: Tensor, results: Path = store.RESULTS) -> list[int]:
    """The numbers of the test digits, int64 `labels`, that the recorded network `name` misread."""
    record = recorded(name, results)
    if record is None:
        return []
    return (record.answers != labels).nonzero().flatten().tolist()


def write_script(path: Path, function: str, header: dict | list, data: bytes | None = None) -> Path:
    """A classic script that calls `mnistconv.FUNCTION(header, base64 of data)`."""
    arguments = json.dumps(header, separators=(",", ":"))
    if data is not None:
        arguments += f',"{base64.b64encode(data).decode()}"'
    script = f"mnistconv.{function}({arguments});\n"
    write_atomically(path, lambda temporary: temporary.write_text(script, encoding="utf-8"))
    return path


def write_onnx(path: Path, layers: list[str], weights: dict[str, np.ndarray]) -> Path:
    """The network as ONNX: `images` float32 `[n, 1, 28, 28]` in [0, 1], `logits` float32 `[n, 10]`.

    Half-precision weights stay halves in the file and are cast where they are used. Dropout is left
    out: the file is for answering, not for training.
    """
    nodes, tensors = [], []
    for name, value in weights.items():
        is_half = value.dtype == np.float16
        stored = f"{name}.half" if is_half else name
        tensors.append(numpy_helper.from_array(value, stored))
        if is_half:
            nodes.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    at, is_flat = "images", False
    for number, layer in enumerate(name for name in layers if name != "dropout"):
        if layer.startswith(("fc", "out")) and not is_flat:
            nodes.append(helper.make_node("Flatten", [at], ["flat"]))
            at, is_flat = "flat", True
        result = "logits" if layer == "out" else f"{layer}.{number}"
        nodes.append(onnx_node(layer, at, result))
        at = result
    graph = helper.make_graph(
        nodes,
        "mnistconv",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])],
        tensors,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    write_atomically(path, lambda temporary: onnx.save(model, temporary))
    return path


def onnx_node(layer: str, source: str, result: str):
    """The ONNX node of one layer, by its name in the list of `describe`."""
    parameters = [f"{layer}.weight", f"{layer}.bias"]
    if layer == "pool":
        return helper.make_node("MaxPool", [source], [result], kernel_shape=[2, 2], strides=[2, 2])
    if layer in ("relu", "sigmoid"):
        return helper.make_node({"relu": "Relu", "sigmoid": "Sigmoid"}[layer], [source], [result])
    if layer.startswith("conv"):
        return helper.make_node("Conv", [source, *parameters], [result])
    return helper.make_node("Gemm", [source, *parameters], [result], transB=1)

"""The five networks: parameters, shapes, receptive field, a forward pass worked out in NumPy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.signal import correlate2d
from scipy.special import expit

from mnistconv import networks
from mnistconv.data import to_input
from mnistconv.networks import (
    ConvNetSimple,
    ConvNetTwoConvLayers,
    ConvNetTwoConvLayersReLU,
    ConvNetTwoConvTwoDenseLayersWithDropout,
    DenseNet,
)

CONVOLUTIONAL = (
    ConvNetSimple,
    ConvNetTwoConvLayers,
    ConvNetTwoConvLayersReLU,
    ConvNetTwoConvTwoDenseLayersWithDropout,
)
EVERY_NETWORK = pytest.mark.parametrize("network", (DenseNet, *CONVOLUTIONAL))

# Worked out by hand: inputs * outputs + biases for a dense layer, maps_in * 5 * 5 * maps_out +
# biases for a convolution. The last number is the sum of those before it.
PARAMETERS = {
    DenseNet: {"fc1": 78_500, "out": 1_010, "all": 79_510},
    ConvNetSimple: {"conv1": 520, "fc1": 288_100, "out": 1_010, "all": 289_630},
    ConvNetTwoConvLayers: {
        "conv1": 520, "conv2": 20_040, "fc1": 64_100, "out": 1_010, "all": 85_670,
    },
    ConvNetTwoConvLayersReLU: {
        "conv1": 520, "conv2": 20_040, "fc1": 64_100, "out": 1_010, "all": 85_670,
    },
    ConvNetTwoConvTwoDenseLayersWithDropout: {
        "conv1": 520, "conv2": 20_040, "fc1": 641_000, "fc2": 1_001_000, "out": 10_010,
        "all": 1_672_570,
    },
}  # fmt: skip


@EVERY_NETWORK
def test_parameters_as_worked_out_by_hand(network):
    counts = {}
    for name, parameter in network().named_parameters():
        layer = name.split(".")[0]
        counts[layer] = counts.get(layer, 0) + parameter.numel()
    counts["all"] = sum(counts.values())
    assert counts == PARAMETERS[network]


@EVERY_NETWORK
def test_weights_load_by_the_articles_attribute_names(network):
    dense = [name for name in PARAMETERS[network] if name != "all"]
    dropouts = ["dropout1", "dropout2", "dropout3"] if "Dropout" in network.__name__ else []
    net = network()
    assert sorted(name for name, _ in net.named_children()) == sorted(dense + dropouts)
    assert sorted(net.state_dict()) == sorted(
        f"{layer}.{kind}" for layer in dense for kind in ("weight", "bias")
    )
    assert all(getattr(net, name).p == 0.5 for name in dropouts)


def trace(net, x: torch.Tensor, monkeypatch) -> list[tuple[str, torch.Tensor]]:
    """What each layer and each pooling of `net` gives for `x`, in order."""
    steps = []

    def pool(*arguments, max_pool2d=F.max_pool2d, **keywords):
        steps.append(("pool", max_pool2d(*arguments, **keywords)))
        return steps[-1][1]

    monkeypatch.setattr(networks.F, "max_pool2d", pool)
    for name, layer in net.named_children():
        layer.register_forward_hook(lambda _, __, y, name=name: steps.append((name, y)))
    net(x)
    return steps


TWO_CONVOLUTIONS = [
    ("conv1", (7, 20, 24, 24)),
    ("pool", (7, 20, 12, 12)),
    ("conv2", (7, 40, 8, 8)),
    ("pool", (7, 40, 4, 4)),
]
SHAPES = {
    DenseNet: [("fc1", (7, 100)), ("out", (7, 10))],
    ConvNetSimple: [*TWO_CONVOLUTIONS[:2], ("fc1", (7, 100)), ("out", (7, 10))],
    ConvNetTwoConvLayers: [*TWO_CONVOLUTIONS, ("fc1", (7, 100)), ("out", (7, 10))],
    ConvNetTwoConvLayersReLU: [*TWO_CONVOLUTIONS, ("fc1", (7, 100)), ("out", (7, 10))],
    ConvNetTwoConvTwoDenseLayersWithDropout: [
        *TWO_CONVOLUTIONS,
        ("dropout1", (7, 640)),
        ("fc1", (7, 1000)),
        ("dropout2", (7, 1000)),
        ("fc2", (7, 1000)),
        ("dropout3", (7, 1000)),
        ("out", (7, 10)),
    ],
}


@EVERY_NETWORK
def test_shapes_of_each_step(network, monkeypatch):
    steps = trace(network(), torch.rand(7, 1, 28, 28), monkeypatch)
    assert [(name, tuple(y.shape)) for name, y in steps] == SHAPES[network]


@EVERY_NETWORK
def test_wrong_image_sizes_are_refused_rather_than_regrouped(network):
    """`view(-1, ...)` would turn 4 images of 28 x 56 into some other number of rows."""
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        network()(torch.rand(4, 1, 28, 56))


@pytest.mark.parametrize("network", CONVOLUTIONAL[1:])
def test_a_unit_after_the_second_pooling_sees_16_by_16_pixels_4_apart(network, monkeypatch):
    torch.manual_seed(0)
    x = torch.rand(400, 1, 28, 28, requires_grad=True)
    pooled = [y for name, y in trace(network(), x, monkeypatch) if name == "pool"][1]
    for row, column in [(0, 0), (0, 1), (1, 0), (2, 3), (3, 3)]:
        (gradient,) = torch.autograd.grad(pooled[:, :, row, column].sum(), x, retain_graph=True)
        seen = (gradient != 0).any(dim=(0, 1))  # for any of 400 images: a pool looks at 1 of 4
        expected = torch.zeros(28, 28, dtype=torch.bool)
        expected[4 * row : 4 * row + 16, 4 * column : 4 * column + 16] = True
        assert torch.equal(seen, expected)


# The forward pass once more, in NumPy and SciPy, double precision, activation before pooling.


def convolution(x: np.ndarray, net, name: str) -> np.ndarray:
    """`x` `[maps_in, height, width]` to `[maps_out, height - 4, width - 4]`, plane by plane."""
    layer = getattr(net, name)
    kernels, biases = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    return np.stack(
        [
            bias + sum(correlate2d(*pair, mode="valid") for pair in zip(x, kernel, strict=True))
            for kernel, bias in zip(kernels, biases, strict=True)
        ]
    )


def pooling(x: np.ndarray) -> np.ndarray:
    maps, height, width = x.shape
    return x.reshape(maps, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def dense(x: np.ndarray, net, name: str) -> np.ndarray:
    layer = getattr(net, name)
    return layer.weight.detach().double().numpy() @ x + layer.bias.detach().double().numpy()


def relu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0)


def worked_out(net, image: np.ndarray) -> np.ndarray:
    """The ten logits for one image, float64 `[28, 28]` in [0, 1]; dropout off."""
    layers = dict(net.named_children())
    activation = expit if type(net) in (DenseNet, ConvNetSimple, ConvNetTwoConvLayers) else relu
    x = image[None]
    for name in ("conv1", "conv2"):
        if name in layers:
            x = pooling(activation(convolution(x, net, name)))
    x = x.reshape(-1)
    for name in ("fc1", "fc2"):
        if name in layers:
            x = activation(dense(x, net, name))
    return dense(x, net, "out")


@EVERY_NETWORK
def test_the_forward_pass_equals_one_in_numpy_and_scipy(network, few):
    torch.manual_seed(1)
    net = network().eval()
    images = few[0][:3]
    expected = np.stack([worked_out(net, image.double().numpy() / 255) for image in images])
    np.testing.assert_allclose(net(to_input(images)).detach(), expected, atol=2e-6, rtol=1e-5)


def in_the_articles_order(net, x: torch.Tensor) -> torch.Tensor:
    """The logits of `net` with each activation before its pooling."""
    activation = F.relu if type(net) in CONVOLUTIONAL[2:] else F.sigmoid
    x = F.max_pool2d(activation(net.conv1(x)), 2)
    if hasattr(net, "conv2"):
        x = F.max_pool2d(activation(net.conv2(x)), 2)
    x = activation(net.fc1(x.flatten(1)))
    if hasattr(net, "fc2"):
        x = activation(net.fc2(x))
    return net.out(x)


@pytest.mark.parametrize("network", CONVOLUTIONAL)
def test_pooling_before_the_activation_gives_the_articles_outputs_and_gradients(network, few):
    torch.manual_seed(2)
    net = network().eval()
    x, labels = to_input(few[0][:50]), few[1][:50]
    ours, theirs = net(x), in_the_articles_order(net, x)
    assert torch.equal(ours, theirs)
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(F.cross_entropy(ours, labels), parameters)
    for mine, other in zip(
        gradients, torch.autograd.grad(F.cross_entropy(theirs, labels), parameters), strict=True
    ):
        torch.testing.assert_close(mine, other, atol=1e-7, rtol=1e-5)


@EVERY_NETWORK
def test_channels_last_gives_the_same_logits(network, few):
    torch.manual_seed(3)
    net = network().eval()
    x = to_input(few[0][:10])
    before = net(x)
    after = net.to(memory_format=torch.channels_last)(x)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


@EVERY_NETWORK
def test_only_dropout_answers_differently_in_training(network, few):
    torch.manual_seed(4)
    net, x = network(), to_input(few[0][:5])
    assert net.training
    differs = not torch.equal(net(x), net(x))
    assert differs == ("Dropout" in network.__name__)
    net.eval()
    assert torch.equal(net(x), net(x))

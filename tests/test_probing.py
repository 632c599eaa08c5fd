"""What a network looks at and needs: by hand, by finite differences, by SciPy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.signal import correlate2d
from torch import nn

from mnistconv import inside, probing
from mnistconv.data import to_input
from mnistconv.networks import ConvNetTwoConvLayersReLU
from mnistconv.records import load_network


@pytest.fixture(scope="module")
def few(mnist):
    """The first twenty test digits, float32 `[20, 1, 28, 28]`, and their labels."""
    _, (images, labels) = mnist
    return to_input(images[:20]), labels[:20]


def test_gradients_are_what_finite_differences_give(few):
    images, labels = few[0][:3].double(), few[1][:3]
    images += 0.1 * torch.rand(images.shape, generator=torch.Generator().manual_seed(0))  # no ties
    net, h = load_network("relu").double(), 1e-6
    found = probing.gradients(net, images, labels)
    for row, column in [(14, 14), (7, 10), (20, 17)]:
        pair = []
        for sign in (1, -1):
            moved = images.clone()
            moved[:, 0, row, column] += sign * h
            pair.append(net(moved).gather(1, labels[:, None])[:, 0])
        slopes = ((pair[0] - pair[1]) / (2 * h)).detach()
        assert torch.allclose(found[:, row, column], slopes, atol=1e-6)
    assert found.shape == (3, 28, 28)


def test_pixel_times_gradient_is_what_the_page_calls_products(few):
    images, labels = few
    net = load_network("relu")
    found = images[:, 0] * probing.gradients(net, images, labels)
    for number in (0, 7):
        number_of = inside.logit_of(labels[number].item())
        expected = inside.pixel_products(net, images[number], number_of)
        assert torch.allclose(found[number], expected, atol=1e-5)


def test_smoothing_changes_nothing_in_a_linear_network_and_without_noise(few):
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    plain = probing.gradients(linear, *few)
    assert torch.allclose(probing.smooth_gradients(linear, *few, copies=3, noise=0.7), plain)
    net = load_network("relu")
    plain = probing.gradients(net, *few)
    still = probing.smooth_gradients(net, *few, copies=2, noise=0)
    assert torch.allclose(still, plain, atol=1e-6)
    first, second, other = (
        probing.smooth_gradients(net, *few, copies=4, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.allclose(first, other, atol=1e-3)
    assert not torch.allclose(first, plain, atol=1e-3)


@pytest.mark.parametrize(("copies", "noise"), [(0, 0.1), (3, -0.1)])
def test_smoothing_needs_copies_and_no_negative_noise(few, copies, noise):
    with pytest.raises(ValueError, match="at least one copy, and noise of 0 or more"):
        probing.smooth_gradients(load_network("relu"), *few, copies=copies, noise=noise)


def test_the_pixels_of_highest_score_go_first():
    images = torch.full((2, 1, 28, 28), 0.25)
    scores = torch.zeros(2, 28, 28)
    scores[0, 3, 4], scores[0, 5, 6], scores[1, 27, 27], scores[1, 0, 0] = 2, 1, 5, 4
    for flip, new in ((False, 0.0), (True, 0.75)):
        found = probing.without_first(images, scores, 2, flip)
        expected = images.clone()
        expected[0, 0, 3, 4] = expected[0, 0, 5, 6] = new
        expected[1, 0, 27, 27] = expected[1, 0, 0, 0] = new
        assert torch.equal(found, expected)
    assert torch.equal(probing.without_first(images, scores, 0), images)
    assert not probing.without_first(images, scores, 784).any()
    with pytest.raises(ValueError, match="count 785: 0 to 784 pixels can go"):
        probing.without_first(images, scores, 785)


@pytest.mark.parametrize(("name", "activation"), [("relu", F.relu), ("two-conv", F.sigmoid)])
def test_a_map_that_is_off_is_0_behind_its_activation(few, name, activation):
    net, images = load_network(name), few[0]
    with torch.no_grad():
        first = activation(F.max_pool2d(net.conv1(images), 2))
        first[:, [2, 5]] = 0
        second = activation(F.max_pool2d(net.conv2(first), 2))
        second[:, 31] = 0
        expected = net.out(activation(net.fc1(second.flatten(1))))
        whole = net(images)
        with probing.switched_off(net, conv1=[2, 5], conv2={31}):
            assert torch.allclose(net(images), expected, atol=1e-5)
        assert torch.equal(net(images), whole)


def test_a_map_that_is_not_there_cannot_be_switched_off():
    net = load_network("relu")
    with pytest.raises(ValueError, match="has no convolution named fc1"):  # noqa: SIM117
        with probing.switched_off(net, fc1=[0]):
            pass
    with pytest.raises(ValueError, match=r"conv1 has maps 0 to 19, not \[20\]"):  # noqa: SIM117
        with probing.switched_off(net, conv2=[0], conv1=[20]):
            pass
    assert not any(part._forward_hooks for part in net.modules())


def test_the_layers_give_what_scipy_and_the_network_itself_compute(few):
    images, net = few[0], load_network("relu")
    found = probing.layer_values(net, images, batch_size=7)
    shapes = {name: tuple(values.shape[1:]) for name, values in found.items()}
    assert shapes == {
        "pool1": (20, 12, 12),
        "conv2": (40, 8, 8),
        "pool2": (40, 4, 4),
        "fc1": (100,),
    }
    weights = net.conv2.weight.detach()[17].numpy()
    below = found["pool1"][3].numpy()
    parts = [correlate2d(one, kernel, "valid") for one, kernel in zip(below, weights, strict=True)]
    expected = np.sum(parts, axis=0) + net.conv2.bias[17].item()
    assert np.allclose(found["conv2"][3, 17].numpy(), expected, atol=1e-4)
    with torch.no_grad():
        assert torch.allclose(net.out(found["fc1"]), net(images), atol=1e-4)


def test_a_window_is_all_that_its_value_sees(few):
    """The 14 x 14 pixels alone give the same value; and the pictures stand in its order."""
    images, net = few[0], load_network("relu")
    values = probing.layer_values(net, images)["conv2"]
    for number in (0, 5, 39):
        numbers, windows, units = probing.strongest_windows(images, values[:, number], 20)
        best = values[:, number].flatten(1).amax(dim=1)
        assert numbers.tolist() == best.argsort(descending=True).tolist()
        assert windows.shape == (20, 14, 14)
        with torch.no_grad():
            alone = net.conv2(F.relu(F.max_pool2d(net.conv1(windows[:, None]), 2)))
        assert torch.allclose(alone[:, number, 0, 0], best[numbers], atol=1e-4)
        row, column = units[0]
        assert values[numbers[0], number, row, column] == best.max()
    with pytest.raises(ValueError, match="count 21: there are only 20 pictures"):
        probing.strongest_windows(images, values[:, 0], 21)


def test_the_nearest_mean_by_hand():
    labels = torch.arange(10).repeat(2)
    points = torch.stack([10.0 * labels, torch.tensor([-1.0, 1.0]).repeat_interleave(10)], dim=1)
    others = torch.tensor([[4.0, 9.0], [26.0, 0.0], [88.0, 0.0]])
    assert probing.nearest_mean(points, labels, others).tolist() == [0, 3, 9]


def test_the_untrained_network_is_the_one_that_the_record_began_as():
    """Seed before network: the frozen control of the chapter has the kernels of the run."""
    torch.manual_seed(0)
    first, second = ConvNetTwoConvLayersReLU(), load_network("relu")
    alike = F.cosine_similarity(first.conv1.weight.flatten(1), second.conv1.weight.flatten(1))
    torch.manual_seed(1)
    other = ConvNetTwoConvLayersReLU().conv1.weight.flatten(1)
    unlike = F.cosine_similarity(other, second.conv1.weight.flatten(1))
    assert alike.min() > 0.4
    assert unlike.max() < 0.6


def test_lost_and_gained_digits_are_those_of_two_readings(mnist):
    _, (images, labels) = mnist
    images, labels, net = to_input(images[:2_000]), labels[:2_000], load_network("relu")
    layers = probing.layer_values(net, images)
    with torch.no_grad():
        before = net(images).argmax(dim=1)
        assert torch.equal(probing.read_from(net, layers["pool2"]), before)
        for off in ({"conv1": [4, 9]}, {"conv2": [11, 17]}, {"conv1": [3], "conv2": [0, 5]}):
            with probing.switched_off(net, **off):
                after = net(images).argmax(dim=1)
            lost = ((before == labels) & (after != labels)).sum()
            gained = ((before != labels) & (after == labels)).sum()
            assert probing.lost_and_gained(net, layers, labels, **off) == (lost, gained)

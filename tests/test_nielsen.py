"""Nielsen's protocol: every layer, number and rule of it against what his programs do, by hand."""

import copy
import itertools
import json
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal, stats
from small import changed

from mnistconv import nielsen, protocol
from mnistconv.data import TRAIN_FILES, expand, to_input
from mnistconv.experiments import EXPERIMENTS, on_board
from mnistconv.initialisation import nielsen as first_weights
from mnistconv.networks import ConvNetTwoConvLayers, ConvNetTwoConvTwoDenseLayersWithDropout
from mnistconv.places import data_root
from mnistconv.recipes import Recipe
from mnistconv.records import load_records, scoreboard
from mnistconv.reproduce import runs, stacked, steps
from mnistconv.reproduce import stack as stack_module
from mnistconv.reproduce.stack import Stack
from mnistconv.reproduce.stacked import new_stack, run_stack
from mnistconv.training import Batches, History

CPU = torch.device("cpu")
ROWS = list(on_board("nielsen"))
EVERY_ROW = pytest.mark.parametrize("name", ROWS)


# His layers


def test_every_pixel_is_x_by_256():
    """For each of the 256 values, to the last bit; the largest is .99609."""
    values = (torch.arange(28 * 28) % 256).to(torch.uint8)
    found = nielsen.Pixels()(to_input(values.view(1, 28, 28))).flatten()
    assert torch.equal(found, values.float() / 256)
    assert found.max().item() == 0.99609375


@pytest.mark.parametrize("activation", [F.sigmoid, F.tanh, F.relu])
def test_convolution_pooling_bias_activation_equals_the_articles_order(activation):
    """In value to the last bit, in the gradients of weights, biases and pixels within 1e-13."""
    torch.manual_seed(0)
    layer = nielsen.ConvPool(2, 3, kernel_size=5).double()
    x = torch.rand(4, 2, 12, 12, dtype=torch.float64, requires_grad=True)
    ours = activation(layer(x))
    articles = F.max_pool2d(activation(F.conv2d(x, layer.weight) + layer.bias[:, None, None]), 2)
    assert torch.equal(ours, articles)
    error, wanted = torch.randn_like(ours), (x, layer.weight, layer.bias)
    for a, b in zip(
        torch.autograd.grad(ours, wanted, error),
        torch.autograd.grad(articles, wanted, error),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


def test_a_kernel_turned_by_180_degrees_is_theanos():
    """Theano convolves, and so turns the kernel; scipy does, too: turned before, all is the same.

    An unturned kernel gives something else, so the layer is a cross-correlation.
    """
    torch.manual_seed(0)
    layer, x = nielsen.ConvPool(1, 1, kernel_size=5).double(), torch.rand(12, 12).double()
    kernel = layer.weight[0, 0].detach().numpy()
    turned, unturned = (
        signal.convolve2d(x.numpy(), k, "valid").reshape(4, 2, 4, 2).max(axis=(1, 3))
        + layer.bias.item()
        for k in (kernel[::-1, ::-1], kernel)
    )
    found = layer(x[None, None])[0, 0].detach().numpy()
    np.testing.assert_allclose(found, turned, rtol=0, atol=1e-13)
    assert abs(found - unturned).max() > 0.01


def test_masks_begin_at_the_number_that_his_program_draws():
    assert np.random.RandomState(0).randint(999_999) == nielsen.MASK_SEED


def dropout_network() -> nielsen.NielsenDropout:
    """With weights that say something: his last layer starts at zero."""
    net = nielsen.NielsenDropout()
    first_weights(net)
    torch.nn.init.normal_(net.out.weight, std=0.1)
    return net


def masks_of(net, images) -> list[torch.Tensor]:
    """The masks of its three layers in a step on `images`."""
    found, hooks = [], []
    for layer in (net.dropout1, net.dropout2, net.dropout3):
        real = layer.mask
        hooks.append((layer, real))
        layer.mask = lambda shape, real=real: found.append(real(shape)) or found[-1]
    net.train()
    net(images)
    for layer, real in hooks:
        layer.mask = real
    return found


def test_masks_of_fc2_and_softmax_are_the_same_at_every_step(few):
    net = dropout_network()
    seen = []
    for step in range(5):
        one, two, three = masks_of(net, to_input(few[0][10 * step : 10 * step + 10]))
        assert torch.equal(two, three)
        assert one.shape == (10, 640) and two.shape == (10, 1000)
        assert 0.45 < two.float().mean() < 0.55
        if step == 0:  # all three streams begin at one place
            assert torch.equal(one.flatten(), two.flatten()[:6400])
        else:
            assert not torch.equal(one.flatten(), two.flatten()[:6400])
        assert all(not torch.equal(two, before) for before in seen)
        seen.append(two)


def test_all_networks_of_the_vote_see_the_same_masks(few):
    """Whatever the seed of the run draws besides."""
    images = to_input(few[0][:10])
    recipe = EXPERIMENTS["nielsen-dropout"].recipe
    first, second = (runs.new_network(recipe, seed) for seed in (0, 4))
    assert not torch.equal(first.conv1.weight, second.conv1.weight)
    for _ in range(3):
        assert all(map(torch.equal, masks_of(first, images), masks_of(second, images)))


def test_dropout_drops_without_scaling_and_weighs_by_1_minus_p_when_asked():
    layer, x = nielsen.Dropout(0.25), torch.rand(100, 100) + 1
    layer.train()
    found = layer(x)
    kept = found != 0
    assert torch.equal(found[kept], x[kept])
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.02)
    layer.eval()
    assert torch.equal(layer(x), 0.75 * x)


def test_his_dropout_is_pytorchs_with_weights_of_another_size(few):
    """The twins: with dense weights twice as large in PyTorch's, the same masks, the same logits.

    What he multiplies when he tests is the weighted input, so a bias is not halved.
    """
    his = dropout_network().double()
    images = to_input(few[0][:10]).double()
    masks = masks_of(copy.deepcopy(his), images)
    twin = ConvNetTwoConvTwoDenseLayersWithDropout().double()
    twin.load_state_dict(his.state_dict())
    with torch.no_grad():
        for layer in (twin.fc1, twin.fc2, twin.out):
            layer.weight /= 2
    pixels = images * (255 / 256)
    torch.testing.assert_close(his.eval()(images), twin.eval()(pixels), rtol=0, atol=1e-12)

    def trained(x):
        x = F.relu(F.max_pool2d(twin.conv1(x), 2))
        x = F.relu(F.max_pool2d(twin.conv2(x), 2)).flatten(1)
        x = F.relu(twin.fc1(x * masks[0] * 2))
        x = F.relu(twin.fc2(x * masks[1] * 2))
        return twin.out(x * masks[2] * 2)

    torch.testing.assert_close(his.train()(images), trained(pixels), rtol=0, atol=1e-12)


SIZES = {row: EXPERIMENTS[row].recipe.network for row in ROWS}


@pytest.mark.parametrize("network", dict.fromkeys(SIZES.values()))
def test_a_network_has_the_size_that_it_says(network):
    parameters = sum(p.numel() for p in network().parameters())
    assert (
        f" {parameters:,} parameters" in network.__doc__ or f": {parameters:,}" in network.__doc__
    )
    assert network()(torch.rand(3, 1, 28, 28)).shape == (3, 10)


# Standard deviations: 1/sqrt(n_out), n_out being filters · 25 / 4, or units.
SD = {
    "nielsen-shallow": {"fc1": 0.1},
    "nielsen-basic": {"conv1": 0.0894, "fc1": 0.1},
    "nielsen-no-fc": {"conv1": 0.0894},
    "nielsen-relu": {"conv1": 0.0894, "conv2": 0.0632, "fc1": 0.1},
    "nielsen-double-300": {"conv1": 0.0894, "conv2": 0.0632, "fc1": 0.0577, "fc2": 0.0577},
    "nielsen-dropout": {"conv1": 0.0894, "conv2": 0.0632, "fc1": 0.0316, "fc2": 0.0316},
}


@pytest.mark.parametrize("name", SD)
def test_first_weights_have_his_standard_deviations(name):
    """Over twenty networks; all of the softmax layer is zero."""
    nets = [runs.new_network(EXPERIMENTS[name].recipe, seed) for seed in range(20)]
    for layer, sd in SD[name].items():
        weights = torch.stack([net.get_submodule(layer).weight for net in nets])
        biases = torch.stack([net.get_submodule(layer).bias for net in nets])
        assert weights.std().item() == pytest.approx(sd, rel=0.02)
        assert biases.std().item() == pytest.approx(1, rel=0.1)
        assert abs(weights.mean().item()) < 0.02 * 5 * sd
    assert not any(net.out.weight.any() or net.out.bias.any() for net in nets)
    assert {*SD[name], "out"} == {n.split(".")[0] for n, _ in nets[0].named_parameters()}


def normality(values: torch.Tensor, sd: float) -> float:
    """p of Kolmogorov and Smirnov's test against N(0, sd²)."""
    return stats.kstest(values.flatten().double().numpy(), "norm", args=(0, sd)).pvalue


@pytest.mark.parametrize("name", SD)
def test_first_weights_and_biases_are_normal(name):
    """A uniform distribution of the same standard deviation, like PyTorch's, is found out."""
    nets = [runs.new_network(EXPERIMENTS[name].recipe, seed) for seed in range(20)]
    for layer in SD[name]:
        layers = [net.get_submodule(layer) for net in nets]
        outputs = layers[0].weight.shape[0] * layers[0].weight[0, 0].numel()
        outputs /= 4 if layer.startswith("conv") else 1
        weights = torch.stack([one.weight for one in layers]).detach().flatten()[:20_000]
        biases = torch.stack([one.bias for one in layers]).detach()
        for values, size in ((weights, outputs**-0.5), (biases, 1)):
            assert normality(values, size) > 1e-4
            uniform = (2 * torch.rand(20_000) - 1) * size * 3**0.5
            assert normality(uniform[: values.numel()], size) < normality(values, size)
        assert normality(uniform, size) < 1e-9


# His data


def test_250000_images_are_the_first_digits_moved_and_what_is_held_out_is_whole(mnist):
    """Forty digits to learn from, in place of 50,000: each as it is and moved four ways."""
    images, labels = (tensor[:10_040] for tensor in mnist[0])
    recipe = EXPERIMENTS["nielsen-expanded-100"].recipe
    assert (recipe.held_out, recipe.training_images) == (10_000, 250_000)
    training, held_out = protocol.digits_of(recipe, (images, labels))
    padded = np.pad(images[:40].numpy(), ((0, 0), (1, 1), (1, 1)))
    places = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    expected = Counter(
        (image[row : row + 28, column : column + 28].tobytes(), label)
        for image, label in zip(padded, labels[:40].tolist(), strict=True)
        for row, column in places
    )
    found = zip(training[0].numpy(), training[1].tolist(), strict=True)
    assert Counter((image.tobytes(), label) for image, label in found) == expected
    assert torch.equal(held_out[0], images[40:]) and torch.equal(held_out[1], labels[40:])


def test_the_halves_are_array_equal_to_the_files(mnist):
    """The first 50,000 of the IDX file, and its last 10,000; neither is in the test set's order."""
    training, validation = protocol.split(mnist[0])
    pixels = np.fromfile(next(data_root().rglob(TRAIN_FILES[0])), np.uint8)[16:]
    digits = np.fromfile(next(data_root().rglob(TRAIN_FILES[1])), np.uint8)[8:]
    pixels = pixels.reshape(60_000, 28, 28)
    assert np.array_equal(training[0].numpy(), pixels[:50_000])
    assert np.array_equal(validation[0].numpy(), pixels[50_000:])
    assert np.array_equal(training[1].numpy(), digits[:50_000])
    assert np.array_equal(validation[1].numpy(), digits[50_000:])
    assert not protocol.same_digits(validation, mnist[1])


@pytest.mark.parametrize("held_out", [-1, 1000, 2000])
def test_a_split_leaves_something_to_learn_from(held_out, few):
    with pytest.raises(ValueError, match=r"0 to 999 of 1,000 digits"):
        protocol.split(few, held_out)


def test_the_expanded_data_are_shuffled_once_and_lose_nothing(few):
    pair = expand(*(tensor[:40] for tensor in few))
    images, labels = protocol.shuffle_once(pair)
    again, _ = protocol.shuffle_once(pair)
    assert torch.equal(images, again)
    place = {tuple(image): k for k, image in enumerate(pair[0].flatten(1).tolist())}
    found = [place[tuple(image)] for image in images.flatten(1).tolist()]
    assert sorted(found) == list(range(200)) != found
    assert torch.equal(labels, pair[1][found])


def test_batches_come_in_the_order_of_the_file_in_every_epoch(few, monkeypatch):
    """In his loop and in a full-length run, by the trainer that it takes."""
    seen = []

    def see(net, images, labels, lmbda, batches):
        seen.append(labels)
        return real(net, images, labels, lmbda, batches)

    real = protocol.cost
    monkeypatch.setattr(protocol, "cost", see)
    training, held_out = protocol.split(tuple(t[:60] for t in few), 20)
    test = tuple(t[100:120] for t in few)
    protocol.train(nielsen.NielsenShallow(), training, held_out, test, epochs=3, lr=0.1)
    assert torch.equal(torch.cat(seen), few[1][:40].repeat(3))
    batches = Batches(*training, 10, shuffle=False)
    place = torch.get_rng_state()
    assert torch.equal(torch.cat([labels for _, labels in steps.gathered(batches)]), few[1][:40])
    assert torch.equal(place, torch.get_rng_state())


# His cost and his step


@pytest.mark.parametrize(
    ("images", "expected"), [(50_000, 2e-5), (250_000, 4e-6), (60_000, 1 / 60_000)]
)
def test_lambda_is_a_weight_decay(images, expected):
    assert protocol.weight_decay(0.1, images) == pytest.approx(expected, rel=1e-12)


@EVERY_ROW
def test_one_step_of_sgd_equals_autograd_of_his_cost(name, few):
    """The recipe's groups and weight decay against his cost, whose gradient is worked out whole.

    In float64 to 1e-15, by torch.optim; that of the full-length runs' own trainer to 1e-13, for it
    adds in another order.
    """
    recipe = EXPERIMENTS[name].recipe
    lmbda = 0.1 if recipe.weight_decay else 0.0
    batches = recipe.training_images // 10
    net = runs.new_network(recipe, 0).double()
    torch.nn.init.normal_(net.out.weight, std=0.1)  # else nothing before it learns in one step
    images, labels = to_input(few[0][:10]).double(), few[1][:10]
    twin, third = copy.deepcopy(net), copy.deepcopy(net)
    loss = protocol.cost(net, images, labels, lmbda, batches)
    gradients = torch.autograd.grad(loss, net.parameters())
    expected = [
        p - recipe.lr * gradient for p, gradient in zip(net.parameters(), gradients, strict=True)
    ]
    sgd = torch.optim.SGD(
        recipe.parameter_groups(twin), lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    F.cross_entropy(twin(images), labels).backward()
    sgd.step()
    for found, right in zip(twin.parameters(), expected, strict=True):
        torch.testing.assert_close(found, right, rtol=0, atol=1e-15)
    by_steps = steps.Steps(
        third,
        torch.optim.SGD(
            recipe.parameter_groups(third), lr=recipe.lr, weight_decay=recipe.weight_decay
        ),
    )
    with torch.no_grad():
        by_steps.step(images, labels, "here")
    for found, right in zip(third.parameters(), expected, strict=True):
        torch.testing.assert_close(found.detach(), right, rtol=0, atol=1e-13)


def test_his_cost_is_the_log_likelihood_and_half_lambda_of_all_weights_by_batches(few):
    net = nielsen.NielsenNoDense()
    images, labels = to_input(few[0][:10]), few[1][:10]
    p = F.softmax(net(images), dim=1)[torch.arange(10), labels]
    squares = (net.conv1.weight**2).sum() + (net.out.weight**2).sum()
    expected = -p.log().mean() + 0.5 * 0.1 * squares / 5_000
    torch.testing.assert_close(protocol.cost(net, images, labels, 0.1, 5_000), expected)


# His loop


def small(few):
    return (tuple(t[k : k + n] for t in few) for k, n in ((0, 60), (60, 20), (80, 20)))


def test_his_loop_reports_the_later_of_two_equally_good_epochs(few, monkeypatch):
    training, validation, test = small(few)
    said = iter([0.5, 0.9, 0.9, 0.7])

    def measure(net, images, labels):
        return next(said) if images is validation[0] else evaluate(net, images, labels)

    evaluate = protocol.evaluate
    monkeypatch.setattr(protocol, "evaluate", measure)
    found = protocol.train(
        nielsen.NielsenShallow(), training, validation, test, epochs=4, lr=0.1, verbose=False
    )
    assert found.validation_accuracy == [0.5, 0.9, 0.9, 0.7]
    assert found.epoch == 3
    assert found.test_accuracy == found.history.test_accuracy[2]


def test_his_loop_learns_what_a_full_length_run_learns(few, tmp_path):
    """Three epochs of the network with dropout, up to rounding, lambda .1 on sixty images."""
    training, validation, test = small(few)
    recipe = changed(EXPERIMENTS["nielsen-dropout"], weight_decay=protocol.weight_decay(0.1, 60))
    recipe = recipe.recipe
    net = protocol.first_network(recipe, 0).double()
    with pytest.MonkeyPatch.context() as patch:
        for module in (steps, protocol.Batches.__iter__.__globals__):
            where = module if isinstance(module, dict) else vars(module)
            patch.setitem(where, "to_input", lambda images: to_input(images).double())
        found = protocol.train(
            net, training, validation, test, epochs=3, lr=0.03, lmbda=0.1, verbose=False
        )
        by_steps = runs.start(recipe, 0, steps_per_epoch=6)
        by_steps.by_steps = steps.Steps(by_steps.net.double(), by_steps.sgd)
        batches = Batches(*training, shuffle=False)
        for _ in range(3):
            by_steps.train_epoch(batches)
    assert by_steps.trainer == "steps"
    assert found.history.steps == by_steps.history.steps == 18
    for a, b in zip(net.parameters(), by_steps.net.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_his_loop_ends_at_its_last_step_and_says_what_it_finds(few, capsys):
    training, validation, test = small(few)
    net = nielsen.NielsenShallow()
    found = protocol.train(net, training, validation, test, epochs=9, lr=0.1, max_steps=8)
    assert found.history.steps == 8
    assert len(found.history.train_loss) == len(found.validation_accuracy) == 2
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all("validation" in line for line in lines)
    assert lines[0].endswith("best so far")


def test_digits_that_choose_the_epoch_are_no_test(few):
    """Not even a copy of them."""
    training, validation, _ = small(few)
    for test in (validation, tuple(tensor.clone() for tensor in validation)):
        with pytest.raises(ValueError, match="choose the epoch") as caught:
            protocol.train(nielsen.NielsenShallow(), training, validation, test, epochs=1, lr=0.1)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"net": nielsen.NielsenShallow}, "is the class NielsenShallow"),
        ({"net": torch.nn.Flatten()}, "no parameters"),
        ({"training": (torch.zeros(3, 28, 28, dtype=torch.uint8), torch.zeros(4).long())}, "3 .*4"),
        ({"epochs": 0}, "epochs"),
        ({"lr": float("nan")}, "lr"),
        ({"lmbda": -1}, "weight decay"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_bad_arguments_of_his_loop_are_one_sentence(wrong, said, few):
    pairs = dict(zip(("training", "validation", "test"), small(few), strict=True))
    arguments = {"net": nielsen.NielsenShallow(), **pairs, "epochs": 1, "lr": 0.1} | wrong
    with pytest.raises((TypeError, ValueError), match=said) as caught:
        protocol.train(**arguments)
    assert "\n" not in str(caught.value)


def test_his_loop_says_where_training_diverged(few):
    training, validation, test = small(few)
    with pytest.raises(FloatingPointError, match=r"epoch \d+, step \d+"):
        protocol.train(
            nielsen.NielsenTwoConvReLU(), training, validation, test, epochs=9, lr=1e6,
        )  # fmt: skip


# The plateau


def test_steps_until_a_loss_are_those_of_the_recipe(few):
    """A dense network is soon below 2; one with a tiny step is not, in the steps that it has."""
    recipe = EXPERIMENTS["nielsen-shallow"].recipe
    recipe = Recipe(recipe.network, 1, 0.1, initialisation="nielsen", order="fixed")
    found = protocol.steps_until(2.0, recipe, few, max_steps=400, every=20)
    assert found is not None and found % 20 == 0
    net = protocol.first_network(recipe, 0)
    batches = itertools.cycle(Batches(*few, shuffle=False))
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    means = []
    for _ in range(found // 20):
        part, history = list(itertools.islice(batches, 20)), History(1, 100)
        protocol.train_epoch(net, part, sgd, history)
        means.append(history.train_loss[0])
    assert means[-1] < 2.0 and all(mean >= 2.0 for mean in means[:-1])
    slow = Recipe(ConvNetTwoConvLayers, 1, 1e-6)
    assert protocol.steps_until(2.0, slow, few, max_steps=30, every=20) is None


def test_an_arm_of_the_plateau_changes_one_thing_until_all_is_his():
    """tanh keeps his layers, since only there it stands; his layers are the article's but x/256."""
    usual, *arms = (recipe.hyper_parameters for recipe in protocol.PLATEAU.values())
    changes = [{k for k in usual | arm if usual.get(k) != arm.get(k)} for arm in arms]
    data, first = {"held_out", "training_images"}, {"initialisation"}
    assert changes == [
        {"network"}, {"order"}, data, first, first, first, first, first,
        {"network", "order"} | data | first, {"network"}, {"network"},
    ]  # fmt: skip


# Lowest and highest count of the records of three seeds, and a quarter more to either side.
WAITS = {
    "plateau": (5_550, 17_000),
    "plateau-nielsen": (2_250, 4_250),
    "plateau-centred": (1_350, 2_750),
}


def test_recorded_plateaus_end_where_they_were_measured_elsewhere():
    """About 8,000 steps, 4,000 with his first weights, 2,000 with one half subtracted."""
    for name, (lowest, highest) in WAITS.items():
        ends = [record.steps_until(2.0) for record in load_records(name)]
        assert len(ends) == 3 and all(lowest <= end <= highest for end in ends)


@pytest.mark.slow
def test_the_plateau_of_tanh_ends_within_1000_steps(mnist):
    for seed in (0, 1):
        arm = protocol.PLATEAU["tanh"]
        assert protocol.steps_until(2.0, arm, mnist[0], seed=seed, max_steps=1_000) is not None


@pytest.mark.slow
def test_steps_until_a_loss_are_those_of_the_recorded_loop(mnist):
    """One half subtracted, seed 0: but for rounding, which may move the end by one count of 200."""
    record = load_records("plateau-centred")[0]
    arm = protocol.PLATEAU["one half subtracted"]
    found = protocol.steps_until(2.0, arm, mnist[0], seed=record.seed, max_steps=3_000)
    assert found == pytest.approx(record.steps_until(2.0), abs=200)


def test_the_table_says_what_he_gives_in_words():
    """Three of his rows have no figure."""
    his = scoreboard(board="nielsen")["Nielsen"]
    words = {run: said for run, said in his.items() if not said[:1].isdigit()}
    assert words == {
        "nielsen-no-fc": "not given: an exercise",
        "nielsen-tanh": "similar",
        "nielsen-sigmoid-l2": "did not help much",
    }


def test_steps_until_a_loss_refuses_more_than_plain_sgd(few):
    recipe = Recipe(ConvNetTwoConvLayers, 1, 0.1, momentum=0.9)
    with pytest.raises(ValueError, match="momentum"):
        protocol.steps_until(2.0, recipe, few, max_steps=20)


# Many at once


STACKED = ["nielsen-shallow", "nielsen-no-fc", "nielsen-tanh", "nielsen-sigmoid-l2",
           "nielsen-double-300", "nielsen-dropout"]  # fmt: skip


@pytest.fixture
def in_float64(monkeypatch):
    monkeypatch.setattr(stack_module, "to_input", lambda images: to_input(images).double())
    monkeypatch.setattr(stack_module.steps, "is_known", lambda net: True)


@pytest.mark.parametrize("name", STACKED)
def test_stacked_networks_equal_his_each_alone(name, few, in_float64):
    """Ten steps in float64, by autograd of his cost, with his masks."""
    recipe = EXPERIMENTS[name].recipe
    lmbda = 0.1 if recipe.weight_decay else 0.0
    batches = recipe.training_images // 10
    nets = [runs.new_network(recipe, seed).double() for seed in (0, 4)]
    stack = Stack(nets, recipe, CPU)
    for step in range(10):
        chosen = slice(10 * step, 10 * step + 10)
        images, labels = few[0][chosen], few[1][chosen]
        losses = stack.step(images.expand(2, -1, -1, -1), labels.expand(2, -1))
        for i, net in enumerate(nets):
            inputs = to_input(images).double()
            place = copy.deepcopy(net)  # the same masks for the loss alone
            bare = F.cross_entropy(place(inputs), labels)
            gradients = torch.autograd.grad(
                protocol.cost(net, inputs, labels, lmbda, batches), net.parameters()
            )
            with torch.no_grad():
                for p, gradient in zip(net.parameters(), gradients, strict=True):
                    p -= recipe.lr * gradient
            assert losses[i].item() == pytest.approx(bare.item(), abs=1e-12)
    for i, net in enumerate(nets):
        for (key, found), right in zip(
            stack.nets.named_parameters(), net.parameters(), strict=True
        ):
            torch.testing.assert_close(found[i], right, rtol=0, atol=1e-12, msg=f"{key} of {i}")


@EVERY_ROW
def test_a_gpu_could_make_every_row(name):
    """Its stack knows every layer and every hyper-parameter; batches of ten divide the images."""
    experiment = EXPERIMENTS[name]
    assert experiment.recipe.hyper_parameters.keys() <= stacked.KNOWN
    assert experiment.recipe.training_images % 10 == 0
    stack = new_stack(experiment, [0], CPU)
    assert len(stack.generators) == (4 if name == "nielsen-dropout" else 1)


def test_a_stack_answers_as_each_network_does(few):
    stack = new_stack(EXPERIMENTS["nielsen-dropout"], [0, 1], CPU)
    torch.nn.init.normal_(stack.nets.out.weight)
    answers = stack.answers(few[0])
    for i in range(2):
        net = stack.take_out(i, nielsen.NielsenDropout()).eval()
        assert torch.equal(answers[i], net(to_input(few[0])).argmax(dim=1))


class Interrupted(BaseException):
    pass


@pytest.fixture
def ninety_digits(mnist, monkeypatch):
    (images, labels), (test_images, test_labels) = mnist
    data = (images[:90], labels[:90]), (test_images[:100], test_labels[:100])
    monkeypatch.setattr(runs, "load_mnist", lambda: data)
    monkeypatch.setattr("mnistconv.records.record.TEST_IMAGES", 100)


SMALL = changed(EXPERIMENTS["nielsen-dropout"], epochs=3, held_out=30)
BY = {
    "alone": lambda results, report=lambda histories: None: [
        runs.run(SMALL, 4, results, lambda history: report([history]))
    ],
    "stack": lambda results, report=lambda histories: None: run_stack(
        SMALL, [1, 4], CPU, results, report
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("by", BY.values(), ids=BY)
@pytest.mark.parametrize("epochs", [1, 2])
def test_his_dropout_goes_on_to_the_same_bits(by, epochs, tmp_path, ninety_digits):
    """Masks, accuracies of the held-out digits and best weights are in the checkpoint."""

    def stop(histories):
        if len(histories[0].train_loss) == epochs:
            raise Interrupted

    def bare(path):
        record = json.loads(path.read_text(encoding="utf-8"))
        return {key: record[key] for key in record if key not in ("wall_seconds", "sha256")}

    whole = by(tmp_path / "whole")
    with pytest.raises(Interrupted):
        by(tmp_path / "parts", stop)
    torch.manual_seed(99)
    parts = by(tmp_path / "parts")
    assert list(map(bare, whole)) == list(map(bare, parts))


@pytest.mark.slow
def test_a_stack_keeps_each_networks_best_epoch(tmp_path, ninety_digits, monkeypatch):
    """Validation says 0.5, 0.9, 0.9 of seed 1 and 0.9, 0.8, 0.7 of seed 4."""
    said = iter([[0.5, 0.9], [0.9, 0.8], [0.9, 0.7]])
    real = stacked.shares
    monkeypatch.setattr(
        stacked, "shares", lambda a, labels: next(said) if len(labels) == 30 else real(a, labels)
    )
    records = [runs.store.read_record(path, SMALL) for path in BY["stack"](tmp_path)]
    assert [r.validation_accuracy for r in records] == [[0.5, 0.9, 0.9], [0.9, 0.8, 0.7]]
    assert [r.kept_epoch for r in records] == [3, 1]
    assert [r.final_accuracy for r in records] == [
        records[0].test_accuracy[2], records[1].test_accuracy[0]
    ]  # fmt: skip
    assert records[0].last_predictions == records[0].predictions
    assert records[1].last_predictions != records[1].predictions
    _, (_, labels) = runs.load_mnist()
    right = (records[1].last_answers == labels).sum().item() / 100
    assert right == records[1].test_accuracy[2]

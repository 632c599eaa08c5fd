"""What a logit is made of: products and wiped pixels, by hand, and in the page's JavaScript."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from onpage import network_on_page

from mnistconv import inside
from mnistconv.data import to_input
from mnistconv.export import SHOWN
from mnistconv.networks import DenseNet
from mnistconv.records import load_network

EVERY_NETWORK = pytest.mark.parametrize("name", SHOWN)
QUESTIONS = [(7, None), (3, 5), (4, 9)]


@pytest.fixture(scope="module")
def images(mnist):
    """The first twenty test digits, float32 `[20, 1, 28, 28]`."""
    _, (images, _) = mnist
    return to_input(images[:20])


def values_of(net, image) -> dict[str, torch.Tensor]:
    """What each layer with weights reads and gives, by its name: {"conv1": (read, given), ...}."""
    found = {}
    hooks = [
        part.register_forward_hook(lambda m, x, z, name=name: found.update({name: (x[0], z)}))
        for name, part in net.named_children()
    ]
    net(image[None])
    for hook in hooks:
        hook.remove()
    return found


# By hand


@pytest.mark.parametrize("question", QUESTIONS)
def test_with_relu_pixels_count_by_their_gradients_and_the_biases_make_the_rest(images, question):
    """A ReLU network is, at one picture, linear in its pixels and biases."""
    net, number = load_network("relu"), inside.logit_of(*question)
    image = images[0].clone().requires_grad_()
    result = number(net(image[None]))
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    # The slope of a bias holds for those behind it as they are: each is counted in its own layer.
    slopes = torch.autograd.grad(result, [image, *biases])
    found = inside.pixel_products(net, images[0], number)
    assert torch.allclose(found, (image * slopes[0])[0].detach(), atol=1e-5)
    constant = sum((bias * slope).sum() for bias, slope in zip(biases, slopes[1:], strict=True))
    assert (found.sum() + constant).item() == pytest.approx(result.item(), abs=1e-3)


def test_a_sigmoid_is_the_straight_line_from_0_to_where_it_stands(images):
    torch.manual_seed(0)
    net, image = DenseNet(), images[1]
    x = image.flatten()
    with torch.no_grad():
        z = net.fc1.weight @ x + net.fc1.bias
        line = (torch.sigmoid(z) - 0.5) / z
        weights = net.out.weight[3] - net.out.weight[5]
        expected = (weights * line) @ net.fc1.weight * x
        constant = weights @ (0.5 + line * net.fc1.bias) + net.out.bias[3] - net.out.bias[5]
        logits = net(image[None])[0]
    found = inside.pixel_products(net, image, inside.logit_of(3, 5))
    assert torch.allclose(found.flatten(), expected, atol=1e-6)
    difference = (logits[3] - logits[5]).item()
    assert (found.sum() + constant).item() == pytest.approx(difference, abs=1e-5)


def test_a_sigmoid_of_0_passes_on_a_quarter():
    net, image = DenseNet(), torch.ones(1, 28, 28)
    with torch.no_grad():
        net.fc1.weight.zero_()
        net.fc1.bias.zero_()
        net.fc1.weight[:, 0], net.fc1.weight[:, 1] = 1, -1
    found = inside.pixel_products(net, image, inside.logit_of(3)).flatten()
    quarter = net.out.weight[3].sum().item() / 4
    assert found[:2].tolist() == pytest.approx([quarter, -quarter], abs=1e-6)
    assert not found[2:].any()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_path_goes_along_the_largest_product_of_each_layer(images, question):
    """ReLU network: products of weights along the path, and the value at its end."""
    digit, rival = question
    net, image = load_network("relu"), images[4]
    with torch.no_grad():
        values = values_of(net, image)
        last = net.out.weight[digit] - (0 if rival is None else net.out.weight[rival])
        first = last * values["out"][0][0]
        for number, path in enumerate(inside.trace(net, image, inside.logit_of(*question), k=4)):
            assert [step.layer for step in path] == ["fc1", "conv2", "conv1", "image"]
            unit = path[0].place
            assert unit == first.abs().argsort(descending=True)[number]
            assert path[0].contribution == pytest.approx(first[unit].item(), rel=1e-4)
            slope = last[unit]
            below = net.fc1.weight[unit] * values["fc1"][0][0]
            assert path[1].place == below.abs().argmax()
            slope = slope * net.fc1.weight[unit, path[1].place]
            assert path[1].contribution == pytest.approx(
                (slope * values["fc1"][0][0, path[1].place]).item(), rel=1e-4
            )
            for conv, step, following in (("conv2", path[1], path[2]), ("conv1", path[2], path[3])):
                read, given = values[conv]
                side = given.shape[2] // 2
                map_, row, column = np.unravel_index(step.place, (given.shape[1], side, side))
                window = given[0, map_, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                down, right = divmod(window.argmax().item(), 2)
                row, column = 2 * row + down, 2 * column + right
                seen = read[0, :, row : row + 5, column : column + 5]
                weight = getattr(net, conv).weight[map_]
                channel, i, j = np.unravel_index((weight * seen).abs().argmax().item(), seen.shape)
                side = read.shape[2]
                place = (channel * side + row + i) * side + column + j
                assert following.place == place
                slope = slope * weight[channel, i, j]
                expected = (slope * read.flatten()[place]).item()
                assert following.contribution == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("patch", [1, 5])
def test_occlusion_is_what_wiping_out_by_hand_gives(images, patch):
    net, number, image = load_network("relu"), inside.logit_of(4, 9), images[4]
    found = inside.occlusion(net, image, number, patch=patch)
    reach = patch // 2
    for row, column in [(0, 0), (27, 27), (14, 14), (9, 20), (2, 26)]:
        wiped = image.clone()
        for y in range(28):
            for x in range(28):
                if abs(y - row) <= reach and abs(x - column) <= reach:
                    wiped[0, y, x] = 0
        with torch.no_grad():
            expected = number(net(image[None])) - number(net(wiped[None]))
        assert found[row, column] == pytest.approx(expected.item(), abs=1e-4)
    ink = F.max_pool2d(image, patch, 1, reach)[0] > 0
    assert found[~ink].abs().max() < 1e-4
    assert found[ink].abs().max() > 1


def test_a_patch_has_a_pixel_in_its_middle(images):
    with pytest.raises(ValueError, match="patch must be odd, not 4"):
        inside.occlusion(load_network("relu"), images[0], inside.logit_of(3), patch=4)


def test_a_network_is_left_as_it_was(images):
    net = load_network(SHOWN[-1]).train()
    number = inside.logit_of(3, 5)
    for ask in (inside.pixel_products, inside.trace, inside.occlusion):
        first, second = ask(net, images[0], number), ask(net, images[0], number)
        assert first == second if isinstance(first, list) else torch.equal(first, second)
    assert all(part.training for part in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not images[0].requires_grad


# The page

PICTURES = """
const digit = (place) => m.digitImage({ ...digits, pixels }, place);
const rest = m.emptyState();
const strokes = [{ width: 2.4, points: [[9, 5], [15, 4], [18, 7], [17, 11], [12, 13]] },
  { width: 2.4, points: [[12, 13], [18, 15], [19, 19], [16, 23], [9, 23]] }];
const pictures = [
  m.pictureOf(m.drawStrokes(strokes), rest),
  m.pictureOf(digit(0), rest),
  m.pictureOf(digit(4), { ...rest, dx: 3, angle: 10 }),
  m.pictureOf(digit(18), { ...rest, noise: 0.2 }),
];
"""


@EVERY_NETWORK
def test_the_pages_products_are_pytorchs(node, name):
    code = f"""{PICTURES}
    const network = networks["{name}"];
    return pictures.map((picture) => given.map(([digit, rival]) => {{
      const results = m.forward(network, picture);
      const question = {{ digit, rival }};
      const found = m.trace(network, results, question, 4);
      return [[...picture], [...m.pixelProducts(network, results, question)], found];
    }}));
    """
    net = network_on_page(name)
    for answers in node(code, QUESTIONS):
        for question, (picture, products, found) in zip(QUESTIONS, answers, strict=True):
            image, number = torch.tensor(picture).reshape(1, 28, 28), inside.logit_of(*question)
            with torch.no_grad():
                assert found["number"] == pytest.approx(number(net(image[None])).item(), abs=1e-4)
            assert sum(found[key] for key in ("shown", "others", "bias")) == pytest.approx(
                found["number"], abs=1e-4
            )
            expected = inside.pixel_products(net, image, number)
            assert np.abs(np.array(products) - expected.flatten().numpy()).max() < 1e-4
            same_paths(found["paths"], inside.trace(net, image, number, k=4))


def same_paths(ours: list[dict], theirs: list[list[inside.Step]]) -> None:
    """A path of the page has a step for each convolution and the pooling behind it."""
    layers = {"conv1": "pool1", "conv2": "pool2"}
    for our, (*steps, last) in zip(ours, theirs, strict=True):
        shown = [step for step in our["steps"] if not step["unit"]["layer"].startswith("conv")]
        for one, other in zip(shown, steps, strict=True):
            unit = one["unit"]
            side = {"pool1": 12, "pool2": 4}.get(unit["layer"], 1)
            assert unit["layer"] == layers.get(other.layer, other.layer)
            assert (unit["map"] * side + unit["row"]) * side + unit["column"] == other.place
            assert one["contribution"] == pytest.approx(other.contribution, rel=1e-3, abs=1e-6)
        strongest = max(our["pixels"], key=lambda pixel: abs(pixel["contribution"]))
        assert strongest["contribution"] == pytest.approx(last.contribution, rel=1e-3, abs=1e-6)
        assert len(our["pixels"]) == our["window"]["size"] ** 2 == 25
        assert last.place in [pixel["place"] for pixel in our["pixels"]]


@pytest.mark.slow
@EVERY_NETWORK
def test_the_pages_occlusion_is_pytorchs(node, name):
    code = f"""{PICTURES}
    const network = networks["{name}"];
    return pictures.map((picture, i) => {{
      const [digit, rival] = given[i % given.length];
      const question = {{ digit, rival }};
      const number = m.numberOf(question, m.forward(network, picture).out.values);
      const places = [...picture.keys()].filter((place) => place % 3 === 0);
      return [
        [...picture], places.map((p) => m.fallAt(network, picture, {{}}, question, number, p)),
      ];
    }});
    """
    net = network_on_page(name)
    for i, (picture, falls) in enumerate(node(code, QUESTIONS)):
        image = torch.tensor(picture).reshape(1, 28, 28)
        expected = inside.occlusion(net, image, inside.logit_of(*QUESTIONS[i % len(QUESTIONS)]))
        assert np.abs(np.array(falls) - expected.flatten()[::3].numpy()).max() < 1e-4


@pytest.mark.parametrize("name", ["two-conv", "relu"])
def test_maps_that_are_off_pass_nothing_on(node, images, name):
    code = f"""{PICTURES}
    const network = networks["{name}"];
    const off = {{ conv1: new Set([2, 5]), conv2: new Set([7, 31]) }};
    const question = {{ digit: 7, rival: 3 }};
    const results = m.forward(network, pictures[1], {{ off }});
    const number = m.numberOf(question, results.out.values);
    const fall = (place) => m.fallAt(network, pictures[1], off, question, number, place);
    const products = m.pixelProducts(network, results, question);
    return [[...products], [406, 294, 500].map(fall), number];
    """
    net, number = network_on_page(name), inside.logit_of(7, 3)

    def silence(module, inputs, maps):
        maps[:, [2, 5] if maps.shape[1] == 20 else [7, 31]] = -1e9  # the activation makes it 0

    net.conv1.register_forward_hook(silence)
    net.conv2.register_forward_hook(silence)
    products, falls, difference = node(code)
    with torch.no_grad():
        assert difference == pytest.approx(number(net(images[:1])).item(), abs=1e-4)
    expected = inside.occlusion(net, images[0], number).flatten()
    assert np.allclose(falls, expected[[406, 294, 500]], atol=1e-4)
    expected = inside.pixel_products(net, images[0], number).flatten()
    assert np.allclose(products, expected, atol=1e-4)


def test_what_is_asked_is_the_answer_and_its_runner_up_unless_the_reader_chose(node):
    logits = [0.0, 5, 1, 9, 2, 7, 0, 0, 0, 0]
    code = """
    const { logits, cases } = given;
    return cases.map(([why, rival]) => {
      const found = m.questionOf({ why, rival }, Float32Array.from(logits));
      return [found.digit, found.rival];
    });
    """
    cases = {
        (None, None): (3, 5),
        (None, "none"): (3, None),
        (5, None): (5, 3),
        (5, 1): (5, 1),
        (None, 3): (3, 5),
        (3, 3): (3, 5),
        (8, "none"): (8, None),
    }
    found = node(code, {"logits": logits, "cases": list(cases)})
    assert list(map(tuple, found)) == list(cases.values())


def test_the_place_most_at_odds_is_that_of_the_widest_gap(node):
    code = """
    const products = new Float64Array(784), falls = new Float64Array(784);
    products[406] = 2;
    for (const place of m.patchAround(406)) falls[place] = 2; // as if it were linear
    falls[378] = 2.5;
    falls[408] = -1; // products: 2, fall: -1
    return m.mostAtOdds(products, falls);
    """
    assert node(code) == {"place": 408, "products": 2, "fall": -1}


def test_paths_are_counted_through_the_winners_of_the_pooling(node):
    code = f"""{PICTURES}
    return given.map((name) => m.countPaths(m.forward(networks[name], pictures[0])));
    """
    relu = 100 * 640 * (20 * 25) * 25
    dropout = 1000 * 1000 * 640 * (20 * 25) * 25
    assert node(code, list(SHOWN)) == [100 * 2880 * 25, relu, relu, dropout]


def test_the_question_stands_in_the_address(node):
    code = """
    return given.map((text) => {
      const { why, rival } = m.readState(text, ["relu"]);
      return [why, rival, m.writeState({ ...m.emptyState(), why, rival })];
    });
    """
    texts = ["why=3&not=5", "why=0&not=none", "not=0", "why=12&not=x", "why=&not="]
    assert node(code, texts) == [
        [3, 5, "net=relu&why=3&not=5"],
        [0, "none", "net=relu&why=0&not=none"],
        [None, 0, "net=relu&not=0"],
        [None, None, "net=relu"],
        [None, None, "net=relu"],
    ]

"""The page "Draw a digit": its arithmetic in Node against PyTorch, SciPy and Pillow."""

import json
import re

import numpy as np
import pytest
import torch
from onpage import network_on_page
from PIL import Image
from scipy import ndimage

from mnistconv.data import to_input
from mnistconv.export import SHOWN
from mnistconv.records import load_network, load_records

EVERY_NETWORK = pytest.mark.parametrize("name", SHOWN)
PICTURE = """
const floats = (bytes) => Float32Array.from(bytes, (value) => value / 255);
const picture = (place) => floats(pixels.subarray(784 * place, 784 * place + 784));
"""


@pytest.fixture(scope="module")
def node(node):
    return lambda code, given=None: node(PICTURE + code, given)


@pytest.fixture(scope="module")
def carried(node, mnist):
    """The test digits that the site carries: images `[n, 28, 28]` and labels `[n]`."""
    _, (images, labels) = mnist
    numbers = node("return digits.numbers;")
    return images[numbers], labels[numbers]


def logits_of(net: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return net(to_input(images)).numpy()


# The forward pass


@EVERY_NETWORK
def test_the_forward_pass_is_pytorchs(node, name, carried):
    code = f"""
    const places = [...digits.numbers.keys()].filter((place) => place % 10 === 0);
    return places.map((place) => [...m.forward(networks["{name}"], picture(place)).out.values]);
    """
    ours = np.array(node(code))
    theirs = logits_of(network_on_page(name), carried[0][::10])
    assert len(ours) > 100
    assert np.abs(ours - theirs).max() < 1e-4
    assert (ours.argmax(1) == theirs.argmax(1)).all()


@pytest.mark.slow
@EVERY_NETWORK
def test_all_10000_answers_are_those_of_the_record(node, name, mnist, tmp_path):
    """Half precision costs no answer, and no logit a hundredth: the page says so."""
    _, (images, labels) = mnist
    (tmp_path / "images").write_bytes(images.numpy().tobytes())
    code = f"""
    const all = require("node:fs").readFileSync({json.dumps(str(tmp_path / "images"))});
    const logits = [];
    for (let start = 0; start < all.length; start += 784) {{
      const input = floats(all.subarray(start, start + 784));
      const {{ values }} = m.forward(networks["{name}"], input).out;
      logits.push([...values, m.argmax(values)]);
    }}
    return logits;
    """
    *logits, answers = np.array(node(code)).T
    record = load_records(name)[0]
    assert (answers == labels.numpy()).sum() == round(record.final_accuracy * 10_000)
    assert "".join(str(int(answer)) for answer in answers) == record.predictions
    whole = np.concatenate([logits_of(load_network(name), part) for part in images.split(1000)])
    assert np.abs(np.stack(logits, 1) - whole).max() < 0.01


def test_half_precision_numbers_are_read_right(node):
    bits = np.arange(2**16, dtype=np.uint16)
    expected = bits.view(np.float16).astype(float)
    finite = np.isfinite(expected)
    ours = np.array(
        node("return Array.from({length: 65536}, (_, bits) => m.fromHalf(bits));"), float
    )
    assert np.array_equal(ours[finite], expected[finite])
    assert np.isnan(ours[~finite]).all()  # JSON has no infinity: null for both


def test_softmax_does_not_overflow(node):
    values = node("return [...m.softmax([1000, 0, -1000])];")
    assert values == [1, 0, 0]
    values = node("return [...m.softmax([0.2, 0.4, 0.9])];")
    assert values == pytest.approx([0.2361, 0.2884, 0.4755], abs=5e-5)


def test_dropout_silences_half_and_doubles_the_rest(node):
    code = """
    const random = m.randomNumbers(5);
    const answers = m.forward(networks["dropout-lr0.005"], picture(0), { train: true, random });
    const [before, after] = [answers.fc1.values, answers.dropout2.values];
    return [[...before], [...after], [...answers.dropout2.kept]];
    """
    before, after, kept = map(np.array, node(code))
    assert 400 < kept.sum() < 600
    assert np.allclose(after, before * kept * 2)


def test_in_eval_mode_dropout_does_nothing(node):
    code = """
    const net = networks["dropout-lr0.005"];
    return [1, 2].map(() => [...m.forward(net, picture(0)).out.values]);
    """
    first, second = node(code)
    assert first == second


def test_a_map_that_is_off_counts_as_zero(node, carried):
    code = """
    const off = { conv1: new Set([2, 5]), conv2: new Set([7]) };
    return [...m.forward(networks.relu, picture(0), { off }).out.values];
    """
    net = network_on_page("relu")

    def silence(module, inputs, maps):
        maps[:, [2, 5] if maps.shape[1] == 20 else [7]] = -1e9  # the ReLU makes it 0

    net.conv1.register_forward_hook(silence)
    net.conv2.register_forward_hook(silence)
    expected = logits_of(net, carried[0][:1])[0]
    assert np.abs(np.array(node(code)) - expected).max() < 1e-4


@pytest.mark.parametrize("spoil", ["text.slice(0, -8)", "'!' + text", "text + 'AAAA'"])
def test_weights_that_are_not_whole_are_refused(node, spoil):
    code = f"""
    const header = {{ name: "x", shapes: {{ "a": [8] }}, bytes: 16 }};
    const text = btoa("\\0".repeat(16));
    try {{ return m.readWeights(header, {spoil}).a.values.length; }}
    catch (error) {{ return error.message; }}
    """
    assert node(code) != 4


# Preparation


STROKES = """
const random = m.randomNumbers(seed);
const some = (most, make) => Array.from({ length: 1 + Math.floor(random() * most) }, make);
const strokes = some(3, () => ({
  width: 1 + 3 * random(),
  points: some(8, () => [28 * random(), 28 * random()]),
}));
const ink = m.drawStrokes(strokes);
"""


def prepared_by_scipy(ink: np.ndarray) -> np.ndarray:
    """MNIST's preparation: box and centre of mass by SciPy, the new size by Pillow."""
    (box,) = ndimage.find_objects((ink > 0).astype(int))
    height, width = ink[box].shape
    scale = 20 / max(height, width)
    size = max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))
    image = Image.fromarray(ink[box].astype(np.float32))
    digit = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    result = np.zeros((28, 28))
    starts = [
        min(28 - n, max(0, 14 - int(np.floor(mass + 0.5))))
        for mass, n in zip(ndimage.center_of_mass(digit), digit.shape, strict=True)
    ]
    rows, columns = (slice(s, s + n) for s, n in zip(starts, digit.shape, strict=True))
    result[rows, columns] = digit
    return result


@pytest.mark.parametrize("seed", range(25))
def test_a_drawing_is_prepared_as_scipy_and_pillow_do(node, seed):
    code = f"const seed = {seed};" + STROKES + "return [[...ink.data], [...m.prepare(ink).data]];"
    ink, prepared = (np.array(values) for values in node(code))
    expected = prepared_by_scipy(ink.reshape(112, 112))
    assert np.abs(prepared.reshape(28, 28) - expected).max() < 1e-5


def test_without_preparation_the_drawing_is_only_made_smaller(node):
    code = "const seed = 3;" + STROKES + "return [[...ink.data], [...m.shrink(ink).data]];"
    ink, shrunk = (np.array(values) for values in node(code))
    image = Image.fromarray(ink.reshape(112, 112).astype(np.float32))
    expected = np.asarray(image.resize((28, 28), Image.Resampling.BILINEAR))
    assert np.abs(shrunk.reshape(28, 28) - expected).max() < 1e-5


def test_digits_of_mnist_pass_through_unchanged(node):
    code = """
    return digits.numbers.map((_, place) => {
      const data = picture(place);
      const prepared = m.prepare({ width: 28, height: 28, data }).data;
      return Math.max(...data.map((value, i) => Math.abs(value - prepared[i])));
    });
    """
    assert max(node(code)) == 0


@pytest.mark.parametrize(
    "dx, dy, angle, scale", [(3, -2, 0, 1), (0, 0, 30, 1), (0, 0, 0, 0.6), (-1.5, 2.5, -70, 1.3)]
)
def test_disturbances_are_scipys(node, carried, dx, dy, angle, scale):
    code = f"""
    const image = {{ width: 28, height: 28, data: picture(0) }};
    return [...m.disturb(image, {{ dx: {dx}, dy: {dy}, angle: {angle}, scale: {scale} }}).data];
    """
    turn = np.deg2rad(angle)
    # The inverse map, in rows and columns: where an output pixel comes from. Clockwise on a screen.
    inverse = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    middle = np.array([13.5, 13.5])
    offset = middle - inverse @ (middle + np.array([dy, dx]))
    image = carried[0][0].numpy() / 255
    expected = ndimage.affine_transform(image, inverse, offset, order=1, mode="grid-constant")
    assert np.abs(np.array(node(code)).reshape(28, 28) - expected).max() < 1e-5


def test_noise_is_repeatable_and_as_strong_as_it_says(node):
    code = """
    const grey = { width: 28, height: 28, data: new Float32Array(784).fill(0.5) };
    return [1, 1, 2].map((seed) => [...m.addNoise(grey, 0.1, seed).data]);
    """
    first, again, other = map(np.array, node(code))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert abs(first.mean() - 0.5) < 0.02
    assert abs(first.std() - 0.1) < 0.01
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize(
    "ink",
    [
        "m.noInk()",
        "({ width: 112, height: 112, data: new Float32Array(112 * 112).fill(1) })",
        "m.drawStrokes([{ width: 2.4, points: [[14, 14]] }])",
        "m.drawStrokes([{ width: 1, points: [[0, 0]] }])",
        "m.drawStrokes([{ width: 2, points: [[3, 2], [3, 26]] }])",
    ],
    ids=["empty", "full", "one point", "corner", "line"],
)
def test_odd_drawings_give_numbers(node, ink):
    code = f"""
    const input = m.prepare({ink}).data;
    return [[...input], [...m.forward(networks.relu, input).probabilities.values]];
    """
    pixels, probabilities = map(np.array, node(code))
    assert pixels.shape == (784,)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


# Explanations


@EVERY_NETWORK
def test_explanations_add_up(node, name):
    """200 random units of all layers: the parts of an explanation give the value of the unit."""
    code = f"""
    const net = networks["{name}"], random = m.randomNumbers(1);
    const results = m.forward(net, picture(0));
    const layers = Object.values(results).filter((r) => !["input", "dropout"].includes(r.kind));
    const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const below = (n) => Math.floor(random() * n);
    return Array.from({{ length: 200 }}, () => {{
      const layer = layers[Math.floor(random() * layers.length)];
      const [map, row, column] = [layer.maps, layer.side, layer.side].map(below);
      const answer = m.explain(net, results, {{ layer: layer.name, map, row, column }});
      const before = {{
        conv: () => sum(answer.channels.map((c) => sum(c.products))) + answer.bias,
        pool: () => Math.max(...answer.window),
        dense: () => sum(answer.parts.map((p) => p.input * p.weight)) + answer.bias,
        softmax: () => Math.exp(answer.logits[map]) / sum(answer.logits.map(Math.exp)),
      }}[answer.kind]();
      const active = {{ relu: (z) => (z > 0 ? z : 0), sigmoid: (z) => 1 / (1 + Math.exp(-z)) }};
      const worked = answer.activation ? active[answer.activation](before) : before;
      const stored = layer.values[(map * layer.side + row) * layer.side + column];
      return [answer.kind, worked, answer.value, stored];
    }});
    """
    units = node(code)
    kinds = {kind for kind, *_ in units}
    assert kinds == {"conv", "pool", "dense", "softmax"}
    for _, worked, value, stored in units:
        assert worked == pytest.approx(value, abs=1e-4)
        assert value == stored


def test_a_unit_that_is_not_there_is_an_error(node):
    code = """
    const results = m.forward(networks.relu, picture(0));
    const units = [["conv1", 20, 0], ["conv1", 0, 24], ["nonsense", 0, 0], ["input", 0, 0]];
    return units.map(([layer, map, row]) => {
      try { return m.explain(networks.relu, results, { layer, map, row }); }
      catch (error) { return error.message; }
    });
    """
    assert all(text.startswith("no unit") for text in node(code))


def test_receptive_fields_are_those_that_gradients_show(node):
    """What a unit sees, by the page; and the pixels on which its value depends, by autograd."""
    code = """
    const results = m.forward(networks.relu, picture(0));
    const units = [["conv1", 3, 4], ["pool1", 3, 4], ["conv2", 3, 4], ["pool2", 1, 2]];
    return units.map(([layer, row, column]) => m.seenBy(results, { layer, map: 0, row, column }));
    """
    net = load_network("relu")
    image = torch.rand(1, 1, 28, 28, requires_grad=True)
    conv1 = net.conv1(image)
    pool1 = torch.nn.functional.avg_pool2d(conv1, 2)  # an average depends on all that it sees
    conv2 = net.conv2(pool1)
    pool2 = torch.nn.functional.avg_pool2d(conv2, 2)
    places = [(conv1, 3, 4), (pool1, 3, 4), (conv2, 3, 4), (pool2, 1, 2)]
    for seen, (maps, row, column) in zip(node(code), places, strict=True):
        (gradient,) = torch.autograd.grad(maps[0, 0, row, column], image, retain_graph=True)
        rows, columns = (gradient[0, 0] != 0).nonzero(as_tuple=True)
        assert (seen["row"], seen["column"]) == (rows.min(), columns.min())
        assert seen["size"] == rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1


# The address


def test_a_state_comes_back_from_the_address(node):
    code = """
    const points = [[0, 0], [28, 28], [14, 7]].map((point) => point.map(m.roundToGrid));
    const state = {
      ...m.emptyState(), net: "simple", strokes: [{ width: 2.4, points }], centre: false,
      dx: -3, angle: 25, scale: 0.8, noise: 0.1, off: { conv1: new Set([3, 7]) }, train: true,
      unit: { layer: "pool1", map: 4, row: 2, column: 1 },
    };
    const text = m.writeState(state);
    const back = m.readState(text, ["simple", "relu"]);
    const plain = (s) => JSON.stringify({ ...s, off: [...s.off.conv1] });
    return [plain(state), plain(back), text];
    """
    state, back, text = node(code)
    assert state == back
    assert text.startswith("net=simple&ink=")
    assert all(character.isalnum() or character in "=&.,-_" for character in text)


@pytest.mark.parametrize(
    "text",
    [
        "net=gpt&digit=99999&dx=1e9&angle=NaN&scale=-1&noise=x&off=conv3.1,conv1.99&unit=..&train=7",
        "ink=A&net=", "ink=%%%", "ink=" + "A" * 200_000, "&&&===", "unit=conv1.-1.0.0", "\\u0000",
        "digit=-1", "ink=GA", "off=__proto__.1", "__proto__=1&constructor=2",
    ],
)  # fmt: skip
def test_nonsense_in_the_address_is_ignored(node, text):
    code = f"""
    const state = m.readState({json.dumps(text)}, ["relu"]);
    return [JSON.stringify(state), JSON.stringify(m.emptyState())];
    """
    state, empty = node(code)
    assert state == empty


# The state


def test_the_state_changes_in_one_place_and_listeners_hear_of_it(node):
    code = """
    const store = m.makeStore(m.freshState()), heard = [];
    store.listen((state, before) => heard.push([before.dx, state.dx]));
    store.change({ dx: 3 });
    store.change({ angle: 10 });
    store.state.dx = 9; // it is frozen: this does nothing
    return [heard, store.state.dx, store.state.angle];
    """
    assert node(code) == [[[0, 3], [3, 3]], 3, 10]


def test_another_network_has_all_its_maps_on(node):
    code = """
    const store = m.makeStore(m.freshState());
    store.change({ off: { conv1: new Set([3]) } });
    store.change({ net: "relu" });
    const same = Object.keys(store.state.off);
    store.change({ net: "simple" });
    const other = Object.keys(store.state.off);
    store.change({ net: "relu", off: { conv2: new Set([1]) } });
    return [same, other, Object.keys(store.state.off)];
    """
    assert node(code) == [["conv1"], [], ["conv2"]]


def test_a_stroke_is_begun_continued_replaced_and_undone(node):
    """A board that is replaced during a stroke ends it: the rest of the stroke draws nothing."""
    code = """
    const store = m.makeStore(m.freshState());
    const points = () => (store.state.strokes ?? []).map((stroke) => stroke.points.length);
    const seen = [];
    const act = (fields) => { store.change(fields(store.state)); seen.push(points()); };
    act((s) => m.beginStroke(s, [1, 1]));
    act((s) => m.continueStroke(s, [2, 1]));
    act((s) => m.continueStroke(s, [2.1, 1]));
    act((s) => m.putOnBoard(s, { strokes: [], digit: 4 }));
    act((s) => m.continueStroke(s, [9, 9]));
    act(m.undo);
    act((s) => m.continueStroke(s, [9, 9]));
    act(m.undo);
    return [seen, store.state.strokes];
    """
    assert node(code) == [[[1], [2], [2], [], [], [2], [2], []], None]


def test_undo_remembers_fifty_boards_and_then_takes_strokes_away(node):
    code = """
    const store = m.makeStore(m.freshState());
    for (let i = 0; i < 60; i++) store.change(m.beginStroke(store.state, [i % 28, 3]));
    const lengths = [];
    for (let i = 0; i < 61; i++) {
      store.change(m.undo(store.state));
      lengths.push(store.state.strokes.length);
    }
    return lengths;
    """
    assert node(code) == [*range(59, -1, -1), 0]


# What the parts of the page work out


def test_a_probability_is_never_called_0_or_100_percent(node):
    shares = node("return [0, 0.00099, 0.001, 0.5, 0.9951, 0.99901, 1].map(m.share);")
    shares = [share.replace("\N{NO-BREAK SPACE}", " ") for share in shares]
    expected = ["< 0.1 %", "< 0.1 %", "0.1 %", "50.0 %", "99.5 %", "> 99.9 %", "> 99.9 %"]
    assert shares == expected


def test_an_eight_has_its_own_article(node):
    assert node("return [0, 1, 7, 8].map(m.aDigit);") == ["a 0", "a 1", "a 7", "an 8"]


def test_a_sentence_says_what_is_read_and_that_nothing_is_drawn(node):
    code = """
    const empty = new Float32Array(784);
    return [picture(0), empty].map((p) => m.sentenceOf(m.forward(networks.relu, p)));
    """
    seven, nothing = node(code)
    assert seven.startswith("It reads a 7 (")
    assert nothing.startswith("Nothing is drawn. A network must choose all the same: ")


def test_below_the_board_stands_where_the_digit_comes_from(node):
    code = """
    const doubtful = Number(Object.keys(digits.doubtful)[0]);
    const state = (fields) => ({ ...m.emptyState(), ...fields });
    const cases = [[{}], [{ strokes: [] }], [{ digit: 4 }, digits], [{ digit: 4 }, null]];
    cases.push([{ digit: doubtful }, digits]);
    return cases.map(([fields, found]) => m.sourceOf(state(fields), found));
    """
    example, drawn, four, waiting, doubtful = node(code)
    assert example == "An example: draw over it."
    assert drawn == waiting == ""
    assert four == "Test digit 4, labelled 4."
    assert re.search(r"A network took it for an? \d", doubtful) and "chapter 10" in doubtful


def test_ink_that_grows_is_the_ink_of_all_strokes(node):
    """Drawn point by point, and at once; after Undo all is drawn anew."""
    code = """
    const store = m.makeStore(m.freshState()), inkOf = m.makeInk();
    const same = [];
    const look = () => {
      const [ours, whole] = [inkOf(store.state.strokes), m.drawStrokes(store.state.strokes)];
      same.push(ours.data.every((v, i) => v === whole.data[i]));
    };
    for (const x of [3, 12, 20]) {
      store.change(m.beginStroke(store.state, [x, 4]));
      for (const y of [8, 15, 22]) {
        store.change(m.continueStroke(store.state, [x + 2, y]));
        look();
      }
    }
    store.change(m.undo(store.state));
    look();
    store.change(m.beginStroke(store.state, [25, 25]));
    look();
    return same;
    """
    assert node(code) == [True] * 11


def test_more_ink_is_another_image(node):
    """So that what was worked out from the ink before is not taken for that of the new one."""
    code = """
    const inkOf = m.makeInk(), stroke = { width: 2, points: [[3, 3]] };
    return inkOf([stroke]) === inkOf([stroke, stroke]);
    """
    assert node(code) is False


def test_a_digit_of_the_site_is_an_image_and_another_is_none(node):
    code = """
    const image = m.digitImage({ ...digits, pixels }, 0);
    const same = image.data.every((v, i) => v === picture(0)[i]);
    return [image.width, image.height, same, m.digitImage({ ...digits, pixels }, 10_000)];
    """
    assert node(code) == [28, 28, True, None]


def test_a_picture_is_prepared_then_disturbed_then_made_noisy(node):
    code = """
    const ink = m.drawStrokes([{ width: 2.4, points: [[3, 3], [9, 20]] }]);
    const state = { ...m.emptyState(), dx: 2, angle: 20, noise: 0.1 };
    const ways = [[true, m.prepare], [false, m.shrink]];
    return ways.map(([centre, first]) => {
      const expected = m.addNoise(m.disturb(first(ink), { dx: 2, angle: 20 }), 0.1).data;
      return m.pictureOf(ink, { ...state, centre }).every((v, i) => v === expected[i]);
    });
    """
    assert node(code) == [True, True]


def test_a_curve_goes_over_the_whole_slider_and_through_its_rest(node):
    code = """
    return Object.entries(m.SLIDERS).map(([name, [low, high, rest]]) => {
      const values = m.curveValues(name);
      return [values[0] === low, values.at(-1) === high, values.includes(rest), values.length];
    });
    """
    for first, last, through_rest, length in node(code):
        assert first
        assert last
        assert through_rest
        assert 10 < length < 50


@pytest.mark.parametrize(
    ("digits", "stretch"),
    [
        ([4, 4, 4, 4, 4], [-2, 2]),
        ([9, 4, 4, 9, 4], [-1, 0]),
        ([4, 9, 4, 9, 4], [0, 0]),
        ([4, 4, 9, 4, 4], None),
    ],
)
def test_a_stretch_ends_at_the_first_misreading(node, digits, stretch):
    code = "return m.stretchOf([-2, -1, 0, 1, 2], given, 0, 4);"
    assert node(code, digits) == stretch


def test_the_right_digit_is_the_chosen_one_or_the_label_or_what_is_read(node):
    code = """
    const known = { numbers: [5, 9], labels: [3, 7] };
    const cases = [[{ right: 2, digit: 9 }], [{ right: 0, digit: 9 }], [{ right: null, digit: 9 }],
      [{ right: null, digit: null }]];
    return cases.map(([state]) => m.rightDigit(state, known, 8));
    """
    assert node(code) == [2, 0, 7, 8]


def test_a_map_is_switched_off_and_on_again(node):
    code = """
    const once = m.switchMap({ off: { conv2: new Set([1]) } }, "conv1", 3);
    const twice = m.switchMap(once, "conv1", 3);
    return [once, twice].map(({ off, isHeld }) => [[...off.conv1], [...off.conv2], isHeld]);
    """
    assert node(code) == [[[3], [1], True], [[], [1], True]]


def test_what_is_worked_out_is_worked_out_once_for_the_same_arguments(node):
    code = """
    let times = 0;
    const sum = m.onlyAnew((a, b) => { times += 1; return a + b; });
    return [sum(1, 2), sum(1, 2), sum(1, 3), sum(1, 2), times];
    """
    assert node(code) == [3, 3, 4, 3, 3]


def test_in_train_mode_a_layer_shows_what_dropout_lets_through(node):
    code = """
    const random = m.randomNumbers(5);
    const results = m.forward(networks["dropout-lr0.005"], picture(0), { train: true, random });
    return [m.shownValues(results, results.fc1).name, m.shownValues(results, results.conv1).name];
    """
    assert node(code) == ["dropout2", "conv1"]


def test_layers_with_values_of_both_signs_are_those_without_an_activation(node):
    code = """
    const results = Object.values(m.forward(networks.relu, picture(0)));
    return results.filter(m.isSigned).map(({ name }) => name);
    """
    assert node(code) == ["conv1", "conv2", "out"]


def test_a_stroke_takes_the_place_of_a_test_digit(node):
    code = """
    const store = m.makeStore({ ...m.freshState(), digit: 4, strokes: [] });
    store.change(m.beginStroke(store.state, [3, 3]));
    const { digit, strokes, past } = store.state;
    return [digit, strokes.length, past[0].digit];
    """
    assert node(code) == [None, 1, 4]

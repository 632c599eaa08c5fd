"""The links of chapter 13 to "Draw a digit": the page reads them as what the text says."""

import re

import book
import chapters
import pytest

from mnistconv import probing
from mnistconv.data import to_input
from mnistconv.export import SHOWN
from mnistconv.records import load_network

CHAPTER = "13_inside_the_network"
LINKS = [
    link
    for cell in book.prose_cells(CHAPTER)
    for link in re.findall(r"\(draw\.md#([^)]+)\)", cell.source)
]
# What the text says of each: the digit and the network's answer.
SAID = {
    "net=relu&digit=0": (7, 7),
    "net=relu&digit=91&unit=conv2.5.7.4": (6, 6),
    "net=relu&digit=4&why=4&not=none": (4, 4),
    "net=relu&digit=551&off=conv2.11,conv2.17": (7, 3),
    "net=relu&digit=1232&why=4&not=9": (9, 4),
    "net=relu&digit=0&noise=0.18": (7, 7),
    "net=relu&digit=29&dx=3&dy=3": (1, 7),
    "net=dropout-lr0.005&digit=29&dx=3&dy=3": (1, 1),
    "net=relu&digit=18&angle=23": (3, 8),
}


def test_every_link_is_known():
    assert sorted(LINKS) == sorted(SAID)


def test_the_site_leads_to_the_page_itself():
    text = chapters.link_to_drawing("See [it & that](draw.md#net=relu&digit=4), [all](draw.md).")
    link = '<a href="draw.html#net=relu&amp;digit=4">it & that</a>'
    assert text == f"See {link}, [all](draw.md)."


@pytest.mark.parametrize("link", SAID)
def test_the_page_reads_a_link_and_answers_as_the_text_says(node, link):
    code = """
    const [link, names] = given;
    const state = m.readState(link, names);
    const place = digits.numbers.indexOf(state.digit);
    const data = Float32Array.from(pixels.subarray(784 * place, 784 * place + 784), (x) => x / 255);
    const picture = m.addNoise(m.disturb({ width: 28, height: 28, data }, state), state.noise).data;
    const answer = m.argmax(m.forward(networks[state.net], picture, { off: state.off }).out.values);
    return [m.writeState(state), digits.labels[place], answer];
    """
    written, label, answer = node(code, [link, list(SHOWN)])
    assert written == link
    assert (label, answer) == SAID[link]


def test_each_of_the_two_maps_alone_can_be_switched_off(mnist):
    _, (images, _) = mnist
    net = load_network("relu")
    for number in (11, 17):
        with probing.switched_off(net, conv2=[number]):
            assert net(to_input(images[551:552])).argmax() == 7


def test_the_linked_window_is_one_of_the_hundred_strongest(node, mnist):
    _, (pictures, _) = mnist
    images = to_input(pictures)
    values = probing.layer_values(load_network("relu"), images)["conv2"][:, 5]
    numbers, windows, units = probing.strongest_windows(images, values, 100)
    place = numbers.tolist().index(91)
    assert units[place] == (7, 4)
    code = """
    const state = m.readState(given, ["relu"]);
    const picture = m.pictureOf(m.digitImage({ ...digits, pixels }, state.digit), state);
    return m.seenBy(m.forward(networks.relu, picture), state.unit);
    """
    seen = node(code, "net=relu&digit=91&unit=conv2.5.7.4")
    rows, columns = (slice(seen[key], seen[key] + seen["size"]) for key in ("row", "column"))
    assert (images[91, 0, rows, columns] == windows[place]).all()

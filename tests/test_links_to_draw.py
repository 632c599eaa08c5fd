"""The links of chapter 13 to "Draw a digit": the page reads them as what the text says."""

import re

import book
import pytest

from mnistconv.export import SHOWN

CHAPTER = "13_inside_the_network"
LINKS = [
    link
    for cell in book.read_notebook(CHAPTER).cells
    for link in re.findall(r'<a href="draw\.html#([^"]+)">', cell.source)
]
# What the text says of each: the digit and the network's answer.
SAID = {
    "net=relu&digit=1232&why=4&not=9": (9, 4),
    "net=relu&digit=0&noise=0.18": (7, 7),
    "net=relu&digit=29&dx=3&dy=3": (1, 7),
    "net=dropout-lr0.005&digit=29&dx=3&dy=3": (1, 1),
    "net=relu&digit=18&angle=23": (3, 8),
}


def test_every_such_link_is_known():
    assert set(SAID) <= set(LINKS)


@pytest.mark.parametrize("link", SAID)
def test_the_page_reads_a_link_and_answers_as_the_text_says(node, link):
    code = """
    const [link, names] = given;
    const state = m.readState(link, names);
    const place = digits.numbers.indexOf(state.digit);
    const data = Float32Array.from(pixels.subarray(784 * place, 784 * place + 784), (x) => x / 255);
    const picture = m.addNoise(m.disturb({ width: 28, height: 28, data }, state), state.noise).data;
    const answer = m.argmax(m.forward(networks[state.net], picture).out.values);
    return [m.writeState(state), digits.labels[place], answer];
    """
    written, label, answer = node(code, [link, list(SHOWN)])
    assert written == link
    assert (label, answer) == SAID[link]

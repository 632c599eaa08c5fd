"""What chapter 1 asks, and how the answers are computed."""

import re

import torch
import torch.nn.functional as F
from asking import Choice, Number

BOTH_WAYS = ("convolve2d", "correlate2d", "both", "neither")
SHAPES = ("(10, 40, 4, 4)", "(10, 40, 7, 7)", "(10, 60, 4, 4)", "(10, 800, 4, 4)")
ORDERS = ("nothing", "the output", "the gradient", "both")
OFF_BY = {
    0.01: "by less than .01: all 25 are found",
    0.1: "by .01 to .1",
    0.5: "by .1 to .5: one sees the pattern and not the numbers",
    float("inf"): "by more than .5: nothing is to be seen yet",
}
SUFFERS = ("neither: no information is lost", "the dense one", "the convolutional one", "both")


def agrees(seen) -> str:
    values, kernel = torch.arange(1.0, 10.0), torch.tensor([[10.0, 20.0], [30.0, 40.0]])
    by_conv2d = F.conv2d(values.reshape(1, 1, 3, 3), kernel[None, None]).flatten().tolist()
    convolved = seen.numbers(r"^convolve2d.*\[\[(.*)$")[-4:] == by_conv2d
    correlated = seen.numbers(r"^correlate2d.*$")[-4:] == by_conv2d
    return {
        (True, False): "convolve2d",
        (False, True): "correlate2d",
        (True, True): "both",
        (False, False): "neither",
    }[convolved, correlated]


def last_shape(seen) -> str:
    return re.findall(r"^pool +(\(.*\))$", seen.text, re.M)[-1]


def changed_by_order(seen) -> str:
    equal = re.findall(r"same (?:output|gradient): (True|False)", seen.text)
    return {
        ("True", "True"): "nothing",
        ("False", "True"): "the output",
        ("True", "False"): "the gradient",
        ("False", "False"): "both",
    }[tuple(equal)]


def width_of_window(seen) -> float:
    first, last = seen.numbers(r"^\(0, 0\) rows \d+ to \d+")[-2:]
    return last - first + 1


def off_by(seen) -> str:
    error = seen.number(r"after 100 steps largest error[^\n]*: ([\d.]+)$")
    return OFF_BY[min(limit for limit in OFF_BY if error <= limit)]


def suffers(seen) -> str:
    """Who loses more than five points; one seed's chance is less."""
    dense, convolutional = (
        digits - shuffled > 5
        for digits, shuffled in (
            seen.numbers(rf"^{network} +digits.*$") for network in ("DenseNet", "ConvNetSimple")
        )
    )
    return SUFFERS[dense + 2 * convolutional]


PREDICTIONS = {
    "The values are 1, 2, 3": Number(lambda seen: seen.numbers(r"^tensor\(.*$")[0]),
    "Which of SciPy's two": Choice(BOTH_WAYS, agrees),
    "How many weights": Number(
        lambda seen: seen.number(r"everything to everything +([\d,]+) weights"),
        unit="weights",
        within=0.05,
    ),
    "How much of this matrix": Number(
        lambda seen: seen.number(r"not zero: ([\d.]+)%"), unit="%", decimals=1, within=0.1
    ),
    "Twenty kernels": Number(lambda seen: seen.number(r"^parameters (\d+)"), unit="numbers"),
    "Ten digits go through": Choice(SHAPES, last_shape),
    "A picture of 9 × 9": Number(lambda seen: seen.number(r"stride 2: \((\d+), "), unit="pixels"),
    "The article says that pooling": Number(
        lambda seen: seen.number(r"^\d+ -> (\d+)"), unit="values"
    ),
    "What does the order change": Choice(ORDERS, changed_by_order),
    "How many pixels of the picture": Number(width_of_window, unit="pixels"),
    "There are 25 unknown": Choice(tuple(OFF_BY.values()), off_by),
    "The kernel's upper left": Number(lambda seen: seen.numbers(r"^PyTorch, by the kernel.*$")[0]),
    "The input in the middle": Number(lambda seen: seen.numbers(r"^PyTorch, by the input.*$")[4]),
    "Each network learns": Choice(SUFFERS, suffers),
    "Someone changes": Number(lambda seen: seen.number(r"^view: +\((\d+),"), unit="rows"),
}

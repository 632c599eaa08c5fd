"""Made-up photos of handwriting: MNIST and scripted strokes as ink, in bad light."""

from dataclasses import dataclass

import numpy as np
from handwriting import DRAWN
from PIL import Image, ImageDraw
from scipy import ndimage

WIDTH, HEIGHT = 1200, 900
BLUE, GREY, BLACK = (0.75, 0.6, 0.3), (0.3, 0.3, 0.3), (0.85, 0.85, 0.85)
WHITE, YELLOW = (0.93, 0.93, 0.91), (0.93, 0.88, 0.7)


@dataclass(frozen=True)
class Kind:
    """How a photo is made: what `ink` takes away of each colour, the `pen` in pixels, and so on."""

    ink: tuple = BLACK
    paper: tuple = WHITE
    pen: float = 6  # of the scripted strokes, in pixels
    light: str = "even"  # or "slope", "shadow", "lamp"
    lines: float = 0  # how much lines on the paper take away
    squares: bool = False  # lines both ways
    turn: float = 0  # of the page, in degrees
    blur: float = 0.8
    noise: float = 0.01
    chalk: bool = False  # light on dark
    desk: bool = False  # a dark table around the page


KINDS = {
    "plain": Kind(),
    "slope": Kind(light="slope", ink=BLUE),
    "shadow": Kind(light="shadow"),
    "lamp": Kind(light="lamp", paper=YELLOW, ink=BLUE),
    "pencil": Kind(ink=GREY, pen=5, light="slope"),
    "ballpoint": Kind(ink=BLUE, pen=3.5),
    "lined": Kind(lines=0.15, ink=BLUE, turn=1),
    "squared": Kind(lines=0.15, squares=True, turn=-2),
    "turned": Kind(turn=5),
    "blurred": Kind(blur=3, pen=8),
    "noisy": Kind(noise=0.06, paper=YELLOW),
    "chalk": Kind(chalk=True, light="slope", pen=9, noise=0.02),
    "desk": Kind(desk=True, light="shadow", turn=3),
}
# Where lines are as dark as the ink the digits hang together: not promised, measured all the same.
HARD = {"dark squares": Kind(lines=0.5, squares=True, ink=GREY, turn=1)}


def stroke_mask(digit: int, size: int, pen: float, random: np.random.Generator) -> np.ndarray:
    """A scripted digit `size` pixels high, slanted: how much ink covers each pixel, 0 to 1."""
    fine = 4
    side = round(1.6 * size)
    slant, narrow = random.uniform(-0.15, 0.2), random.uniform(0.85, 1.1)
    image = Image.new("L", (side * fine, side * fine))
    draw = ImageDraw.Draw(image)
    for stroke in DRAWN[digit]:
        points = [
            (0.5 + (x - 0.5 - slant * (y - 0.5)) * narrow / 0.7, 0.5 + (y - 0.5) / 0.7)
            for x, y in stroke
        ]
        places = [
            ((x * size + 0.3 * size) * fine, (y * size + 0.3 * size) * fine) for x, y in points
        ]
        draw.line(places, fill=255, width=round(pen * fine), joint="curve")
        for x, y in places:
            radius = pen * fine / 2
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    small = image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small) / 255


def mnist_mask(pixels: np.ndarray, size: int) -> np.ndarray:
    """A digit of MNIST, its box of 20 pixels enlarged to `size`."""
    side = round(1.4 * size)
    large = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return np.clip((np.asarray(large) / 255 - 0.25) / 0.5, 0, 1)


def light_of(kind: str, random: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    if kind == "slope":
        return 1 - 0.65 * (0.7 * x / WIDTH + 0.3 * y / HEIGHT)
    if kind == "lamp":
        distance = np.hypot(x - 0.3 * WIDTH, y - 0.2 * HEIGHT) / WIDTH
        return 0.3 + 0.7 * np.exp(-2 * distance**2)
    if kind == "shadow":
        edge = x - 0.45 * WIDTH + 0.4 * (y - HEIGHT / 2) + 30 * np.sin(y / 90)
        return 1 - 0.5 / (1 + np.exp(-edge / 6))
    return np.ones((HEIGHT, WIDTH))


def photo(kind: Kind, digits, seed: int, per_row: int = 6, sizes=(68, 96)) -> np.ndarray:
    """A photo `[900, 1200, 3]` of bytes; `digits` are numbers or 28 x 28 pixels."""
    random = np.random.default_rng(seed)
    cover = np.zeros((HEIGHT, WIDTH))
    rows = max(1, -(-len(digits) // per_row))
    for place, digit in enumerate(digits):
        size = int(random.integers(*sizes))
        if isinstance(digit, int):
            mask = stroke_mask(digit, size, kind.pen, random)
        else:
            mask = mnist_mask(digit, size)
        x = (
            (place % per_row + 0.5) * 0.86 * WIDTH / per_row
            + 0.07 * WIDTH
            + random.integers(-12, 13)
        )
        y = (place // per_row + 0.5) * 0.84 * HEIGHT / rows + 0.08 * HEIGHT + random.integers(-8, 9)
        top, left = round(y) - mask.shape[0] // 2, round(x) - mask.shape[1] // 2
        part = cover[top : top + mask.shape[0], left : left + mask.shape[1]]
        np.maximum(part, mask, out=part)
    lines = np.zeros((HEIGHT, WIDTH))
    if kind.lines:
        step = 36
        lines[::step] = lines[1::step] = kind.lines
        if kind.squares:
            lines[:, ::step] = lines[:, 1::step] = kind.lines
    page = np.ones((HEIGHT, WIDTH))
    if kind.desk:
        page[:40] = page[:, :50] = page[:, -45:] = 0.25
    turned = [
        ndimage.rotate(a, kind.turn, reshape=False, order=1, mode="nearest") if kind.turn else a
        for a in (cover, lines, page)
    ]
    cover, lines, page = turned
    light = light_of(kind.light, random)
    result = np.empty((HEIGHT, WIDTH, 3))
    for c in range(3):
        if kind.chalk:
            colour = 0.16 + 0.65 * cover
        else:
            colour = kind.paper[c] * (1 - kind.ink[c] * cover) * (1 - lines) * page
        result[:, :, c] = ndimage.gaussian_filter(colour * light, kind.blur)
    result += random.normal(0, kind.noise, result.shape)
    return (255 * np.clip(result, 0, 1)).round().astype(np.uint8)


def with_alpha(pixels: np.ndarray) -> bytes:
    """The bytes of a canvas: red, green, blue, and 255."""
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]).tobytes()

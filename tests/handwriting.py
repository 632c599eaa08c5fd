"""Digits as different people write them: the order and shape of strokes, and twenty-four hands.

A shape is a list of strokes. A stroke is written as the places x,y that the pen goes through, in
hundredths of the digit's height, 0,0 at the top left; it goes smoothly from one to the next, and
turns sharply at a "/". A hand says which shape it has for each digit, and how it moves the pen.
"""

from dataclasses import dataclass

import numpy as np

# Ten digits drawn once by mouse, with straight lines: places in hundredths of the board's side.
PLAIN = {
    0: ["50,20 36,27 28,48 34,70 50,80 64,70 70,48 63,27 50,20"],
    1: ["52,15 50,50 48,85"],
    2: ["30,32 38,20 55,16 67,26 64,42 46,62 28,82 50,80 74,80"],
    3: ["32,20 52,15 66,26 60,42 45,48 62,54 70,68 58,82 32,80"],
    4: ["38,15 30,35 26,55 50,55 74,53", "64,18 62,50 60,88"],
    5: ["68,18 36,18 34,45 54,43 68,55 66,72 50,83 30,78"],
    6: ["62,14 44,30 34,54 36,74 50,84 64,74 62,60 48,55 36,64"],
    7: ["26,20 50,20 74,19 60,45 48,68 42,87"],
    8: ["62,22 46,15 34,27 48,45 64,62 58,82 40,83 34,68 50,48 64,32 62,22"],
    9: ["64,30 52,17 36,24 35,42 50,48 64,36 64,30 63,60 58,86"],
}


def points_of(text: str) -> np.ndarray:
    """The places of a text, hundredths as shares: `[n, 2]`."""
    return np.array([[float(v) for v in place.split(",")] for place in text.split()]) / 100


DRAWN = {
    digit: [[tuple(point) for point in points_of(stroke).tolist()] for stroke in strokes]
    for digit, strokes in PLAIN.items()
}

SHAPES = {
    0: {
        "round": ["52,2 25,16 17,50 27,84 50,99 75,84 84,50 75,16 50,2"],
        "clockwise": ["44,97 22,78 20,40 34,8 54,1 76,20 80,58 66,90 46,98"],
        "narrow": ["56,3 38,14 30,45 34,80 49,98 63,84 69,50 64,16 52,3"],
        "open": ["58,3 32,12 20,48 30,86 52,98 76,80 80,44 70,16"],
        "curl": ["72,26 56,4 30,12 18,50 30,88 54,98 78,78 82,42 66,10 46,4 32,18"],
        "slashed": ["52,2 26,16 18,50 28,84 50,99 74,84 82,50 74,16 50,2", "80,6 20,94"],
    },
    1: {
        "stick": ["52,0 51,50 49,100"],
        "flag": ["30,26 54,2 / 54,2 53,50 52,100"],
        "long flag": ["18,52 40,28 58,2 / 58,2 56,50 55,100"],
        "foot": ["34,20 52,3 / 52,3 52,98", "28,98 76,97"],
        "curved": ["26,30 44,20 56,2 / 56,2 57,44 50,100"],
        "upward": ["48,100 50,50 53,0"],
    },
    2: {
        "plain": ["22,28 34,7 55,2 74,17 71,40 48,68 20,96 / 20,96 52,95 84,95"],
        "loop": ["20,24 38,4 64,6 74,28 60,60 36,88 22,95 16,86 28,79 50,88 70,97 88,90"],
        "z": ["20,8 50,5 78,6 / 78,6 52,48 22,95 / 22,95 50,96 84,95"],
        "swan": ["24,32 30,9 52,1 72,16 68,42 46,72 20,95 / 20,95 38,88 60,97 86,90"],
        "hook": ["38,28 26,30 24,12 50,1 76,16 68,48 44,76 16,98 / 16,98 50,97 84,98"],
        "narrow": ["34,22 42,4 58,3 66,18 60,48 46,76 32,97 / 32,97 50,96 70,97"],
    },
    3: {
        "round": ["22,14 44,1 70,10 72,32 44,46 / 44,46 74,56 80,78 56,99 20,88"],
        "flat": ["20,4 48,4 78,4 / 78,4 62,22 44,42 / 44,42 74,50 80,78 52,99 18,88"],
        "loop": ["22,12 48,1 72,14 66,36 46,48 36,44 46,41 70,54 78,78 54,99 18,86"],
        "two arcs": ["24,10 50,1 70,14 66,36 38,46", "38,46 70,52 80,76 54,99 22,90"],
        "small head": ["34,10 50,2 64,12 60,30 44,36 / 44,36 78,46 84,76 54,99 18,84"],
        "upward": ["20,88 54,99 80,78 72,55 44,47 / 44,47 72,34 70,10 44,1 22,14"],
    },
    4: {
        "open": ["34,3 27,32 20,60 / 20,60 52,61 86,59", "66,20 64,60 60,100"],
        "high": ["28,2 25,52 / 25,52 52,53 82,50", "74,2 72,50 70,100"],
        "closed": ["62,0 40,32 16,66 / 16,66 50,67 88,66", "62,0 62,50 61,100"],
        "closed at once": ["86,66 50,66 16,66 / 16,66 40,32 64,0 / 64,0 63,50 62,100"],
        "stem first": ["66,3 65,50 64,100", "62,4 40,34 18,64 / 18,64 50,65 84,65"],
        "cup": ["26,4 22,30 30,52 52,56 72,46 78,6", "78,4 74,50 68,100"],
    },
    5: {
        "at once": ["76,4 52,4 30,4 / 30,4 28,24 26,44 / 26,44 52,36 78,52 78,78 54,98 20,90"],
        "hat last": ["32,6 29,26 26,46 / 26,46 54,36 80,56 74,86 46,99 18,88", "32,6 56,5 82,4"],
        "hat first": ["30,5 56,4 80,4", "30,5 28,26 26,42 / 26,42 56,40 76,60 70,88 44,98 22,92"],
        "s": ["78,4 48,4 32,16 34,38 58,46 78,64 70,90 44,99 18,90"],
        "angular": [
            "74,3 32,3 / 32,3 30,42 / 30,42 68,42 / 68,42 76,64 / 76,64 66,96 / 66,96 22,96"
        ],
        "upright": ["70,3 40,4 / 40,4 38,22 37,40 / 37,40 60,38 70,62 58,92 34,97"],
    },
    6: {
        "round": ["66,4 40,22 22,58 28,88 52,99 76,86 78,64 58,52 34,60 25,76"],
        "narrow": ["58,0 42,28 32,64 37,90 51,99 65,86 65,68 51,59 36,70"],
        "small bowl": ["70,2 40,28 26,64 28,88 44,99 62,92 64,76 50,68 30,78"],
        "straight": ["60,0 44,30 28,66 30,90 50,99 72,88 72,66 54,58 30,68"],
        "curl": ["76,12 58,1 34,18 20,56 30,92 56,99 78,82 70,58 46,54 24,70"],
        "from below": ["28,68 44,56 68,60 76,78 62,96 38,97 24,78 30,40 46,14 62,2"],
    },
    7: {
        "plain": ["18,4 50,4 82,4 / 82,4 62,48 44,100"],
        "bar": ["18,4 50,4 80,4 / 80,4 62,48 46,100", "36,52 56,51 78,50"],
        "serif": ["18,20 20,4 / 20,4 50,5 82,4 / 82,4 60,48 50,100"],
        "curved": ["18,8 48,9 82,2 / 82,2 58,42 48,100"],
        "wave and bar": ["16,14 30,3 52,10 82,3 / 82,3 58,50 44,100", "30,54 52,51 74,52"],
        "stem first": ["78,3 64,48 50,100", "20,4 48,4 78,3"],
    },
    8: {
        "at once": ["72,14 50,1 29,14 33,36 62,56 76,78 52,99 26,80 36,58 62,40 72,14"],
        "circles": [
            "50,2 30,10 28,34 48,46 70,34 70,12 48,2",
            "50,46 25,60 22,86 50,99 78,86 76,60 48,46",
        ],
        "cross": ["78,12 50,46 26,78 40,98 66,94 72,72 52,48 28,24 38,4 62,2 78,14"],
        "from the middle": ["50,48 28,32 34,6 60,2 72,22 52,46 26,70 32,95 62,98 77,76 48,47"],
        "open": ["70,12 46,2 28,18 44,43 70,66 64,94 38,98 24,78 46,53 70,30 76,12"],
        "snowman": [
            "52,2 36,8 34,26 50,36 66,26 66,8 50,2",
            "50,36 22,50 18,82 50,99 82,82 78,50 48,36",
        ],
    },
    9: {
        "straight": ["74,18 54,2 28,12 24,38 46,52 70,36 75,6 / 75,6 74,50 73,100"],
        "curved": ["74,20 52,2 28,14 26,40 48,50 70,34 75,10 77,54 62,90 34,99 22,90"],
        "two strokes": ["72,12 48,2 27,20 30,44 52,51 72,34", "75,3 74,50 73,100"],
        "flowing": ["72,20 50,2 26,20 34,46 58,44 75,10 / 75,10 68,56 54,100"],
        "small head": ["68,16 54,2 36,12 36,30 52,38 68,22 71,4 / 71,4 70,50 66,100"],
        "clockwise": ["70,38 48,50 26,36 34,8 58,2 75,22 76,50 70,80 60,100"],
    },
}


@dataclass(frozen=True)
class Hand:
    """How one person writes: the names of the ten shapes, then what the hand does to all of them.

    `height` and `place` are in sides of the board, `tremor` in heights of the digit, `pen` in
    pixels of the network's input (28 a side), angles in degrees.
    """

    shapes: str  # "round, flag, ...", from 0 to 9
    slant: float = 0  # of the stems, to the right
    turn: float = 0  # of the whole digit, clockwise
    width: float = 1  # of the shapes
    height: float = 0.66
    waist: float = 0.5  # where half of the shape's height comes to lie
    pen: float = 2.4
    pace: float = 2.0  # sides of the board a second
    roundness: float = 1  # 0: straight from place to place
    tremor: float = 0  # how far the pen strays
    place: tuple[float, float] = (0.5, 0.5)  # of the digit's middle

    def shape_names(self) -> list[str]:
        return self.shapes.split(", ")


HANDS = {
    "school": Hand("round, flag, plain, round, open, hat last, round, plain, at once, straight"),
    "German": Hand(
        "clockwise, long flag, plain, round, stem first, hat last, round, bar, at once, curved",
        slant=12,
    ),
    "American": Hand(
        "round, stick, loop, round, open, hat first, round, plain, at once, straight",
        slant=8, pen=2,
    ),
    "accountant": Hand(
        "slashed, foot, z, flat, high, angular, straight, bar, circles, straight",
        pen=1.6, height=0.5, pace=1.4, roundness=0.8,
    ),
    "left-handed": Hand(
        "clockwise, stick, swan, two arcs, closed, s, from below, stem first, "
        "from the middle, clockwise",
        slant=-18, turn=4,
    ),
    "leaning far": Hand(
        "narrow, flag, plain, loop, open, at once, narrow, curved, cross, flowing",
        slant=28, width=0.85, pace=3,
    ),
    "hurried": Hand(
        "open, curved, loop, loop, closed at once, s, curl, curved, open, flowing",
        slant=15, pace=4.5, width=1.1,
    ),
    "child": Hand(
        "open, stick, z, two arcs, high, angular, small bowl, stem first, snowman, two strokes",
        tremor=0.025, pace=0.8, pen=3.2, height=0.8,
    ),
    "trembling": Hand(
        "round, flag, swan, round, stem first, hat last, round, serif, circles, curved",
        tremor=0.02, pace=0.7, pen=1.8, slant=5,
    ),
    "typewriter": Hand(
        "narrow, foot, z, flat, closed, angular, straight, serif, circles, straight",
        roundness=0.7, width=0.9, pen=2.8,
    ),
    "round and wide": Hand(
        "round, curved, loop, loop, cup, s, curl, wave and bar, at once, curved",
        width=1.3, height=0.55, pen=2.8,
    ),
    "narrow and tall": Hand(
        "narrow, stick, narrow, small head, high, upright, narrow, plain, at once, small head",
        width=0.7, height=0.85,
    ),
    "felt pen": Hand(
        "round, stick, plain, flat, closed, hat first, round, plain, snowman, two strokes",
        pen=4.2, height=0.8,
    ),
    "thin pen, small": Hand(
        "curl, long flag, hook, round, open, at once, small bowl, bar, open, flowing",
        pen=1.2, height=0.34, slant=10, pace=1, place=(0.3, 0.35),
    ),
    "corner": Hand(
        "open, flag, swan, loop, cup, s, straight, serif, cross, small head",
        height=0.3, pen=1.6, pace=1, place=(0.76, 0.74),
    ),
    "uphill": Hand(
        "clockwise, curved, hook, two arcs, closed at once, hat first, curl, curved, "
        "at once, curved",
        turn=-14, slant=6,
    ),
    "downhill": Hand(
        "round, foot, plain, small head, open, upright, narrow, bar, from the middle, two strokes",
        turn=13, pace=2.5,
    ),
    "big heads": Hand(
        "curl, flag, hook, round, stem first, s, small bowl, wave and bar, at once, curved",
        waist=0.6, slant=-6,
    ),
    "big bellies": Hand(
        "open, long flag, loop, small head, cup, hat last, curl, serif, snowman, flowing",
        waist=0.4, width=1.1,
    ),
    "angular": Hand(
        "narrow, flag, z, flat, closed at once, angular, straight, plain, cross, small head",
        roundness=0, pen=2,
    ),
    "from below": Hand(
        "clockwise, upward, narrow, upward, stem first, upright, from below, stem first, "
        "from the middle, clockwise",
        slant=-10, pace=1.6,
    ),
    "doctor": Hand(
        "open, curved, swan, loop, cup, s, small bowl, wave and bar, open, flowing",
        slant=22, pace=6, width=1.2, height=0.5, pen=1.8,
    ),
    "calligrapher": Hand(
        "curl, curved, hook, loop, closed, hat first, curl, wave and bar, at once, curved",
        slant=17, width=0.9, pace=1.2, height=0.75,
    ),
    "poster": Hand(
        "round, foot, z, flat, high, hat last, round, bar, circles, two strokes",
        height=0.78, pen=5, width=1.15, pace=3.5,
    ),
}  # fmt: skip

RATE = 60  # places of the pen that a browser hears of a second
FINEST = 40  # places that are worked out between two of the shape's


def drawing(hand: Hand, digit: int) -> list[list[tuple[float, float]]]:
    """The strokes that a hand draws for a digit: points in sides of the board."""
    strokes = SHAPES[digit][hand.shape_names()[digit]]
    seed = digit + 10 * list(HANDS.values()).index(hand)
    random = np.random.default_rng(seed)
    return [
        sampled(placed(path(stroke, hand.roundness), hand, random), hand.pace) for stroke in strokes
    ]


def path(stroke: str, roundness: float) -> np.ndarray:
    """The line through a stroke's places, `[n, 2]`: smooth, but for corners at "/"."""
    pieces = [smooth(points_of(piece), roundness) for piece in stroke.split(" / ")]
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def smooth(places: np.ndarray, roundness: float) -> np.ndarray:
    """Hermite cubics, each tangent along the line from the neighbour before to the one after."""
    tangents = roundness * np.gradient(places, axis=0)
    t = np.linspace(0, 1, FINEST)[:-1, None]
    lines = [
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * at_a
        + (3 * t**2 - 2 * t**3) * b
        + (t**3 - t**2) * at_b
        for a, b, at_a, at_b in zip(places, places[1:], tangents, tangents[1:], strict=False)
    ]
    return np.concatenate([*lines, places[-1:]])


def placed(line: np.ndarray, hand: Hand, random: np.random.Generator) -> np.ndarray:
    """The line of a shape as the hand puts it on the board."""
    x, y = line.T
    y = np.interp(y, [0, 0.5, 1], [0, hand.waist, 1]) - 0.5
    x = (x - 0.5) * hand.width - y * np.tan(np.radians(hand.slant))
    x, y = x + strayed(line, hand, random), y + strayed(line, hand, random)
    cos, sin = np.cos(np.radians(hand.turn)), np.sin(np.radians(hand.turn))
    turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)
    return hand.height * turned + hand.place


def strayed(line: np.ndarray, hand: Hand, random: np.random.Generator) -> np.ndarray:
    """How far the pen is off at each place, `[n]`: slow waves, as long as a tenth of the digit."""
    along = lengths(line)
    knots = np.arange(0, along[-1] + 0.2, 0.1)
    return np.interp(along, knots, hand.tremor * random.standard_normal(len(knots)))


def lengths(line: np.ndarray) -> np.ndarray:
    """How far along the line each of its places lies, `[n]`."""
    pieces = np.linalg.norm(np.diff(line, axis=0), axis=1)
    return np.concatenate([[0], np.cumsum(pieces)])


def sampled(line: np.ndarray, pace: float) -> list[tuple[float, float]]:
    """Where the pen is, `RATE` times a second: slower where the line bends, by the two-thirds law.

    Lacquaniti, Terzuolo, Viviani, 1983: the speed falls as the third root of the curvature.
    """
    along = lengths(line)
    far = np.linspace(0, along[-1], max(2, int(along[-1] / 0.005)))
    x, y = (np.interp(far, along, axis) for axis in line.T)
    angles = np.unwrap(np.arctan2(np.gradient(y), np.gradient(x)))
    curvature = np.abs(np.gradient(angles, far))  # in 1 / side
    speed = pace * np.clip((curvature / 5 + 0.05) ** (-1 / 3), 0.25, 1.5)
    times = np.concatenate([[0], np.cumsum(np.diff(far) / ((speed[1:] + speed[:-1]) / 2))])
    heard = np.append(np.arange(0, times[-1], 1 / RATE), times[-1])
    return [(float(np.interp(t, times, x)), float(np.interp(t, times, y))) for t in heard]

"""Digits spoiled in eight ways: shape, type and range, known pixels, the page's own definitions."""

import inspect
import math

import numpy as np
import pytest
import torch

from mnistconv import corruptions
from mnistconv.corruptions import CORRUPTIONS, disturb
from mnistconv.data import shift_down, shift_right

EACH = pytest.mark.parametrize("name", CORRUPTIONS)
AT_REST = {
    "shot noise": {"photons": 1e6}, "impulse noise": {"share": 0}, "shear": {"slope": 0},
    "scale": {"size": 1}, "rotate": {"angle": 0}, "brightness": {"plus": 0},
    "translate": {"pixels": 0}, "stripe": {"width": 0},
}  # fmt: skip


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist[1][0][:40]


def one_pixel(row: int, column: int, n: int = 1) -> torch.Tensor:
    picture = torch.zeros(n, 28, 28, dtype=torch.uint8)
    picture[:, row, column] = 255
    return picture


@EACH
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_shape_type_and_range_stay_and_the_images_are_left_alone(name, dtype, digits):
    images = digits if dtype == torch.uint8 else digits.to(dtype) / 255
    before = images.clone()
    spoiled = CORRUPTIONS[name](images)
    assert (spoiled.shape, spoiled.dtype) == (images.shape, dtype)
    assert spoiled.min() >= 0
    assert spoiled.max() <= (255 if dtype == torch.uint8 else 1)
    assert torch.equal(images, before)
    assert not torch.equal(spoiled, images)


@EACH
def test_without_strength_nothing_changes(name, digits):
    spoiled = CORRUPTIONS[name](digits, **AT_REST[name])
    assert (spoiled.int() - digits.int()).abs().max() <= (1 if name == "shot noise" else 0)


@EACH
def test_bytes_are_the_rounded_floats(name, digits):
    as_floats = CORRUPTIONS[name](digits.double() / 255)
    assert torch.equal(CORRUPTIONS[name](digits), (255 * as_floats).round().to(torch.uint8))


@pytest.mark.parametrize("name", ["shot noise", "impulse noise", "shear", "rotate", "translate"])
def test_a_seed_repeats_what_chance_does(name, digits):
    spoil = CORRUPTIONS[name]
    assert torch.equal(spoil(digits, seed=3), spoil(digits, seed=3))
    assert not torch.equal(spoil(digits, seed=3), spoil(digits, seed=4))


def test_shot_noise_counts_photons():
    grey = torch.full((200, 28, 28), 0.25, dtype=torch.float64)
    noisy = corruptions.shot_noise(grey, photons=8)
    photons = 8 * noisy
    assert torch.equal(photons, photons.round())
    assert noisy.mean() == pytest.approx(0.25, abs=0.005)
    assert photons.var() == pytest.approx(2, abs=0.05)  # Poisson: the variance is the mean
    assert not corruptions.shot_noise(torch.zeros(1, 28, 28)).any()


def test_impulse_noise_hits_its_share_with_as_much_salt_as_pepper():
    grey = torch.full((200, 28, 28), 0.5)
    noisy = corruptions.impulse_noise(grey, share=0.17)
    for value in (0, 1):
        assert (noisy == value).double().mean() == pytest.approx(0.085, abs=0.003)
    assert ((noisy == 0) | (noisy == 1) | (noisy == 0.5)).all()


def test_brightness_and_stripe_by_hand():
    picture = torch.zeros(1, 28, 28)
    picture[0, 0, :3] = torch.tensor([0.25, 0.5, 0.75])
    assert corruptions.brightness(picture)[0, 0, :4].tolist() == [0.75, 1, 1, 0.5]
    striped = corruptions.stripe(picture)[0]
    assert striped[0, :3].tolist() == [0.75, 0.5, 0.25]
    assert striped[5].tolist() == [1] * 7 + [0] * 14 + [1] * 7


def test_moves_are_those_of_the_expanded_data(digits):
    assert torch.equal(disturb(digits, right=1), shift_right(digits))
    assert torch.equal(disturb(digits, down=1), shift_down(digits))


def test_translate_goes_to_all_four_corners():
    moved = corruptions.translate(one_pixel(13, 13, n=100))
    places = {tuple(place) for place in (moved == 255).nonzero()[:, 1:].tolist()}
    assert places == {(10, 10), (10, 16), (16, 10), (16, 16)}


def test_a_quarter_turn_is_exact_and_clockwise(digits):
    turned = disturb(digits, angle=math.pi / 2)
    assert torch.equal(turned, torch.rot90(digits, -1, (1, 2)))


def test_rotate_and_shear_take_both_directions(digits):
    for spoil, how in ((corruptions.rotate, "angle"), (corruptions.shear, "slope")):
        one, other = disturb(digits, **{how: 0.4}), disturb(digits, **{how: -0.4})
        assert not torch.equal(one, other)
        is_one, is_other = ((spoil(digits) == side).flatten(1).all(dim=1) for side in (one, other))
        assert (is_one ^ is_other).all()
        assert 5 < is_one.sum() < 35


def test_shear_moves_a_row_by_its_distance_from_the_middle():
    """Row 3 lies 10.5 above the middle: by a slope of 0.4 it moves 4.2 pixels to the right."""
    row = disturb(one_pixel(3, 10).double() / 255, slope=0.4)[0, 3]
    assert row.nonzero().flatten().tolist() == [14, 15]
    assert row[14:16].tolist() == pytest.approx([0.8, 0.2])


def test_scale_makes_a_block_as_much_smaller():
    block = torch.zeros(1, 28, 28, dtype=torch.float64)
    block[:, 4:24, 4:24] = 1
    smaller = corruptions.scale(block, size=0.5)
    assert smaller.sum() == pytest.approx(100, rel=0.02)
    assert smaller[0, 9:19, 9:19].min() == 1


@pytest.mark.parametrize(
    "right, down, degrees, size", [(3, -3, 0, 1), (0, 0, 23, 1), (0, 0, 0, 0.7), (-2, 1, -60, 1.2)]
)
def test_the_page_to_draw_disturbs_as_this_does(node, digits, right, down, degrees, size):
    code = f"""
    const data = Float32Array.from(pixels.subarray(0, 784), (value) => value / 255);
    const how = {{ dx: {right}, dy: {down}, angle: {degrees}, scale: {size} }};
    return [...m.disturb({{ width: 28, height: 28, data }}, how).data];
    """
    page = np.array(node(code)).reshape(28, 28)
    ours = disturb(
        digits[:1].double() / 255, right=right, down=down, angle=math.radians(degrees), size=size
    )
    assert np.abs(page - ours[0].numpy()).max() < 1e-5


BAD = [
    (lambda x: corruptions.rotate(x[0]), "must have the shape"),
    (lambda x: corruptions.stripe(x.float()), "pixels from 0 to 1"),
    (lambda x: corruptions.stripe(torch.full((1, 28, 28), math.nan)), "pixels from 0 to 1"),
    (lambda x: corruptions.scale(torch.rand(2, 1, 28, 28)), "must have the shape"),
    (lambda x: corruptions.scale(x, size=0), "size must be from 0.1 to 10"),
    (lambda x: corruptions.impulse_noise(x, share=2), "share must be from 0 to 1"),
    (lambda x: corruptions.impulse_noise(x, share="a"), "share must be a number"),
    (lambda x: corruptions.shot_noise(x, photons=math.nan), "photons must be from"),
    (lambda x: corruptions.stripe(x, width=15), "width must be at most 14"),
    (lambda x: corruptions.translate(x, seed=-1), "seed must be at least 0"),
    (lambda x: corruptions.translate(x, pixels=1.5), "pixels must be a whole number"),
]


@pytest.mark.parametrize("call, message", BAD)
def test_bad_arguments_are_named_in_a_sentence(call, message, digits):
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call(digits)
    assert str(error.value).endswith(".")


def test_strengths_may_stand_without_their_names(digits):
    assert torch.equal(corruptions.stripe(digits, 3), corruptions.stripe(digits, width=3))


@EACH
def test_each_says_its_strength_in_its_signature(name):
    parameters = list(inspect.signature(CORRUPTIONS[name]).parameters.values())
    assert parameters[0].name == "images"
    assert all(p.default is not p.empty for p in parameters[1:])


def test_numbers_of_numpy_are_numbers(digits):
    expected = corruptions.rotate(digits, angle=0.25)
    assert torch.equal(corruptions.rotate(digits, angle=np.float32(0.25)), expected)

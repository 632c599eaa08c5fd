"""Data: tensors, shifts, the expanded set, the article's loaders, and what bad input gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, Subset
from torchvision.transforms import ToTensor

from mnistconv import data
from mnistconv.data import (
    ExtendedDataset,
    expand,
    get_dataset,
    get_extended_dataset,
    get_extended_train_loader,
    get_test_loader,
    get_train_loader,
    identity,
    load_mnist,
    shift_down,
    shift_left,
    shift_right,
    shift_up,
    to_input,
)

# The article's order, and where the picture goes: rows down, columns to the right.
MOVES = {
    identity: (0, 0),
    shift_right: (0, 1),
    shift_left: (0, -1),
    shift_up: (-1, 0),
    shift_down: (1, 0),
}
SHIFTS = tuple(MOVES)[1:]
EVERY_SHIFT = pytest.mark.parametrize("shift", SHIFTS)


def test_mnist_is_uint8_images_and_int64_labels(mnist):
    (train_images, train_labels), (test_images, test_labels) = mnist
    assert train_images.shape == (60_000, 28, 28)
    assert test_images.shape == (10_000, 28, 28)
    assert train_labels.shape == (60_000,)
    assert test_labels.shape == (10_000,)
    assert train_images.dtype == test_images.dtype == torch.uint8
    assert train_labels.dtype == test_labels.dtype == torch.int64


def test_pixels_and_labels_are_those_of_mnist(mnist):
    """Known figures of the data: they fail when a header is read as pixels, or rows slip."""
    (train_images, train_labels), (test_images, test_labels) = mnist
    assert train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert torch.bincount(train_labels).min() == 5421  # fives
    pixels = train_images.double() / 255
    assert pixels.mean().item() == pytest.approx(0.13066, abs=5e-6)
    assert pixels.std().item() == pytest.approx(0.30811, abs=5e-6)
    ink_in_rows = test_images.double().sum(dim=(0, 2))
    assert ink_in_rows.argmax() in range(10, 18)  # digits are centred
    assert ink_in_rows[0] == 0


def test_to_input_scales_to_one_and_adds_the_channel():
    images = torch.arange(256, dtype=torch.uint8).repeat(49)[: 16 * 784].reshape(16, 28, 28)
    x = to_input(images)
    assert x.shape == (16, 1, 28, 28)
    assert x.dtype == torch.float32
    expected = (images.numpy().astype(np.float64) / 255).astype(np.float32)
    assert np.array_equal(x[:, 0].numpy(), expected)
    assert (x.min(), x.max()) == (0, 1)


def test_to_input_equals_torchvisions_to_tensor(mnist):
    (images, labels), _ = mnist
    dataset = get_dataset(train=True)
    for i in (0, 1, 59_999):
        picture, label = dataset[i]
        assert torch.equal(to_input(images[i : i + 1])[0], picture)
        assert label == labels[i]
    assert len(dataset) == 60_000
    assert len(get_dataset(train=False)) == 10_000


def test_a_transform_replaces_to_tensor():
    picture, _ = get_dataset(train=False, transform=lambda image: image.size)[0]
    assert picture == (28, 28)


# Shifts

IMAGES = arrays.arrays(
    dtype=st.sampled_from([np.uint8, np.float32, np.float64, np.int64]),
    shape=arrays.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=6),
    elements=st.integers(0, 255),
)


@EVERY_SHIFT
@given(image=IMAGES)
def test_a_shift_equals_scipys(shift, image):
    move = (0,) * (image.ndim - 2) + MOVES[shift]
    expected = scipy.ndimage.shift(image, move, order=0, mode="constant", cval=0, prefilter=False)
    shifted = shift(torch.from_numpy(image))
    assert shifted.numpy().dtype == image.dtype
    assert np.array_equal(shifted.numpy(), expected)


@EVERY_SHIFT
@given(image=IMAGES)
def test_a_shift_makes_a_new_tensor_and_leaves_the_old_one(shift, image):
    original = torch.from_numpy(image.copy())
    shifted = shift(original)
    shifted += 1
    assert np.array_equal(original.numpy(), image)


@given(image=IMAGES)
def test_nothing_wraps_round_the_border(image):
    """Ink at the border leaves the picture: what comes in on the other side is background, 0."""
    picture = torch.from_numpy(image)
    assert not shift_right(picture)[..., :, 0].any()
    assert not shift_left(picture)[..., :, -1].any()
    assert not shift_up(picture)[..., -1, :].any()
    assert not shift_down(picture)[..., 0, :].any()


def test_the_picture_moves_where_the_name_says():
    dot = torch.zeros(28, 28)
    dot[14, 14] = 1
    places = {shift: tuple(shift(dot).nonzero()[0].tolist()) for shift in SHIFTS}
    assert places == {
        shift_right: (14, 15),
        shift_left: (14, 13),
        shift_up: (13, 14),
        shift_down: (15, 14),
    }


def test_shifts_of_mnist_lose_ink_only_of_813_images(mnist):
    (images, _), _ = mnist
    ink = images.long().sum(dim=(1, 2))
    loses = torch.zeros(len(images), dtype=torch.bool)
    for shift in SHIFTS:
        loses |= shift(images).long().sum(dim=(1, 2)) != ink
    assert loses.sum() == 813


# The expanded set


def test_expand_keeps_the_articles_order(few):
    images, labels = few
    expanded, expanded_labels = expand(images, labels)
    assert expanded.shape == (5_000, 28, 28)
    assert expanded.dtype == torch.uint8
    assert expanded_labels.shape == (5_000,)
    assert expanded_labels.dtype == torch.int64
    for i in (0, 7, 999):
        for k, (shift, move) in enumerate(MOVES.items()):
            moved = scipy.ndimage.shift(images[i].numpy(), move, order=0)
            assert np.array_equal(expanded[5 * i + k].numpy(), moved), shift.__name__
            assert expanded_labels[5 * i + k] == labels[i]


def test_expand_makes_300_000_images(mnist):
    (images, labels), _ = mnist
    expanded, expanded_labels = expand(images, labels)
    assert expanded.shape == (300_000, 28, 28)
    assert torch.bincount(expanded_labels).tolist() == (5 * torch.bincount(labels)).tolist()
    total = sum(int(part.sum(dtype=torch.int64)) for part in expanded.split(50_000))
    assert total / expanded.numel() / 255 == pytest.approx(0.13066, abs=1e-5)


def test_expand_does_not_share_memory_with_the_originals(few):
    images = few[0][:10].clone()
    expanded, _ = expand(images, few[1][:10])
    expanded.zero_()
    assert images.any()


def test_the_lazy_set_agrees_with_expand(mnist):
    (images, labels), _ = mnist
    lazy = get_extended_dataset()
    expanded, expanded_labels = expand(images[:4], labels[:4])
    assert len(lazy) == 300_000
    for i in range(20):
        picture, label = lazy[i]
        assert torch.equal(picture, to_input(expanded[i : i + 1])[0])
        assert label == expanded_labels[i]
    assert torch.equal(lazy[299_999][0], shift_down(to_input(images[-1:])[0]))
    assert len(get_extended_dataset(train=False)) == 50_000


def test_the_lazy_set_ends_where_it_ends():
    lazy = ExtendedDataset([(torch.ones(1, 28, 28), 3), (torch.zeros(1, 28, 28), 8)])
    assert [label for _, label in lazy] == [3] * 5 + [8] * 5
    assert lazy[-1][1] == 8
    for index in (10, -11):
        with pytest.raises(IndexError):
            lazy[index]


# The article's loaders


@pytest.mark.parametrize(
    ("get_loader", "images", "sampler"),
    [
        (get_train_loader, 60_000, RandomSampler),
        (get_extended_train_loader, 300_000, RandomSampler),
        (get_test_loader, 10_000, SequentialSampler),
    ],
)
def test_loaders_give_batches_of_ten(get_loader, images, sampler):
    loader = get_loader()
    assert isinstance(loader, DataLoader)
    assert len(loader.dataset) == images
    assert len(loader) == images / 10
    assert isinstance(loader.sampler, sampler)
    pictures, labels = next(iter(loader))
    assert pictures.shape == (10, 1, 28, 28)
    assert pictures.dtype == torch.float32
    assert pictures.max() == 1
    assert labels.shape == (10,)
    assert labels.dtype == torch.int64


@pytest.mark.parametrize("get_loader", [get_train_loader, get_extended_train_loader])
def test_a_training_loader_shows_each_image_once_in_a_fresh_order(get_loader, few, monkeypatch):
    monkeypatch.setattr(data, "get_dataset", lambda *_, **__: Subset(get_dataset(), range(30)))
    loader = get_loader()
    passes = [torch.cat([labels for _, labels in loader]).tolist() for _ in range(2)]
    copies = len(passes[0]) // 30
    assert copies in (1, 5)
    assert sorted(passes[0]) == sorted(passes[1]) == sorted(few[1][:30].tolist() * copies)
    assert passes[0] != passes[1]


def test_the_test_loader_keeps_the_order(mnist):
    _, (images, labels) = mnist
    batches = iter(get_test_loader())
    for start in (0, 10):
        pictures, digits = next(batches)
        assert torch.equal(pictures, to_input(images[start : start + 10]))
        assert torch.equal(digits, labels[start : start + 10])


# Nothing happens at import

WATCHED_IMPORT = """
import sys
seen = []
def watch(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        seen.append((event, arguments))
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append((event, arguments[0]))
    if event in ("os.mkdir", "os.rename", "subprocess.Popen"):
        seen.append((event, arguments[0]))
import torch  # what torch does is its own affair
sys.addaudithook(watch)
import mnistconv
print(seen)
"""


@pytest.mark.slow
def test_importing_the_package_fetches_and_writes_nothing(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    result = subprocess.run(
        [sys.executable, "-c", WATCHED_IMPORT],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ
        | {
            "MNISTCONV_DATA": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(Path(data.__file__).parents[1]),
        },
    )
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
    assert [*tmp_path.iterdir()] == [folder]
    assert not [*folder.iterdir()]


def test_the_data_folder_is_the_one_that_is_asked_for(tmp_path, monkeypatch, mnist):
    asked = []

    def note(root=None):
        asked.append(root)
        return data.data_root() / "MNIST" / "raw"

    monkeypatch.setattr(data, "fetch_mnist", note)
    load_mnist(tmp_path)
    get_dataset(train=False)
    get_dataset(train=False, download=False)
    assert asked == [tmp_path, None]


def test_without_download_missing_data_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="not found"):
        get_dataset(root=tmp_path, download=False)
    assert not [*tmp_path.rglob("*-ubyte")]


# Bad input

IMAGES_OF_THREE = torch.zeros(3, 28, 28, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        (torch.zeros(3, 28, 28), TypeError, "uint8.*torch.float32"),
        (np.zeros((3, 28, 28)), TypeError, "uint8 tensor.*ndarray of float64"),
        (np.full((3, 28, 28), 256), ValueError, "pixels 0 to 255"),
        (torch.zeros(3, 1, 28, 28, dtype=torch.uint8), ValueError, r"\[n, 28, 28\].*\[3, 1, 28"),
        (torch.zeros(3, 32, 32, dtype=torch.uint8), ValueError, r"\[n, 28, 28\].*\[3, 32, 32\]"),
        (torch.zeros(28, 28, dtype=torch.uint8), ValueError, r"\[n, 28, 28\].*\[28, 28\]"),
        (torch.zeros(0, 28, 28, dtype=torch.uint8), ValueError, "no images"),
    ],
)  # fmt: skip
def test_to_input_refuses_what_is_no_picture(images, error, words):
    with pytest.raises(error, match=words):
        to_input(images)


def test_expand_refuses_a_label_too_few():
    with pytest.raises(ValueError, match=r"3 images need 3 labels, \[3\], not \[2\]"):
        expand(IMAGES_OF_THREE, torch.zeros(2, dtype=torch.int64))


@EVERY_SHIFT
def test_shifts_take_arrays_and_lists_and_refuse_what_is_no_picture(shift):
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = shift(torch.from_numpy(image))
    assert torch.equal(shift(image), expected)
    assert shift(image.tolist()).tolist() == expected.tolist()
    for picture, error, words in [
        (torch.zeros(28), ValueError, r"\[..., height, width\], not \[28\]"),
        (7, ValueError, r"\[..., height, width\], not \[\]"),
        (None, TypeError, "image must be a tensor.*NoneType"),
        ("a digit", TypeError, "image must be a tensor.*str"),
    ]:
        with pytest.raises(error, match=words):
            shift(picture)


@pytest.mark.parametrize("get", [get_dataset, get_extended_dataset])
def test_a_transform_is_a_function_or_an_object_that_can_be_called(get):
    with pytest.raises(TypeError, match=r"transform is the class ToTensor.*ToTensor\(\)"):
        get(train=False, transform=ToTensor)
    with pytest.raises(TypeError, match="transform must be a function, not str"):
        get(train=False, transform="ToTensor")
    assert get(train=False, transform=ToTensor())[0][1] == 7


def test_expanding_takes_what_a_transform_left_as_a_picture():
    """Shifts move pixels, of whatever kind the transform has left them."""
    pictures = get_extended_dataset(train=False, transform=lambda picture: picture)
    assert torch.equal(pictures[1][0], shift_right(np.array(pictures[0][0])))

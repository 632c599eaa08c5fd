"""Where the data comes from: MNIST as tensors, four shifts, the article's data sets and loaders.

Pixels are stored as uint8 in 0..255 and become float32 in [0, 1] where a network reads them.
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mnistconv.checks import (
    a_function,
    a_picture,
    arguments,
    one_label_per_image,
    optional,
    some_images,
    some_labels,
)
from mnistconv.fetch import fetch_mnist
from mnistconv.places import data_root

TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IMAGE_HEADER, LABEL_HEADER = 16, 8  # bytes before the first pixel, before the first label

Pair = tuple[Tensor, Tensor]  # images and labels


def load_mnist(root: str | Path | None = None) -> tuple[Pair, Pair]:
    """MNIST as `(train_images, train_labels), (test_images, test_labels)`; fetched if missing.

    Images are uint8 `[60000, 28, 28]` and `[10000, 28, 28]`, labels int64 `[60000]` and `[10000]`.
    `root` is the data folder: MNISTCONV_DATA or the repository's `data` when None.

    Raises ConnectionError, PermissionError or another OSError, as `fetch_mnist` says.
    """
    folder = fetch_mnist(root)
    return _load_pair(folder, *TRAIN_FILES), _load_pair(folder, *TEST_FILES)


def _load_pair(folder: Path, images_file: str, labels_file: str) -> Pair:
    images = torch.frombuffer(bytearray((folder / images_file).read_bytes()), dtype=torch.uint8)
    labels = torch.frombuffer(bytearray((folder / labels_file).read_bytes()), dtype=torch.uint8)
    return images[IMAGE_HEADER:].reshape(-1, 28, 28), labels[LABEL_HEADER:].long()


@arguments(images=some_images)
def to_input(images: Tensor) -> Tensor:
    """uint8 images `[n, 28, 28]` as network input: float32 `[n, 1, 28, 28]`, pixels in [0, 1].

    Raises TypeError or ValueError for anything but whole numbers 0 to 255 of that shape.
    """
    return images.unsqueeze(1).float() / 255


def identity(image: Tensor) -> Tensor:
    """The image itself: the first of the five versions in the expanded set."""
    return image


@arguments(image=a_picture)
def shift_right(image: Tensor) -> Tensor:
    """The picture one pixel to the right: a new tensor, zeros in the first column.

    Works on the last two axes of `[..., height, width]`, any dtype. Zero is the background only
    where black is 0: shift first, normalise afterwards. Raises TypeError or ValueError where there
    are no two axes. Source: the article, "Expanding the data".
    """
    shifted = torch.zeros_like(image)
    shifted[..., :, 1:] = image[..., :, :-1]
    return shifted


@arguments(image=a_picture)
def shift_left(image: Tensor) -> Tensor:
    """The picture one pixel to the left; see `shift_right`."""
    shifted = torch.zeros_like(image)
    shifted[..., :, :-1] = image[..., :, 1:]
    return shifted


@arguments(image=a_picture)
def shift_up(image: Tensor) -> Tensor:
    """The picture one pixel up; see `shift_right`."""
    shifted = torch.zeros_like(image)
    shifted[..., :-1, :] = image[..., 1:, :]
    return shifted


@arguments(image=a_picture)
def shift_down(image: Tensor) -> Tensor:
    """The picture one pixel down; see `shift_right`."""
    shifted = torch.zeros_like(image)
    shifted[..., 1:, :] = image[..., :-1, :]
    return shifted


SHIFTS = (identity, shift_right, shift_left, shift_up, shift_down)


@arguments(one_label_per_image, images=some_images, labels=some_labels)
def expand(images: Tensor, labels: Tensor) -> Pair:
    """Each image five times: as it is, then one pixel right, left, up, down.

    uint8 `[n, 28, 28]` and int64 `[n]` become uint8 `[5n, 28, 28]` and int64 `[5n]`: the 60,000
    training images become 300,000. Order as in the article: the five versions of an image follow
    one another. Raises ValueError when images and labels differ in length.
    """
    expanded = images.new_empty(len(images), len(SHIFTS), *images.shape[1:])
    for k, shift in enumerate(SHIFTS):
        expanded[:, k] = shift(images)
    return expanded.flatten(0, 1), labels.repeat_interleave(len(SHIFTS))


# The article's data sets and loaders, by their names. Nothing is read until one of them is called.


@arguments(transform=optional(a_function))
def get_dataset(root=None, train=True, transform=None, download=True) -> Dataset:
    """torchvision's MNIST: pairs of an image (`[1, 28, 28]`, float32 in [0, 1]) and a label (int).

    `transform` turns the stored picture into what the pair holds (ToTensor when None). With
    `download`, missing files are fetched as by `load_mnist`; without, torchvision raises
    RuntimeError.
    """
    from torchvision.datasets import MNIST
    from torchvision.transforms import ToTensor

    if download:
        fetch_mnist(root)
    return MNIST(root or data_root(), train, transform or ToTensor(), download=False)


class ExtendedDataset(Dataset):
    """Five versions of each image of `dataset`, made when asked for: 5i + k is shift k of i."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(SHIFTS) * len(self.dataset)

    def __getitem__(self, index: int):
        image, label = self.dataset[index // len(SHIFTS)]
        return SHIFTS[index % len(SHIFTS)](image), label


@arguments(transform=optional(a_function))
def get_extended_dataset(root=None, train=True, transform=None, download=True) -> ExtendedDataset:
    """`get_dataset` with each image five times, 300,000 for training; the article's order.

    Lazy, where the article's makes a list of all pictures at once.
    """
    return ExtendedDataset(get_dataset(root, train, transform, download))


def get_train_loader() -> DataLoader:
    """The 60,000 training images in batches of 10, shuffled anew in every epoch."""
    return DataLoader(get_dataset(train=True), batch_size=10, shuffle=True)


def get_extended_train_loader() -> DataLoader:
    """The 300,000 images of the expanded training set in batches of 10, shuffled in every epoch."""
    return DataLoader(get_extended_dataset(train=True), batch_size=10, shuffle=True)


def get_test_loader() -> DataLoader:
    """The 10,000 test images in batches of 10, in their order."""
    return DataLoader(get_dataset(train=False), batch_size=10, shuffle=False)

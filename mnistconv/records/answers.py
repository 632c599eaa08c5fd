"""What recorded networks answered: the digit that each named for each of the 10,000 test images."""

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from mnistconv.records.record import TEST_IMAGES
from mnistconv.records.store import load_records, right_digits

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


# A vote, as Nielsen's conv.py takes it


@dataclass(frozen=True)
class Voted:
    """What networks of one run named together: `answers`, int64 `[10000]`; `asked` were to vote."""

    answers: Tensor
    networks: int
    asked: int

    @property
    def wrong(self) -> int:
        """How many of the test images the vote misreads."""
        labels = torch.tensor([int(digit) for digit in right_digits()])
        return (self.answers != labels).sum().item()

    @property
    def accuracy(self) -> float:
        return 1 - self.wrong / len(self.answers)

    def __str__(self) -> str:
        voters = f"a vote of {self.networks}"
        if self.networks < self.asked:
            voters += f" ({self.asked} are to vote, {self.networks} recorded)"
        return f"{voters}: {self.accuracy:.2%}, {self.wrong} wrong"


def vote(name: str, networks: int = 5, *, epoch: str = "last") -> Voted:
    """The vote of the first `networks` recorded seeds of the run `name`; of fewer, if so few are.

    `epoch` "last" lets each network vote as its last epoch left it, which Nielsen did, "kept" as
    it was at the epoch that its recipe keeps. Raises ValueError for another epoch, where no run has
    that name, where fewer than one are to vote, and where no seed is recorded yet.
    """
    if epoch not in ("last", "kept"):
        raise ValueError(f"epoch {epoch!r}: choose 'last' or 'kept'.")
    if networks < 1:
        raise ValueError(f"a vote of {networks}: at least 1 network votes.")
    records = load_records(name)[:networks]
    if not records:
        raise ValueError(f"{name} has no record yet: 0 of {networks} networks can vote.")
    answers = [r.last_answers if epoch == "last" else r.answers for r in records]
    return Voted(plurality(torch.stack(answers)), len(records), networks)


def plurality(answers: Tensor) -> Tensor:
    """The digit that most networks name for each image: int64 `[networks, images]` to `[images]`.

    A tie goes where it went with Nielsen, `Counter(votes).most_common(1)` in Python 2: to the digit
    that stands first in its dictionary. That is the smallest, but for 8 and 9, which stand where 0
    and 1 would.
    """
    return torch.tensor([_most_common(votes) for votes in answers.T.tolist()])


def _most_common(votes: list[int]) -> int:
    counts = Counter(votes)
    return max(_in_python_2s_order(counts), key=counts.get)


def _in_python_2s_order(digits) -> list[int]:
    """Digits, in the order in which they came, as a dictionary of CPython 2.7 lists them.

    It has eight places, and 32 once it holds six. A digit goes to the place of its last three bits;
    where that is taken, to the next of a fixed walk. Source: CPython 2.7, Objects/dictobject.c.
    """
    digits = list(digits)
    if len(digits) > 5:
        return sorted(digits)
    places = {}
    for digit in digits:
        walk, perturb = digit, digit
        while walk % 8 in places:
            walk, perturb = 5 * walk + perturb + 1, perturb >> 5
        places[walk % 8] = digit
    return [places[place] for place in sorted(places)]

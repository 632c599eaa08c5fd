"""Confusions counted, calibration measured and mended: against loops and known networks."""

import math

import numpy as np
import pytest
import torch

from mnistconv import errors


def logits_with(share: float, n: int = 20_000, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of one network, and digits drawn from their softmax: sureness about `share`."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 10, generator=generator)
    logits[:, 3] += math.log(9 * share / (1 - share))
    labels = logits.softmax(dim=1).multinomial(1, generator=generator).flatten()
    return logits, labels


def test_confusions_are_counted_as_a_loop_counts_them():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 10, (50,), generator=generator)
    answers = torch.randint(0, 10, (3, 50), generator=generator)
    expected = np.zeros((10, 10), dtype=int)
    for answer in answers.tolist():
        for written, read in zip(labels.tolist(), answer, strict=True):
            expected[written, read] += written != read
    counts = errors.count_confusions(answers, labels)
    assert np.array_equal(counts.numpy(), expected)
    assert errors.times_read(answers, labels, 4, 9).sum() == expected[4, 9]


def test_pairs_are_ordered_by_both_directions_together():
    counts = torch.zeros(10, 10, dtype=torch.int64)
    counts[9, 4], counts[4, 9], counts[3, 5], counts[1, 7] = 3, 4, 6, 5
    pairs = errors.most_confused(counts)
    assert pairs[:3] == [(4, 9), (3, 5), (1, 7)]
    assert len(set(pairs)) == 45
    assert all(a < b for a, b in pairs)


def test_the_interval_over_digits_is_that_of_a_poisson_sum():
    """n digits that count 1 each: their drawn sum is Poisson, so n +- 1.96 root of n or so."""
    low, high = errors.interval_over_digits(np.ones(400, dtype=int))
    assert (low, high) == pytest.approx((400 - 1.96 * 20, 400 + 1.96 * 20), abs=4)
    few = errors.interval_over_digits(np.array([100, 100, 100, 100] + 50 * [0]))
    assert few[1] - few[0] > 3 * (high - low)  # the same sum of few digits is far less sure


def test_bins_hold_all_images_and_what_they_expect():
    logits, labels = logits_with(0.95)
    bins = errors.bins_by_sureness(logits, labels)
    sure, answer = logits.softmax(dim=1).max(dim=1)
    assert sum(of for _, _, of in bins) == len(labels)
    assert sum(wrong for _, wrong, _ in bins) == (answer != labels).sum()
    assert sum(share * of for share, _, of in bins) == pytest.approx((1 - sure).sum().item())
    for share, wrong, of in bins:  # the labels were drawn from these very probabilities
        assert abs(wrong - share * of) < 4 * math.sqrt(of * share * (1 - share)) + 1


@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_the_temperature_takes_back_a_factor(factor):
    logits, labels = logits_with(0.9)
    assert errors.temperature(factor * logits, labels) == pytest.approx(factor, rel=0.03)


def test_each_half_is_divided_by_what_fits_the_other():
    logits, labels = logits_with(0.9)
    logits[::2] *= 2
    mended, (for_even, for_odd) = errors.mended_by_halves(logits, labels)
    assert (for_even, for_odd) == pytest.approx((1, 2), rel=0.05)
    assert torch.allclose(mended[::2], logits[::2] / for_even)
    assert torch.allclose(mended[1::2], logits[1::2] / for_odd)
    assert torch.equal(mended.argmax(dim=1), logits.argmax(dim=1))


@pytest.mark.parametrize("measure", [errors.temperature, errors.bins_by_sureness])
def test_logits_and_labels_of_different_lengths_are_refused(measure):
    with pytest.raises(ValueError, match="labels"):
        measure(torch.zeros(5, 10), torch.zeros(4, dtype=torch.int64))

"""The answers to the questions of chapter 11, computed."""

import numpy as np
from scipy import stats

from mnistconv.records.intervals import wilson


def question_1():
    """Play it: half of the pairs are equally good, half are not; 60 digits on which they differ."""
    rng = np.random.default_rng(0)
    p = np.array([stats.binomtest(k, 60).pvalue for k in range(61)])
    equal, unequal = p[rng.binomial(60, 0.5, 20_000)], p[rng.binomial(60, 0.6, 20_000)]
    as_uneven = (equal <= 0.03).mean()
    are_equal = ((equal > 0.02) & (equal <= 0.03)).sum()
    share_equal = are_equal / (are_equal + ((unequal > 0.02) & (unequal <= 0.03)).sum())
    assert as_uneven <= 0.031
    return "a" if abs(share_equal - 0.03) < 0.02 else "b"


def question_2():
    both, only_first, only_second = 70, 20, 4
    first, second = (wilson(10_000 - both - only) for only in (only_first, only_second))
    p = stats.binomtest(only_first, only_first + only_second).pvalue
    assert p < 0.01
    is_overlap = first[1] > second[0]
    return "b" if is_overlap and p < 0.05 else "a"


def question_3():
    """Errors of 1,000 runs on one exam after the other: how far does their mean scatter?"""
    rng = np.random.default_rng(0)
    exams = rng.beta(0.05, 5, (200, 2_000))  # for each digit, how often a run misreads it
    means = rng.binomial(1_000, exams).mean(axis=1) / 1_000
    by_seeds = np.sqrt((exams * (1 - exams)).sum(axis=1).mean() / 1_000) / 2_000
    return "b" if means.std() > 5 * by_seeds else "c" if means.std() > 1e-9 else "a"


def question_4():
    return round(20 * 0.05, 9)


def question_5():
    rng = np.random.default_rng(0)

    def pvalues(difference, seeds):
        before, after = rng.normal(0, 0.08, (2, 4_000, seeds))
        return stats.ttest_ind(before, after + difference, axis=1).pvalue

    is_missed = (pvalues(0.05, 3) > 0.05).mean() > 0.5
    runs = rng.normal(0, 0.08, (2, 1_000, 20))  # no difference; a look after each seed
    looks = [stats.ttest_ind(runs[0, :, :n], runs[1, :, :n], axis=1).pvalue for n in range(3, 21)]
    peeking_misleads = (np.min(looks, axis=0) < 0.05).mean() > 0.1
    return "b" if is_missed and peeking_misleads else "c" if is_missed else "a"

"""How far chance alone moves a measured accuracy.

scipy.stats takes a second or two to import: a process that only reads records does without.
"""

from mnistconv.records.record import TEST_IMAGES


def wilson(right: int, n: int = TEST_IMAGES) -> tuple[float, float]:
    """The 95 % Wilson interval of an accuracy of `right` in `n`, as fractions (low, high).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    from scipy.stats import binomtest

    interval = binomtest(right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def t_interval(values: list[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """The t interval (low, high) of the mean of a recipe whose seeds gave `values`.

    None with fewer than two, or where all are equal, which says nothing about their spread. It
    holds for values that are normally distributed. Source: Student, "The probable error of a mean",
    1908.
    """
    if len(set(values)) < 2:
        return None
    from scipy.stats import ttest_1samp

    interval = ttest_1samp(values, 0).confidence_interval(confidence)
    return float(interval.low), float(interval.high)


def difference_interval(
    before: list[float], after: list[float], confidence: float = 0.95
) -> tuple[float, float] | None:
    """The interval (low, high) of mean(after) − mean(before).

    The two may scatter differently. None with fewer than two values on a side, or where neither
    side has two different ones. Source: Welch, "The generalization of 'Student's' problem when
    several different population variances are involved", 1947.
    """
    if min(len(before), len(after)) < 2 or len(set(before)) == len(set(after)) == 1:
        return None
    from scipy.stats import ttest_ind

    interval = ttest_ind(after, before, equal_var=False).confidence_interval(confidence)
    return float(interval.low), float(interval.high)

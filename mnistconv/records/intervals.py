"""How far chance alone moves a measured accuracy."""

from scipy.stats import binomtest

from mnistconv.records.record import TEST_IMAGES


def wilson(right: int, n: int = TEST_IMAGES) -> tuple[float, float]:
    """The 95 % Wilson interval of an accuracy of `right` in `n`, as fractions (low, high).

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    interval = binomtest(right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)

"""Every figure of the book, one function each: `from mnistconv import figures`."""

from mnistconv.figures.comparison import (
    accuracy_by_steps,
    best_of,
    disagreement,
    dropout_masks,
    grey_line,
    misread_by_distance,
    scoreboard_dots,
    shifts,
)
from mnistconv.figures.convolution import (
    kernel_across_maps,
    kernels_on_a_digit,
    learned_kernel,
    learned_maps,
    pooling,
    receptive_field,
    receptive_fields,
    small_convolution,
    window_on_a_digit,
)
from mnistconv.figures.cover import reading, social_card
from mnistconv.figures.digits import digits, misread
from mnistconv.figures.errors import (
    accuracy_by_size,
    confusions,
    reliability,
    spoiled,
)
from mnistconv.figures.inside import (
    deletion_curves,
    filters_before_and_after,
    looked_at,
    lost_digits,
    plane,
    wanted,
)
from mnistconv.figures.losses import (
    descents,
    gradient_bars,
    loss_curves,
    normalisations,
    race_by_rate,
    slopes_by_logit,
    softmax_by_scale,
)
from mnistconv.figures.luck import (
    by_position,
    dealt_differences,
    error_by_seeds,
    intervals,
    lottery,
    two_kinds_of_luck,
)
from mnistconv.figures.networks import network_diagram
from mnistconv.figures.results import plateau_ends, record_curves, waits
from mnistconv.figures.speed import shrinking_bars
from mnistconv.figures.style import use_style
from mnistconv.figures.training import (
    activations,
    gradient_sizes,
    noisy_state,
    overfitting,
    plateau,
)

__all__ = [
    "accuracy_by_size",
    "accuracy_by_steps",
    "activations",
    "best_of",
    "by_position",
    "confusions",
    "dealt_differences",
    "deletion_curves",
    "descents",
    "digits",
    "disagreement",
    "dropout_masks",
    "error_by_seeds",
    "filters_before_and_after",
    "gradient_bars",
    "gradient_sizes",
    "grey_line",
    "intervals",
    "kernel_across_maps",
    "kernels_on_a_digit",
    "learned_kernel",
    "learned_maps",
    "looked_at",
    "loss_curves",
    "lost_digits",
    "lottery",
    "misread",
    "misread_by_distance",
    "network_diagram",
    "noisy_state",
    "normalisations",
    "overfitting",
    "plane",
    "plateau",
    "plateau_ends",
    "pooling",
    "race_by_rate",
    "reading",
    "receptive_field",
    "receptive_fields",
    "record_curves",
    "reliability",
    "scoreboard_dots",
    "shifts",
    "shrinking_bars",
    "slopes_by_logit",
    "small_convolution",
    "social_card",
    "softmax_by_scale",
    "spoiled",
    "two_kinds_of_luck",
    "use_style",
    "waits",
    "wanted",
    "window_on_a_digit",
]

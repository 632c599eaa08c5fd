"""How long the notebooks train: one environment variable decides, MNISTCONV_PROFILE."""

import os

PROFILES = ("test", "lesson", "full")
TEST_STEPS = 50


def profile() -> str:
    """How long the notebooks train: "test", "lesson" (the default) or "full", by MNISTCONV_PROFILE.

    Raises ValueError for any other value.
    """
    name = os.environ.get("MNISTCONV_PROFILE", "lesson")
    if name not in PROFILES:
        raise ValueError(
            f"MNISTCONV_PROFILE is {name!r}, but the profiles are {', '.join(PROFILES)}."
        )
    return name


def lesson(epochs: int, steps: int = 6_000) -> dict:
    """Arguments `epochs` and `max_steps` for a notebook's training cell: `fit(..., **lesson(60))`.

    The profile decides: "lesson" stops after `steps` (6,000 are one epoch of 60,000 images), "test"
    after 50, "full" never. Only notebooks call it: a function's own `epochs` is never shortened.
    """
    limits = {"test": min(steps, TEST_STEPS), "lesson": steps, "full": None}
    return {"epochs": epochs, "max_steps": limits[profile()]}

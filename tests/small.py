"""Experiments with another recipe, short enough for a test."""

import dataclasses

from mnistconv.experiments import Experiment


def changed(
    experiment: Experiment, *, seeds: tuple[int, ...] | None = None, **recipe
) -> Experiment:
    """`experiment` with these fields of its recipe replaced, and these planned seeds."""
    return dataclasses.replace(
        experiment,
        recipe=dataclasses.replace(experiment.recipe, **recipe),
        seeds=experiment.seeds if seeds is None else seeds,
    )

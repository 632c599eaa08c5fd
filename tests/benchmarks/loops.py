"""The loops under comparison: each is made once, then asked for more and more steps.

Every loop starts from the same weights and takes the same images in the same order: those that
`fit` takes with the same seed. Only the order of steps is shared; how a loop feeds its network is
its own affair, since that is part of what is measured.
"""

from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mnistconv.data import Pair
from mnistconv.experiments import Experiment
from mnistconv.reproduce import stacked, steps
from mnistconv.training import Batches, fit

BATCH_SIZE = 10
FIRST_SEED = 0


def first_network(experiment: Experiment) -> nn.Module:
    """The network of `experiment` with the weights that every loop starts from."""
    torch.manual_seed(FIRST_SEED)
    return experiment.recipe.network()


def numbers_of_images(n: int, seed: int, steps: int) -> Tensor:
    """The images of the first `steps` steps, in the order that `fit` draws: int64 `[10 steps]`.

    Leaves the global generator where `fit` has it then, so that dropout is the same too.
    """
    torch.manual_seed(seed)
    return torch.randperm(n)[: BATCH_SIZE * steps]


class Loop:
    """A way to train the network of `experiment`; `networks` is how many of it one step trains."""

    name: str
    networks = 1

    def __init__(self, experiment: Experiment, train: Pair, dataset: Dataset):
        self.experiment, self.recipe = experiment, experiment.recipe
        self.images, self.dataset = train, dataset
        self.net = first_network(experiment)
        self.set_up()

    def set_up(self) -> None:
        """What is made once and costs no measured time."""

    def train(self, seed: int, steps: int) -> None:
        """Go on from the weights as they are for `steps` steps, in the order of `seed`."""
        raise NotImplementedError

    def network(self) -> nn.Module:
        """The network as it stands now, as one of PyTorch."""
        return self.net


class ArticlesLoop(Loop):
    """The article's loop: a DataLoader over single pictures, plain SGD."""

    name = "article's loop"

    def loader(self, seed: int, steps: int) -> DataLoader:
        order = numbers_of_images(len(self.dataset), seed, steps).tolist()
        generator = torch.Generator()  # else the loader draws from the one that dropout uses
        return DataLoader(self.dataset, BATCH_SIZE, sampler=order, generator=generator)

    def set_up(self) -> None:
        self.sgd = torch.optim.SGD(
            self.net.parameters(), lr=self.recipe.lr, weight_decay=self.recipe.weight_decay
        )

    def train(self, seed: int, steps: int) -> None:
        self.net.train()
        for images, labels in self.loader(seed, steps):
            loss = F.cross_entropy(self.net(images), labels)
            self.sgd.zero_grad()
            loss.backward()
            self.sgd.step()


class Fit(Loop):
    """`mnistconv.fit` as the notebooks call it."""

    name = "fit"

    def train(self, seed: int, steps: int) -> None:
        fit(
            self.net,
            self.images,
            epochs=1,
            max_steps=steps,
            lr=self.recipe.lr,
            weight_decay=self.recipe.weight_decay,
            seed=seed,
            device="cpu",
            verbose=False,
        )


class FitChannelsLast(Fit):
    """The same with the channels of a pixel side by side in memory, as full-length runs have it."""

    name = "fit, channels_last"

    def set_up(self) -> None:
        self.net.to(memory_format=torch.channels_last)


class BySteps(Loop):
    """Backpropagation written out, `mnistconv/reproduce/steps.py`, as `make reproduce` trains."""

    name = "steps"

    def set_up(self) -> None:
        self.net.to(memory_format=torch.channels_last)
        sgd = torch.optim.SGD(
            self.net.parameters(), lr=self.recipe.lr, weight_decay=self.recipe.weight_decay
        )
        self.trainer = steps.Steps(self.net, sgd)

    @torch.no_grad()
    def train(self, seed: int, number: int) -> None:
        torch.manual_seed(seed)
        for images, labels in islice(steps.gathered(Batches(*self.images)), number):
            self.trainer.step(images, labels, place="a step of the benchmark")


class ManySeeds(Loop):
    """Many seeds in one step, `mnistconv/reproduce/stack.py`, here on the processor."""

    networks = stacked.SEEDS_AT_ONCE
    name = f"{networks} seeds stacked"

    def set_up(self) -> None:
        seeds = list(range(FIRST_SEED, FIRST_SEED + self.networks))
        self.stack = stacked.new_stack(self.experiment, seeds, torch.device("cpu"))

    def train(self, seed: int, steps: int) -> None:
        images, labels = self.images
        orders = [numbers_of_images(len(labels), seed + i, steps) for i in range(self.networks)]
        for numbers in torch.stack(orders).split(BATCH_SIZE, dim=1):
            self.stack.step(images[numbers], labels[numbers])

    def network(self) -> nn.Module:
        return self.stack.take_out(0, self.net)


LOOPS = (ArticlesLoop, Fit, FitChannelsLast, BySteps, ManySeeds)

"""How a network is trained and tested: a flat loop over batches, plain SGD, accuracy by epoch."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from mnistconv.checks import (
    LARGEST_SEED,
    a_function,
    a_learning_rate,
    a_loader,
    a_network,
    a_network_to_train,
    a_pair,
    a_weight_decay,
    an_optimiser,
    arguments,
    logits_of,
    one_label_per_image,
    optimiser_of_the_network,
    optional,
    parameters_of_the_network,
    some_labels,
    some_parameters,
    some_pictures,
    stop_if_diverged,
    stop_if_no_answer,
    whole,
)
from mnistconv.data import Pair, load_mnist, to_input
from mnistconv.devices import device_of, pick_device


class Batches:
    """Images that already lie in memory, as an iterable of batches `(images, labels)`.

    Yields network input, float32 `[batch_size, 1, 28, 28]`, and int64 labels `[batch_size]`; the
    last batch is shorter where the numbers do not divide. With `shuffle`, each pass has a fresh
    order, drawn from PyTorch's global generator. It does a DataLoader's work without building each
    batch from single pictures.
    """

    @arguments(
        one_label_per_image, images=some_pictures, labels=some_labels, batch_size=whole(least=1)
    )
    def __init__(self, images: Tensor, labels: Tensor, batch_size: int = 10, shuffle: bool = True):
        self.images, self.labels = images, labels
        self.batch_size, self.shuffle = batch_size, shuffle

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.labels)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        for batch in order.to(self.labels.device).split(self.batch_size):
            yield to_input(self.images[batch]), self.labels[batch]


@dataclass
class History:
    """What a training run measured, one entry per epoch, or per part of one if `max_steps` cut it.

    `train_loss` holds the mean loss over the images of the epoch, taken while the weights moved;
    `test_accuracy` the share of right digits (0 to 1) after it, nothing where no test set was
    given. An epoch that Ctrl-C cut counts in `steps` alone.
    """

    planned_epochs: int
    steps_per_epoch: int
    steps: int = 0
    train_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> float:
        """Passes over the training images so far; a fraction when the last was cut short."""
        return self.steps / self.steps_per_epoch

    @property
    def planned_steps(self) -> int:
        return self.planned_epochs * self.steps_per_epoch

    @property
    def place(self) -> str:
        """Where the next step stands, for messages."""
        epoch, step = divmod(self.steps, self.steps_per_epoch)
        return f"epoch {epoch + 1}, step {step + 1}"

    @property
    def last_line(self) -> str:
        """The last entry as one aligned line of text."""
        line = f"epoch {len(self.train_loss):2}  train loss {self.train_loss[-1]:.4f}"
        if self.test_accuracy:
            line += f"  test accuracy {self.test_accuracy[-1]:7.2%}"
        return line

    def __str__(self) -> str:
        return f"{self.epochs:.3g} of {self.planned_epochs} epochs ({self.steps:,} steps)"


@arguments(net=a_network)
@contextmanager
def eval_mode(net: nn.Module) -> Iterator[None]:
    """`net` in eval mode (no dropout) inside `with`; each part in its own mode again after it.

    Raises TypeError or ValueError for what is no network.
    """
    modes = [(part, part.training) for part in net.modules()]
    try:
        net.eval()
        yield
    finally:
        for part, mode in modes:
            part.training = mode


@arguments(optimiser_of_the_network, net=a_network_to_train, batches=a_loader, sgd=an_optimiser)
def train_epoch(net: nn.Module, batches: Iterable, sgd, history: History):
    """One pass over `batches`: cross entropy, gradient, step. Writes steps and loss to `history`.

    Raises FloatingPointError, naming epoch and step, when the loss shows that training diverged;
    TypeError or ValueError for a network or batches that make no sense.
    """
    net.train()
    loss_sum, seen = 0.0, 0
    for images, labels in batches:
        loss = F.cross_entropy(logits_of(net, images), labels)
        stop_if_diverged(loss, history.place)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        history.steps += 1
        loss_sum += loss.item() * len(labels)
        seen += len(labels)
    history.train_loss.append(loss_sum / seen)


@arguments(net=a_network, images=some_pictures, batch_size=whole(least=1))
@torch.no_grad()
def predict(net: nn.Module, images: Tensor, batch_size: int = 200) -> Tensor:
    """The digit that `net` sees in each of the uint8 images `[n, 28, 28]`: int64 `[n]`, on the CPU.

    The network answers in eval mode (no dropout) and is left in the mode in which it came.
    Raises FloatingPointError where it answers nan, TypeError or ValueError for bad arguments.
    """
    device = device_of(net)
    with eval_mode(net):
        parts = [logits_of(net, to_input(batch.to(device))) for batch in images.split(batch_size)]
    logits = torch.cat(parts)
    stop_if_no_answer(logits)
    return logits.argmax(dim=1).cpu()


@arguments(one_label_per_image, net=a_network, images=some_pictures, labels=some_labels)
def evaluate(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Accuracy: the share of the uint8 images `[n, 28, 28]` whose digit `net` names, 0 to 1.

    `labels` are int64 `[n]`. Raises as `predict` does.
    """
    right = (predict(net, images) == labels.cpu()).sum().item()
    return right / len(labels)


@arguments(
    parameters_of_the_network,
    net=a_network_to_train,
    train=a_pair,
    test=optional(a_pair),
    epochs=whole(least=0),
    lr=a_learning_rate,
    weight_decay=a_weight_decay,
    batch_size=whole(least=1),
    seed=optional(whole(least=0, most=LARGEST_SEED)),
    max_steps=optional(whole(least=0)),
    params=optional(some_parameters),
)
def fit(
    net: nn.Module,
    train: Pair,
    test: Pair | None = None,
    *,
    epochs: int,
    lr: float,
    weight_decay: float = 0.0,
    batch_size: int = 10,
    seed: int | None = None,
    device: str | torch.device = "auto",
    max_steps: int | None = None,
    params: Iterable | None = None,
    verbose: bool = True,
) -> History:
    """Train `net` in place by plain SGD on each batch's mean cross entropy; return the `History`.

    `train` and `test` are pairs of images, uint8 `[n, 28, 28]`, and labels, int64 `[n]`. The
    learning rate is constant, the order fresh in every epoch, the accuracy on `test` taken after
    each. `seed` fixes order and dropout (the initial weights: call `torch.manual_seed` before you
    make the net). `max_steps` ends the run early, `params` replaces `net.parameters()` as in
    `torch.optim.SGD`. Ctrl-C ends it too: the network keeps what it has learned, the history says
    how far it came; `evaluate(net, *test)` then tests the weights as they are. Arrays and lists are
    taken for tensors, other whole numbers for uint8 pixels and int64 labels.

    Raises TypeError or ValueError for arguments that make no sense, FloatingPointError when
    training diverges. Source: the article, "Simple network"; Nielsen, chapter 6, network3.py.
    """
    device = pick_device(device)
    net.to(device)
    if seed is not None:
        torch.manual_seed(seed)
    batches = Batches(*(tensor.to(device) for tensor in train), batch_size)
    sgd = torch.optim.SGD(params or net.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    history = History(epochs, steps_per_epoch=len(batches))
    last_step = min(history.planned_steps, math.inf if max_steps is None else max_steps)
    try:
        while history.steps < last_step:
            epoch = len(history.train_loss) + 1
            steps = min(len(batches), last_step - history.steps)
            bar = tqdm(islice(batches, steps), f"epoch {epoch}/{epochs}", steps, leave=False)
            train_epoch(net, bar, sgd, history)
            if test is not None:
                history.test_accuracy.append(evaluate(net, *test))
            if verbose:
                print(history.last_line)
    except KeyboardInterrupt:
        print(f"Stopped by hand. The network keeps what it has learned in {history}.")
    if verbose and history.steps < history.planned_steps:
        print(f"{history}: a short run, not the full one.")
    return history


# The article's functions, by their names.


@arguments(
    optimiser_of_the_network,
    net=a_network_to_train,
    train_loader=a_loader,
    num_epochs=whole(least=0),
    loss_function=a_function,
    sgd=an_optimiser,
    first_epoch=whole(least=0),
)
def train_network(net, train_loader, num_epochs, loss_function, sgd, first_epoch=1) -> None:
    """Train `net` for `num_epochs` passes over `train_loader`: the loop at its plainest.

    `train_loader` is any iterable of `(images, labels)`, float32 `[n, 1, 28, 28]` and int64 `[n]`,
    that can be passed over again; `loss_function` takes logits and labels; `sgd` is an optimiser of
    the network's parameters; `first_epoch` is the number of the first epoch in messages.
    Raises FloatingPointError when training diverges, ValueError when the loader yields nothing.
    """
    device = device_of(net)
    net.train()
    for epoch in range(first_epoch, first_epoch + num_epochs):
        for step, (images, labels) in enumerate(tqdm(train_loader, leave=False), start=1):
            loss = loss_function(logits_of(net, images.to(device)), labels.to(device))
            stop_if_diverged(loss, f"epoch {epoch}, step {step}")
            sgd.zero_grad()
            loss.backward()
            sgd.step()


@arguments(net=a_network, test_loader=a_loader)
@torch.no_grad()
def test_network(net, test_loader) -> float:
    """Accuracy of `net`, 0 to 1, over any iterable of `(images, labels)`; see `train_network`.

    The network answers in eval mode and is left in the mode in which it came. Raises
    FloatingPointError where it answers nan, ValueError for labels of another shape than `[n]`.
    """
    device = device_of(net)
    right = seen = 0
    with eval_mode(net):
        for images, labels in test_loader:
            logits = logits_of(net, images.to(device))
            stop_if_no_answer(logits)
            right += (logits.argmax(dim=1).cpu() == labels.cpu()).sum().item()
            seen += len(labels)
    return right / seen


test_network.__test__ = False  # a function of the article, not a test for pytest to collect


@arguments(
    net=a_network_to_train,
    num_epochs=whole(least=0),
    lr=a_learning_rate,
    wd=a_weight_decay,
    loss_function=optional(a_function),
    train_loader=optional(a_loader),
    test_loader=optional(a_loader),
)
def train_and_test_network(
    net, num_epochs=60, lr=0.1, wd=0, loss_function=None, train_loader=None, test_loader=None
) -> float:
    """Train, test after every epoch, print both; return the last accuracy, 0 to 1.

    The article's function with the article's meaning: batches of 10, plain SGD with learning rate
    `lr` and weight decay `wd`, 60 real epochs unless told otherwise. A loader that is given is
    used; without one, MNIST lies in memory, which is faster and means the same. Ctrl-C ends the
    training early and leaves the network as it is. Raises as `fit` and `train_network` do.
    """
    train, test = load_mnist() if train_loader is None or test_loader is None else (None, None)
    train_loader = Batches(*train) if train_loader is None else train_loader
    test_loader = Batches(*test, 200, shuffle=False) if test_loader is None else test_loader
    loss_function = loss_function or nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(net.parameters(), lr=lr, weight_decay=wd, fused=True)
    try:
        for epoch in range(1, num_epochs + 1):
            train_network(net, train_loader, 1, loss_function, sgd, first_epoch=epoch)
            print(f"Epoch {epoch}/{num_epochs}: accuracy {test_network(net, test_loader):.4f}")
    except KeyboardInterrupt:
        print(f"Stopped by hand in epoch {epoch} of {num_epochs}: the network stays as it is now.")
    accuracy = test_network(net, test_loader)
    print(f"Test data results: {accuracy:.4f}")
    return accuracy

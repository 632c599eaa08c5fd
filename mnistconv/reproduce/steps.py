"""Plain SGD with backpropagation written out: what full-length runs take where they can.

It learns what `fit` learns: the same batches, the same dropout, the same steps. In float64 the
weights of both agree within 1e-9 after 100 steps; in float32 within rounding, unless that decides
which value of a pool is the largest, or whether a ReLU is open. It is faster since it does less
around the arithmetic: no graph is recorded, and no gradient of a weight is stored, for each weight
moves as soon as its gradient is known.

A network is a chain of layers. `forward` takes a layer's input to its output and remembers what the
way back needs. `backward` takes the error, the gradient of the loss by the layer's output, to that
by its input; a layer with weights learns on the way. With n images in a batch, and the errors δ
`[n, out]` of the output y = x Wᵀ + b of a dense layer, the gradient of the loss is

    by the logits    (softmax(logits) - one-hot labels) / n      Nielsen's BP1, of cross entropy
    by x             δ W                                         BP2
    by b             the sum of δ over the images                BP3
    by W             δᵀ x                                        BP4

so W becomes (1 - lr · weight decay) W - lr · δᵀ x, which is one call, `addmm_`. A convolution is a
dense layer on the windows of all images, so BP3 and BP4 hold as they stand; a pixel's error is the
sum over the windows that hold it, each filter's weight times that filter's error: a transposed
convolution. What acts on single values multiplies their errors by its slope: the σ' of BP1 and BP2.

Source of BP1 to BP4: Nielsen, chapter 2, "The four fundamental equations behind backpropagation";
of BP1 for softmax and log-likelihood, chapter 3.
"""

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Tracer

from mnistconv import nielsen
from mnistconv.checks import stop_if_diverged
from mnistconv.data import to_input
from mnistconv.training import Batches, History

AT_A_TIME = 100  # batches gathered in one go, 3 MB: less than half the time of one by one
Rates = dict[Tensor, tuple[float, float]]  # of each parameter its learning rate, weight decay


class Layer:
    """A layer of the chain. `module` is that of the network, None for a function.

    Images inside the chain are float32 `[n, channels, height, width]`, with the channels of a
    pixel side by side in memory (`channels_last`); after `Flatten` they are `[n, values]`.
    """

    def __init__(self, module: nn.Module | None, rates: Rates):
        """Nothing is to be set up for a layer without parameters."""

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def backward(self, error: Tensor) -> Tensor:
        raise NotImplementedError

    def answer(self, x: Tensor) -> Tensor:
        """What the layer gives when the network is asked, not trained."""
        return self.forward(x)


class Dense(Layer):
    """x `[n, in]` to x Wᵀ + b `[n, out]`."""

    def __init__(self, module: nn.Module, rates: Rates):
        self.weight_rates, self.bias_rates = rates[module.weight], rates[module.bias]
        self.weight, self.bias = module.weight.detach(), module.bias.detach()  # the same memory

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return torch.addmm(self.bias, x, self.weight.t())

    def backward(self, error: Tensor) -> Tensor:
        before = error @ self.weight
        self.learn(error)
        return before

    def learn(self, error: Tensor) -> None:
        """Move weights and biases by one step of SGD."""
        lr, decay = self.weight_rates
        self.weight.addmm_(error.t(), self.x, beta=1 - lr * decay, alpha=-lr)
        lr, decay = self.bias_rates
        self.bias.mul_(1 - lr * decay).sub_(error.sum(dim=0), alpha=lr)


class Convolution(Dense):
    """A dense layer on the windows of all images: W is `[filters, height · width · channels]`.

    Needs a module in `channels_last`, whose filters lie in memory in that order. Padding, strides
    and the like are not known here.
    """

    def __init__(self, module: nn.Conv2d, rates: Rates):
        super().__init__(module, rates)
        self.filters = self.weight
        self.weight = self.filters.permute(0, 2, 3, 1).view(len(self.filters), -1)

    def forward(self, x: Tensor) -> Tensor:
        found = windows(x, *self.filters.shape[2:])
        values = super().forward(found.flatten(0, 2))
        return values.view(*found.shape[:3], -1).permute(0, 3, 1, 2)

    def backward(self, error: Tensor) -> Tensor:
        before = F.conv_transpose2d(error, self.filters)
        self.learn(error)
        return before

    def learn(self, error: Tensor) -> None:
        super().learn(error.permute(0, 2, 3, 1).flatten(0, 2))


def windows(x: Tensor, height: int, width: int) -> Tensor:
    """Every window of the images `[n, c, h, w]`: `[n, h', w', height · width · c]`.

    They are copied along what lies side by side: the channels of a pixel, or, where there is but
    one, the pixels of a line.
    """
    found = x.permute(0, 2, 3, 1).unfold(1, height, 1).unfold(2, width, 1)
    found = found.permute(4, 5, 3, 0, 1, 2)  # [height, width, c, n, h', w']
    if x.shape[1] == 1:
        return found.flatten(0, 2).movedim(0, 3)
    return found.permute(3, 4, 5, 0, 1, 2).flatten(3)


class Pool(Layer):
    """The largest of each four; the error goes back to where it stood."""

    def forward(self, x: Tensor) -> Tensor:
        self.size = x.shape[2:]
        largest, self.place = F.max_pool2d(x, 2, return_indices=True)
        return largest

    def backward(self, error: Tensor) -> Tensor:
        return F.max_unpool2d(error, self.place, 2, output_size=self.size)


class ReLU(Layer):
    """max(0, x), whose slope is 1 where it is above 0, else 0: its sign."""

    def forward(self, x: Tensor) -> Tensor:
        self.y = F.relu(x)
        return self.y

    def backward(self, error: Tensor) -> Tensor:
        return error * self.y.sign()


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), whose slope is y (1 - y)."""

    def forward(self, x: Tensor) -> Tensor:
        self.y = F.sigmoid(x)
        return self.y

    def backward(self, error: Tensor) -> Tensor:
        return error * self.y * (1 - self.y)


class Tanh(Layer):
    """y = tanh(x), whose slope is 1 - y²."""

    def forward(self, x: Tensor) -> Tensor:
        self.y = F.tanh(x)
        return self.y

    def backward(self, error: Tensor) -> Tensor:
        return error * (1 - self.y.square())


class Flatten(Layer):
    """Feature maps `[n, c, h, w]` to `[n, c · h · w]`, in this order, and the error back."""

    def forward(self, x: Tensor) -> Tensor:
        self.shape = x.shape
        return x.flatten(1)

    def backward(self, error: Tensor) -> Tensor:
        return error.view(self.shape).contiguous(memory_format=torch.channels_last)


class Dropout(Layer):
    """Each value times 0 or 1/(1 - p), drawn from `generator`, or from PyTorch's default one."""

    generator: torch.Generator | None = None

    def __init__(self, module: nn.Dropout, rates: Rates):
        self.p = module.p

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        self.mask = kept.div_(1 - self.p)
        return x * self.mask

    def backward(self, error: Tensor) -> Tensor:
        return error * self.mask

    def answer(self, x: Tensor) -> Tensor:
        return x


class NielsensDropout(Layer):
    """Each value times 0 or 1, by the masks of the network's own layer; an answer times 1 - p."""

    def __init__(self, module: nielsen.Dropout, rates: Rates):
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        self.mask = self.module.mask(x.shape)
        return x * self.mask

    def backward(self, error: Tensor) -> Tensor:
        return error * self.mask

    def answer(self, x: Tensor) -> Tensor:
        return x * (1 - self.module.p)


class NielsensPixels(Layer):
    """x/256 of x/255; no layer with weights stands before it."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (255 / 256)


# What a network calls in its `forward`, a kind of module, a function, a method of tensors, and the
# layer of the chain, or the layers, that do the same.
LAYERS = {
    nn.Conv2d: Convolution,
    nn.Linear: Dense,
    nn.Dropout: Dropout,
    F.max_pool2d: Pool,
    F.relu: ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "flatten": Flatten,
    nielsen.Pixels: NielsensPixels,
    nielsen.ConvPool: (Convolution, Pool),  # the bias first: the same values
    nielsen.Dropout: NielsensDropout,
}


class Reading(Tracer):
    """Reads what a network passes through; modules of a kind that is known are not looked into."""

    def __init__(self, known: dict):
        super().__init__()
        self.known = known

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return type(module) in self.known or super().is_leaf_module(module, name)


def layers_of(net: nn.Module, rates: Rates, known: dict = LAYERS) -> list[Layer]:
    """The chain of layers that `net` passes through, read from its own `forward`.

    Raises LookupError for a network that is no chain, or has a layer that is not in `known`.
    """
    layers = []
    _, *calls, output = Reading(known).trace(net).nodes
    for call, following in zip(calls, [*calls[1:], output], strict=True):
        module = net.get_submodule(call.target) if call.op == "call_module" else None
        kinds = known[type(module) if module else call.target]
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        layers += [kind(module, rates) for kind in kinds]
        if following.args[0] is not call:
            raise LookupError(f"{following} does not take what {call} gives")
    modules = [call.target for call in calls if call.op == "call_module"]
    if len(modules) > len(set(modules)):
        raise LookupError("a layer is passed through twice")
    return layers


@torch.no_grad()
def is_known(net: nn.Module) -> bool:
    """Whether its layers are known, and give the logits that `net` itself gives in eval mode.

    It is tried with weights and images drawn at random, since a new network may have zeros.
    """
    net, draw = copy.deepcopy(net).eval(), torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        parameter.uniform_(-0.1, 0.1, generator=draw)
    x = images = torch.rand(3, 1, 28, 28, generator=draw)
    try:
        for layer in layers_of(net, dict.fromkeys(net.parameters(), (0.0, 0.0))):
            x = layer.answer(x)
        return torch.allclose(x, net(images), rtol=1e-3, atol=1e-5)
    except (LookupError, TypeError, ValueError, RuntimeError):
        return False


def rates_of(sgd: torch.optim.SGD) -> Rates:
    """The learning rate and the weight decay of each parameter that `sgd` moves."""
    return {
        parameter: (group["lr"], group["weight_decay"])
        for group in sgd.param_groups
        for parameter in group["params"]
    }


class Steps:
    """The training of `net` by plain SGD: `sgd` says the learning rate and decay of each parameter.

    `net`, in `channels_last`, must be one that `is_known`; it learns in place. Momentum and the
    like are not looked at.
    """

    def __init__(self, net: nn.Module, sgd: torch.optim.SGD):
        layers = layers_of(net, rates_of(sgd))
        self.first = next(k for k, layer in enumerate(layers) if isinstance(layer, Dense))
        self.layers = layers

    @torch.no_grad()
    def train_epoch(self, batches: Batches, history: History) -> None:
        """One pass in the order of `batches`, as `mnistconv.training.train_epoch` makes it.

        Writes steps and loss to `history`. Raises FloatingPointError, naming epoch and step, when
        the loss shows that training diverged.
        """
        loss_sum, seen = 0.0, 0
        for images, labels in gathered(batches):
            loss = self.step(images, labels, history.place)
            history.steps += 1
            loss_sum += loss * len(labels)
            seen += len(labels)
        history.train_loss.append(loss_sum / seen)

    def step(self, images: Tensor, labels: Tensor, place: str) -> float:
        """One step on images `[n, 1, 28, 28]` and labels, int64 `[n]`: the mean loss before it."""
        x = images
        for layer in self.layers:
            x = layer.forward(x)
        loss = F.cross_entropy(x, labels).item()
        stop_if_diverged(loss, place)
        error = error_of(x, labels)
        for layer in self.layers[: self.first : -1]:
            error = layer.backward(error)
        self.layers[self.first].learn(error)  # nothing before it has weights
        return loss


def error_of(logits: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the mean cross entropy by the logits `[n, 10]`; labels are int64 `[n]`."""
    return (F.softmax(logits, dim=1) - F.one_hot(labels, 10)) / len(labels)


def gathered(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    """What a pass over `batches` yields, in the same order, gathered many at a time."""
    size, n = batches.batch_size, len(batches.labels)
    order = torch.randperm(n) if batches.shuffle else torch.arange(n)
    for part in order.split(AT_A_TIME * size):
        images = to_input(batches.images[part]).split(size)
        yield from zip(images, batches.labels[part].split(size), strict=True)

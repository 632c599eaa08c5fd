"""S networks of one kind as one: the steps of `mnistconv.reproduce.steps`, for all at once.

Each parameter gets a first axis of length S, and each product of two matrices becomes S products in
one call. `steps` explains the equations; here are the layers for which it matters that each network
has weights of its own. Maps are `[S, channels, n, height, width]`: a convolution is one product
of filters `[S, filters, window]` with the windows `[S, window, n · h' · w']` of all n images.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistconv import nielsen
from mnistconv.data import to_input
from mnistconv.recipes import Recipe
from mnistconv.reproduce import steps
from mnistconv.reproduce.steps import Layer, Rates, layers_of

LONG = 1_000  # places: sums over more are cut by image, 100 to 23 µs on an H100


class Dense(Layer):
    """x `[S, n, in]` to x Wᵀ + b `[S, n, out]`."""

    def __init__(self, module: nn.Linear, rates: Rates):
        self.weight_rates, self.bias_rates = rates[module.weight], rates[module.bias]
        self.weight = module.weight.detach()  # the same memory
        self.bias = module.bias.detach().unsqueeze(1)

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return torch.baddbmm(self.bias, x, self.weight.mT)

    def backward(self, error: Tensor) -> Tensor:
        before = error @ self.weight
        self.learn(error)
        return before

    def learn(self, error: Tensor) -> None:
        """Move weights and biases by one step of SGD."""
        move(self.weight, self.weight_rates, error.mT, self.x)
        move(self.bias, self.bias_rates, torch.ones_like(error[:, :, :1]).mT, error)


class Convolution(Layer):
    """Maps `[S, channels, n, h, w]` to `[S, filters, n, h', w']`; no padding, no strides."""

    def __init__(self, module: nn.Conv2d, rates: Rates):
        self.weight_rates, self.bias_rates = rates[module.weight], rates[module.bias]
        self.size = module.kernel_size
        self.weight = module.weight.detach().flatten(2)
        self.bias = module.bias.detach().unsqueeze(2)

    def forward(self, x: Tensor) -> Tensor:
        found = x.unfold(3, self.size[0], 1).unfold(4, self.size[1], 1)
        found = found.permute(0, 1, 5, 6, 2, 3, 4)
        self.x_shape, self.windows_shape = x.shape, found.shape
        self.windows = found.flatten(4).flatten(1, 3)
        return torch.baddbmm(self.bias, self.weight, self.windows).unflatten(2, found.shape[4:])

    def backward(self, error: Tensor) -> Tensor:
        by_window = (self.weight.mT @ error.flatten(2)).view(self.windows_shape)
        self.learn(error)
        return add_up(by_window, self.x_shape)

    def learn(self, error: Tensor) -> None:
        """Move weights and biases by one step of SGD."""
        error, n = error.flatten(2), self.x_shape[2]
        move(self.bias, self.bias_rates, error, torch.ones_like(error[:, :1]).mT)
        if error.shape[2] < LONG:
            move(self.weight, self.weight_rates, error, self.windows.mT)
        else:
            by_image = image_by_image(error, n) @ image_by_image(self.windows, n).mT
            by_image = by_image.view(len(error), n, -1)
            weight = self.weight.view(len(error), 1, -1)
            move(weight, self.weight_rates, torch.ones_like(by_image[:, :, :1]).mT, by_image)


def image_by_image(values: Tensor, n: int) -> Tensor:
    """`[S, rows, n · places]` as `[S · n, rows, places]`."""
    return values.unflatten(2, (n, -1)).transpose(1, 2).flatten(0, 1)


def add_up(by_window: Tensor, shape: torch.Size) -> Tensor:
    """For each pixel of `shape`, `[S, c, n, h, w]`, the sum of what the windows hold of it.

    They are `[S, c, height, width, n, h', w']`. It is what autograd does on the way back through
    the two `unfold` of a forward pass.
    """
    back = torch.ops.aten.unfold_backward
    *maps, h, w = shape
    _, _, height, width, _, rows, _ = by_window.shape
    by_line = by_window.permute(0, 1, 4, 5, 2, 6, 3)  # [S, c, n, h', height, w', width]
    lines = back(by_line, (*maps, rows, height, w), 5, width, 1)
    return back(lines.transpose(4, 5), (*maps, h, w), 3, height, 1)


def move(parameter: Tensor, rates: tuple[float, float], left: Tensor, right: Tensor) -> None:
    """One step of SGD, in place: the gradient of each network is the product `left @ right`."""
    lr, decay = rates
    parameter.baddbmm_(left, right, beta=1 - lr * decay, alpha=-lr)


class Pool(steps.Pool):
    """The largest of each four; the error goes back to where it stood."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, 1)).unflatten(0, x.shape[:2])

    def backward(self, error: Tensor) -> Tensor:
        return super().backward(error.flatten(0, 1)).unflatten(0, error.shape[:2])


class ReLU(steps.ReLU):
    """As in `steps`, by autograd's own function: one launch on a GPU in place of two."""

    def backward(self, error: Tensor) -> Tensor:
        return torch.ops.aten.threshold_backward(error, self.y, 0)


class Sigmoid(steps.Sigmoid):
    """As in `steps`, by autograd's own function: one launch in place of three."""

    def backward(self, error: Tensor) -> Tensor:
        return torch.ops.aten.sigmoid_backward(error, self.y)


class NielsensDropout(steps.NielsensDropout):
    """As in `steps`; all networks share each mask, as his do, each alone."""

    def forward(self, x: Tensor) -> Tensor:
        self.mask = self.module.mask(x.shape[1:])
        return x * self.mask


class Flatten(Layer):
    """Feature maps `[S, c, n, h, w]` to `[S, n, c · h · w]`, in this order, and the error back."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        self.shape = x.shape
        return x.flatten(2)

    def backward(self, error: Tensor) -> Tensor:
        return error.view(self.shape).transpose(1, 2)


LAYERS = steps.LAYERS | {
    nn.Conv2d: Convolution,
    nn.Linear: Dense,
    F.max_pool2d: Pool,
    F.relu: ReLU,
    "sigmoid": Sigmoid,
    "flatten": Flatten,
    nielsen.ConvPool: (Convolution, Pool),
    nielsen.Dropout: NielsensDropout,
}


class Stack:
    """S networks of one kind, which make one step each at a time, by plain SGD as `recipe` says.

    `nets` is one module, on `device`, whose parameters have a first axis of length S. PyTorch's
    dropout draws from `generator`, each layer of Nielsen's from one of its own; `generators` holds
    them all by name. Raises LookupError for networks that are not `steps.is_known`.
    """

    def __init__(self, nets: list[nn.Module], recipe: Recipe, device: torch.device):
        if not steps.is_known(nets[0]):
            raise LookupError(
                f"a stack of seeds does not know all layers of {type(nets[0]).__name__}"
            )
        self.nets, self.seeds = copy.deepcopy(nets[0]), len(nets)
        states = [dict(net.named_parameters()) for net in nets]
        for name, parameter in self.nets.named_parameters():
            values = [state[name].detach().contiguous() for state in states]
            parameter.data = torch.stack(values).to(device)
        groups = recipe.parameter_groups(self.nets)
        sgd = torch.optim.SGD(groups, lr=recipe.lr, weight_decay=recipe.weight_decay)
        self.layers = layers_of(self.nets, steps.rates_of(sgd), LAYERS)
        self.first = next(k for k, layer in enumerate(self.layers) if hasattr(layer, "weight"))
        self.digits = torch.arange(10, device=device)
        self.generator = torch.Generator(device)
        self.generators = {"dropout": self.generator}
        for layer in self.layers:
            if isinstance(layer, steps.Dropout):
                layer.generator = self.generator
        for name, module in self.nets.named_modules():
            if isinstance(module, nielsen.Dropout):
                module.generator = torch.Generator(device).manual_seed(nielsen.MASK_SEED)
                self.generators[name] = module.generator

    @torch.no_grad()
    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step of each network on its uint8 images `[S, n, 28, 28]` and labels, int64 `[S, n]`.

        Returns the mean loss of each before it: float32 `[S]`.
        """
        x = to_input(images.flatten(0, 1)).view(self.seeds, 1, *images.shape[1:])
        for layer in self.layers:
            x = layer.forward(x)
        log_p = F.log_softmax(x, dim=2)
        is_label = labels.unsqueeze(2) == self.digits
        error = log_p.exp().sub_(is_label.float()).div_(labels.shape[1])
        for layer in self.layers[: self.first : -1]:
            error = layer.backward(error)
        self.layers[self.first].learn(error)  # nothing before it has weights
        return -log_p.gather(2, labels.unsqueeze(2)).mean(dim=(1, 2))

    @torch.no_grad()
    def answers(self, images: Tensor, batch_size: int = 500) -> Tensor:
        """The digit that each network names for each uint8 image `[n, 28, 28]`: int64 `[S, n]`."""
        found = []
        for batch in images.split(batch_size):
            x = to_input(batch).squeeze(1).expand(self.seeds, 1, *batch.shape)
            for layer in self.layers:
                x = layer.answer(x)
            found.append(x.argmax(dim=2))
        return torch.cat(found, dim=1)

    def take_out(self, index: int, net: nn.Module) -> nn.Module:
        """Put the weights of network `index` into `net`, on its device, and return it."""
        net.load_state_dict({name: value[index] for name, value in self.nets.state_dict().items()})
        return net

"""What a logit is made of: products followed back to the pixels, and pixels wiped out.

Both ask about one number of a network, a logit or the difference of two, and one picture. The page
"Draw a digit" shows the same two (`inside.js`).

A network is not linear, so what a unit passes on has to be agreed upon. Here each activation f
counts as the straight line from (0, f(0)) to (z, f(z)), z what the unit's inputs and its bias add
up to. All values stay as they are, and everything becomes a sum: the number is what all pixels
contribute, plus what is there without any input, the biases and f(0) (1/2 of a sigmoid, 0 of a
ReLU). Pooling passes on its largest value alone. With ReLU, a pixel's contribution is pixel times
gradient.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

from mnistconv.checks import a_network, arguments
from mnistconv.training import eval_mode

LogitOf = Callable[[Tensor], Tensor]


def logit_of(digit: int, rival: int | None = None) -> LogitOf:
    """What is asked about, from logits `[n, 10]`: that of `digit`, less that of `rival` `[n]`."""
    return lambda logits: logits[:, digit] - (0 if rival is None else logits[:, rival])


class Step(NamedTuple):
    """One value on a path: where it stands, and what it contributes to the number along the path.

    `layer` is "image", or the layer with weights behind which it stands (after pooling and
    activation); `place` counts its values in the order of `flatten`.
    """

    layer: str
    place: int
    contribution: float


class StraightLines(fx.Interpreter):
    """Runs a network whose sigmoids are straight lines; `read` keeps what each layer reads."""

    def __init__(self, net: nn.Module):
        super().__init__(fx.symbolic_trace(net))
        self.read = {}

    def run_node(self, node: fx.Node) -> Tensor:
        if node.op == "call_module" and hasattr(self.module.get_submodule(node.target), "weight"):
            self.read[node.target] = self.env[node.args[0]]
        if not node.name.startswith("sigmoid"):
            return super().run_node(node)
        z = self.env[node.args[0]]
        slope = torch.where(z == 0, 0.25, torch.tanh(z / 2) / (2 * z))  # (sigmoid(z) - 1/2) / z
        return 0.5 + z * slope.detach()


@torch.enable_grad()
def pixel_products(net: nn.Module, image: Tensor, number: LogitOf) -> Tensor:
    """What each pixel of `image` `[1, 28, 28]` contributes to `number`, over all paths `[28, 28]`.

    What `number` is beyond their sum is there without any input: see above.
    """
    pixels = image[None].requires_grad_()
    with eval_mode(net):
        result = number(StraightLines(net).run(pixels))
    return (pixels * torch.autograd.grad(result, pixels)[0])[0, 0].detach()


@arguments(net=a_network)
@torch.enable_grad()
def trace(net: nn.Module, image: Tensor, number: LogitOf, k: int = 3) -> list[list[Step]]:
    """The `k` largest products that add up to `number`, each followed back to its largest pixel.

    `image` is `[1, 28, 28]`. The last layer adds up one product a unit, and its bias. From each of
    the `k` units, path after path, the largest of what the layer before contributes through it
    goes on, and so on down to a pixel. Largest means by absolute value.
    """
    lines = StraightLines(net)
    with eval_mode(net):
        result = number(lines.run(image[None].requires_grad_()))
    names = list(lines.read)
    layers = list(zip(["image", *names], lines.read.values(), strict=False))

    def follow(value: Tensor, slope: Tensor, layers: list, count: int) -> list[list[Step]]:
        if not layers:
            return [[]]
        *before, (name, values) = layers
        (slopes,) = torch.autograd.grad(value, values, slope, retain_graph=True)
        contributions = (slopes * values).flatten()
        paths = []
        for place in contributions.abs().topk(count).indices.tolist():
            step = Step(name, place, contributions[place].item())
            one, its_slope = values.flatten()[place], slopes.flatten()[place]
            paths += [[step, *rest] for rest in follow(one, its_slope, before, 1)]
        return paths

    return follow(result[0], torch.tensor(1.0), layers, k)


@torch.no_grad()
def occlusion(net: nn.Module, image: Tensor, number: LogitOf, patch: int = 5) -> Tensor:
    """How far `number` falls when the `patch` x `patch` pixels around a pixel are wiped out.

    `image` is `[1, 28, 28]`, the result `[28, 28]`: what it was less what it is with those pixels
    0, as the background is. At the edge the patch is cut off. Raises ValueError for an even
    `patch`, which has no pixel in its middle.
    """
    if patch % 2 == 0:
        raise ValueError(f"patch must be odd, not {patch}.")
    _, height, width = image.shape
    wiped = image.repeat(height, width, 1, 1)  # [row, column, height, width]
    reach = patch // 2
    for row in range(height):
        for column in range(width):
            rows = slice(max(0, row - reach), row + reach + 1)
            wiped[row, column, rows, max(0, column - reach) : column + reach + 1] = 0
    with eval_mode(net):
        falls = number(net(image[None])) - number(net(wiped.reshape(-1, 1, height, width)))
    return falls.reshape(height, width)

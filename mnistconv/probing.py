"""What a network looks at, and what it needs: gradients, deleted pixels, maps that are off.

`mnistconv.inside` follows one number of one picture; what stands here asks about many pictures.
Images are network input, float32 `[n, 1, 28, 28]`, labels int64 `[n]`.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistconv.training import eval_mode

WINDOW = 14  # pixels a side that a value of conv2 sees, before pooling: 5 + 1 + 4 * 2


@torch.enable_grad()
def gradients(net: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """By how much each picture's right logit grows for each unit of a pixel: `[n, 28, 28]`.

    The size of these numbers is the saliency map of Simonyan and others (1312.6034).
    """
    pixels = images.detach().clone().requires_grad_()
    with eval_mode(net):
        right = net(pixels).gather(1, labels[:, None])
    return torch.autograd.grad(right.sum(), pixels)[0][:, 0]


def smooth_gradients(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    copies: int = 25,
    noise: float = 0.2,
    seed: int = 0,
) -> Tensor:
    """The mean of `gradients` over `copies` of each picture with noise on every pixel.

    The noise is normal, its standard deviation `noise`, drawn by a generator with `seed`; noisy
    pixels may leave [0, 1]. Source: SmoothGrad (Smilkov and others, 1706.03825). Raises ValueError
    for fewer than one copy, or noise below 0.
    """
    if copies < 1 or noise < 0:
        raise ValueError(
            f"copies {copies}, noise {noise}: at least one copy, and noise of 0 or more."
        )
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(images[:, 0])
    for _ in range(copies):
        noisy = images + noise * torch.randn(images.shape, generator=generator)
        total += gradients(net, noisy, labels)
    return total / copies


def without_first(images: Tensor, scores: Tensor, count: int, flip: bool = False) -> Tensor:
    """Pictures whose `count` pixels with the highest `scores` `[n, 28, 28]` are gone: a new tensor.

    Gone means 0, as the background is; with `flip`, a pixel p becomes 1 - p instead. Raises
    ValueError unless 0 to 784 pixels are to go.
    """
    if not 0 <= count <= images[0].numel():
        raise ValueError(f"count {count}: 0 to {images[0].numel()} pixels can go.")
    first = scores.flatten(1).argsort(dim=1, descending=True)[:, :count]
    pixels = images.flatten(1)
    new = 1 - pixels.gather(1, first) if flip else torch.zeros(len(images), count)
    return pixels.scatter(1, first, new).reshape(images.shape)


@contextmanager
def switched_off(net: nn.Module, **maps: Iterable[int]) -> Iterator[nn.Module]:
    """`net` with feature maps that are 0 behind their activation: `switched_off(net, conv2=[3])`.

    -∞ before the activation becomes 0 by ReLU and by the sigmoid. After `with` all maps are on
    again. The page "Draw a digit" switches maps off in the same way. Raises ValueError for a layer
    or a map that `net` does not have.
    """
    with ExitStack() as stack:
        for name, numbers in maps.items():
            layer, numbers = getattr(net, name, None), list(numbers)
            if not isinstance(layer, nn.Conv2d):
                raise ValueError(f"{type(net).__name__} has no convolution named {name}.")
            if not set(numbers) <= set(range(layer.out_channels)):
                raise ValueError(f"{name} has maps 0 to {layer.out_channels - 1}, not {numbers}.")
            hook = layer.register_forward_hook(
                lambda layer, read, given, off=numbers: given.index_fill(
                    1, torch.tensor(off, dtype=torch.int64), -math.inf
                )
            )
            stack.callback(hook.remove)
        yield net


@torch.no_grad()
def layer_values(net: nn.Module, images: Tensor, batch_size: int = 500) -> dict[str, Tensor]:
    """What the layers of a network with two convolutions and ReLU give, for each picture.

    "pool1" `[n, 20, 12, 12]`, behind pooling and activation; "conv2" `[n, 40, 8, 8]`, before both;
    "pool2" `[n, 40, 4, 4]`, behind both; "fc1" `[n, 100]`, behind its activation.
    """
    parts = []
    for batch in images.split(batch_size):
        pool1 = F.relu(F.max_pool2d(net.conv1(batch), 2))
        conv2 = net.conv2(pool1)
        pool2 = F.relu(F.max_pool2d(conv2, 2))
        parts.append((pool1, conv2, pool2, F.relu(net.fc1(pool2.flatten(1)))))
    columns = zip(*parts, strict=True)
    return dict(zip(("pool1", "conv2", "pool2", "fc1"), map(torch.cat, columns), strict=True))


@torch.no_grad()
def read_from(net: nn.Module, pool2: Tensor) -> Tensor:
    """The digits that the dense layers read from maps "pool2" `[n, 40, 4, 4]`: int64 `[n]`."""
    return net.out(F.relu(net.fc1(pool2.flatten(1)))).argmax(dim=1)


@torch.no_grad()
def lost_and_gained(
    net: nn.Module,
    layers: dict[str, Tensor],
    labels: Tensor,
    conv1: Iterable[int] = (),
    conv2: Iterable[int] = (),
) -> tuple[int, int]:
    """How many digits are misread without these maps and read with them, and the other way round.

    Off is what it is for `switched_off`. `layers` are the `layer_values` of the pictures, from
    which this goes on: far quicker than reading the pictures anew.
    """
    conv1, conv2 = list(conv1), list(conv2)
    pool2 = layers["pool2"].clone()
    if conv1:
        part = F.conv2d(layers["pool1"][:, conv1], net.conv2.weight[:, conv1])
        pool2 = F.relu(F.max_pool2d(layers["conv2"] - part, 2))
    pool2[:, conv2] = 0
    before, after = (read_from(net, maps) == labels for maps in (layers["pool2"], pool2))
    return (before & ~after).sum().item(), (~before & after).sum().item()


def strongest_windows(
    images: Tensor, values: Tensor, count: int
) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
    """The pictures that excite one map of conv2 most, and where: one window a picture.

    `values` `[n, 8, 8]` are the map's, before pooling. Returns the numbers of `count` pictures, the
    strongest first, int64 `[count]`; the 14 x 14 pixels that the strongest value of each sees,
    `[count, 14, 14]`; and the (row, column) of that value in the map. Raises ValueError where
    there are fewer pictures.
    """
    if count > len(images):
        raise ValueError(f"count {count}: there are only {len(images)} pictures.")
    best, places = values.flatten(1).max(dim=1)
    numbers = best.topk(count).indices
    units = [divmod(place, values.shape[2]) for place in places[numbers].tolist()]
    windows = [
        images[number, 0, 2 * row : 2 * row + WINDOW, 2 * column : 2 * column + WINDOW]
        for number, (row, column) in zip(numbers.tolist(), units, strict=True)
    ]
    return numbers, torch.stack(windows), units


def nearest_mean(points: Tensor, labels: Tensor, others: Tensor) -> Tensor:
    """The class whose mean is nearest to each of `others` `[m, d]`: int64 `[m]`.

    The means are those of `points` `[n, d]` with their `labels` `[n]`, digits 0 to 9.
    """
    means = torch.stack([points[labels == digit].mean(dim=0) for digit in range(10)])
    return torch.cdist(others, means).argmin(dim=1)

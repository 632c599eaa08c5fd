"""What bad input gives: one sentence that names what is wrong, where, and what to do.

The functions that the book teaches are short because all of this stands here. A decorator names a
checker for each argument, `@arguments(epochs=whole(least=0))`: it returns the value, converted
where that helps (a NumPy array to a tensor), or raises. What shows only while a network works is
found by the `stop_if_...` functions and by `logits_of`.
"""

import functools
import inspect
import math
import numbers
import operator
import warnings
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

LOSS_LIMIT = 1e4  # a loss that no training comes back from: the right digit gets e^-10000
LARGEST_INT = 2**63 - 1  # what PyTorch can count to
LARGEST_SEED = 2**64 - 1
PIXELS = (
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32,
    torch.uint64, torch.bool,
)  # fmt: skip

# Each single picture of MNIST has a mean pixel from 6 to 102 and a brightest one of 254 or 255.
BRIGHT = 140  # a mean above it: dark on white, for even the boldest digit's negative has 153
FAINT = 64  # a brightest pixel below it: 0 and 1, or 0 to 16, in place of 0 to 255
LOOK_AT = 1_000  # pictures: enough to see of which kind they are


def arguments(*together: Callable, **checkers: Callable) -> Callable:
    """Decorator: each argument passes the checker of its name before the function is called.

    A checker takes value and name; it returns the value that the function gets, or raises. The
    functions in `together` then get all arguments by name, to compare them.
    """

    def decorate(function: Callable) -> Callable:
        parameters = inspect.signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        required = {p.name for p in parameters if p.default is p.empty} if together else set()

        @functools.wraps(function)
        def checked(*values, **named):
            given = dict(zip(names, values, strict=False)) | named
            if len(given) < len(values) + len(named):
                return function(*values, **named)  # Python's own error: an argument too many
            for name, check in checkers.items():
                if name in given:
                    given[name] = check(given[name], name)
            if required <= given.keys():
                for compare in together:
                    compare(**given)
            return function(**given)

        return checked

    return decorate


def optional(check: Callable) -> Callable:
    """A checker that lets None pass and gives everything else to `check`."""
    return lambda value, name: None if value is None else check(value, name)


# Numbers


def whole(least: int, most: int = LARGEST_INT) -> Callable:
    """A checker of whole numbers: Python's, NumPy's, or a tensor of one; no 60.0, no True."""

    def check(value, name: str) -> int:
        try:
            number = operator.index(None if isinstance(value, bool) else value)
        except TypeError:
            raise TypeError(f"{name} must be a whole number, an int, not {value!r}.") from None
        if number < least:
            raise ValueError(f"{name} must be at least {least}, not {number}.")
        if number > most:
            raise ValueError(f"{name} must be at most {most}.")
        return number

    return check


def a_learning_rate(value, name: str) -> float:
    rate = _number(value, "the learning rate, lr,")
    if not 0 < rate < math.inf:
        raise ValueError(f"the learning rate, lr, must be a number above 0, not {rate:g}.")
    return rate


def a_weight_decay(value, name: str) -> float:
    decay = _number(value, "the weight decay")
    if not 0 <= decay < math.inf:
        raise ValueError(f"the weight decay must be 0 or a number above it, not {decay:g}.")
    return decay


def _number(value, what: str) -> float:
    if isinstance(value, Tensor | np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be a number, a float, not {value!r}.")
    try:
        return float(value)
    except OverflowError:
        return math.inf


# Images and labels


def some_images(value, name: str) -> Tensor:
    """uint8 `[n, 28, 28]`, n >= 1; also from arrays, lists and other whole numbers, 0 to 255."""
    images = _as_tensor(value)
    if images is None or images.dtype not in PIXELS:
        raise TypeError(
            f"{name} must be a uint8 tensor with pixels 0 to 255, as load_mnist gives them, not"
            f" {_kind(value)}: pixels from 0 to 1 become that by (255 * x).round().to(torch.uint8)."
        )
    n, *size = images.shape or [0]
    if size != [28, 28]:
        regroups = images.shape[-2:] == (28, 28) or images.shape[1:] == (784,)
        hint = ": reshape(-1, 28, 28) gives it" if regroups else ""
        raise ValueError(f"{name} must have the shape [n, 28, 28], not {_shape(images)}{hint}.")
    if n == 0:
        raise ValueError(f"there are no {name}: the first axis has length 0.")
    return images if images.dtype == torch.uint8 else _bytes(images.long(), name)


def _bytes(images: Tensor, name: str) -> Tensor:
    low, high = images.min().item(), images.max().item()
    if low < 0 or high > 255:
        raise ValueError(f"{name} must have pixels 0 to 255; these reach from {low} to {high}.")
    return images.to(torch.uint8)


def some_pictures(value, name: str) -> Tensor:
    """`some_images`, with a look at them: a warning where they are of another kind than MNIST."""
    images = some_images(value, name)
    some = images[:LOOK_AT]
    brightest, mean = some.max().item(), some.float().mean().item()
    if mean > BRIGHT:
        _warn_once("their background is bright: 255 - images turns dark ink on white round.")
    elif 0 < brightest < FAINT:
        _warn_once("no pixel is bright: 255 * images brings 0 and 1 to it.")
    return images


@functools.cache
def _warn_once(what: str) -> None:
    warnings.warn(
        f"These images look unlike MNIST, white ink, up to 255, on black, 0: {what}",
        stacklevel=4,  # the line that called the checked function
    )


def some_labels(value, name: str) -> Tensor:
    """int64 with digits 0 to 9; also from arrays, lists and other numbers that are whole."""
    labels = _whole_numbers(value, name)
    digits = labels.flatten().tolist()
    low, high = min(digits, default=0), max(digits, default=9)
    if low < 0 or high > 9:
        raise ValueError(f"{name} must be digits 0 to 9; these reach from {low} to {high}.")
    return labels


def _whole_numbers(value, name: str) -> Tensor:
    labels = _as_tensor(value)
    if labels is not None and labels.dtype == torch.int64:
        return labels
    if labels is None or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(
            f"{name} must be an int64 tensor, as labels.long() gives, not {_kind(value)}."
        )
    if labels.is_floating_point() and not torch.equal(labels, labels.round()):
        raise TypeError(f"{name} must be an int64 tensor; these are no whole numbers.")
    return labels.long()


def a_pair(value, name: str) -> tuple[Tensor, Tensor]:
    """Images and labels, as `load_mnist` gives them twice: `some_pictures` and `some_labels`."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (images, labels), not {type(value).__name__}.")
    images = some_pictures(value[0], f"{name} images")
    labels = some_labels(value[1], f"{name} labels")
    _check_lengths(images, labels, f"{name} ")
    return images, labels


def one_label_per_image(images: Tensor, labels: Tensor, **_) -> None:
    _check_lengths(images, labels)


def _check_lengths(images: Tensor, labels: Tensor, which: str = "") -> None:
    """`which` is whose images and labels they are, "train " or "test ", or nothing."""
    if labels.shape != images.shape[:1]:
        n = len(images)
        raise ValueError(
            f"{n} {which}images need {n} labels, [{n}], not {_shape(labels)}{_mend(labels, n)}."
        )


def _mend(labels: Tensor, n: int) -> str:
    """How to make one label per image of what was given instead, where that is plain."""
    if labels.shape == (n, 1):
        return ": labels.flatten() gives them"
    return ": labels.argmax(dim=1) gives them" if labels.shape == (n, 10) else ""


def a_picture(value, name: str) -> Tensor:
    """A tensor of any dtype whose last two axes are height and width; also from an array."""
    picture = _as_tensor(value)
    if picture is None:
        raise TypeError(f"{name} must be a tensor [..., height, width], not {_kind(value)}.")
    if picture.dim() < 2:
        raise ValueError(f"{name} must have the shape [..., height, width], not {_shape(picture)}.")
    return picture


def _as_tensor(value) -> Tensor | None:
    """`value` itself, dense, or the numbers of a list or an array in a new tensor; None of others.

    A new one, for PyTorch shares no memory with arrays that are read-only, reversed or big-endian.
    """
    if isinstance(value, Tensor):
        return value if value.layout == torch.strided else value.to_dense()
    try:
        if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
            return torch.stack(tuple(value))
        array = np.array(value)
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))
    except (TypeError, ValueError, RuntimeError):
        return None


def _kind(value) -> str:
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return type(value).__name__
    return str(dtype) if isinstance(value, Tensor) else f"{type(value).__name__} of {dtype}"


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))


# Networks


def a_network(value, name: str) -> nn.Module:
    """A network, made and with weights."""
    if isinstance(value, type):
        raise TypeError(f"{name} is the class {value.__name__}: make one, {value.__name__}().")
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a network, an nn.Module, not {_kind(value)}.")
    if any(parameter.is_meta for parameter in value.parameters()):
        raise ValueError(f"{name} lies on the device meta, without numbers: make it on the CPU.")
    return value


def a_network_to_train(value, name: str) -> nn.Module:
    """`a_network` with parameters that are not all frozen."""
    net = a_network(value, name)
    needs = [parameter.requires_grad for parameter in net.parameters()]
    if not needs:
        raise ValueError(f"{name} has no parameters: there is nothing to train.")
    if not any(needs):
        raise ValueError(
            f"all parameters of {name} are frozen, so nothing would be trained:"
            " net.requires_grad_(True) frees them."
        )
    return net


def logits_of(net: nn.Module, images: Tensor) -> Tensor:
    """What `net` answers to network input, float32 `[n, 1, 28, 28]`: `net(images)`, `[n, 10]`.

    Raises ValueError for a network that does not take such images or gives another shape.
    """
    try:
        logits = net(images)
    except RuntimeError as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"the network fails on a batch {_shape(images)} of {images.dtype} on {images.device}:"
            f" {reason}. It must take float32 images [n, 1, 28, 28] that lie where it lies."
        ) from error
    if not isinstance(logits, Tensor) or logits.shape != (len(images), 10):
        given = _shape(logits) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(
            f"the network must answer {len(images)} images with logits [{len(images)}, 10], one for"
            f" each digit, not {given}."
        )
    return logits


def stop_if_no_answer(logits: Tensor) -> None:
    """Raise FloatingPointError where a logit is nan or inf: the largest of them is no digit."""
    if not (logits < math.inf).all():
        lost = (~(logits < math.inf)).any(dim=1).sum().item()
        raise FloatingPointError(
            f"The network answers nan or inf to {lost} of {len(logits)} images, and that is no"
            " digit. Most likely its training diverged: start again from a new network with a"
            " smaller lr."
        )


def stop_if_diverged(loss: Tensor | float, place: str) -> None:
    """Raise FloatingPointError where the loss of a step is nan, or beyond coming back from."""
    if isinstance(loss, Tensor) and loss.numel() != 1:
        raise ValueError(
            f"the loss of a batch must be one number, its mean, not {_shape(loss)} ({place})."
        )
    value = loss.item() if isinstance(loss, Tensor) else loss
    if not value < LOSS_LIMIT:
        raise FloatingPointError(
            f"Training diverged: the loss is {value:.4g} at {place}. Most likely the learning"
            " rate is too large: start again from a new network with a smaller lr."
        )


# What is trained, and by what


def some_parameters(value, name: str) -> list:
    """What `torch.optim.SGD` takes: parameters, or groups of them; of a generator, a list."""
    if isinstance(value, Tensor) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be parameters or groups of them, not {_kind(value)}.")
    items = [
        item | {"params": _members(item)} if isinstance(item, dict) else item for item in value
    ]
    if not _tensors_of(items):
        raise ValueError(f"{name} is empty: nothing would be trained. Leave it out to train all.")
    return items


def _members(group: dict) -> list:
    members = group.get("params", [])
    return [members] if isinstance(members, Tensor) else list(members)


def _tensors_of(items: list) -> list[Tensor]:
    """All parameters in a list of parameters, pairs (name, parameter) and groups of both."""
    members = [
        member
        for item in items
        for member in (_members(item) if isinstance(item, dict) else [item])
    ]
    return [member[1] if isinstance(member, tuple) else member for member in members]


def parameters_of_the_network(net: nn.Module, params: list | None = None, **_) -> None:
    """`params`, where given, are parameters of `net` itself, and one of them is not frozen."""
    if params is None:
        return
    own = {id(parameter) for parameter in net.parameters()}
    tensors = _tensors_of(params)
    foreign = sum(id(tensor) not in own for tensor in tensors)
    if foreign:
        raise ValueError(
            f"{foreign} of {len(tensors)} params are no parameters of net, so they would not be"
            " trained: take them from net.parameters()."
        )
    if not any(tensor.requires_grad for tensor in tensors):
        raise ValueError("all params are frozen, so nothing would be trained: free them first.")


def optimiser_of_the_network(net: nn.Module, sgd, **_) -> None:
    """`sgd` moves a parameter of `net`; one of another network would train nothing."""
    groups = getattr(sgd, "param_groups", None)
    if groups is not None:
        own = {id(parameter) for parameter in net.parameters()}
        if not any(id(tensor) in own for tensor in _tensors_of(groups)):
            raise ValueError(
                "sgd holds no parameter of net, so nothing would be trained: make it of"
                " net.parameters()."
            )


def an_optimiser(value, name: str):
    if isinstance(value, type) or not (hasattr(value, "step") and hasattr(value, "zero_grad")):
        raise TypeError(
            f"{name} must be an optimiser, as torch.optim.SGD(net.parameters(), lr=0.1) makes it,"
            f" not {_named(value)}."
        )
    return value


def a_function(value, name: str) -> Callable:
    """A function, or an object that can be called as one; not its class."""
    if isinstance(value, type):
        raise TypeError(f"{name} is the class {value.__name__}: make one, {value.__name__}().")
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {_kind(value)}.")
    return value


def _named(value) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else _kind(value)


# Loaders


class CheckedLoader:
    """A loader whose batches are looked at as they pass: `(images, labels)`, labels int64 `[n]`."""

    def __init__(self, loader: Iterable, name: str):
        self.loader, self.name = loader, name
        self.passes = 0

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.passes += 1
        batch = None
        for batch in self.loader:
            yield _checked_batch(batch, self.name)
        if batch is None:
            raise ValueError(
                f"{self.name} yields no images in pass {self.passes}: it must hold some, in every"
                " pass (a generator is empty after its first: make it a list or a DataLoader)."
            )


def a_loader(value, name: str) -> CheckedLoader:
    """Anything that yields batches, checked as they pass."""
    if isinstance(value, CheckedLoader):
        return value
    if isinstance(value, type | Tensor | str | dict) or not hasattr(value, "__iter__"):
        raise TypeError(
            f"{name} must yield batches (images, labels), as a DataLoader or"
            f" Batches(images, labels) does, not {_named(value)}."
        )
    return CheckedLoader(value, name)


def _checked_batch(batch, name: str) -> tuple[Tensor, Tensor]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise TypeError(
            f"{name} must yield pairs (images, labels), as Batches(images, labels) does, not"
            f" {type(batch).__name__}."
        )
    images, labels = batch
    if not isinstance(images, Tensor):
        images = _as_tensor(images)
        images = images.float() if images is not None and images.is_floating_point() else images
    if images is None or not images.is_floating_point() or images.dim() < 2:
        raise TypeError(
            f"{name} must yield images as float32 [n, 1, 28, 28], as ToTensor() and to_input give"
            f" them, not {_kind(batch[0])}."
        )
    labels = some_labels(labels, f"the labels of {name}")
    _check_lengths(images, labels, f"{name} ")
    if labels.numel() == 0:
        raise ValueError(f"{name} yields an empty batch: leave it out.")
    return images, labels

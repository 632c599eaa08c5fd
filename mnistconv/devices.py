"""Where the arithmetic is done: on which device, and on the CPU with how many threads."""

import os
from itertools import chain

import torch
from torch import nn

DEVICES = ("cpu", "cuda", "mps")


def pick_device(device: str | int | torch.device = "auto") -> torch.device:
    """`"auto"` is CUDA where present, else MPS, else the CPU; another one is taken as it is.

    That may be a name, a `torch.device` or the number of a GPU. Raises ValueError when it is
    unknown, absent, or of a kind that the book's networks do not run on ("meta").
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        picked = torch.device(device)
        if picked.type in DEVICES:
            torch.empty(0, device=picked)
    except (RuntimeError, AssertionError, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'device {device!r} is not here, use "auto" or "cpu": {reason}') from error
    if picked.type not in DEVICES:
        raise ValueError(f'device {device!r} is none of {", ".join(DEVICES)}: use "auto" or "cpu".')
    return picked


def device_of(net: nn.Module) -> torch.device:
    """The device on which `net` lies; of one without weights, the CPU.

    Raises ValueError where its parts lie on several.
    """
    devices = {tensor.device for tensor in chain(net.parameters(), net.buffers())}
    if len(devices) > 1:
        names = " and ".join(sorted(map(str, devices)))
        raise ValueError(f"the network lies on {names}: net.to(...) brings all of it to one.")
    return devices.pop() if devices else torch.device("cpu")


def set_threads() -> None:
    """One CPU thread for PyTorch, unless the reader decided; called when mnistconv is imported.

    A step on ten images is too little to share: on a busy machine with two cores it takes 52 ms
    with PyTorch's two threads, which wait for each other, and 3.6 ms with one. The environment
    variable MNISTCONV_THREADS says another number. Where OMP_NUM_THREADS or MKL_NUM_THREADS is
    set, or `torch.set_num_threads` was called before, everything stays as it is; a call with a
    number that PyTorch itself might have chosen cannot be told from no call.

    Raises ValueError when MNISTCONV_THREADS is no whole number from 1 to 1024.
    """
    wish = os.environ.get("MNISTCONV_THREADS")
    if wish:
        if not (wish.isdecimal() and len(wish) <= 4 and 1 <= int(wish) <= 1024):
            raise ValueError(f"MNISTCONV_THREADS is {wish!r}, but it must be a number, 1 to 1024.")
        torch.set_num_threads(int(wish))
    elif not _reader_decided():
        torch.set_num_threads(1)


def _reader_decided() -> bool:
    """PyTorch itself starts with one thread a core, or one for two that share their circuits."""
    if os.environ.get("OMP_NUM_THREADS") or os.environ.get("MKL_NUM_THREADS"):
        return True
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return not cores / 2 <= torch.get_num_threads() <= cores


set_threads()

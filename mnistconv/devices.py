"""Where the arithmetic is done."""

import torch


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """`"auto"` is CUDA where present, else MPS, else the CPU; any other name is taken as it is.

    Raises ValueError when the name is unknown or the device is absent.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'device {device!r} is not here, use "auto" or "cpu": {reason}') from error
    return torch.device(device)

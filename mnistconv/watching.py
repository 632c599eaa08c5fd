"""What a network makes of its own digits, and of unseen ones, while it learns."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnistconv.data import Pair, to_input
from mnistconv.training import eval_mode, fit


def watch(
    net: nn.Module,
    digits: Pair,
    unseen: Pair,
    *,
    epochs: int,
    max_steps: int | None = None,
    every: int = 500,
    **options,
) -> dict[str, list[float]]:
    """Train `net` on `digits` by `fit`, in pieces of `every` steps, and measure after each.

    Returns lists with an entry a piece: `steps` so far; `loss`, the mean cross entropy of the
    digits that it trains on, and `wrong`, the share of them that it misreads; `unseen_loss` and
    `unseen_wrong`, the same for `unseen`. Pairs are as in `fit`, which takes the `options`; the
    order of piece k comes from seed k. All is measured in eval mode.
    """
    steps = min(
        epochs * math.ceil(len(digits[1]) / 10), math.inf if max_steps is None else max_steps
    )
    found = {"steps": [], "loss": [], "wrong": [], "unseen_loss": [], "unseen_wrong": []}
    for piece, start in enumerate(range(0, steps, every)):
        length = min(every, steps - start)
        fit(net, digits, epochs=epochs, max_steps=length, seed=piece, verbose=False, **options)
        found["steps"].append(start + length)
        for name, pair in (("", digits), ("unseen_", unseen)):
            loss, wrong = loss_and_wrong(net, *pair)
            found[name + "loss"].append(loss)
            found[name + "wrong"].append(wrong)
    return found


@torch.no_grad()
def loss_and_wrong(net: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross entropy of `net` on a pair as in `fit`, and the share that it misreads."""
    with eval_mode(net):
        logits = torch.cat([net(to_input(batch)) for batch in images.split(500)])
    wrong = (logits.argmax(dim=1) != labels).float().mean().item()
    return F.cross_entropy(logits, labels).item(), wrong

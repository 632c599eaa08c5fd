"""Plain SGD as the full-length runs take it: the arithmetic of `torch.optim.SGD`, in less time.

At ten images a step the optimizer's own bookkeeping (profiling marks, checks, states that plain
SGD does not have) costs 5 to 10 % of the time, and a large weight is quicker to update while its
gradient is still in the cache: results/benchmark.md has the figures.
"""

import torch
from torch import Tensor
from torch.optim.sgd import sgd

LARGE = 100_000  # values; below it a call of its own costs more than the cache saves


class PlainSGD:
    """The steps of `torch.optim.SGD(groups, lr, weight_decay=..., fused=True)`, bit for bit.

    `groups` are dictionaries with `params` and, where it differs from the common one, `lr`. Large
    parameters move within `backward`, as soon as their gradient is there, the others in `step`,
    both through PyTorch's own function and kernel. Make only one of it for a network.
    """

    def __init__(self, groups: list[dict], lr: float, weight_decay: float = 0.0):
        self.groups = [(list(group["params"]), group.get("lr", lr)) for group in groups]
        self.weight_decay = weight_decay
        for params, group_lr in self.groups:
            for parameter in params:
                if parameter.numel() > LARGE:
                    parameter.register_post_accumulate_grad_hook(
                        lambda large, lr=group_lr: self._update([large], lr)
                    )

    def zero_grad(self) -> None:
        for params, _ in self.groups:
            for parameter in params:
                parameter.grad = None

    def step(self) -> None:
        for params, lr in self.groups:
            self._update([parameter for parameter in params if parameter.grad is not None], lr)

    @torch.no_grad()
    def _update(self, params: list[Tensor], lr: float) -> None:
        """Move `params` by their gradients and drop these."""
        sgd(
            params,
            [parameter.grad for parameter in params],
            [None] * len(params),  # no momentum
            fused=True,
            lr=lr,
            weight_decay=self.weight_decay,
            momentum=0.0,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for parameter in params:
            parameter.grad = None

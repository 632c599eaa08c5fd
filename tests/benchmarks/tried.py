"""What was tried for full-length runs and dropped: their trainer with one thing done otherwise."""

from typing import ClassVar
from unittest.mock import patch

import torch
import torch.nn.functional as F
from loops import BySteps
from torch import Tensor, nn

from mnistconv.reproduce import steps

aten = torch.ops.aten


class LibraryConvolution(steps.Dense):
    """Forward and backward by oneDNN, as autograd calls it."""

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return F.conv2d(x, self.weight, self.bias)

    def backward(self, error: Tensor) -> Tensor:
        return self.learn(error, also_before=True)

    def learn(self, error: Tensor, also_before: bool = False) -> Tensor:
        before, *gradients = aten.convolution_backward(
            error, self.x, self.weight, [len(self.weight)], [1, 1], [0, 0], [1, 1], False, [0, 0],
            1, [also_before, True, True],
        )  # fmt: skip
        rates = self.weight_rates, self.bias_rates
        parameters = self.weight, self.bias
        for parameter, gradient, (lr, decay) in zip(parameters, gradients, rates, strict=True):
            parameter.mul_(1 - lr * decay).sub_(gradient, alpha=lr)
        return before


class TurnedProduct(steps.Dense):
    """The same numbers from W xᵀ."""

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return (self.weight @ x.t()).t() + self.bias


class StoredGradient(steps.Dense):
    """The gradient of the weights first, then the step."""

    def learn(self, error: Tensor) -> None:
        for parameter, gradient, (lr, decay) in (
            (self.weight, error.t() @ self.x, self.weight_rates),
            (self.bias, error.sum(dim=0), self.bias_rates),
        ):
            parameter.mul_(1 - lr * decay).sub_(gradient, alpha=lr)


class PoolOfAutograd(steps.Pool):
    """Back through pooling by the function that autograd calls."""

    def forward(self, x: Tensor) -> Tensor:
        self.x = x
        return super().forward(x)

    def backward(self, error: Tensor) -> Tensor:
        return aten.max_pool2d_with_indices_backward(
            error, self.x, [2, 2], [2, 2], [0, 0], [1, 1], False, self.place
        )


class ReLUOfAutograd(steps.ReLU):
    """The same for the ReLU."""

    def backward(self, error: Tensor) -> Tensor:
        return aten.threshold_backward(error, self.y, 0)


class Tried(BySteps):
    """The trainer by steps with other layers in place of its own."""

    layers: ClassVar[dict]

    def set_up(self) -> None:
        with patch.dict(steps.LAYERS, self.layers):
            super().set_up()


class LibraryConvolutions(Tried):
    name = "convolutions by the library"
    layers: ClassVar = {nn.Conv2d: LibraryConvolution}


class TurnedProducts(Tried):
    name = "dense layers as W @ x.T"
    layers: ClassVar = {nn.Linear: TurnedProduct}


class StoredGradients(Tried):
    name = "gradients of dense weights stored"
    layers: ClassVar = {nn.Linear: StoredGradient}


class BackwardOfAutograd(Tried):
    name = "autograd's own functions for pooling and ReLU"
    layers: ClassVar = {F.max_pool2d: PoolOfAutograd, F.relu: ReLUOfAutograd}


class BatchByBatch(Tried):
    name = "batches gathered one at a time"
    layers: ClassVar = {}

    def train(self, seed: int, number: int) -> None:
        with patch.object(steps, "AT_A_TIME", 1):
            super().train(seed, number)


TRIED = (LibraryConvolutions, TurnedProducts, StoredGradients, BackwardOfAutograd, BatchByBatch)

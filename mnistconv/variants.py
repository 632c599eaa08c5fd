"""Networks that the book does not teach but measures: a taught one with one thing changed.

Images and logits are as in `mnistconv.networks`. With the same seed, what a variant has in common
with its model starts with the same weights, as far as the layers before it are the same.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from mnistconv.networks import ConvNetTwoConvLayers


class ConvNetTwoConvWideDenseLayer(nn.Module):
    """`ConvNetTwoConvLayersReLU` with 1,000 units in fc1 in place of 100: 671,570 parameters."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.conv2 = nn.Conv2d(20, 40, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 40, 1000)
        self.out = nn.Linear(1000, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetTwoConvTwoDenseLayers(nn.Module):
    """`ConvNetTwoConvTwoDenseLayersWithDropout` without its dropout: 1,672,570 parameters."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.conv2 = nn.Conv2d(20, 40, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 40, 1000)
        self.fc2 = nn.Linear(1000, 1000)
        self.out = nn.Linear(1000, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.relu(self.fc2(x))
        return self.out(x)


# `ConvNetTwoConvLayers` with one thing changed: what does its plateau come from?


class ConvNetTwoConvLayersCentred(ConvNetTwoConvLayers):
    """One half subtracted from each sigmoid, so that values lie about 0: 85,670 parameters."""

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(F.max_pool2d(self.conv1(x), 2)) - 0.5
        x = F.sigmoid(F.max_pool2d(self.conv2(x), 2)) - 0.5
        x = F.sigmoid(self.fc1(x.flatten(1))) - 0.5
        return self.out(x)


class ConvNetTwoConvLayersSteep(ConvNetTwoConvLayers):
    """Each sigmoid times 4, so that its slope reaches 1, as ReLU's: 85,670 parameters."""

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = 4 * F.sigmoid(F.max_pool2d(self.conv1(x), 2))
        x = 4 * F.sigmoid(F.max_pool2d(self.conv2(x), 2))
        x = 4 * F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetTwoConvLayersSteepCentred(ConvNetTwoConvLayers):
    """Both, 4 σ(z) - 2, which is 2 tanh(z/2): 85,670 parameters."""

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = 4 * F.sigmoid(F.max_pool2d(self.conv1(x), 2)) - 2
        x = 4 * F.sigmoid(F.max_pool2d(self.conv2(x), 2)) - 2
        x = 4 * F.sigmoid(self.fc1(x.flatten(1))) - 2
        return self.out(x)


class ConvNetTwoConvLayersFrozenFirst(ConvNetTwoConvLayers):
    """conv1 stays as it was drawn; of 85,670 parameters, 85,150 learn."""

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(F.max_pool2d(self.conv1(x), 2)).detach()
        x = F.sigmoid(F.max_pool2d(self.conv2(x), 2))
        x = F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetTwoConvLayersFrozenBoth(ConvNetTwoConvLayers):
    """Both convolutions stay as they were drawn; of 85,670 parameters, 65,110 learn."""

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(F.max_pool2d(self.conv1(x), 2))
        x = F.sigmoid(F.max_pool2d(self.conv2(x), 2)).detach()
        x = F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)

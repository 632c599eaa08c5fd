"""The networks of the book: the article's four, the dense one before them, the fast one after.

Every network takes images `[n, 1, 28, 28]`, float32 in [0, 1], and returns logits `[n, 10]`,
float32: raw outputs, one per digit, without softmax (the loss applies it).

Pooling stands before the activation. The largest of four numbers stays the largest under a rising
function, so outputs and gradients are those of the article's order (activation, then pooling), and
only a quarter of the values has to pass through the activation (Nielsen's network3.py does the
same).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from mnistconv.checks import arguments, whole


class DenseNet(nn.Module):
    """784 -> fc 100 -> sigmoid -> out 10: the network before the convolutions, 79,510 parameters.

    Source: Nielsen, chapter 6, first experiment ("shallow"). (The dense network of the article
    before this one has sigmoid outputs.)
    """

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetSimple(nn.Module):
    """conv 20 -> pool -> sigmoid -> fc 100 -> sigmoid -> out 10: 289,630 parameters.

    Source: the article, "Simple network"; Nielsen, chapter 6, "basic conv".
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.fc1 = nn.Linear(12 * 12 * 20, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(F.max_pool2d(self.conv1(x), 2))
        x = F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetTwoConvLayers(nn.Module):
    """conv 20 -> pool -> conv 40 -> pool -> fc 100 -> out 10, sigmoids: 85,670 parameters.

    Source: the article, "Two convolutional layers"; Nielsen, chapter 6, dbl_conv.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.conv2 = nn.Conv2d(20, 40, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 40, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(F.max_pool2d(self.conv1(x), 2))
        x = F.sigmoid(F.max_pool2d(self.conv2(x), 2))
        x = F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetTwoConvLayersReLU(nn.Module):
    """`ConvNetTwoConvLayers` with ReLU in place of the sigmoid: 85,670 parameters.

    Source: the article, "Rectified linear units"; Nielsen, chapter 6, dbl_conv_relu.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.conv2 = nn.Conv2d(20, 40, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 40, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.out(x)


class ConvNetTwoConvTwoDenseLayersWithDropout(nn.Module):
    """Two convolutions, two dense layers of 1,000, dropout .5 before each dense one: 1,672,570.

    Source: the article, "Two dense layers and dropout"; Nielsen, chapter 6, double_fc_dropout.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.conv2 = nn.Conv2d(20, 40, kernel_size=5)
        self.dropout1 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(4 * 4 * 40, 1000)
        self.dropout2 = nn.Dropout(0.5)
        self.fc2 = nn.Linear(1000, 1000)
        self.dropout3 = nn.Dropout(0.5)
        self.out = nn.Linear(1000, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = self.dropout1(x.flatten(1))
        x = self.dropout2(F.relu(self.fc1(x)))
        x = self.dropout3(F.relu(self.fc2(x)))
        return self.out(x)


class FastNet(nn.Module):
    """conv -> pool -> conv -> pool -> fc -> out 10, ReLU, batch normalisation before each of them.

    As it stands: a border of two pixels cut off, 8 and 32 maps, 100 units, 36,690 parameters. A
    bias before a batch normalisation would be subtracted with the mean, so there is none. Source:
    Ioffe and Szegedy, 1502.03167.
    """

    @arguments(units=whole(least=1), border=whole(least=0, most=5))
    def __init__(self, maps=(8, 32), units: int = 100, border: int = 2):
        super().__init__()
        self.border = border
        width = ((28 - 2 * border - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(1, maps[0], kernel_size=5, bias=False)
        self.norm1 = nn.BatchNorm2d(maps[0])
        self.conv2 = nn.Conv2d(maps[0], maps[1], kernel_size=5, bias=False)
        self.norm2 = nn.BatchNorm2d(maps[1])
        self.fc1 = nn.Linear(width * width * maps[1], units, bias=False)
        self.norm3 = nn.BatchNorm1d(units)
        self.out = nn.Linear(units, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = x[:, :, self.border : 28 - self.border, self.border : 28 - self.border]
        x = F.relu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        x = F.relu(self.norm2(F.max_pool2d(self.conv2(x), 2)))
        x = F.relu(self.norm3(self.fc1(x.flatten(1))))
        return self.out(x)

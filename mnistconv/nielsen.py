"""Nielsen's networks of chapter 6, as his network3.py builds them: what differs from the article's.

Every network takes images and returns logits as those of `mnistconv.networks` do, and its layers
have the article's names. Three layers are his own:

- `Pixels`: a pixel is x/256, where the article has x/255;
- `ConvPool`: convolution, pooling, bias, activation, where the article's convolution has its bias
  before the activation, and the pooling comes last (the same function with the same gradient);
- `Dropout`: nothing is scaled in training, and the masks of all layers begin at one seed.

All else of his protocol is no matter of the network: `mnistconv.initialisation.nielsen` draws the
first weights, `mnistconv.protocol` has his data, his cost and his loop. Theano's convolution flips
the kernel; ours does not, since a learned kernel does not care which way it is stored.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# numpy.random.RandomState(0).randint(999999): where his masks begin, in every layer and network.
MASK_SEED = 985_772


class Pixels(nn.Module):
    """The book's pixels x/255 as Nielsen's x/256, the largest .99609. Any shape; exact in float32.

    Source: his data file, mnist.pkl.gz.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x * (255 / 256)


class ConvPool(nn.Conv2d):
    """Convolution, pooling of 2 x 2, then the bias: maps `[n, c, h, w]` to `[n, filters, h', w']`.

    Every map has one bias, and the largest of four stays the largest when the same is added to all:
    equal to the article's order, with a quarter of the additions. Source: network3.py.
    """

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(F.conv2d(x, self.weight), 2)
        return pooled + self.bias[:, None, None]


class Dropout(nn.Module):
    """In training each value times 0 or 1, a 1 with probability 1 - p; else times 1 - p.

    (He multiplies what the weights make of the values, which is the same.) Each layer has a
    generator of its own, and all begin at one seed: layers of one width draw the same masks at
    every step, and so does every network. Source: `dropout_layer` in network3.py.
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p
        self.generator = torch.Generator().manual_seed(MASK_SEED)

    def mask(self, shape: tuple[int, ...]) -> Tensor:
        """The next mask: bool of this shape, on the generator's device, False where it drops."""
        device = self.generator.device
        return torch.rand(shape, generator=self.generator, device=device) >= self.p

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return x * self.mask(x.shape).to(x.device)
        return x * (1 - self.p)


class NielsenShallow(nn.Module):
    """784 -> fc 100 -> sigmoid -> softmax: 79,510 parameters; `shallow` in his conv.py."""

    def __init__(self):
        super().__init__()
        self.pixels = Pixels()
        self.fc1 = nn.Linear(28 * 28, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(self.fc1(self.pixels(x).flatten(1)))
        return self.out(x)


class NielsenBasic(nn.Module):
    """conv 20 -> fc 100 -> softmax, sigmoids: 289,630 parameters; `basic_conv`."""

    def __init__(self):
        super().__init__()
        self.pixels = Pixels()
        self.conv1 = ConvPool(1, 20, kernel_size=5)
        self.fc1 = nn.Linear(12 * 12 * 20, 100)
        self.out = nn.Linear(100, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(self.conv1(self.pixels(x)))
        x = F.sigmoid(self.fc1(x.flatten(1)))
        return self.out(x)


class NielsenNoDense(nn.Module):
    """conv 20 -> sigmoid -> softmax, no dense layer between: 29,330 parameters; `omit_FC`."""

    def __init__(self):
        super().__init__()
        self.pixels = Pixels()
        self.conv1 = ConvPool(1, 20, kernel_size=5)
        self.out = nn.Linear(12 * 12 * 20, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.sigmoid(self.conv1(self.pixels(x)))
        return self.out(x.flatten(1))


class NielsenTwoConv(nn.Module):
    """conv 20 -> conv 40 -> fc 100 -> softmax, sigmoids: 85,670 parameters; `dbl_conv`.

    `units` are those of fc1, for the networks below.
    """

    activation = staticmethod(F.sigmoid)

    def __init__(self, units: int = 100):
        super().__init__()
        self.pixels = Pixels()
        self.conv1 = ConvPool(1, 20, kernel_size=5)
        self.conv2 = ConvPool(20, 40, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 40, units)
        self.out = nn.Linear(units, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = self.activation(self.conv1(self.pixels(x)))
        x = self.activation(self.conv2(x))
        x = self.activation(self.fc1(x.flatten(1)))
        return self.out(x)


class NielsenTwoConvTanh(NielsenTwoConv):
    """The same with tanh: 85,670 parameters; `dbl_conv(activation_fn=tanh)`."""

    activation = staticmethod(F.tanh)


class NielsenTwoConvReLU(NielsenTwoConv):
    """The same with ReLU: 85,670 parameters; `dbl_conv_relu`, and `expanded_data(100)`."""

    activation = staticmethod(F.relu)


class NielsenTwoConvReLU300(NielsenTwoConvReLU):
    """With 300 units in fc1: 215,870 parameters; `expanded_data(300)`."""

    def __init__(self):
        super().__init__(units=300)


class NielsenTwoConvReLU1000(NielsenTwoConvReLU):
    """With 1,000 units in fc1: 671,570 parameters; `expanded_data(1000)`."""

    def __init__(self):
        super().__init__(units=1000)


class NielsenDouble(nn.Module):
    """conv 20 -> conv 40 -> fc 100 -> fc 100 -> softmax, ReLU: 95,770 parameters.

    `units` are those of fc1 and of fc2. Source: `expanded_data_double_fc(100)`.
    """

    def __init__(self, units: int = 100):
        super().__init__()
        self.pixels = Pixels()
        self.conv1 = ConvPool(1, 20, kernel_size=5)
        self.conv2 = ConvPool(20, 40, kernel_size=5)
        self.fc1 = nn.Linear(4 * 4 * 40, units)
        self.fc2 = nn.Linear(units, units)
        self.out = nn.Linear(units, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.relu(self.conv1(self.pixels(x)))
        x = F.relu(self.conv2(x))
        x = F.relu(self.fc1(x.flatten(1)))
        x = F.relu(self.fc2(x))
        return self.out(x)


class NielsenDouble300(NielsenDouble):
    """With 300 units twice: 306,170 parameters; `expanded_data_double_fc(300)`."""

    def __init__(self):
        super().__init__(units=300)


class NielsenDouble1000(NielsenDouble):
    """With 1,000 units twice: 1,672,570 parameters; `expanded_data_double_fc(1000)`."""

    def __init__(self):
        super().__init__(units=1000)


class NielsenDropout(nn.Module):
    """1,000 units twice, half of what each dense layer reads dropped: 1,672,570 parameters.

    Source: `double_fc_dropout(0.5, 0.5, 0.5)`.
    """

    def __init__(self):
        super().__init__()
        self.pixels = Pixels()
        self.conv1 = ConvPool(1, 20, kernel_size=5)
        self.conv2 = ConvPool(20, 40, kernel_size=5)
        self.dropout1 = Dropout(0.5)
        self.fc1 = nn.Linear(4 * 4 * 40, 1000)
        self.dropout2 = Dropout(0.5)
        self.fc2 = nn.Linear(1000, 1000)
        self.dropout3 = Dropout(0.5)
        self.out = nn.Linear(1000, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]` to logits `[n, 10]`."""
        x = F.relu(self.conv1(self.pixels(x)))
        x = F.relu(self.conv2(x))
        x = F.relu(self.fc1(self.dropout1(x.flatten(1))))
        x = F.relu(self.fc2(self.dropout2(x)))
        return self.out(self.dropout3(x))

"""The same training by other libraries, where they are installed: requirements-peers.txt.

Same first weights, same batches of ten in the same order, plain SGD with the same learning rate and
weight decay, each library in its own customary way, on the processor.
"""

import logging
import os
import warnings
from importlib.util import find_spec

# Read when the libraries are imported, which is when a loop of theirs is made.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import numpy as np
import torch
import torch.nn.functional as F
from loops import BATCH_SIZE, ArticlesLoop, Loop, numbers_of_images
from torch import nn

from mnistconv.data import to_input

Arrays = list[np.ndarray]  # weight and bias of each layer in turn, channels last


def to_arrays(net: nn.Module) -> Arrays:
    """The parameters of `net` as Keras and JAX lay them out, float32.

    Convolutions `[height, width, in, out]`, dense layers `[in, out]`. The first dense layer reads a
    picture whose channels come last: its rows change places.
    """
    arrays = []
    channels = 1
    for layer in _layers(net):
        weight = layer.weight.detach()
        if isinstance(layer, nn.Conv2d):
            channels = layer.out_channels
            weight = weight.permute(2, 3, 1, 0)
        else:
            weight = weight.unflatten(1, (channels, -1)).permute(2, 1, 0).flatten(0, 1)
            channels = 1
        arrays += [weight.contiguous().numpy(), layer.bias.detach().numpy()]
    return arrays


@torch.no_grad()
def from_arrays(net: nn.Module, arrays: Arrays) -> nn.Module:
    """Put `arrays`, laid out as by `to_arrays`, into `net` and return it."""
    channels = 1
    for layer, weight, bias in zip(_layers(net), arrays[::2], arrays[1::2], strict=True):
        weight = torch.tensor(np.asarray(weight))
        if isinstance(layer, nn.Conv2d):
            channels = layer.out_channels
            weight = weight.permute(3, 2, 0, 1)
        else:
            weight = weight.unflatten(0, (-1, channels)).permute(2, 1, 0).flatten(1)
            channels = 1
        layer.weight.copy_(weight)
        layer.bias.copy_(torch.tensor(np.asarray(bias)))
    return net


def _layers(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.children() if isinstance(layer, (nn.Conv2d, nn.Linear))]


def _activation(net: nn.Module) -> str:
    name = type(net).__name__
    return "relu" if "ReLU" in name or "Dropout" in name else "sigmoid"


def _has_dropout(net: nn.Module) -> bool:
    return any(isinstance(layer, nn.Dropout) for layer in net.children())


class Lightning(ArticlesLoop):
    """PyTorch Lightning over the article's DataLoader; `barebones` switches its extras off."""

    name = "Lightning"
    module = "lightning"

    def set_up(self) -> None:
        import lightning

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")
        recipe = self.recipe

        class Classifier(lightning.LightningModule):
            def __init__(self, net: nn.Module):
                super().__init__()
                self.net = net

            def training_step(self, batch, _):
                images, labels = batch
                return F.cross_entropy(self.net(images), labels)

            def configure_optimizers(self):
                return torch.optim.SGD(
                    self.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
                )

        self.module_to_train = Classifier(self.net)
        self.trainer = lambda: lightning.Trainer(accelerator="cpu", max_epochs=1, barebones=True)

    def train(self, seed: int, steps: int) -> None:
        self.net.train()
        trainer = self.trainer()
        trainer.fit(self.module_to_train, self.loader(seed, steps))


class Keras(Loop):
    """Keras 3, `compile` and `fit` on arrays in memory."""

    name = "Keras 3"
    module = "keras"

    def set_up(self) -> None:
        import keras

        activation = _activation(self.net)
        has_dropout = _has_dropout(self.net)
        self.model = keras.Sequential([keras.Input((28, 28, 1))])
        *hidden, out = _layers(self.net)
        for layer in hidden:
            if isinstance(layer, nn.Conv2d):
                self.model.add(keras.layers.Conv2D(layer.out_channels, 5))
                self.model.add(keras.layers.MaxPooling2D())
            else:
                self.model.add(keras.layers.Flatten())
                if has_dropout:
                    self.model.add(keras.layers.Dropout(0.5))
                self.model.add(keras.layers.Dense(layer.out_features))
            self.model.add(keras.layers.Activation(activation))
        if has_dropout:
            self.model.add(keras.layers.Dropout(0.5))
        self.model.add(keras.layers.Dense(out.out_features))
        self.model.set_weights(to_arrays(self.net))
        self.model.compile(
            keras.optimizers.SGD(self.recipe.lr, weight_decay=self.recipe.weight_decay or None),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        images, labels = self.images
        self.pixels = to_input(images).permute(0, 2, 3, 1).contiguous().numpy()
        self.digits = labels.numpy()

    def train(self, seed: int, steps: int) -> None:
        order = numbers_of_images(len(self.digits), seed, steps).numpy()
        pixels, digits = self.pixels[order], self.digits[order]
        self.model.fit(pixels, digits, batch_size=BATCH_SIZE, shuffle=False, verbose=0)

    def network(self) -> nn.Module:
        return from_arrays(self.net, self.model.get_weights())


class Jax(Loop):
    """JAX alone: one compiled step, called from a Python loop, data resident."""

    name = "JAX"
    module = "jax"

    def set_up(self) -> None:
        import jax
        import jax.numpy as jnp
        from jax import lax

        activation = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[_activation(self.net)]
        has_dropout = _has_dropout(self.net)
        lr, decay = self.recipe.lr, self.recipe.weight_decay
        images, labels = self.images
        pixels = jnp.asarray(to_input(images).permute(0, 2, 3, 1).contiguous().numpy())
        digits = jnp.asarray(labels.numpy())

        def dropout(x, key):
            return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), 2 * x, 0)

        def logits(arrays, x, key):
            pairs = list(zip(arrays[::2], arrays[1::2], strict=True))
            for weight, bias in pairs[:-1]:
                if weight.ndim == 4:
                    layout = ("NHWC", "HWIO", "NHWC")
                    x = lax.conv_general_dilated(
                        x, weight, (1, 1), "VALID", dimension_numbers=layout
                    )
                    window = (1, 2, 2, 1)
                    x = lax.reduce_window(x + bias, -jnp.inf, lax.max, window, window, "VALID")
                else:
                    x = x.reshape(len(x), -1)
                    if has_dropout:
                        key, own = jax.random.split(key)
                        x = dropout(x, own)
                    x = x @ weight + bias
                x = activation(x)
            if has_dropout:
                x = dropout(x, key)
            weight, bias = pairs[-1]
            return x @ weight + bias

        def loss(arrays, x, y, key):
            log_p = jax.nn.log_softmax(logits(arrays, x, key))
            return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()

        def step(arrays, pixels, digits, numbers, key):
            key, own = jax.random.split(key)
            gradients = jax.grad(loss)(arrays, pixels[numbers], digits[numbers], own)
            moved = [p - lr * (g + decay * p) for p, g in zip(arrays, gradients, strict=True)]
            return moved, key

        compiled = jax.jit(step, donate_argnums=0)
        self.arrays = [jnp.array(array) for array in to_arrays(self.net)]
        self.key = jax.random.key(0)
        self.step = lambda numbers: compiled(self.arrays, pixels, digits, numbers, self.key)
        self.wait = jax.block_until_ready

    def train(self, seed: int, steps: int) -> None:
        order = numbers_of_images(len(self.images[1]), seed, steps).numpy().astype(np.int32)
        for numbers in order.reshape(steps, BATCH_SIZE):
            self.arrays, self.key = self.step(numbers)
        self.wait(self.arrays)

    def network(self) -> nn.Module:
        return from_arrays(self.net, self.arrays)


PEERS = (Lightning, Keras, Jax)


def is_installed(peer: type[Loop]) -> bool:
    return find_spec(peer.module) is not None

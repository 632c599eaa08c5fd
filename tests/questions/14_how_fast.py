"""The answers to the questions of chapter 14, computed."""

import time

import numpy as np
import torch
import torch.nn.functional as F

from mnistconv.networks import FastNet
from mnistconv.training import Batches


def question_1():
    """Ten seeds of one recipe, and one more."""
    luck = np.random.default_rng(0).normal(size=(20_000, 11))
    more = (luck[:, 10] > luck[:, :10].max(axis=1)).mean()
    assert abs(more - 1 / 11) < 0.01
    return "b" if more < 0.4 else "c" if more < 0.6 else "a"


def question_2():
    """A sleep stands for the time in which another program has the core."""
    wall, own = time.perf_counter(), time.process_time()
    torch.rand(200, 200) @ torch.rand(200, 200)
    time.sleep(0.1)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    return "b" if wall > own + 0.05 else "c" if own > wall + 0.05 else "a"


def question_3():
    torch.manual_seed(0)
    net, pictures = FastNet(), torch.rand(127, 1, 28, 28)
    one, other = net(pictures[:64])[0], net(torch.cat([pictures[:1], pictures[64:]]))[0]
    net.eval()
    alone, again = net(pictures[:1])[0], net(pictures[:64])[0]
    torch.testing.assert_close(alone, again)
    return "a" if torch.allclose(one, other, atol=1e-3) else "b"


def question_4():
    p = torch.full((1, 10), 0.01 / 9)
    p[0, 3] = 0.99
    logits = p.log().requires_grad_()
    F.cross_entropy(logits, torch.tensor([3]), label_smoothing=0.1).backward()
    push = -logits.grad[0, 3].item()
    return "a" if push > 1e-6 else "b" if push < -1e-6 else "c"


def question_5():
    images, labels = torch.zeros(50_000, 28, 28, dtype=torch.uint8), torch.zeros(50_000).long()
    return round(len(Batches(images, labels, 10)) / len(Batches(images, labels, 64)), 1)

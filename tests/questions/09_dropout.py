"""The answers to the questions of chapter 9, computed."""

import book
import torch
from asking import Seen, text_of
from torch import nn


def question_1():
    torch.manual_seed(0)
    counts = {int((nn.Dropout(0.5)(torch.rand(100) + 1) == 0).sum()) for _ in range(50)}
    return "a" if counts == {50} else "b"


def question_2():
    torch.manual_seed(0)
    net, picture = nn.Sequential(nn.Dropout(0.5), nn.Linear(100, 10)), torch.rand(1, 100)
    with torch.no_grad():
        answers = torch.cat([net(picture) for _ in range(20)])
        still = torch.cat([net.eval()(picture) for _ in range(20)])
    assert (still == still[0]).all()
    return "a" if (answers == answers[0]).all() else "c"


def question_3():
    """What the page itself printed of 1,000 digits, without dropout and with it."""
    printed = Seen("\n".join(text_of(cell) for cell in book.code_cells("09_dropout")))
    loss, loss_with = printed.numbers(r"^loss .*$")
    unseen, unseen_with = printed.numbers(r"^unseen_wrong .*$")
    assert loss_with > loss
    return "b" if unseen_with < unseen else "a"


def question_4():
    """The rate at which his weights, with x masked and not scaled, make the step of PyTorch's."""
    p, lr = 0.75, 0.01
    x, mask = torch.rand(8, dtype=torch.float64), torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0]).double()
    pytorch = torch.rand(8, dtype=torch.float64, requires_grad=True)
    nielsen = (pytorch.detach() / (1 - p)).requires_grad_()  # the same function, in his units
    (pytorch @ (mask * x / (1 - p))).tanh().backward()
    (nielsen @ (mask * x)).tanh().backward()
    step = lr * pytorch.grad / (1 - p)  # in his units
    return round((step[0] / nielsen.grad[0]).item(), 6)


def question_5():
    layer = nn.Sequential(nn.Dropout(0.5), nn.Linear(1000, 10, bias=False)).eval()
    ones = torch.ones(1, 1000)
    assert (layer[1].weight != 0).all()
    whole = layer[1].weight.sum(1)
    return "b" if torch.allclose(layer(ones)[0], whole, atol=1e-5) else "c"

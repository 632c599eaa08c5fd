"""What is measured while a network learns: the digits it trains on, digits it does not see."""

import pytest
import torch
import torch.nn.functional as F

from mnistconv.data import to_input
from mnistconv.networks import DenseNet
from mnistconv.training import fit
from mnistconv.watching import loss_and_wrong, watch


@pytest.fixture
def digits(few):
    images, labels = few
    return (images[:95], labels[:95]), (images[95:295], labels[95:295])


def a_network() -> DenseNet:
    torch.manual_seed(0)
    return DenseNet()


def test_loss_and_wrong_are_those_of_all_digits_together(few):
    net = a_network()
    logits = net(to_input(few[0]))
    loss, wrong = loss_and_wrong(net, *few)
    assert loss == pytest.approx(F.cross_entropy(logits, few[1]).item(), rel=1e-5)
    assert wrong == pytest.approx((logits.argmax(dim=1) != few[1]).sum().item() / 1000)


def test_dropout_is_off_while_it_measures_and_as_it_was_after(few):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(784, 10))
    assert loss_and_wrong(net, *few) == loss_and_wrong(net, *few)
    assert net[1].training


def test_watching_measures_after_every_piece_what_fit_makes_of_it(digits):
    own, unseen = digits
    found = watch(a_network(), own, unseen, lr=0.1, epochs=2, every=8)
    assert found["steps"] == [8, 16, 20]  # ten batches an epoch
    net = a_network()
    for piece, steps in enumerate((8, 8, 4)):
        fit(net, own, lr=0.1, epochs=2, max_steps=steps, seed=piece, verbose=False)
        loss, wrong = loss_and_wrong(net, *own)
        assert (found["loss"][piece], found["wrong"][piece]) == (loss, wrong)
        loss, wrong = loss_and_wrong(net, *unseen)
        assert (found["unseen_loss"][piece], found["unseen_wrong"][piece]) == (loss, wrong)


def test_it_stops_where_it_is_told_and_hands_on_the_options_of_fit(digits):
    plain, shrunk = a_network(), a_network()
    assert watch(plain, *digits, lr=0.1, epochs=9, max_steps=7)["steps"] == [7]
    watch(shrunk, *digits, lr=0.1, epochs=9, max_steps=7, weight_decay=0.5)
    assert shrunk.fc1.weight.norm() < 0.9 * plain.fc1.weight.norm()

"""The table of runs against figures typed here, the profiles of the notebooks, parameter groups."""

import dataclasses
import json

import pytest
import torch
import torch.nn.functional as F

from mnistconv.experiments import EXPERIMENTS, Experiment, get_experiment
from mnistconv.lessons import lesson, profile
from mnistconv.networks import DenseNet

DROPOUT = "ConvNetTwoConvTwoDenseLayersWithDropout"
RELU = "ConvNetTwoConvLayersReLU"

# name, network, training images, epochs, lr, weight decay, lr of the dense weights,
# article %, author's later reruns %, Nielsen %
TABLE = [
    ("dense", "DenseNet", 60_000, 60, 0.1, 0, None, None, (), 97.80),
    ("simple", "ConvNetSimple", 60_000, 60, 0.1, 0, None, 98.97, (98.94, 98.91), 98.78),
    ("two-conv", "ConvNetTwoConvLayers", 60_000, 60, 0.1, 0, None, 99.05, (99.15, 99.13), 99.06),
    ("relu-wd0.1", RELU, 60_000, 60, 0.03, 0.1, None, 85.31, (), None),
    ("relu", RELU, 60_000, 60, 0.03, 0.00005, None, 99.43, (99.26, 99.30), 99.23),
    ("expanded", RELU, 300_000, 60, 0.03, 0.00005, None, 99.51, (99.42, 99.43), 99.37),
    ("dropout-lr0.03", DROPOUT, 300_000, 40, 0.03, 0, None, 99.64, (), 99.60),
    ("dropout-lr0.005", DROPOUT, 300_000, 40, 0.005, 0, None, 99.63, (99.59, 99.64), None),
    ("dropout-nielsen-step", DROPOUT, 300_000, 40, 0.03, 0, 0.0075, None, (), 99.60),
]


def test_the_table_in_its_order():
    rows = [
        (
            name,
            e.network.__name__,
            e.training_images,
            e.epochs,
            e.lr,
            e.weight_decay,
            e.dense_weight_lr,
            e.article,
            e.reruns,
            e.nielsen,
        )
        for name, e in EXPERIMENTS.items()
    ]
    assert rows == TABLE


def test_names_notes_and_seeds():
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.title
        assert experiment.expanded == (experiment.training_images == 300_000)
        assert experiment.seeds[0] == 0
        assert len(set(experiment.seeds)) == len(experiment.seeds)
    assert EXPERIMENTS["dense"].article_note == "close to 98"
    assert "best" in EXPERIMENTS["dropout-lr0.03"].article_note


def test_an_experiment_is_found_by_its_name_alone():
    assert get_experiment("relu") is EXPERIMENTS["relu"]
    for name in ("Relu", "", "resnet", 3):
        with pytest.raises(ValueError, match="unknown experiment") as caught:
            get_experiment(name)
        assert repr(name) in str(caught.value)
        assert "dropout-nielsen-step" in str(caught.value)


# What a record must agree with


def test_hyper_parameters_in_full():
    assert EXPERIMENTS["expanded"].hyper_parameters == {
        "network": RELU,
        "training_images": 300_000,
        "epochs": 60,
        "batch_size": 10,
        "lr": 0.03,
        "dense_weight_lr": None,
        "weight_decay": 0.00005,
    }


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_hyper_parameters_survive_json(name):
    expected = EXPERIMENTS[name].hyper_parameters
    assert json.loads(json.dumps(expected)) == expected


def test_hyper_parameters_tell_all_runs_apart():
    texts = {json.dumps(e.hyper_parameters, sort_keys=True) for e in EXPERIMENTS.values()}
    assert len(texts) == len(EXPERIMENTS)


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0.5},
        {"epochs": 3},
        {"weight_decay": 0.5},
        {"expanded": True},
        {"network": DenseNet},
        {"dense_weight_lr": 0.5},
    ],
)
def test_every_change_of_what_is_trained_shows(change):
    changed = dataclasses.replace(EXPERIMENTS["relu"], **change)
    assert changed.hyper_parameters != EXPERIMENTS["relu"].hyper_parameters


def test_published_figures_are_no_hyper_parameters():
    changed = dataclasses.replace(EXPERIMENTS["relu"], article=1.0, reruns=(), seeds=(9,))
    assert changed.hyper_parameters == EXPERIMENTS["relu"].hyper_parameters


# Parameter groups


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_groups_hold_every_parameter_once(name):
    experiment = EXPERIMENTS[name]
    net = experiment.network()
    grouped = [p for group in experiment.parameter_groups(net) for p in group["params"]]
    assert len(grouped) == len(list(net.parameters()))
    assert {id(p) for p in grouped} == {id(p) for p in net.parameters()}


def rates(experiment: Experiment) -> dict[str, float]:
    """The learning rate that the optimiser takes for each parameter, by name."""
    net = experiment.network()
    sgd = torch.optim.SGD(experiment.parameter_groups(net), lr=experiment.lr)
    found = {id(p): group["lr"] for group in sgd.param_groups for p in group["params"]}
    return {name: found[id(p)] for name, p in net.named_parameters()}


def test_nielsens_step_is_smaller_for_the_weights_of_the_dense_layers_alone():
    assert rates(EXPERIMENTS["dropout-nielsen-step"]) == {
        "conv1.weight": 0.03,
        "conv1.bias": 0.03,
        "conv2.weight": 0.03,
        "conv2.bias": 0.03,
        "fc1.weight": 0.0075,
        "fc1.bias": 0.03,
        "fc2.weight": 0.0075,
        "fc2.bias": 0.03,
        "out.weight": 0.0075,
        "out.bias": 0.03,
    }


@pytest.mark.parametrize("name", list(EXPERIMENTS)[:-1])
def test_all_other_runs_have_one_learning_rate(name):
    assert set(rates(EXPERIMENTS[name]).values()) == {EXPERIMENTS[name].lr}


def test_nielsens_step_is_a_step_of_his_network(few):
    """The reason for the quarter, by running both.

    His dropout leaves kept units as they are and halves the weights when testing; PyTorch's doubles
    kept units when training. With his weights w twice ours and the same masks, both networks say
    the same, and one step of his at .03 moves w by .03 g/2, ours therefore by .03 g/4.
    """
    torch.manual_seed(0)
    experiment = EXPERIMENTS["dropout-nielsen-step"]
    net = experiment.network().double()
    his = {name: p.detach().clone() for name, p in net.named_parameters()}
    dense = ("fc1.weight", "fc2.weight", "out.weight")
    for name in dense:
        his[name] *= 2
    for p in his.values():
        p.requires_grad_()
    x = few[0][:10, None].double() / 255
    labels = few[1][:10]
    torch.manual_seed(1)
    masks = [2 * F.dropout(torch.ones(10, n).double(), 0.5) / 4 for n in (640, 1000, 1000)]

    def his_logits():
        h = F.relu(F.max_pool2d(F.conv2d(x, his["conv1.weight"], his["conv1.bias"]), 2))
        h = F.relu(F.max_pool2d(F.conv2d(h, his["conv2.weight"], his["conv2.bias"]), 2))
        h = F.linear(h.flatten(1) * masks[0], his["fc1.weight"], his["fc1.bias"])
        h = F.linear(F.relu(h) * masks[1], his["fc2.weight"], his["fc2.bias"])
        return F.linear(F.relu(h) * masks[2], his["out.weight"], his["out.bias"])

    torch.optim.SGD(his.values(), lr=0.03).zero_grad()
    F.cross_entropy(his_logits(), labels).backward()
    torch.optim.SGD(his.values(), lr=0.03).step()

    sgd = torch.optim.SGD(experiment.parameter_groups(net), lr=experiment.lr)
    torch.manual_seed(1)
    F.cross_entropy(net(x), labels).backward()
    sgd.step()
    for name, p in net.named_parameters():
        expected = his[name] / 2 if name in dense else his[name]
        torch.testing.assert_close(p, expected, atol=1e-12, rtol=0)


# How long the notebooks train


@pytest.mark.parametrize(
    ("name", "max_steps"), [("test", 150), ("lesson", 6_000), ("full", None), (None, 6_000)]
)
def test_the_profile_decides_how_long_a_lesson_is(name, max_steps, monkeypatch):
    monkeypatch.delenv("MNISTCONV_PROFILE", raising=False)
    if name is not None:
        monkeypatch.setenv("MNISTCONV_PROFILE", name)
    assert profile() == (name or "lesson")
    assert lesson(60) == lesson(epochs=60) == {"epochs": 60, "max_steps": max_steps}


@pytest.mark.parametrize(
    ("name", "steps", "max_steps"),
    [("lesson", 12_000, 12_000), ("test", 12_000, 150), ("test", 100, 100), ("full", 100, None)],
)
def test_a_cell_may_ask_for_its_own_number_of_steps(name, steps, max_steps, monkeypatch):
    monkeypatch.setenv("MNISTCONV_PROFILE", name)
    assert lesson(40, steps) == {"epochs": 40, "max_steps": max_steps}


@pytest.mark.parametrize("name", ["Full", "quick", ""])
def test_an_unknown_profile_is_one_sentence(name, monkeypatch):
    monkeypatch.setenv("MNISTCONV_PROFILE", name)
    for call in (profile, lambda: lesson(60)):
        with pytest.raises(
            ValueError, match=r"MNISTCONV_PROFILE is .*test, lesson, full"
        ) as caught:
            call()
        assert repr(name) in str(caught.value)

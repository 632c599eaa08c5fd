"""The table of runs against figures typed here, the profiles of the notebooks, parameter groups."""

import json
import math
import re

import pytest
import torch
import torch.nn.functional as F
from small import changed

from mnistconv import variants
from mnistconv.experiments import (
    EXPERIMENTS,
    Experiment,
    Published,
    boards,
    get_experiment,
    on_board,
    votes_on,
)
from mnistconv.initialisation import as_if_centred
from mnistconv.lessons import lesson, profile
from mnistconv.networks import (
    ConvNetTwoConvLayers,
    ConvNetTwoConvTwoDenseLayersWithDropout,
    DenseNet,
)
from mnistconv.protocol import weight_decay
from mnistconv.recipes import DEFAULTS, Recipe, without_defaults
from mnistconv.records import verdict
from mnistconv.variants import ConvNetTwoConvTwoDenseLayers, ConvNetTwoConvWideDenseLayer

DROPOUT = "ConvNetTwoConvTwoDenseLayersWithDropout"
RELU = "ConvNetTwoConvLayersReLU"

# name, network, training images, epochs, lr, weight decay, lr of the dense weights,
# article %, its author's rerun %, the same with normalised pixels %, Nielsen %
TABLE = [
    ("dense", "DenseNet", 60_000, 60, 0.1, 0, None, None, None, None, 97.80),
    ("simple", "ConvNetSimple", 60_000, 60, 0.1, 0, None, 98.97, 98.94, 98.91, 98.78),
    ("two-conv", "ConvNetTwoConvLayers", 60_000, 60, 0.1, 0, None, 99.05, 99.15, 99.13, 99.06),
    ("relu-wd0.1", RELU, 60_000, 60, 0.03, 0.1, None, 85.31, None, None, None),
    ("relu", RELU, 60_000, 60, 0.03, 0.00005, None, 99.43, 99.26, 99.30, 99.23),
    ("expanded", RELU, 300_000, 60, 0.03, 0.00005, None, 99.51, 99.42, 99.43, 99.37),
    ("dropout-lr0.03", DROPOUT, 300_000, 40, 0.03, 0, None, 99.64, None, None, 99.60),
    ("dropout-lr0.005", DROPOUT, 300_000, 40, 0.005, 0, None, 99.63, 99.59, 99.64, None),
    ("dropout-nielsen-step", DROPOUT, 300_000, 40, 0.03, 0, 0.0075, None, None, None, 99.60),
]


def test_the_table_in_its_order():
    rows = [
        (
            name,
            e.recipe.network.__name__,
            e.recipe.training_images,
            e.recipe.epochs,
            e.recipe.lr,
            e.recipe.weight_decay,
            e.recipe.dense_weight_lr,
            e.article,
            e.rerun,
            e.normalised,
            e.nielsen,
        )
        for name, e in on_board("article").items()
    ]
    assert rows == TABLE


def test_names_notes_and_seeds():
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.title
        assert experiment.seeds[0] == 0
        assert len(set(experiment.seeds)) == len(experiment.seeds)
    assert EXPERIMENTS["dense"].figures("article") == [Published("article", None, "close to 98")]
    assert "best" in EXPERIMENTS["dropout-lr0.03"].figures("article")[0].note
    assert EXPERIMENTS["simple"].figures("rerun") == [Published("rerun f4ef433", 98.94)]
    (other,) = EXPERIMENTS["simple"].figures("normalised")
    assert "0.1305" in other.note  # another recipe than the article's


def test_an_experiment_is_found_by_its_name_alone():
    assert get_experiment("relu") is EXPERIMENTS["relu"]
    for name in ("Relu", "", "resnet", 3):
        with pytest.raises(ValueError, match="unknown experiment") as caught:
            get_experiment(name)
        assert repr(name) in str(caught.value)
        assert "dropout-nielsen-step" in str(caught.value)


# What a record must agree with


def test_hyper_parameters_are_what_is_not_the_articles_way():
    assert EXPERIMENTS["expanded"].recipe.hyper_parameters == {
        "network": RELU,
        "training_images": 300_000,
        "epochs": 60,
        "lr": 0.03,
        "weight_decay": 0.00005,
    }


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_hyper_parameters_survive_json(name):
    expected = EXPERIMENTS[name].recipe.hyper_parameters
    assert json.loads(json.dumps(expected)) == expected


def test_hyper_parameters_tell_all_runs_apart():
    texts = {json.dumps(e.recipe.hyper_parameters, sort_keys=True) for e in EXPERIMENTS.values()}
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
        {"batch_size": 64},
        {"schedule": "one-cycle"},
        {"momentum": 0.9},
        {"decayed": "weights"},
        {"held_out": 10_000},
        {"initialisation": "nielsen"},
        {"loss_every": 200},
        {"order": "fixed"},
    ],
)
def test_every_change_of_what_is_trained_shows(change):
    other = changed(EXPERIMENTS["relu"], **change).recipe
    assert other.hyper_parameters != EXPERIMENTS["relu"].recipe.hyper_parameters


def test_no_field_is_forgotten_in_the_hyper_parameters():
    """A field at another value than its default is written, each one of them: a new one, too."""
    recipe = Recipe(
        DenseNet, 1, 0.1, True, 10_000, 64, "one-cycle", 0.9, 0.1, "weights", 0.2, "nielsen",
        "best validation", 200, "fixed", 0.1,
    )  # fmt: skip
    assert set(recipe.hyper_parameters) == {"network", "epochs", "lr", *DEFAULTS} - {"expanded"}


def test_a_record_that_writes_its_defaults_out_says_the_same():
    written_out = {"batch_size": 10, "dense_weight_lr": None, "weight_decay": 0.0}
    recipe = EXPERIMENTS["dense"].recipe
    old = recipe.hyper_parameters | written_out | {"training_images": 60_000}
    assert without_defaults(old) == recipe.hyper_parameters
    assert without_defaults(old | {"batch_size": 11}) != recipe.hyper_parameters


@pytest.mark.parametrize(
    ("data", "images", "steps"),
    [
        ({}, 60_000, 6_000),
        ({"expanded": True}, 300_000, 30_000),
        ({"held_out": 10_000}, 50_000, 5_000),
        ({"held_out": 10_000, "expanded": True}, 250_000, 25_000),
        ({"batch_size": 64}, 60_000, 938),
    ],
)
def test_the_data_of_a_recipe(data, images, steps):
    recipe = Recipe(DenseNet, 2, 0.1, **data)
    assert (recipe.training_images, recipe.steps) == (images, 2 * steps)


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "cosine"},
        {"label_smoothing": 1.0},
        {"label_smoothing": -0.1},
        {"label_smoothing": math.nan},
        {"decayed": "biases"},
        {"initialisation": "zero"},
        {"kept_epoch": "best"},
        {"order": "shuffled"},
        {"kept_epoch": "best validation"},
        {"held_out": -1},
        {"held_out": 60_000},
    ],
)
def test_a_recipe_that_no_run_can_follow_is_one_sentence(wrong):
    (field,) = wrong
    with pytest.raises(ValueError, match=r"held_out|" + field) as caught:
        changed(EXPERIMENTS["relu"], **wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("validation", "kept"), [([0.9, 0.8, 0.7], 1), ([0.8, 0.9, 0.9], 3), ([0.9, 0.9, 0.8], 2)]
)
def test_the_best_epoch_is_the_later_one_of_two_equal_ones(validation, kept):
    best = Recipe(DenseNet, 3, 0.1, held_out=10_000, kept_epoch="best validation")
    assert best.number_of_kept_epoch(validation) == kept
    last = Recipe(DenseNet, 3, 0.1, held_out=10_000)
    assert last.number_of_kept_epoch(validation) == 3


# Boards


def test_the_article_and_the_ablation_are_boards():
    assert boards() == ["article", "swap", "ablation", "plateau", "nielsen", "fast"]
    assert len(on_board("article")) == 9
    ablation = on_board("ablation")
    assert list(ablation) == ["relu", "relu-wd0", "steps-expanded", "steps-wide", "steps-deep",
                              "steps-deep-wd0", "steps-dropout"]  # fmt: skip
    assert {row.recipe.steps for row in ablation.values()} == {360_000}
    assert all(len(row.seeds) >= 5 for row in list(ablation.values())[1:])


def test_a_step_of_the_ablation_changes_one_thing():
    steps = [step for step in verdict.STEPS if step.after in on_board("ablation")]
    changes = []
    for step in steps[1:]:  # the first is the article's, of three changes
        a, b = (get_experiment(n).recipe.hyper_parameters for n in (step.before, step.after))
        changes.append({k for k in a | b if a.get(k) != b.get(k)})
    assert changes == [
        {"weight_decay"},
        {"training_images", "epochs"},
        {"network"},
        {"network"},
        {"weight_decay"},
        {"network", "dense_weight_lr"},  # dropout, and the step that undoes PyTorch's rescaling
    ]


def test_an_arm_of_the_plateau_changes_one_thing_of_the_network_that_waits():
    first, *arms = on_board("plateau").values()
    assert first.recipe == changed(EXPERIMENTS["two-conv"], epochs=3, loss_every=200).recipe
    assert [arm.name for arm in arms] == [
        f"plateau-{what}" for what in ("steep", "centred", "steep-centred", "as-if-centred",
                                       "nielsen", "frozen-first", "frozen-both")
    ]  # fmt: skip
    usual = first.recipe.hyper_parameters
    for arm in arms:
        changes = {k for k, v in arm.recipe.hyper_parameters.items() if usual.get(k) != v}
        assert changes in ({"network"}, {"initialisation"}), arm.name


# his run, network, images, epochs, lr, weight decay, parameters, his test %, planned seeds
NIELSEN = [
    ("shallow", "Shallow", 50_000, 60, 0.1, 0, 79_510, 97.80, 3),
    ("basic", "Basic", 50_000, 60, 0.1, 0, 289_630, 98.78, 3),
    ("no-fc", "NoDense", 50_000, 60, 0.1, 0, 29_330, None, 3),
    ("two-conv", "TwoConv", 50_000, 60, 0.1, 0, 85_670, 99.06, 3),
    ("tanh", "TwoConvTanh", 50_000, 60, 0.1, 0, 85_670, None, 3),
    ("sigmoid-l2", "TwoConv", 50_000, 60, 0.1, 2e-5, 85_670, None, 3),
    ("relu", "TwoConvReLU", 50_000, 60, 0.03, 2e-5, 85_670, 99.23, 3),
    ("expanded-100", "TwoConvReLU", 250_000, 60, 0.03, 4e-6, 85_670, 99.37, 1),
    ("expanded-300", "TwoConvReLU300", 250_000, 60, 0.03, 4e-6, 215_870, 99.46, 1),
    ("expanded-1000", "TwoConvReLU1000", 250_000, 60, 0.03, 4e-6, 671_570, 99.43, 1),
    ("double-100", "Double", 250_000, 60, 0.03, 4e-6, 95_770, 99.43, 1),
    ("double-300", "Double300", 250_000, 60, 0.03, 4e-6, 306_170, 99.48, 1),
    ("double-1000", "Double1000", 250_000, 60, 0.03, 4e-6, 1_672_570, 99.47, 1),
    ("dropout", "Dropout", 250_000, 40, 0.03, 0, 1_672_570, 99.60, 5),
]


def test_nielsens_fifteen_rows():
    rows = []
    for name, row in on_board("nielsen").items():
        recipe = row.recipe
        network = recipe.network.__name__.removeprefix("Nielsen")
        size = sum(p.numel() for p in recipe.network().parameters())
        name = name.removeprefix("nielsen-")
        how = recipe.training_images, recipe.epochs, recipe.lr, recipe.weight_decay
        rows.append((name, network, *how, size, row.nielsen, len(row.seeds)))
    assert rows == NIELSEN
    (vote,) = votes_on("nielsen")
    assert (vote.of, vote.networks, vote.published.value) == ("nielsen-dropout", 5, 99.67)
    assert vote.name not in EXPERIMENTS


def test_all_of_nielsens_runs_keep_his_protocol():
    for row in on_board("nielsen").values():
        recipe = row.recipe
        assert recipe.batch_size == 10 and recipe.momentum == 0
        assert (recipe.held_out, recipe.kept_epoch) == (10_000, "best validation")
        assert (recipe.decayed, recipe.initialisation) == ("weights", "nielsen")
        assert (recipe.order, recipe.schedule) == ("fixed", "constant")
        lmbda = 0.1 if recipe.weight_decay else 0
        assert recipe.weight_decay == pytest.approx(weight_decay(lmbda, recipe.training_images))


SWAPPED = {
    "relu": {
        "swap-order": {"order"},
        "swap-first-weights": {"initialisation"},
        "swap-50000": {"held_out", "training_images"},
        "swap-decay": {"weight_decay", "decayed"},
        "swap-pixels": {"network"},
    },
    "dense": {
        "swap-dense-order": {"order"},
        "swap-dense-first-weights": {"initialisation"},
        "swap-dense-50000": {"held_out", "training_images"},
        "swap-dense-50000-steps": {"held_out", "training_images", "epochs"},
        "swap-dense-pixels": {"network"},
    },
}


def changes(before, after):
    before, after = (EXPERIMENTS[name].recipe.hyper_parameters for name in (before, after))
    return {key for key in before | after if before.get(key) != after.get(key)}


@pytest.mark.parametrize(
    ("before", "his", "steps", "besides"),
    [
        ("relu", "nielsen-relu", verdict.SWAPS, {"kept_epoch"}),
        # without weight decay it does not matter what would be decayed
        ("dense", "nielsen-shallow", verdict.DENSE_SWAPS, {"kept_epoch", "decayed"}),
    ],
)
def test_a_swap_changes_one_item_of_the_articles_run(before, his, steps, besides):
    swaps = {step.after: changes(before, step.after) for step in steps}
    assert swaps == SWAPPED[before]
    assert {step.before for step in steps} == {before}
    assert all(len(EXPERIMENTS[name].seeds) >= 3 for name in swaps)
    assert changes(before, his) == set().union(*swaps.values()) - {"epochs"} | besides


def test_fewer_images_for_as_many_steps():
    recipes = [EXPERIMENTS[name].recipe for name in ("dense", "swap-dense-50000-steps")]
    assert len({recipe.epochs * recipe.training_images for recipe in recipes}) == 1


def test_every_swap_is_on_the_board_with_what_it_is_compared_with():
    swaps = SWAPPED["relu"] | SWAPPED["dense"]
    ends = {"relu", "nielsen-relu", "dense", "nielsen-shallow"}
    assert set(on_board("swap")) == ends | swaps.keys()


VARIANTS = [
    part
    for part in vars(variants).values()
    if isinstance(part, type) and part.__module__ == variants.__name__
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_has_the_size_that_it_says(variant):
    net = variant()
    parameters = sum(p.numel() for p in net.parameters())
    assert f" {parameters:,} parameters" in variant.__doc__
    loss = net(torch.rand(3, 1, 28, 28)).sum()
    loss.backward()
    learn = sum(p.numel() for p in net.parameters() if p.grad is not None)
    assert learn == parameters or f" {learn:,} learn" in variant.__doc__
    assert net(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_variants_have_the_size_of_the_table_and_their_models_first_weights():
    for variant, parameters in (
        (ConvNetTwoConvWideDenseLayer, 671_570),
        (ConvNetTwoConvTwoDenseLayers, 1_672_570),
    ):
        assert sum(p.numel() for p in variant().parameters()) == parameters
    torch.manual_seed(0)
    deep = ConvNetTwoConvTwoDenseLayers()
    torch.manual_seed(0)
    model = ConvNetTwoConvTwoDenseLayersWithDropout()
    assert deep.state_dict().keys() == model.state_dict().keys()
    assert all(map(torch.equal, deep.parameters(), model.parameters()))
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(deep(images), model.eval()(images))


def values_of_layers(net, images) -> list[torch.Tensor]:
    """What the last three layers of `net` are fed, and its logits."""
    seen, layers = [], list(net.children())
    for layer in layers[1:]:
        layer.register_forward_pre_hook(lambda layer, fed: seen.append(fed[0].detach()))
    logits = net(images).detach()
    return [*seen, logits]


def test_variants_of_the_sigmoids_do_to_each_layer_what_they_say():
    """Layer by layer: what the layer before it gives, pooled, through sigmoid and change."""
    images = torch.rand(3, 1, 28, 28)
    for variant, gain, shift in (
        (variants.ConvNetTwoConvLayersCentred, 1, 0.5),
        (variants.ConvNetTwoConvLayersSteep, 4, 0),
        (variants.ConvNetTwoConvLayersSteepCentred, 4, 2),
        (variants.ConvNetTwoConvLayersFrozenFirst, 1, 0),
        (variants.ConvNetTwoConvLayersFrozenBoth, 1, 0),
    ):
        net = variant()
        first, second, third, logits = values_of_layers(net, images)
        made = F.max_pool2d(net.conv1(images), 2), F.max_pool2d(net.conv2(first), 2)
        made = *(pooled.sigmoid() for pooled in made), net.fc1(second).sigmoid()
        for value, by_hand in zip((first, second.view_as(made[1]), third), made, strict=True):
            torch.testing.assert_close(value, gain * by_hand - shift)
        assert torch.equal(logits, net.out(third))


def test_centred_biases_start_the_plain_network_as_the_centred_one():
    """The same function of the image, so the same gradient in conv1, whose bias stays its own."""
    images, labels = torch.rand(5, 1, 28, 28).double(), torch.arange(5)
    centred = variants.ConvNetTwoConvLayersCentred().double()
    plain = ConvNetTwoConvLayers().double()
    plain.load_state_dict(centred.state_dict())
    as_if_centred(plain)
    gradients = []
    for net in (plain, centred):
        F.cross_entropy(net(images), labels).backward()
        gradients.append(net.conv1.weight.grad)
    torch.testing.assert_close(plain(images), centred(images))
    torch.testing.assert_close(*gradients)
    assert torch.equal(plain.conv1.bias, centred.conv1.bias)
    assert not torch.equal(plain.out.bias, centred.out.bias)


def test_a_board_of_the_readers_own(monkeypatch):
    before = boards()
    row = Experiment("mine", "my own", Recipe(DenseNet, 1, 0.1), boards=("readers own",))
    monkeypatch.setitem(EXPERIMENTS, "mine", row)
    assert on_board("readers own") == {"mine": row}
    assert boards() == [*before, "readers own"]
    assert get_experiment("mine") is row
    assert "mine" not in on_board("article")


@pytest.mark.parametrize("board", ["Nielsen", "", "Article"])
def test_an_unknown_or_empty_board_is_one_sentence(board):
    with pytest.raises(
        ValueError,
        match=re.escape(repr(board)) + r".* article, swap, ablation, plateau, nielsen, fast",
    ):
        on_board(board)


# Parameter groups


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_groups_hold_every_parameter_once(name):
    experiment = EXPERIMENTS[name]
    net = experiment.recipe.network()
    grouped = [p for group in experiment.recipe.parameter_groups(net) for p in group["params"]]
    assert len(grouped) == len(list(net.parameters()))
    assert {id(p) for p in grouped} == {id(p) for p in net.parameters()}


def rates(experiment: Experiment) -> dict[str, float]:
    """The learning rate that the optimiser takes for each parameter, by name."""
    net = experiment.recipe.network()
    sgd = torch.optim.SGD(experiment.recipe.parameter_groups(net), lr=experiment.recipe.lr)
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


OTHERS = [name for name in EXPERIMENTS if name not in ("dropout-nielsen-step", "steps-dropout")]


@pytest.mark.parametrize("name", OTHERS)
def test_all_other_runs_have_one_learning_rate(name):
    assert set(rates(EXPERIMENTS[name]).values()) == {EXPERIMENTS[name].recipe.lr}


def test_weights_alone_decay_where_the_recipe_says_so():
    recipe = changed(
        EXPERIMENTS["dropout-nielsen-step"], weight_decay=0.1, decayed="weights"
    ).recipe
    net = recipe.network()
    sgd = torch.optim.SGD(recipe.parameter_groups(net), lr=recipe.lr, weight_decay=0.1)
    names = {id(p): name for name, p in net.named_parameters()}
    decays = {
        names[id(p)]: (group["weight_decay"], group["lr"])
        for group in sgd.param_groups
        for p in group["params"]
    }
    assert len(decays) == 10
    for name, (decay, lr) in decays.items():
        assert decay == (0.0 if name.endswith("bias") else 0.1)
        assert lr == (0.0075 if name in ("fc1.weight", "fc2.weight", "out.weight") else 0.03)


def test_nielsens_step_is_a_step_of_his_network(few):
    """The reason for the quarter, by running both.

    His dropout leaves kept units as they are and halves the weights when testing; PyTorch's doubles
    kept units when training. With his weights w twice ours and the same masks, both networks say
    the same, and one step of his at .03 moves w by .03 g/2, ours therefore by .03 g/4.
    """
    torch.manual_seed(0)
    recipe = EXPERIMENTS["dropout-nielsen-step"].recipe
    net = recipe.network().double()
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

    sgd = torch.optim.SGD(recipe.parameter_groups(net), lr=recipe.lr)
    torch.manual_seed(1)
    F.cross_entropy(net(x), labels).backward()
    sgd.step()
    for name, p in net.named_parameters():
        expected = his[name] / 2 if name in dense else his[name]
        torch.testing.assert_close(p, expected, atol=1e-12, rtol=0)


# How long the notebooks train


@pytest.mark.parametrize(
    ("name", "max_steps"), [("test", 50), ("lesson", 6_000), ("full", None), (None, 6_000)]
)
def test_the_profile_decides_how_long_a_lesson_is(name, max_steps, monkeypatch):
    monkeypatch.delenv("MNISTCONV_PROFILE", raising=False)
    if name is not None:
        monkeypatch.setenv("MNISTCONV_PROFILE", name)
    assert profile() == (name or "lesson")
    assert lesson(60) == lesson(epochs=60) == {"epochs": 60, "max_steps": max_steps}


@pytest.mark.parametrize(
    ("name", "steps", "max_steps"),
    [("lesson", 12_000, 12_000), ("test", 12_000, 50), ("test", 20, 20), ("full", 100, None)],
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

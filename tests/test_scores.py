"""What is made of records: the scoreboard, intervals, the verdict."""

import dataclasses
import io
import math
import re
import statistics
from itertools import pairwise
from types import SimpleNamespace

import pandas as pd
import pytest
from scipy import stats

from mnistconv.experiments import EXPERIMENTS, on_board
from mnistconv.records import intervals, load_records, scores, verdict

# The scoreboard


def with_records(monkeypatch, accuracies: dict[str, list[float]]) -> None:
    """Let the scoreboard find records with these accuracies; below 12 % they learned nothing."""

    def found(name):
        return [
            SimpleNamespace(final_accuracy=accuracy, learned_nothing=accuracy < 0.12)
            for accuracy in accuracies.get(name, [])
        ]

    monkeypatch.setattr(scores, "load_records", found)


def test_ours_with_no_one_and_several_seeds(monkeypatch):
    with_records(monkeypatch, {"simple": [0.9897], "relu": [0.9924, 0.9926, 0.9930]})
    dense, simple, relu = (
        scores.ours(scores.measured(EXPERIMENTS[name])) for name in ("dense", "simple", "relu")
    )
    assert dense == "not yet run"
    assert simple == "98.97 (1 seed)"
    reach = 4.3027 * statistics.stdev([99.24, 99.26, 99.30]) / math.sqrt(3)  # t at 2 degrees
    assert relu == f"99.27 ± {reach:.2f} (3 seeds)" == "99.27 ± 0.08 (3 seeds)"


def test_records_of_both_trainers_stand_in_one_row():
    """Three of the dense network are older than the trainer by steps, and name none."""
    trainers = [record.trainer for record in load_records("dense")]
    assert trainers == [None] * 3 + ["steps"] * 7
    assert scores.scoreboard(["dense"]).loc["dense", "ours"].endswith("(10 seeds)")


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.9034, 0.9002, 0.1135], "90.18 ± 2.03 (2 seeds; 1 at 11.35 †)"),
        ([0.9034, 0.1135, 0.1011], "90.34 (1 seed; 2 at 10.73 †)"),
        ([0.1135], "11.35 † (1 seed)"),
        ([0.1135, 0.1011], "10.73 † (2 seeds)"),
    ],
)
def test_seeds_that_learned_nothing_are_named_apart(accuracies, expected, monkeypatch):
    with_records(monkeypatch, {"relu-wd0.1": accuracies})
    assert scores.ours(scores.measured(EXPERIMENTS["relu-wd0.1"])) == expected
    assert len(expected) <= pd.get_option("display.max_colwidth")  # else notebooks would cut it
    csv = pd.read_csv(io.StringIO(scores.format_scoreboard("csv"))).set_index("run")
    row = csv.loc["relu-wd0.1"]
    assert row["seeds"] == len(accuracies)
    assert row["stuck"] == sum(accuracy < 0.12 for accuracy in accuracies)
    learned = [100 * accuracy for accuracy in accuracies if accuracy > 0.12]
    assert (
        row["mean"] == pytest.approx(statistics.mean(learned)) if learned else pd.isna(row["mean"])
    )
    assert pd.isna(row["sd"]) == (len(learned) < 2)


def test_the_scoreboard_has_a_row_for_every_run(monkeypatch):
    with_records(monkeypatch, {"two-conv": [0.9904, 0.9906]})
    board = scores.scoreboard()
    assert list(board.index) == list(on_board("article"))
    row = board.loc["two-conv"].to_dict()
    assert row == {
        "parameters": "85,670",
        "images": "60,000",
        "epochs": 60,
        "ours": "99.05 ± 0.13 (2 seeds)",
        "article": "99.05",
        "rerun": "99.15",
        "normalised": "99.13",
        "Nielsen": "99.06",
    }
    assert board.loc["dense", "article"] == "close to 98"
    assert board.loc["relu-wd0.1", "Nielsen"] == ""
    assert board.loc["dropout-lr0.03", "article"].startswith("99.64 (best")
    assert list(scores.scoreboard(["relu", "dense"]).index) == ["relu", "dense"]
    with pytest.raises(ValueError, match="unknown experiment 'resnet'"):
        scores.scoreboard(["resnet"])


def test_the_scoreboard_as_text_markdown_and_csv(monkeypatch):
    with_records(monkeypatch, {"simple": [0.9897], "relu": [0.9924, 0.9926]})
    text, markdown, csv = map(scores.format_scoreboard, scores.FORMATS)
    assert re.search(r"^simple +289,630 +60,000 +60 +98\.97 \(1 seed\) +98\.97", text, re.M)
    assert re.search(r"^dense .*not yet run +close to 98", text, re.M)
    assert re.search(r"^\| simple +\| +289,630 \|", markdown, re.M)
    assert len(re.findall(r"^\|", markdown, re.M)) == 2 + 9
    assert text.endswith(scores.LEGEND) and markdown.endswith(scores.LEGEND)
    rows = pd.read_csv(io.StringIO(csv)).set_index("run")
    assert list(rows.index) == list(on_board("article"))
    relu = rows.loc["relu"]
    assert (relu["parameters"], relu["images"], relu["seeds"]) == (85_670, 60_000, 2)
    assert (relu["mean"], relu["min"], relu["max"]) == pytest.approx((99.25, 99.24, 99.26))
    assert (relu["low"], relu["high"]) == pytest.approx((99.1229, 99.3771), abs=1e-4)
    assert (relu["article"], relu["nielsen"]) == (99.43, 99.23)
    assert rows.loc["dense", ["mean", "sd", "article"]].isna().all()
    with pytest.raises(ValueError, match="text, markdown, csv, not as 'pdf'"):
        scores.format_scoreboard("pdf")


def test_the_scoreboard_of_another_board(monkeypatch):
    """Without the columns that are empty in all its rows."""
    row = dataclasses.replace(EXPERIMENTS["dense"], name="mine", published=(), boards=("trials",))
    monkeypatch.setitem(EXPERIMENTS, "mine", row)
    with_records(monkeypatch, {"mine": [0.9801, 0.9803]})
    text, markdown, csv = (scores.format_scoreboard(form, "trials") for form in scores.FORMATS)
    assert re.search(r"^mine +79,510 .*98\.02 ± 0\.13", text, re.M)
    assert "article " not in text.splitlines()[0] and "Nielsen" not in markdown.splitlines()[0]
    assert len(re.findall(r"^\|", markdown, re.M)) == 3
    assert list(pd.read_csv(io.StringIO(csv))["run"]) == ["mine"]
    assert "mine" not in scores.format_scoreboard()
    assert list(scores.scoreboard(["mine", "relu"]).index) == ["mine", "relu"]
    for form in scores.FORMATS:
        with pytest.raises(ValueError, match="unknown board 'none'"):
            scores.format_scoreboard(form, "none")


def test_nielsens_board_has_the_mean_of_single_runs_and_beside_it_the_chosen_one(monkeypatch):
    """The one whose held-out digits were read best, of equal ones the first; no interval."""
    runs = [([0.98, 0.991], 0.9901), ([0.992, 0.98], 0.9903), ([0.992, 0.98], 0.9911)]
    found = [
        SimpleNamespace(final_accuracy=test, validation_accuracy=chosen, learned_nothing=False)
        for chosen, test in runs
    ]
    monkeypatch.setattr(
        scores, "load_records", lambda name: found if name == "nielsen-two-conv" else []
    )
    row = scores.scoreboard(board="nielsen").loc["nielsen-two-conv"]
    reach = 4.3027 * statistics.stdev([99.01, 99.03, 99.11]) / math.sqrt(3)
    assert row["ours"] == f"99.05 ± {reach:.2f} (3 seeds)"
    assert row["best of n"] == "99.03 (of 3)"
    assert row["Nielsen"] == "99.06"
    text = scores.format_scoreboard(board="nielsen")
    assert text.endswith(scores.LEGEND + scores.PROTOCOL_LEGEND)
    assert re.search(r"nielsen-tanh .* not yet run +similar$", text, re.M)
    assert text.count("not yet run") == 14
    assert "best of n" not in scores.scoreboard().columns
    assert scores.PROTOCOL_LEGEND not in scores.format_scoreboard()
    assert scores.best_by_validation([]) is None


@pytest.mark.parametrize(
    ("networks", "row"), [(3, "99.67 (3 of 5 networks)"), (5, "99.67 (5 networks)")]
)
def test_the_vote_is_a_row_of_its_board(networks, row, monkeypatch):
    monkeypatch.setattr(scores, "load_records", lambda name: [])
    assert scores.scoreboard(board="nielsen").loc["nielsen-vote", "ours"] == "not yet run"
    voted = SimpleNamespace(networks=networks, asked=5, accuracy=0.9967)
    monkeypatch.setattr(scores, "voted_of", lambda vote: voted)
    last = scores.scoreboard(board="nielsen").iloc[-1]
    assert (last.name, last["ours"], last["Nielsen"]) == ("nielsen-vote", row, "99.67")
    assert last["parameters"] == "5 x 1,672,570"
    csv = pd.read_csv(io.StringIO(scores.format_scoreboard("csv", "nielsen"))).set_index("run")
    assert len(csv) == 15
    vote = csv.loc["nielsen-vote"]
    assert (vote["mean"], vote["seeds"], vote["nielsen"]) == (99.67, networks, 99.67)
    assert pd.isna(vote["low"])


def test_swaps_have_a_table_of_their_own(monkeypatch):
    with_records(monkeypatch, {"relu": [0.9920, 0.9922], "swap-order": [0.9900, 0.9902]})
    table = verdict.verdict(steps=verdict.SWAPS)
    assert len(table) == 5
    assert table.loc["relu → swap-order", ["ours", "seeds"]].tolist() == ["-0.20", "2, 2"]
    assert table.loc["relu → swap-50000", "ours"] == "not yet run"
    assert not {step.after for step in verdict.SWAPS} & {step.after for step in verdict.STEPS}


def test_the_scoreboard_is_written_between_its_marks_alone(tmp_path, monkeypatch):
    with_records(monkeypatch, {})
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- scoreboard -->\nold\n<!-- /scoreboard -->\nafter\n", "utf-8")
    scores.write_into(page)
    once = page.read_text(encoding="utf-8")
    assert once.startswith("before\n<!-- scoreboard -->\n\n| run")
    assert once.endswith(f"{scores.LEGEND}\n\n<!-- /scoreboard -->\nafter\n")
    assert "old" not in once
    scores.write_into(page)
    assert page.read_text(encoding="utf-8") == once
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="has no lines <!-- scoreboard -->"):
        scores.write_into(page)
    assert page.read_text(encoding="utf-8") == "no marks"


@pytest.mark.parametrize("values", [[], [99.2]])
def test_below_two_seeds_there_is_no_interval(values):
    assert intervals.t_interval([99.2, 99.2]) is None  # what does not scatter says nothing, either
    assert intervals.difference_interval([99.2, 99.2], [99.3, 99.3]) is None
    assert intervals.t_interval(values) is None
    assert intervals.difference_interval(values, [99.2, 99.3]) is None
    assert intervals.difference_interval([99.2, 99.3], values) is None


def test_the_interval_of_a_difference_is_welchs():
    """Worked out by hand: variances 1 and 4 of 3 and 4 seeds, 4.61 degrees of freedom."""
    before, after = [1.0, 2.0, 3.0], [10.0, 12.0, 12.0, 14.0]
    squares = [1 / 3, (8 / 3) / 4]
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / 2 + squares[1] ** 2 / 3)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(sum(squares))
    expected = (10 - reach, 10 + reach)
    assert intervals.difference_interval(before, after) == pytest.approx(expected)
    narrow = intervals.difference_interval(before, after, 0.8)
    assert expected[0] < narrow[0] < narrow[1] < expected[1]


# The verdict


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ([0.9900, 0.9901, 0.9902], [0.9910, 0.9911, 0.9912], "shown"),
        ([0.9910, 0.9911, 0.9912], [0.9900, 0.9901, 0.9902], "refuted"),
        ([0.9900, 0.9904, 0.9908], [0.9906, 0.9910, 0.9914], "likely"),
        ([0.9900, 0.9904, 0.9908], [0.9901, 0.9905, 0.9909], "open"),
        ([0.9905, 0.9909, 0.9913], [0.9900, 0.9904, 0.9908], "open"),
        ([0.9900, 0.9901, 0.9902], [0.9999], "open"),
        ([0.9900, 0.9900], [0.9910, 0.9910], "open"),  # no spread, so no interval
        ([], [], "open"),
    ],
)
def test_the_verdict_in_one_word(before, after, word, monkeypatch):
    with_records(monkeypatch, {"simple": before, "two-conv": after})
    row = verdict.verdict().loc["simple → two-conv"]
    assert row["verdict"] == word
    assert row["article"] == "+0.08"
    assert row["seeds"] == f"{len(before)}, {len(after)}"


def test_the_verdict_gives_the_difference_and_its_interval(monkeypatch):
    learned = {"simple": [0.9900, 0.9902], "two-conv": [0.9911, 0.9913, 0.1135]}
    with_records(monkeypatch, learned)
    row = verdict.verdict().loc["simple → two-conv"]
    assert row["ours"] == "+0.11"
    reach = stats.t.ppf(0.975, 2) * math.sqrt(2 * 0.02**2 / 2 / 2)
    assert row["95 % interval"] == f"{0.11 - reach:+.2f} to {0.11 + reach:+.2f}"
    assert row["seeds"] == "2, 2"  # a seed that learned nothing is in no mean
    nothing = verdict.verdict().loc["steps-deep-wd0 → steps-dropout"]
    assert (nothing["ours"], nothing["95 % interval"]) == ("not yet run", "")


def test_the_verdict_of_the_steps_to_one_run():
    assert list(verdict.verdict(["relu"]).index) == ["two-conv → relu", "relu-wd0 → relu"]
    assert len(verdict.verdict()) == len(verdict.STEPS)


def test_the_steps_of_the_verdict_lead_from_run_to_run():
    for step in verdict.STEPS:
        assert {step.before, step.after} <= EXPERIMENTS.keys()
    claimed = [step.claimed for step in verdict.STEPS[:4]]
    assert claimed == pytest.approx([0.08, 0.38, 0.08, 0.13])
    (control,) = [step for step in verdict.STEPS if step.after == "steps-dropout"]
    assert control.claimed is None


def test_the_interval_is_wilsons():
    """Worked out by hand for 99.43 %, as in the book: [99.26, 99.56]."""
    z, n, p = 1.959964, 10_000, 0.9943
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert intervals.wilson(9943) == pytest.approx((middle - reach, middle + reach), abs=1e-7)


def test_the_pages_say_what_the_ladder_shows():
    """README, first page and chapters 8, 9 and 11 say which rungs carry: where a record changes a
    word, read them again.
    """
    words = verdict.verdict().loc[:, "verdict"].iloc[-6:]
    assert list(words) == ["open", "shown", "open", "open", "open", "shown"]
    assert list(words.index[[1, 5]]) == ["relu → steps-expanded", "steps-deep-wd0 → steps-dropout"]


def test_chapter_11_says_what_bonferronis_rule_leaves():
    kept = []
    for step in verdict.STEPS:
        before, after = (
            scores.percents(EXPERIMENTS[name])[0] for name in (step.before, step.after)
        )
        if min(len(before), len(after)) > 1:
            p = stats.ttest_ind(after, before, equal_var=False).pvalue
            kept += [step.after] * bool(p < 0.05 / len(verdict.STEPS))
    assert kept == ["two-conv", "steps-dropout"], "read its section on several questions again"


def test_chapter_9_leaves_open_whether_the_larger_rate_jumps_further():
    """Jumps from epoch to epoch over the last 20, by which it was decided beforehand."""
    larger, smaller = (
        [
            statistics.mean(abs(a - b) for a, b in pairwise(record.test_accuracy[-20:]))
            for record in load_records(name)
        ]
        for name in ("dropout-lr0.03", "dropout-lr0.005")
    )
    assert any(min(larger) < jump < max(larger) for jump in smaller)
    found = intervals.difference_interval(smaller, larger)
    assert found is None or found[0] <= 0 <= found[1], "it is open no longer: read it again"

"""The book as a book: pairs, order, fresh outputs, definitions, alt texts, exercises, lengths."""

import ast
import inspect
import re
import statistics
import sys
from itertools import pairwise

import book
import freshness
import jupytext
import nbformat
import pairs
import pytest
import reading

import mnistconv
from mnistconv import data, fast, networks, training

EVERY_NOTEBOOK = pytest.mark.parametrize("name", book.NAMES)

# What the book teaches in full, and where: the notebook's definition equals the package's.
TAUGHT = {
    "05_simple_network": {
        data: ["to_input"],
        training: ["Batches", "train_epoch", "predict", "evaluate", "fit"],
        networks: ["DenseNet", "ConvNetSimple"],
    },
    "06_two_convolutional_layers": {networks: ["ConvNetTwoConvLayers"]},
    "07_relu_and_l2": {networks: ["ConvNetTwoConvLayersReLU"]},
    "08_expanded_data": {data: ["shift_right", "shift_left", "shift_up", "shift_down", "expand"]},
    "09_dropout": {networks: ["ConvNetTwoConvTwoDenseLayersWithDropout"]},
    "14_how_fast": {networks: ["FastNet"], fast: ["Way", "train_once"]},
}
DEFINITIONS = [
    (notebook, module, name)
    for notebook, modules in TAUGHT.items()
    for module, names in modules.items()
    for name in names
]


def test_the_chapters_are_numbered_and_have_both_halves():
    assert [int(name[:2]) for name in book.NAMES] == list(range(1, len(book.NAMES) + 1))
    for name in book.NAMES:
        assert pairs.notebook_path(name).is_file()
        assert pairs.text_path(name).is_file()


def test_every_chapter_has_a_card_on_the_first_page():
    index = (book.FOLDER / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"^:link: (\d.*)$", index, re.M) == book.NAMES


@EVERY_NOTEBOOK
def test_pairs_agree_cell_by_cell(name):
    written = jupytext.read(pairs.text_path(name))
    notebook = book.read_notebook(name)
    assert pairs.cells_of(written) == pairs.cells_of(notebook)
    remembered = notebook.metadata["mnistconv"]["cells"]
    assert remembered == pairs.hash_of_cells(notebook), "run `make notebooks`"


@EVERY_NOTEBOOK
def test_jupyterlab_takes_neither_half_for_a_part_of_a_pair(name):
    """With jupytext's `formats` it would read one file and save two, by their dates."""
    for half in (book.read_notebook(name), jupytext.read(pairs.text_path(name))):
        assert "formats" not in half.metadata.get("jupytext", {})


@EVERY_NOTEBOOK
def test_outputs_belong_to_todays_code_and_records(name):
    assert freshness.is_fresh(book.read_notebook(name)), (
        f"{name}: the outputs are stale; run `make notebooks`"
    )


@EVERY_NOTEBOOK
def test_cells_ran_in_order_in_the_lesson_profile(name):
    counts = [cell.execution_count for cell in book.code_cells(name)]
    assert counts == list(range(1, len(counts) + 1))
    run = book.read_notebook(name).metadata["mnistconv"]
    assert run["profile"] == "lesson"


@EVERY_NOTEBOOK
def test_outputs_hold_no_error_warning_or_absolute_path(name):
    for number, cell in enumerate(book.code_cells(name), start=1):
        where = f"{name}, code cell {number}"
        for output in cell.outputs:
            assert output.output_type != "error", where
            assert output.get("name") != "stderr", f"{where}: {output.get('text')}"
        text = book.output_text(cell)
        assert not re.search(r"(?<![\w.])/(home|root|tmp|Users|work|usr)/", text), where
        assert "Warning" not in text, where


@EVERY_NOTEBOOK
def test_a_notebook_is_small(name):
    assert (book.FOLDER / f"{name}.ipynb").stat().st_size < 600_000


@EVERY_NOTEBOOK
def test_every_figure_has_an_alt_text_of_substance(name):
    for number, cell in enumerate(book.code_cells(name), start=1):
        if book.has_figure(cell):
            alt = book.alt_text(cell)
            assert len(alt) >= 40, f"{name}, code cell {number}: alt text {alt!r}"


@EVERY_NOTEBOOK
def test_exact_cells_have_an_output_to_compare(name):
    exact = [cell for cell in book.code_cells(name) if "nbval-check-output" in book.tags(cell)]
    for cell in exact:
        assert book.output_text(cell).strip(), f"{name}: nothing to compare in {cell.source!r}"
        assert not book.has_figure(cell), f"{name}: figures differ by machine: {cell.source!r}"


@pytest.mark.parametrize("name", book.NAMES[:4])
def test_the_worked_examples_are_compared(name):
    assert any("nbval-check-output" in book.tags(cell) for cell in book.code_cells(name))


AT_THE_END = ["Summary", "Questions", "Exercises", "Open problem", "Further reading"]


@EVERY_NOTEBOOK
def test_the_frame_is_complete(name):
    prose = "\n\n".join(cell.source for cell in book.prose_cells(name))
    assert prose.startswith(f"# {int(name[:2])}. ")
    for part in ("You will do", "You will learn", "You need", "Time", "**Predict.**"):
        assert part in prose, f"{name}: {part!r} is missing"
    assert re.findall(r"^## (.+)$", prose, re.M)[-5:] == AT_THE_END


def test_contributing_names_the_headings_at_the_end():
    contributing = (book.REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"then the headings {', '.join(AT_THE_END)}." in " ".join(contributing.split())


@EVERY_NOTEBOOK
def test_what_the_readme_gives_for_colab_stands_at_the_top(name):
    readme = (book.REPOSITORY / "README.md").read_text(encoding="utf-8")
    cell = re.search(r"### Google Colab\n(?:.*\n)+?((?:    .+\n)+)", readme)[1]
    kinds = [each.cell_type for each in book.read_notebook(name).cells]
    above_the_code = book.read_notebook(name).cells[kinds.index("code") - 1]
    assert above_the_code.source.startswith("**In Google Colab,**")
    assert above_the_code.source.endswith(cell.rstrip())


@EVERY_NOTEBOOK
def test_three_to_six_exercises_with_folded_solutions_that_run(name):
    tasks = re.findall(
        r"\*\*Exercise (\d+)\.\*\*", "\n".join(c.source for c in book.prose_cells(name))
    )
    solutions = [cell for cell in book.code_cells(name) if cell.source.startswith("# Solution")]
    assert [int(task) for task in tasks] == list(range(1, len(tasks) + 1))
    assert 3 <= len(tasks) <= 6
    assert [int(cell.source.split()[2]) for cell in solutions] == [int(task) for task in tasks]
    for cell in solutions:
        assert "hide-cell" in book.tags(cell)
        assert "assert" in cell.source or book.output_text(cell).strip() or book.has_figure(cell)


@EVERY_NOTEBOOK
def test_a_solution_is_folded_with_its_output_in_both_halves(name):
    for half in (book.read_notebook(name), jupytext.read(pairs.text_path(name))):
        for cell in half.cells:
            fold = cell.metadata.get("jupyter", {})
            assert fold == (pairs.FOLDED if "hide-cell" in book.tags(cell) else {})


@EVERY_NOTEBOOK
def test_links_to_other_notebooks_lead_somewhere(name):
    prose = "\n".join(cell.source for cell in book.prose_cells(name))
    for target in re.findall(r"\]\(([^)#:]+\.(?:ipynb|md))(?:#[^)]*)?\)", prose):
        assert (book.FOLDER / target).is_file(), f"{name}: {target}"


@pytest.mark.parametrize(("name", "following"), list(pairwise(book.NAMES)))
def test_a_chapter_ends_with_a_link_to_the_next(name, following):
    assert book.prose_cells(name)[-1].source.endswith(f"({following}.ipynb)")


@EVERY_NOTEBOOK
def test_the_line_time_says_what_was_counted(name):
    chapter = pairs.read_half(pairs.text_path(name))
    to_read, to_do = reading.minutes(chapter)
    said = f" of computing, {to_read} minutes of reading, {to_do} for the exercises."
    assert any(said in cell.source for cell in chapter.cells), "run `make notebooks`"


def test_the_first_page_says_how_long_chapters_take():
    times = [reading.minutes(pairs.read_half(pairs.text_path(name)))[0] for name in book.NAMES]
    line = f"| to read a chapter | {min(times)} to {max(times)} minutes, exercises apart |"
    index = (book.FOLDER / "index.md").read_text(encoding="utf-8")
    assert line in index.splitlines(), f"index.md must say: {line}"


def test_reading_is_counted_as_prose_and_code_and_exercises():
    new = nbformat.v4
    frame = new.new_markdown_cell("- **Time:** a minute of computing, or so.\n" + "word " * 1492)
    code = new.new_code_cell("x = 1\n\n" * 51)
    task = new.new_markdown_cell("**Exercise 1.** Do.")
    solution = new.new_code_cell("# Solution 1\n" + "y = 2\n" * 1000)
    chapter = new.new_notebook(cells=[frame, code, task, solution])
    assert reading.minutes(chapter) == (20, 5)  # 1,501 words, 51 lines: 15.1 minutes
    reading.write_time(chapter)
    line = frame.source.splitlines()[0]
    assert line == "- **Time:** a minute of computing, 20 minutes of reading, 5 for the exercises."
    reading.write_time(chapter)
    assert frame.source.splitlines()[0] == line
    code.source = "x = 1\n" * 49
    assert reading.minutes(chapter) == (15, 5)


@EVERY_NOTEBOOK
def test_training_cells_say_how_long_they_are(name):
    for cell in book.code_cells(name):
        if cell.source.startswith("# Solution") or "define" in book.tags(cell):
            continue
        for call in re.findall(r"\bfit\((?:[^()]|\([^()]*\))*\)", cell.source):
            assert "lesson(" in call or "max_steps=" in call, f"{name}: {call}"


def bare(node: ast.AST) -> str:
    """The syntax tree of a definition as text: no docstrings, annotations, checks of arguments."""
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part) is not None:
            part.body = part.body[1:] or [ast.Pass()]
        if isinstance(part, ast.FunctionDef):
            part.returns = None
            part.decorator_list = [d for d in part.decorator_list if not checks_arguments(d)]
        if isinstance(part, ast.arg):
            part.annotation = None
    return ast.unparse(node)


def checks_arguments(decorator: ast.AST) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "arguments"


def definitions(source: str) -> dict[str, str]:
    """Top-level functions and classes of a piece of Python: name -> bare syntax tree as text."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: bare(node) for node in ast.parse(source).body if isinstance(node, kinds)}


@pytest.mark.parametrize(("notebook", "module", "name"), DEFINITIONS)
def test_what_you_read_is_what_you_import(notebook, module, name):
    cells = [c.source for c in book.code_cells(notebook) if "define" in book.tags(c)]
    taught = {}
    for source in cells:
        taught |= definitions(source)
    with open(module.__file__, encoding="utf-8") as file:
        package = definitions(file.read())
    assert name in taught, f"{notebook} has no cell tagged `define` with {name}"
    assert taught[name] == package[name]
    assert hasattr(mnistconv, name)


@pytest.mark.parametrize(("module", "name"), sorted({(m.__name__, n) for _, m, n in DEFINITIONS}))
def test_checks_stand_outside_of_what_is_taught(module, name):
    """A function that takes arguments has a line `@arguments(...)` above it, and raises nothing."""
    tree = ast.parse(inspect.getsource(getattr(sys.modules[module], name)))
    assert not any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(tree))
    assert "isinstance" not in {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    (definition,) = tree.body
    if isinstance(definition, ast.ClassDef):
        written = [p for p in definition.body if getattr(p, "name", "") == "__init__"]
        if not written:  # a dataclass: PyTorch refuses what its values cannot be
            return
        (definition,) = written
    if [a.arg for a in definition.args.args] != ["self"]:
        assert any(checks_arguments(decorator) for decorator in definition.decorator_list)


def test_bare_sees_a_changed_line():
    ours = definitions('def f(x: int) -> int:\n    """Doc."""\n    return x + 1')
    assert ours == definitions("def f(x):\n    return x + 1")
    assert ours != definitions("def f(x):\n    return x + 2")
    assert ours == definitions("@arguments(x=whole(least=0))\ndef f(x):\n    return x + 1")
    assert ours != definitions("@no_grad()\ndef f(x):\n    return x + 1")
    assert ours != definitions("@arguments\ndef f(x):\n    return x + 1")


@EVERY_NOTEBOOK
def test_no_cell_imports_a_name_with_an_underscore(name):
    for cell in book.code_cells(name):
        assert hidden_imports(cell.source) == [], f"{name}: {cell.source}"


def hidden_imports(source: str) -> list[str]:
    """What a cell imports although its name, or its module's, begins with an underscore."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    imports = [
        node for node in ast.walk(ast.parse("\n".join(lines)))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]  # fmt: skip
    names = [
        f"{getattr(node, 'module', None) or ''}.{alias.name}"
        for node in imports
        for alias in node.names
    ]
    return [name for name in names if "._" in f".{name}".replace(".__", "")]


def test_hidden_imports_are_seen():
    source = "%matplotlib inline\nimport a.b\nfrom a import __version__\nfrom a import b, _c"
    assert hidden_imports(source) == ["a._c"]
    assert hidden_imports("def f():\n    from a._b import c\n    import _d") == ["a._b.c", "._d"]


def test_cells_are_short(capsys):
    """The lengths that make a notebook readable: short code, prose in small pieces."""
    rows = []
    for name in book.NAMES:
        cells = [c for c in book.code_cells(name) if "define" not in book.tags(c)]
        lines = [len(cell.source.splitlines()) for cell in cells]
        words = [len(cell.source.split()) for cell in book.prose_cells(name)]
        long_share = sum(n > 12 for n in lines) / len(lines)
        rows.append((name, len(lines), statistics.median(lines), long_share, max(words)))
        assert statistics.median(lines) <= 5, name
        assert long_share <= 0.15, name
        assert max(words) <= 150, name
    with capsys.disabled():
        print(
            "\nnotebook                     code cells  median lines  over 12 lines  longest prose"
        )
        for name, cells, median, share, words in rows:
            print(f"{name:28}{cells:11}{median:14}{share:15.0%}{words:11} words")

"""How notebooks become chapters, what is refused, and the pages that are made by code."""

import dataclasses
import html
import re
import shutil
import subprocess
import sys

import book
import chapters
import freshness
import nbformat
import pages
import pytest
from sphinx.errors import ExtensionError

from mnistconv.records import load_records

NAME = "03_negative_log_likelihood"


@pytest.fixture
def notebook():
    """A copy of a real notebook that may be spoilt."""
    return nbformat.reads(nbformat.writes(book.read_notebook(NAME)), as_version=4)


def code_cell(notebook, wanted):
    """The first code cell that `wanted` accepts, and its number among all cells, from 1."""
    cells = enumerate(notebook.cells, start=1)
    return next((n, c) for n, c in cells if c.cell_type == "code" and wanted(c))


def refusal(notebook) -> str:
    with pytest.raises(ExtensionError) as caught:
        chapters.check_outputs(NAME, notebook)
    return str(caught.value)


def test_todays_notebooks_are_accepted():
    for name in book.NAMES:
        chapters.check_outputs(name, book.read_notebook(name))


def test_a_cell_that_was_not_run_is_named(notebook):
    number, cell = code_cell(notebook, lambda cell: True)
    cell.execution_count, cell.outputs = None, []
    assert f"{NAME}.ipynb, cell {number}: it has not been run" in refusal(notebook)


def test_an_error_output_is_named(notebook):
    number, cell = code_cell(notebook, lambda cell: cell.outputs)
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    cell.outputs.append(error)
    assert f"{NAME}.ipynb, cell {number}: its output is an error" in refusal(notebook)


def test_a_missing_figure_is_named(notebook):
    number, cell = code_cell(notebook, book.has_figure)
    cell.outputs = []
    assert f"{NAME}.ipynb, cell {number}: its figure is missing" in refusal(notebook)


def test_a_figure_without_alt_text_is_named(notebook):
    number, cell = code_cell(notebook, book.has_figure)
    del cell.metadata["mystnb"]
    said = refusal(notebook)
    assert f"{NAME}.ipynb, cell {number}: its figure has no alt text" in said
    assert "mystnb" in said
    assert "runs it again" not in said  # which would not give it one


def test_stale_outputs_are_refused(notebook):
    _, cell = code_cell(notebook, lambda cell: True)
    cell.source += "\nprint(1)"
    assert f"{NAME}.ipynb" in refusal(notebook)
    assert "newer than the outputs" in refusal(notebook)


def linked(text: str, *terms: str) -> str:
    return chapters.link_terms(text, {term: chapters.term_pattern(term) for term in terms})


def test_the_first_use_of_a_term_is_linked_and_only_that():
    assert linked("A kernel and a kernel.", "kernel") == "A {term}`kernel <kernel>` and a kernel."


def test_plurals_capitals_and_longer_terms():
    text = linked("Feature maps are maps.", "feature map", "map")
    assert text == "{term}`Feature maps <feature map>` are {term}`maps <map>`."


@pytest.mark.parametrize(
    "text",
    [
        "`kernel`", "$kernel$", "$$\nkernel\n$$", "[kernel](a.md)", "# A kernel", "| kernel |",
        "```python\nkernel\n```", "kernel-trick", "kernelling", '<b title="kernel">',
    ],
)  # fmt: skip
def test_code_mathematics_links_headings_and_tables_stay(text):
    assert linked(text, "kernel") == text


def test_every_term_of_the_glossary_is_used_on_some_page():
    prose = "\n".join(cell.source for name in book.NAMES for cell in book.prose_cells(name))
    unused = [t for t in chapters.read_terms() if not chapters.term_pattern(t).search(prose)]
    assert unused == []


def test_a_prediction_becomes_a_box():
    text = chapters.box_predictions("Before.\n\n**Predict.** How many\nwill it be?\n\nAfter.")
    box = ":::{admonition} Predict\n:class: predict\n\nHow many\nwill it be?\n:::"
    assert text == f"Before.\n\n{box}\n\nAfter."


def test_a_chapter_keeps_code_and_outputs_as_they_are():
    stored = book.read_notebook(NAME)
    chapter = nbformat.reads(chapters.to_chapter(NAME, nbformat.writes(stored)), as_version=4)
    assert [c for c in chapter.cells if c.cell_type == "code"] == book.code_cells(NAME)


def test_the_explorers_place_is_marked_in_the_notebook_and_filled_on_the_site():
    stored = book.read_notebook("01_convolution")
    marks = [c for c in stored.cells if "<!-- explorer -->" in c.source]
    assert len(marks) == 1
    chapter = chapters.to_chapter("01_convolution", nbformat.writes(stored))
    filled = [
        c.source for c in nbformat.reads(chapter, as_version=4).cells if 'id="exp' in c.source
    ]
    assert len(filled) == 1
    assert chapters.EXPLORER in filled[0]
    assert "<noscript>" in filled[0]
    assert "<!-- explorer -->" not in chapter


@pytest.mark.parametrize("name", chapters.PLAY)
def test_before_its_summary_a_chapter_leads_to_its_network_on_the_page_to_draw(name):
    chapter = chapters.to_chapter(name, nbformat.writes(book.read_notebook(name)))
    sources = [cell.source for cell in nbformat.reads(chapter, as_version=4).cells]
    (place,) = [i for i, source in enumerate(sources) if "draw.html#" in source]
    assert sources[place] == chapters.invite_to_play(name)
    assert sources[place + 1].startswith("## Summary")


def test_the_status_marks_seeds_that_learned_nothing_in_the_books_order():
    rows = pages.record_status().splitlines()[2:]
    names = [row.split("`")[1] for row in rows]
    assert names == [name for name in pages.EXPERIMENTS if name in names]
    marked = [name for name, row in zip(names, rows, strict=True) if "†" in row]
    assert marked == [
        name for name in names if any(record.learned_nothing for record in load_records(name))
    ]


def test_the_status_shows_which_code_trained(monkeypatch):
    stored = load_records("dense")[0]
    runs = [dataclasses.replace(stored, code_sha256=code) for code in ("12345678" * 8, None)]
    monkeypatch.setattr(pages, "load_records", lambda run: runs * (run == "dense"))
    header, _, row = pages.record_status().splitlines()
    cells = dict(zip(header.split("|"), row.split("|"), strict=True))
    assert cells[" code "] == " 123456781; not noted "


def test_a_record_cannot_break_the_status_page(monkeypatch):
    stored = load_records("dense")[0]
    name = "<script>alert(1)</script> | `x` $y$ [z](u)\n| _w_ &"
    hostile = dataclasses.replace(
        stored, device_name=name, code_sha256="<b>|" * 16, trainer="<|>", versions={"torch": "<|>"}
    )
    monkeypatch.setattr(pages, "load_records", lambda run: [hostile] * (run == "dense"))
    lines = pages.record_status().splitlines()
    assert [line.count("|") for line in lines] == [9, 9, 9]
    cell = lines[2].split("|")[5]
    assert not set("<>`$[]_") & set(cell)
    assert html.unescape(cell).strip() == f"cpu, {name}"


def test_a_definition_is_followed_by_a_link_to_the_package():
    cells = [c for name in book.NAMES for c in book.code_cells(name) if "define" in book.tags(c)]
    places = chapters.taught_places()
    lines = [chapters.link_to_package(cell, places) for cell in cells]
    assert any(lines)
    for line in filter(None, lines):
        assert re.search(r"\(#package-(data|networks|training)\)", line)


def test_the_appendix_holds_every_file_of_the_package_and_what_is_taught_comes_first():
    listing = pages.package_listing()
    places = re.findall(r"^```{literalinclude} \.\./(\S+)$", listing, re.M)
    everything = (book.REPOSITORY / "mnistconv").rglob("*.py")
    assert sorted(places) == sorted(p.relative_to(book.REPOSITORY).as_posix() for p in everything)
    assert places[:3] == ["mnistconv/data.py", "mnistconv/networks.py", "mnistconv/training.py"]
    targets = re.findall(r"^\(package-(\w+)\)=\n## `mnistconv/\1\.py`$", listing, re.M)
    assert targets == ["data", "networks", "training"]


def test_the_reference_names_every_module_once_and_the_figures_as_one():
    names = re.findall(r"automodule:: (\S+)$", pages.api_listing(), re.M)
    assert len(names) == len(set(names))
    assert {"mnistconv.data", "mnistconv.lessons", "mnistconv.records.store"} < set(names)
    assert [name for name in names if "figures" in name] == ["mnistconv.figures"]
    assert not any("__" in name for name in names)


# A build


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A book of one chapter that used one module, with the real site, package and results."""
    root = tmp_path_factory.mktemp("small")
    not_needed = shutil.ignore_patterns("unfinished", "mathjax", "fonts", "__pycache__")
    for folder in ("mnistconv", "results", "site"):
        shutil.copytree(book.REPOSITORY / folder, root / folder, ignore=not_needed)
    shutil.copy(book.REPOSITORY / "pyproject.toml", root)  # by it, this copy is the repository
    folder = root / "notebooks"
    folder.mkdir()
    for name in ("glossary.md", "references.bib"):
        shutil.copy(book.FOLDER / name, folder)
    index = "# A book\n\n```{toctree}\n01_page\nglossary\nstatus\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
    (folder / "status.md").write_text("# Status\n\n(notebooks-table)\n", encoding="utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page")])
    run = {"executed": "today", "seconds": 1, "python": "3", "torch": "2"}
    notebook.metadata["mnistconv"] = run | freshness.stamp(notebook, ["mnistconv.lessons"], [])
    nbformat.write(notebook, folder / "01_page.ipynb")
    return root


def build_small(root) -> subprocess.CompletedProcess:
    options = ["-n", "-W", "-q", "-b", "text", "-c", "site", "-d", "doctrees"]
    command = [sys.executable, "-m", "sphinx", *options, "notebooks", "text"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


@pytest.mark.slow
def test_files_of_the_reader_do_not_stop_a_build_and_a_changed_package_stops_the_next(small):
    own = ["Untitled.ipynb", "01_page-Copy1.ipynb", "11_mine.ipynb", "notes.md", "01_page.md"]
    for name in own:
        (small / "notebooks" / name).write_text("no notebook at all", encoding="utf-8")
    finished = build_small(small)
    assert finished.returncode == 0, finished.stderr
    for name in own:
        assert finished.stdout.count(name) == 1
    made = {path.stem for path in (small / "text").glob("*.txt")}
    assert made == {"index", "01_page", "glossary", "status"}
    assert "A page" in (small / "text" / "01_page.txt").read_text(encoding="utf-8")

    # No file in `notebooks/` changes now, but what the site showed would be the old outputs.
    path = small / "mnistconv" / "lessons.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nx = 1\n", encoding="utf-8")
    finished = build_small(small)
    assert finished.returncode != 0
    assert "01_page.ipynb" in finished.stderr
    assert "make notebooks" in finished.stderr


def test_a_chapter_that_was_never_run_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "BOOK", tmp_path)
    with pytest.raises(ExtensionError, match=r"01_convolution\.ipynb is missing.*make notebooks"):
        chapters.check_that_all_are_there(app=None)


def test_the_site_leaves_out_what_only_colab_needs():
    stored = nbformat.writes(book.read_notebook(NAME))
    assert stored.count(chapters.FOR_COLAB) == 1
    assert chapters.FOR_COLAB not in chapters.to_chapter(NAME, stored)

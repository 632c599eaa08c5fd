"""The book's workshop: the halves of a pair, what makes outputs stale, the command that runs."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import book
import contents
import execute
import freshness
import jupytext
import nbformat
import pairs
import processes
import pytest

TEXT = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{{code-cell}}
---
tags: [nbval-check-output]
---
{code}
```

Some prose.
"""
INDEX = """# A book

```{toctree}
:caption: Pages

01_page
```
"""
NAME = "01_page"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A book of one chapter, of which only the text is written."""
    path = tmp_path / "notebooks"
    (path / "text").mkdir(parents=True)
    (path / "index.md").write_text(INDEX, encoding="utf-8")
    monkeypatch.setattr(contents, "BOOK", path)
    write("print(6 * 7)")
    return path


@pytest.fixture
def in_step(folder):
    """The same with both halves and outputs, which no kernel made."""
    notebook = pairs.read_pair(NAME)
    (cell,) = freshness.code_cells(notebook)
    cell.outputs = [nbformat.v4.new_output("stream", text="42\n")]
    cell.execution_count = 1
    notebook.metadata["mnistconv"] = freshness.stamp(notebook, [], [])
    pairs.write_pair(NAME, notebook)
    return folder


def write(code: str) -> None:
    pairs.text_path(NAME).write_text(TEXT.format(code=code), encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def stored():
    return nbformat.read(pairs.notebook_path(NAME), as_version=4)


def add_cell(source: str, make=nbformat.v4.new_markdown_cell, **parts) -> None:
    """What a reader does in JupyterLab: one more cell, saved."""
    notebook = stored()
    notebook.cells.append(make(source, **parts))
    nbformat.write(notebook, pairs.notebook_path(NAME))


def make_newer(path: Path) -> None:
    """As a checkout does, whatever is in the file."""
    for half in (pairs.notebook_path(NAME), pairs.text_path(NAME)):
        os.utime(half, (1_000, 1_000 + 1_000 * (half == path)))


def run(*arguments: str) -> int:
    """The exit code of `python site/execute.py ...`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["execute.py", "--jobs", "1", *arguments])
        return execute.main()


# The pair


@pytest.mark.parametrize("newer", [pairs.text_path, pairs.notebook_path])
def test_a_readers_cell_survives_whatever_file_is_newer(in_step, newer):
    add_cell("My own cell.")
    make_newer(newer(NAME))
    assert run() == 0
    assert stored().cells[-1].source == "My own cell."
    assert "My own cell." in pairs.text_path(NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("newer", [pairs.text_path, pairs.notebook_path])
def test_an_edit_of_the_text_alone_wins_and_prose_keeps_the_outputs(in_step, newer):
    replace(pairs.text_path(NAME), "Some prose", "Better prose")
    make_newer(newer(NAME))
    assert run() == 0
    assert stored().cells[2].source == "Better prose."
    assert stored().cells[1].outputs[0].text == "42\n"


def test_the_line_time_is_counted_in_both_halves_and_nothing_runs(in_step):
    replace(pairs.text_path(NAME), "Some prose.", "- **Time:** a second of computing, ages.")
    assert run() == 0
    line = "- **Time:** a second of computing, 5 minutes of reading, 0 for the exercises."
    assert stored().cells[2].source == line
    assert line in pairs.text_path(NAME).read_text(encoding="utf-8").splitlines()
    assert stored().cells[1].outputs[0].text == "42\n"


@pytest.mark.parametrize("newer", [pairs.text_path, pairs.notebook_path])
def test_a_deleted_cell_is_deleted_in_the_other_half_too(in_step, newer):
    notebook = stored()
    del notebook.cells[2]
    nbformat.write(notebook, pairs.notebook_path(NAME))
    make_newer(newer(NAME))
    assert run() == 0
    assert len(stored().cells) == 2
    assert "prose" not in pairs.text_path(NAME).read_text(encoding="utf-8")


def test_when_both_halves_changed_neither_is_touched_and_the_command_says_what_to_do(
    in_step, capsys
):
    add_cell("My own cell.")
    replace(pairs.text_path(NAME), "Some prose", "Better prose")
    before = pairs.stored_halves(NAME)
    assert run() == 2
    assert pairs.stored_halves(NAME) == before
    said = capsys.readouterr().err
    for word in (f"notebooks/{NAME}.ipynb", f"notebooks/text/{NAME}.md", "make notebooks"):
        assert word in said
    pairs.text_path(NAME).rename(in_step.parent / "kept.md")  # what it says
    assert run() == 0
    assert "My own cell." in pairs.text_path(NAME).read_text(encoding="utf-8")


def test_the_same_edit_in_both_halves_is_no_conflict(in_step):
    add_cell("The same.")
    path = pairs.text_path(NAME)
    path.write_text(path.read_text(encoding="utf-8") + "\n+++\n\nThe same.\n", encoding="utf-8")
    assert run() == 0
    assert stored().cells[-1].source == "The same."
    replace(path, "The same.", "Changed alone.")
    assert run() == 0
    assert stored().cells[-1].source == "Changed alone."


def test_without_a_memory_halves_that_agree_are_fine_and_others_are_refused(in_step, capsys):
    notebook = stored()
    del notebook.metadata["mnistconv"]["cells"]
    nbformat.write(notebook, pairs.notebook_path(NAME))
    assert run() == 0
    assert "cells" in stored().metadata["mnistconv"]
    notebook.cells[2].source = "Other prose."
    nbformat.write(notebook, pairs.notebook_path(NAME))
    assert run() == 2
    assert "neither is touched" in capsys.readouterr().err


def test_a_half_with_a_stopped_merge_is_named(in_step, capsys):
    for path in (pairs.notebook_path(NAME), pairs.text_path(NAME)):
        whole = path.read_text(encoding="utf-8")
        path.write_text("<<<<<<< ours\n" + whole, encoding="utf-8")
        assert run() == 2
        assert f"{path.name} cannot be read" in capsys.readouterr().err
        path.write_text(whole, encoding="utf-8")
    pairs.notebook_path(NAME).write_text("{", encoding="utf-8")
    assert run() == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
@pytest.mark.parametrize("path_of", [pairs.notebook_path, pairs.text_path])
def test_a_pipe_in_place_of_a_half_is_named(in_step, capsys, path_of):
    path_of(NAME).unlink()
    os.mkfifo(path_of(NAME))
    assert run() == 2
    assert f"{path_of(NAME).name} cannot be read" in capsys.readouterr().err


def test_a_chapter_without_any_file_is_named(in_step, capsys):
    replace(in_step / "index.md", NAME, f"{NAME}\n02_more")
    assert run() == 2
    assert "02_more.md is missing" in capsys.readouterr().err


def test_what_the_text_cannot_hold_is_refused_by_its_cell(in_step, capsys):
    picture = {"attachments": {"a.png": {"image/png": "AAAA"}}}
    add_cell("![](attachment:a.png)", **picture)
    before = pairs.stored_halves(NAME)
    assert run() == 2
    assert "cell 4" in capsys.readouterr().err
    assert pairs.stored_halves(NAME) == before


@pytest.mark.parametrize("source", ["Two.\n\n+++\n\nCells.", "```{code-cell}\n1\n```"])
def test_a_line_that_would_cut_the_text_is_refused_by_its_cell(in_step, capsys, source):
    add_cell(source)
    assert run() == 2
    assert "cell 4" in capsys.readouterr().err


def test_an_empty_cell_at_the_end_is_no_cell(in_step):
    add_cell("", nbformat.v4.new_code_cell)
    assert run() == 0
    assert len(stored().cells) == 3


def test_an_edit_while_the_notebook_runs_is_not_overwritten(in_step, monkeypatch, capsys):
    def edit(notebook):
        notebook.metadata["mnistconv"]["seconds"] = 1
        add_cell("Saved meanwhile.")

    monkeypatch.setattr(execute, "execute", edit)
    assert run("--force") == 2
    assert stored().cells[-1].source == "Saved meanwhile."
    assert "meanwhile" in capsys.readouterr().err


def test_a_solution_is_folded_with_its_output_by_its_tag_alone(in_step):
    folded = {"source_hidden": True, "outputs_hidden": True}
    add_cell("7 * 6", nbformat.v4.new_code_cell, metadata={"tags": ["hide-cell"]})
    notebook = pairs.read_pair(NAME)
    pairs.write_pair(NAME, notebook)
    assert stored().cells[-1].metadata["jupyter"] == folded
    assert pairs.read_half(pairs.text_path(NAME)).cells[-1].metadata["jupyter"] == folded
    opened = stored()  # unfolding it to read is no edit
    opened.cells[-1].metadata["jupyter"] = {"source_hidden": False}
    nbformat.write(opened, pairs.notebook_path(NAME))
    assert pairs.hash_of_cells(stored()) == stored().metadata["mnistconv"]["cells"]


def test_slides_survive_and_other_metadata_are_named(in_step, capsys):
    slide = {"slide_type": "fragment"}
    add_cell("A slide.", metadata={"slideshow": slide, "colab": {"id": "x"}, "editable": True})
    assert run() == 0
    assert stored().cells[-1].metadata == {"slideshow": slide}
    assert pairs.read_half(pairs.text_path(NAME)).cells[-1].metadata["slideshow"] == slide
    assert "colab, editable" in capsys.readouterr().out
    assert run() == 0
    assert "colab" not in capsys.readouterr().out


# The book and the reader's own files


def test_files_of_the_reader_are_named_once_and_left_alone(in_step, capsys):
    own = ["11_mine.ipynb", "01_page-Copy1.ipynb", "Untitled.ipynb", "notes.md", "text/11_try.md"]
    for name in own:
        (in_step / name).write_text("no notebook at all", encoding="utf-8")
    assert contents.own_files() == sorted(own)
    assert run() == 0
    said = capsys.readouterr().out
    for name in own:
        assert said.count(name) == 1
        assert (in_step / name).read_text(encoding="utf-8") == "no notebook at all"


def test_without_files_of_the_reader_nothing_is_said(in_step, capsys):
    run()
    assert capsys.readouterr().out == f"{NAME}: up to date\n"


def test_what_belongs_to_the_book_stands_in_its_index():
    assert contents.chapters() == sorted(contents.chapters())
    assert set(contents.chapters()) < set(contents.documents())
    assert contents.own_files() == []


# Freshness


BARE = '''import x
def f(a,
      b):
    return f"{a + b} # no {x!r}" + """one

  three"""
class A:
x = 1; "s"'''
WRITTEN = '''"""Doc
more."""
# c
import x  # why


def f(a,  # first
      # alone

      b):
    """Doc."""
    # note
    return f"{a + b} # no {x!r}" + """one

  three"""


class A:
    'doc' "two"
x = 1; "s"  # last'''


def test_bare_code_has_no_comments_docstrings_or_blank_lines():
    assert freshness.bare_code(WRITTEN) == BARE
    assert freshness.bare_code("") == freshness.bare_code("# a comment alone") == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [("a + b", "a - b"), ("# no", "# yes"), ("one\n\n", "one\n\n\n"), ("x = 1", "    x = 1")],
)
def test_bare_code_sees_every_change_of_code(old, new):
    assert old in WRITTEN
    assert freshness.bare_code(WRITTEN.replace(old, new)) != BARE


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the package and the records that may be spoilt."""
    shutil.copytree(book.REPOSITORY / "mnistconv", tmp_path / "mnistconv")
    shutil.copytree(book.REPOSITORY / "results" / "records", tmp_path / "results" / "records")
    monkeypatch.setattr(freshness, "REPOSITORY", tmp_path)
    monkeypatch.setattr(freshness, "RECORDS", tmp_path / "results" / "records")
    return tmp_path


@pytest.fixture
def fresh(copied):
    """A notebook that used three modules and one run's records."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    modules = ["mnistconv", "mnistconv.experiments", "mnistconv.figures"]
    notebook.metadata["mnistconv"] = freshness.stamp(notebook, modules, ["relu"])
    assert freshness.is_fresh(notebook)
    return notebook


@pytest.mark.parametrize(
    "place", ["mnistconv/__init__.py", "mnistconv/experiments.py", "mnistconv/figures/__init__.py"]
)
def test_changed_code_of_a_module_makes_stale_and_a_comment_does_not(fresh, copied, place):
    path = copied / place
    source = path.read_text(encoding="utf-8")
    path.write_text('"""Another docstring."""\n# And a comment.\n\n' + source, encoding="utf-8")
    assert freshness.is_fresh(fresh)
    path.write_text(source + "\nx = 1\n", encoding="utf-8")
    assert not freshness.is_fresh(fresh)


def test_a_module_that_was_not_imported_does_not_count_and_one_that_is_gone_does(fresh, copied):
    (copied / "mnistconv" / "training.py").unlink()
    assert freshness.is_fresh(fresh)
    (copied / "mnistconv" / "experiments.py").unlink()
    assert not freshness.is_fresh(fresh)


def test_a_changed_or_new_record_makes_stale(fresh, copied):
    records = copied / "results" / "records"
    shutil.copy(records / "relu-seed0.json", records / "relu-wd0.1-seed99.json")
    assert freshness.is_fresh(fresh)
    shutil.copy(records / "relu-seed0.json", records / "relu-seed99.json")
    assert not freshness.is_fresh(fresh)
    (records / "relu-seed99.json").unlink()
    assert freshness.is_fresh(fresh)
    replace(records / "relu-seed0.json", '"seed": 0', '"seed": 1')
    assert not freshness.is_fresh(fresh)


def test_other_times_make_a_page_stale_that_reads_them(fresh, copied):
    speed = copied / "results" / "speed.json"
    speed.write_text("{}")
    assert freshness.is_fresh(fresh)  # it does not read them
    modules, records = ["mnistconv.records.speed"], []
    before = freshness.dependency_hash(fresh, modules, records)
    speed.write_text('{"ways": []}')
    assert freshness.dependency_hash(fresh, modules, records) != before


def test_a_cell_that_was_edited_and_not_run_makes_stale(fresh):
    (cell,) = freshness.code_cells(fresh)
    cell.source += "  # a remark"
    assert not freshness.is_fresh(fresh)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_what_stands_in_the_place_of_a_record_and_is_none_is_passed_over(fresh, copied):
    """A pipe would never end; the record of other bytes than UTF-8 is a change like any other."""
    records = copied / "results" / "records"
    os.mkfifo(records / "relu-seed97.json")
    (records / "relu-seed98.json").mkdir()
    (records / "relu-seed99.json").symlink_to("relu-seed99.json")
    assert freshness.is_fresh(fresh)
    (records / "relu-seed6.json").write_bytes(b"\xff")
    assert not freshness.is_fresh(fresh)


def test_ends_of_lines_do_not_matter(fresh, copied):
    """As Git writes them on Windows."""
    for path in [*copied.rglob("*.py"), *copied.rglob("*.json")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert freshness.is_fresh(fresh)


def test_outputs_that_our_run_did_not_make_are_stale(fresh):
    (cell,) = freshness.code_cells(fresh)
    cell.outputs = [nbformat.v4.new_output("stream", text="2 + 2 = 5")]
    assert not freshness.is_fresh(fresh)
    cell.outputs, cell.execution_count = [], 7
    assert not freshness.is_fresh(fresh)


def test_an_older_notebook_that_names_no_modules_is_stale(fresh):
    del fresh.metadata["mnistconv"]["modules"]
    assert not freshness.is_fresh(fresh)
    assert not freshness.is_fresh(nbformat.v4.new_notebook())


@pytest.mark.slow
def test_freshness_needs_no_pytorch():
    code = "import sys; sys.modules['torch'] = None; import freshness"
    subprocess.run([sys.executable, "-c", code], cwd=book.SITE, check=True)


# Kernels


@pytest.mark.slow
def test_a_new_text_becomes_a_notebook_with_outputs_and_is_not_run_twice(folder, capsys):
    assert run() == 0
    notebook = stored()
    assert notebook.cells[1].outputs[0].text == "42\n"
    assert notebook.cells[1].metadata.tags == ["nbval-check-output"]
    assert freshness.is_fresh(notebook)
    before = pairs.stored_halves(NAME)
    assert run() == 0
    assert "up to date" in capsys.readouterr().out
    assert pairs.stored_halves(NAME) == before


@pytest.mark.slow
def test_an_edit_of_code_runs(in_step):
    write("print(6 * 8)")
    assert run() == 0
    assert stored().cells[1].outputs[0].text == "48\n"


def test_equal_cells_keep_their_own_outputs(folder):
    write("n = 1\n```\n\n```{code-cell}\nn += 1; n\n```\n\n```{code-cell}\nn += 1; n")
    notebook = pairs.read_pair(NAME)
    for number, cell in enumerate(freshness.code_cells(notebook)):
        cell.outputs = [nbformat.v4.new_output("stream", text=str(number))]
    pairs.write_pair(NAME, notebook)
    replace(pairs.text_path(NAME), "Some prose", "Better prose")
    outputs = [cell.outputs for cell in freshness.code_cells(pairs.read_pair(NAME))]
    assert [output[0].text for output in outputs] == ["0", "1", "2"]


@pytest.mark.slow
def test_a_failing_cell_is_named_and_changes_nothing(in_step, capsys):
    write("1 / 0")
    before = pairs.stored_halves(NAME)
    assert run() == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert pairs.stored_halves(NAME) == before


@pytest.mark.slow
def test_a_kernel_that_dies_is_named_and_changes_nothing(in_step, capsys):
    write("import os\nos._exit(1)")
    before = pairs.stored_halves(NAME)
    assert run() == 1
    assert "failed, both files stay" in capsys.readouterr().err
    assert pairs.stored_halves(NAME) == before


@pytest.mark.skipif(sys.platform == "win32", reason="another program that does nothing")
@pytest.mark.parametrize("spec", ['{"argv": ["/usr/bin/false"]}', "no JSON"])
def test_a_kernel_that_does_not_start_is_one_sentence(spec, in_step, tmp_path, monkeypatch, capsys):
    path = tmp_path / "kernels" / "python3" / "kernel.json"
    path.parent.mkdir(parents=True)
    path.write_text(spec)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    write("print(7)")
    before = pairs.stored_halves(NAME)
    assert run() == 1
    said = capsys.readouterr().err
    assert "The notebooks' kernel does not start" in said and "mnistconv check" in said
    assert "Traceback" not in said
    assert pairs.stored_halves(NAME) == before


RUN_AS_COMMAND = f"runpy.run_path({execute.__file__!r}, run_name='__main__')"


@processes.LINUX
def test_ctrl_c_is_quiet_while_libraries_are_imported(tmp_path):
    """nbformat is the first of them; here it takes its time."""
    begun = tmp_path / "begun"
    (tmp_path / "nbformat.py").write_text(
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(60)"
    )
    paths = [str(tmp_path), *sys.path]
    with subprocess.Popen(
        [sys.executable, "-c", f"import runpy; {RUN_AS_COMMAND}"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        preexec_fn=processes.heed_control_c,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert processes.wait_for(begun.exists, 60)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "\nStopped: chapters that were under way stay as they were.\n"
    assert said == ""


@pytest.mark.slow
@processes.LINUX
def test_ctrl_c_changes_nothing_and_takes_the_kernel_along(in_step, tmp_path):
    begun = tmp_path / "begun"
    write(f"import os, time\nopen({str(begun)!r}, 'w').write('x')\ntime.sleep(600)")
    before = pairs.stored_halves(NAME)
    book = f"contents.BOOK = pathlib.Path({str(contents.BOOK)!r})"
    command = f"import contents, pathlib, runpy; {book}; {RUN_AS_COMMAND}"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", command], env=environment, preexec_fn=processes.heed_control_c
    ) as process:
        try:
            assert processes.wait_for(begun.exists, 60)
            kernels = processes.children(process.pid)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
    assert pairs.stored_halves(NAME) == before
    assert kernels
    assert processes.wait_for(lambda: not any(map(processes.is_alive, kernels)), 60)


@pytest.mark.slow
def test_the_records_and_modules_that_a_page_used_are_noted(folder):
    write("from mnistconv.records import load_records\nlen(load_records('dense'))")
    assert run() == 0
    noted = stored().metadata.mnistconv
    assert noted["records"] == ["dense"]
    assert "mnistconv.records.store" in noted["modules"]
    assert not any("reproduce" in module for module in noted["modules"])
    assert noted["profile"] == "lesson"
    assert freshness.is_fresh(stored())


# JupyterLab


@pytest.fixture
def lab(tmp_path):
    """A copy of the book and what JupyterLab opens and saves its files with."""
    shutil.copytree(book.FOLDER, tmp_path / "notebooks")
    return tmp_path / "notebooks", jupytext.TextFileContentsManager(root_dir=str(tmp_path))


@pytest.mark.parametrize("newer", ["text/02_softmax.md", "02_softmax.ipynb"])
def test_jupyterlab_opens_and_saves_a_chapter_quietly_whatever_a_checkout_did(lab, newer):
    folder, manager = lab
    path, text = folder / "02_softmax.ipynb", folder / "text" / "02_softmax.md"
    text.write_text(text.read_text(encoding="utf-8") + "\n+++\n\nPulled.\n", encoding="utf-8")
    for half in (text, path):
        os.utime(half, (1_000, 1_000 + 1_000 * (half == folder / newer)))
    before = text.read_bytes()
    opened = manager.get("notebooks/02_softmax.ipynb")["content"]
    assert opened.cells[-1].source == nbformat.read(path, as_version=4).cells[-1].source
    opened.cells.append(nbformat.v4.new_markdown_cell("My own cell."))
    manager.save({"type": "notebook", "content": opened}, "notebooks/02_softmax.ipynb")
    reopened = manager.get("notebooks/02_softmax.ipynb")["content"]
    assert reopened.cells[-1].source == "My own cell."
    assert nbformat.read(path, as_version=4).cells[-1].source == "My own cell."
    assert text.read_bytes() == before


@pytest.mark.parametrize("newer", [pairs.text_path, pairs.notebook_path])
def test_jupyterlab_takes_no_half_that_was_just_written_for_a_part_of_a_pair(in_step, newer):
    """It would answer with an error where the halves differ and the text is newer."""
    write("print(6 * 8)")
    make_newer(newer(NAME))
    manager = jupytext.TextFileContentsManager(root_dir=str(in_step))
    opened = manager.get(f"{NAME}.ipynb")["content"]
    assert [cell.source for cell in freshness.code_cells(opened)] == ["print(6 * 7)"]


def test_when_the_disk_fills_between_the_halves_no_cell_is_lost(in_step, monkeypatch):
    path = in_step / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("A note of mine."))
    nbformat.write(notebook, path)
    write_atomically = pairs.write_atomically

    def only_the_first(target, write, written=[]):  # noqa: B006
        if written:
            raise OSError(errno.ENOSPC, "the disk is full")
        written.append(target)
        write_atomically(target, write)

    monkeypatch.setattr(pairs, "write_atomically", only_the_first)
    with pytest.raises(OSError, match="full"):
        pairs.write_pair(NAME, pairs.read_pair(NAME))
    monkeypatch.undo()
    monkeypatch.setattr(contents, "BOOK", in_step)
    assert pairs.read_pair(NAME).cells[-1].source == "A note of mine."


@pytest.mark.parametrize("broken", ["[]", "{}", '{"cells": null}', "null", '{"cells": [{}]}'])
def test_a_notebook_that_is_none_is_one_sentence(in_step, broken):
    (in_step / f"{NAME}.ipynb").write_text(broken, encoding="utf-8")
    with pytest.raises(pairs.PairError, match="cannot be read"):
        pairs.read_pair(NAME)


def test_a_text_whose_header_is_no_yaml_is_one_sentence(in_step):
    path = in_step / "text" / f"{NAME}.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("kernelspec:", "kernelspec: [", 1), encoding="utf-8")
    with pytest.raises(pairs.PairError, match="cannot be read"):
        pairs.read_pair(NAME)


def test_figures_are_stored_on_one_line():
    svg = '<svg>\n <path d="M 0 0\nL 1 1\nz\n"/>\n</svg>\n'
    output = nbformat.v4.new_output("display_data", {"image/svg+xml": svg, "text/plain": "a\nb"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    execute.join_lines_of_figures(notebook)
    data = notebook.cells[0].outputs[0].data
    assert data["image/svg+xml"] == '<svg> <path d="M 0 0 L 1 1 z "/> </svg>'
    assert data["text/plain"] == "a\nb"

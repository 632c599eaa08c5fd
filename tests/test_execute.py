"""site/execute.py: runs what changed, keeps what did not, harms nothing when a cell fails."""

import book
import nbformat
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


@pytest.fixture
def execute(tmp_path, monkeypatch):
    """The module, working in a folder of its own with one text file, 01_page."""
    module = book.executor()
    (tmp_path / "text").mkdir()
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    write(module, "print(6 * 7)")
    return module


def write(execute, code: str) -> None:
    execute.text_path("01_page").write_text(TEXT.format(code=code), encoding="utf-8")


def stored(execute):
    return nbformat.read(execute.notebook_path("01_page"), as_version=4)


@pytest.mark.slow
def test_a_new_text_becomes_a_notebook_with_outputs_and_is_not_run_twice(execute, capsys):
    assert execute.update("01_page", force=False)
    notebook = stored(execute)
    assert notebook.cells[1].outputs[0].text == "42\n"
    assert notebook.cells[1].metadata.tags == ["nbval-check-output"]
    assert execute.is_fresh(notebook)
    before = (
        execute.notebook_path("01_page").read_bytes(),
        execute.text_path("01_page").read_bytes(),
    )
    assert execute.update("01_page", force=False)
    assert "up to date" in capsys.readouterr().out
    after = execute.notebook_path("01_page").read_bytes(), execute.text_path("01_page").read_bytes()
    assert before == after


@pytest.mark.slow
def test_an_edit_of_prose_keeps_the_outputs_and_an_edit_of_code_runs(execute, capsys):
    execute.update("01_page", force=False)
    text = execute.text_path("01_page")
    text.write_text(text.read_text(encoding="utf-8").replace("Some prose", "Better prose"), "utf-8")
    execute.update("01_page", force=False)
    assert "up to date" in capsys.readouterr().out
    assert stored(execute).cells[2].source == "Better prose."
    assert stored(execute).cells[1].outputs[0].text == "42\n"
    write(execute, "print(6 * 8)")
    execute.update("01_page", force=False)
    assert stored(execute).cells[1].outputs[0].text == "48\n"


@pytest.mark.slow
def test_equal_cells_keep_their_own_outputs(execute):
    twice = "n = 1\n```\n\n```{code-cell}\nn += 1; n\n```\n\n```{code-cell}\nn += 1; n"
    write(execute, twice)
    execute.update("01_page", force=False)
    text = execute.text_path("01_page")
    text.write_text(text.read_text(encoding="utf-8").replace("Some prose", "Better prose"), "utf-8")
    execute.update("01_page", force=False)
    outputs = [cell.outputs for cell in stored(execute).cells if cell.cell_type == "code"]
    assert [output[0].data["text/plain"] for output in outputs[1:]] == ["2", "3"]


@pytest.mark.slow
def test_a_failing_cell_is_named_and_changes_nothing(execute, capsys):
    execute.update("01_page", force=False)
    before = execute.notebook_path("01_page").read_bytes()
    write(execute, "1 / 0")
    assert not execute.update("01_page", force=False)
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert execute.notebook_path("01_page").read_bytes() == before


@pytest.mark.slow
def test_the_records_that_a_page_read_are_noted(execute):
    write(execute, "from mnistconv.records import load_records\nlen(load_records('dense'))")
    execute.update("01_page", force=False)
    run = stored(execute).metadata.mnistconv
    assert run["records"] == ["dense"]
    assert run["profile"] == "lesson"
    assert run["hash"] != execute.dependency_hash(stored(execute), [])

"""Imports go one way: data, networks, training, records, figures; what makes records is apart."""

import ast

import pytest
from book import NAMES, REPOSITORY, SITE, code_cells

PACKAGE = REPOSITORY / "mnistconv"
# A module or folder of the package -> what it must not import, directly or through others.
FORBIDDEN = {
    "data": {"networks", "training", "experiments", "records", "reproduce", "figures"},
    "networks": {"data", "training", "experiments", "records", "reproduce", "figures"},
    "training": {"networks", "experiments", "records", "reproduce", "figures"},
    "watching": {"networks", "experiments", "records", "reproduce", "figures"},
    "inside": {"networks", "experiments", "records", "reproduce", "figures"},
    "recipes": {"data", "networks", "training", "records", "reproduce", "figures"},
    "experiments": {"data", "training", "records", "reproduce", "figures"},
    "records": {"training", "reproduce", "figures", "export"},
    "figures": {"reproduce", "export"},
    "export": {"reproduce", "figures"},
    "reproduce": {"figures", "export"},
    "lessons": {"data", "networks", "training", "experiments", "records", "reproduce", "figures"},
}


def imported(source: str) -> set[str]:
    """The modules and folders of mnistconv that a source text imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mnistconv"):
            inner = node.module.split(".")[1:]
            found |= {inner[0]} if inner else {name.name for name in node.names}
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            found |= {name[1] for name in names if name[0] == "mnistconv" and len(name) > 1}
    return found & {path.stem for path in PACKAGE.iterdir()}


def sources(room: str) -> list[str]:
    folder = PACKAGE / room
    paths = folder.glob("*.py") if folder.is_dir() else [PACKAGE / f"{room}.py"]
    return [path.read_text(encoding="utf-8") for path in paths]


def reached(room: str) -> set[str]:
    """Everything that `room` imports, directly or through others."""
    found, waiting = set(), {room}
    while waiting:
        now = waiting.pop()
        new = set().union(*map(imported, sources(now))) - found - {room}
        found |= new
        waiting |= new
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_go_one_way(room):
    assert not reached(room) & FORBIDDEN[room]


def test_the_search_sees_an_import_where_there_is_one():
    assert {"records", "training", "data"} <= reached("reproduce")
    assert imported("def f():\n    from mnistconv.records.store import x") == {"records"}
    assert imported("import mnistconv.figures\nfrom mnistconv import lessons, fit") == {
        "figures",
        "lessons",
    }


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_stand_on_records_not_on_the_workshop(name):
    for cell in code_cells(name):
        lines = [line for line in cell.source.splitlines() if line[:1] not in "%!"]
        assert "reproduce" not in imported("\n".join(lines))


def test_so_does_the_site():
    for path in SITE.glob("*.py"):
        assert "reproduce" not in imported(path.read_text(encoding="utf-8")), path.name

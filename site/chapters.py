"""Turns notebooks into chapters of the site while Sphinx reads them; the files stay as they are.

A chapter is refused, by file and cell, when its outputs are missing, stale or an error. Then each
"Predict." becomes a box, the first use of a glossary term a link, so does a situation of "Draw a
digit", and a cell that defines a part of
`mnistconv` is followed by a link to that part in the appendix.
"""

import logging
import re
from html import escape

import asking
import nbformat
from contents import BOOK, chapters
from freshness import is_fresh
from sphinx.errors import ExtensionError

PACKAGE = BOOK.parent / "mnistconv"
TAUGHT_IN = ("data", "networks", "training")

CODED_PLACE = re.compile(r"(?P<path>.*?(?P<name>[^/\\]+)\.ipynb):(?P<line>\d{5,})$")
DEFINITION = re.compile(r"^(?:def|class) (\w+)", re.M)
# Code, mathematics, links, headings, tables, HTML: text in which a term is left as it is. `split`
# puts what this one group matched at the odd places.
UNTOUCHED = re.compile(
    r"(```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|!?\[[^\]]*\]\([^)]*\)|^#.*?$|^\|.*?$|<[^>]+>)",
    re.M | re.S,
)

SITUATION = re.compile(r"\[(?P<words>[^]]+)\]\(draw\.md#(?P<state>[^)\s]+)\)")

FOR_COLAB = "**In Google Colab,**"  # how a cell begins that only those need who run it there

EXPLORER = """\
<div class="explorer" id="explorer">
<noscript>The explorer needs JavaScript; without it, the call of <code>F.conv2d</code> above does
the same.</noscript>
</div>"""


RUN_AGAIN = "`make notebooks` runs it again."
WRITE_ALT_TEXT = "It belongs at the head of the cell: `mystnb: {image: {alt: ...}}`."


def refuse(name: str, number: int | str, reason: str, mend: str = RUN_AGAIN) -> None:
    raise ExtensionError(f"{name}.ipynb, cell {number}: {reason}. {mend}")


def check_outputs(name: str, notebook) -> None:
    """Raise ExtensionError, naming file and cell, unless the outputs are whole and today's."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        if cell.execution_count is None:
            refuse(name, number, "it has not been run, there is no output")
        if any(output.output_type == "error" for output in cell.outputs):
            refuse(name, number, "its output is an error")
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        has_figure = any(kind.startswith("image/") for kind in kinds)
        if "image" in cell.metadata.get("mystnb", {}) and not has_figure:
            refuse(name, number, "its figure is missing")
        if has_figure and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
            refuse(name, number, "its figure has no alt text", WRITE_ALT_TEXT)
    if not is_fresh(notebook):
        refuse(name, "1 and all after it", "code or records are newer than the outputs")


def read_terms() -> list[str]:
    """The terms of glossary.md: the lines of its `glossary` block that are not indented."""
    text = (BOOK / "glossary.md").read_text(encoding="utf-8")
    block = re.search(r"^```\{glossary\}\n(.*?)^```", text, re.M | re.S).group(1)
    return [line.strip() for line in block.splitlines() if line[:1].strip() and line[0] != ":"]


def link_terms(text: str, waiting: dict[str, re.Pattern]) -> str:
    """Link the first use of each waiting term, and take it off the list."""
    for term, pattern in list(waiting.items()):
        pieces = UNTOUCHED.split(text)
        for place in range(0, len(pieces), 2):
            linked, found = pattern.subn(rf"{{term}}`\g<0> <{term}>`", pieces[place], count=1)
            if found:
                pieces[place] = linked
                del waiting[term]
                break
        text = "".join(pieces)
    return text


def term_pattern(term: str) -> re.Pattern:
    """What matches `term` in prose: also in plural, also in capitals."""
    return re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", re.I)


def waiting_terms() -> dict[str, re.Pattern]:
    """All terms with their patterns, the longest first: "cross entropy" before "entropy"."""
    return {term: term_pattern(term) for term in sorted(read_terms(), key=len, reverse=True)}


def link_to_drawing(text: str) -> str:
    """Links to a situation of the page "Draw a digit", which notebooks write as `draw.md#STATE`."""
    return SITUATION.sub(
        lambda found: f'<a href="draw.html#{escape(found["state"])}">{found["words"]}</a>', text
    )


def box_predictions(text: str) -> str:
    return asking.PREDICT.sub(r":::{admonition} Predict\n:class: predict\n\n\1\n:::", text)


def taught_places() -> dict[str, str]:
    """Each name that the package defines for readers: name -> module."""
    return {
        name: module
        for module in TAUGHT_IN
        for name in DEFINITION.findall((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    }


def link_to_package(cell, places: dict[str, str]) -> str | None:
    """A line of Markdown under a cell that defines a part of the package."""
    if "define" not in cell.metadata.get("tags", []):
        return None
    modules = sorted({places[n] for n in DEFINITION.findall(cell.source) if n in places})
    links = [f"[`mnistconv/{module}.py`](#package-{module})" for module in modules]
    return f"{{.in-package}}\nFrom here on it is imported: {', '.join(links)}." if links else None


# For each cell of a chapter, the number of the notebook's cell that it comes from.
numbers: dict[str, list[int]] = {}


def name_the_cell(record: logging.LogRecord) -> bool:
    """Write a warning's place as "name.ipynb, cell 3, line 2": MyST-NB counts 10,000 for a cell."""
    found = CODED_PLACE.match(str(getattr(record, "location", "")))
    if found and found["name"] in numbers:
        cell, line = divmod(int(found["line"]), 10_000)
        number = numbers[found["name"]][cell - 1]
        record.location = f"{found['path']}, cell {number}, line {line}"
    return True


# Chapters whose network can be played with -> the address of that situation.
PLAY = {
    "05_simple_network": "net=simple",
    "06_two_convolutional_layers": "net=two-conv",
    "07_relu_and_l2": "net=relu",
    "09_dropout": "net=dropout-lr0.005&digit=582&train=1",
}


def invite_to_play(name: str) -> str:
    """A line of Markdown that leads to the page "Draw a digit", with the chapter's network."""
    link = f'<a href="draw.html#{escape(PLAY[name])}">Draw a digit</a>'
    return f"{{.to-play}}\nThis network, trained at full length, runs in your browser: {link}."


def to_chapter(name: str, source: str) -> str:
    """The notebook `source` (JSON) as the site shows it. Raises ExtensionError."""
    notebook = nbformat.reads(source, as_version=4)
    check_outputs(name, notebook)
    asking.forms[name] = asking.asked(name, notebook)
    waiting, places, cells = waiting_terms(), taught_places(), []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.source.startswith(FOR_COLAB):
            continue
        if cell.source.startswith("## Summary") and name in PLAY:
            cells.append((number, nbformat.v4.new_markdown_cell(invite_to_play(name))))
        if cell.cell_type == "markdown":
            cell.source = box_predictions(link_terms(cell.source, waiting))
            cell.source = link_to_drawing(cell.source)
            cell.source = asking.wrap_questions(cell.source)
            cell.source = cell.source.replace("<!-- explorer -->", EXPLORER)
        cells.append((number, cell))
        line = link_to_package(cell, places)
        if line:
            cells.append((number, nbformat.v4.new_markdown_cell(line)))
    numbers[name] = [number for number, _ in cells]
    notebook.cells = [cell for _, cell in cells]
    return nbformat.writes(notebook)


def check_that_all_are_there(app) -> None:
    for name in chapters():
        if not (BOOK / f"{name}.ipynb").exists():
            raise ExtensionError(
                f"notebooks/{name}.ipynb is missing. `make notebooks` makes it from text/{name}.md."
            )


def prepare(app, docname: str, source: list[str]) -> None:
    if docname in chapters():
        source[0] = to_chapter(docname, source[0])


def read_always(app, env, added, changed, removed) -> list[str]:
    """A chapter depends on more than its file: glossary, package, records."""
    return chapters()


def setup(app) -> dict:
    for handler in logging.getLogger("sphinx").handlers:
        handler.addFilter(name_the_cell)
    app.connect("builder-inited", check_that_all_are_there)
    app.connect("env-get-outdated", read_always)
    app.connect("source-read", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

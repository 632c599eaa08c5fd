"""Turns notebooks into chapters of the site while Sphinx reads them; the files stay as they are.

A chapter is refused, by file and cell, when its outputs are missing, stale or an error. Then each
"Predict." becomes a box, the first use of a glossary term a link, and a cell that defines a part of
`mnistconv` is followed by a link to that part in the appendix. The page `status` gets its tables
from the notebooks' metadata and the records.
"""

import logging
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

import nbformat
from freshness import code_cells, is_fresh
from sphinx.errors import ExtensionError

from mnistconv.experiments import EXPERIMENTS
from mnistconv.export import export_networks
from mnistconv.records import load_records

BOOK = Path(__file__).parents[1] / "notebooks"
PACKAGE = BOOK.parent / "mnistconv"
TAUGHT_IN = ("data", "networks", "training")

PREDICT = re.compile(r"^\*\*Predict\.\*\*[ \n](.+?)(?=\n\n|\Z)", re.M | re.S)
CODED_PLACE = re.compile(r"(?P<path>.*?(?P<name>[^/\\]+)\.ipynb):(?P<line>\d{5,})$")
NOT_A_WORD = re.compile(r"[^A-Za-z0-9 ,.()@-]")
DEFINITION = re.compile(r"^(?:def|class) (\w+)", re.M)
# Code, mathematics, links, headings, tables, HTML: text in which a term is left as it is. `split`
# puts what this one group matched at the odd places.
UNTOUCHED = re.compile(
    r"(```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|!?\[[^\]]*\]\([^)]*\)|^#.*?$|^\|.*?$|<[^>]+>)",
    re.M | re.S,
)

EXPLORER = """\
<div class="explorer" id="explorer">
<noscript>The explorer needs JavaScript; without it, the call of <code>F.conv2d</code> above does
the same.</noscript>
</div>"""


def refuse(name: str, number: int | str, reason: str) -> None:
    raise ExtensionError(f"{name}.ipynb, cell {number}: {reason}. `make notebooks` runs it again.")


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
            refuse(name, number, "its figure has no alt text")
    if not is_fresh(notebook):
        refuse(name, "1 and all after it", "code cells or records are newer than the outputs")


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


def box_predictions(text: str) -> str:
    return PREDICT.sub(r":::{admonition} Predict\n:class: predict\n\n\1\n:::", text)


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
    waiting, places, cells = waiting_terms(), taught_places(), []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.source.startswith("## Summary") and name in PLAY:
            cells.append((number, nbformat.v4.new_markdown_cell(invite_to_play(name))))
        if cell.cell_type == "markdown":
            cell.source = box_predictions(link_terms(cell.source, waiting))
            cell.source = cell.source.replace("<!-- explorer -->", EXPLORER)
        cells.append((number, cell))
        line = link_to_package(cell, places)
        if line:
            cells.append((number, nbformat.v4.new_markdown_cell(line)))
    numbers[name] = [number for number, _ in cells]
    notebook.cells = [cell for _, cell in cells]
    return nbformat.writes(notebook)


def table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def notebook_status() -> str:
    rows = []
    for path in sorted(BOOK.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        run = notebook.metadata["mnistconv"]
        versions = f"{run['python']}, {run['torch']}"
        cells = len(code_cells(notebook))
        rows.append([f"[]({path.name})", run["executed"], cells, f"{run['seconds']} s", versions])
    return table(["notebook", "run on", "code cells", "took", "Python, PyTorch"], rows)


def record_status() -> str:
    rows = []
    for name in EXPERIMENTS:
        records = load_records(name)
        if not records:
            continue
        seeds = ", ".join(str(record.seed) for record in records)
        accuracies = ", ".join(
            f"{record.final_accuracy:.2%}" + " †" * record.learned_nothing for record in records
        )
        hours = sum(record.wall_seconds for record in records) / 3600
        devices = in_words(f"{record.device}, {record.device_name}" for record in records)
        versions = in_words(record.versions.get("torch", "?") for record in records)
        code = in_words((record.code_sha256 or "not noted")[:9] for record in records)
        rows.append([f"`{name}`", seeds, accuracies, f"{hours:.2f} h", devices, versions, code])
    header = ["run", "seeds", "test accuracy", "time in all", "device", "PyTorch", "code"]
    return table(header, rows)


def in_words(texts: Iterable[str]) -> str:
    """Different texts, one after the other, as they are: nothing in them is Markdown or HTML."""
    escaped = [NOT_A_WORD.sub(lambda found: f"&#{ord(found[0])};", text) for text in set(texts)]
    return "; ".join(sorted(escaped))


def prepare(app, docname: str, source: list[str]) -> None:
    if (BOOK / f"{docname}.ipynb").exists():
        source[0] = to_chapter(docname, source[0])
    elif docname == "status":
        source[0] = source[0].replace("(notebooks-table)", notebook_status())
        source[0] = source[0].replace("(records-table)", record_status())


# Let screen readers say what a fold shows, "Show the solution", not MyST-NB's label; and docutils
# gives the entries of a bibliography a role that ARIA has taken back.
SPOKEN = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    ' role="doc-biblioentry"': ' role="listitem"',
}


def mend_for_screen_readers(app, pagename, templatename, context: dict, doctree) -> None:
    for written, better in SPOKEN.items():
        if "body" in context:
            context["body"] = context["body"].replace(written, better)


COMPUTING = ["network", "prepare", "explain", "address"]  # these run without a browser, too
SHOWING = ["view", "why", "loading", "board", "page"]
# What stands in the body of an interactive page -> its folder in _static, its scripts in order.
INTERACTIVE = {
    EXPLORER: ("explorer", ["convolution", "explorer"]),
    '<div class="draw" id="draw"': ("draw", COMPUTING + SHOWING),
}


def load_scripts(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """The style sheet and the scripts of an interactive page, for that page alone."""
    for mark, (folder, scripts) in INTERACTIVE.items():
        if mark in context.get("body", ""):
            app.add_css_file(f"{folder}/{folder}.css")
            for script in scripts:
                app.add_js_file(f"{folder}/{script}.js", loading_method="defer")


def export_trained_networks(app, exception) -> None:
    """Put the recorded weights where the page "Draw a digit" loads them from."""
    if exception is None and app.builder.format == "html":
        export_networks(Path(app.outdir) / "_static" / "draw")


def make_static_folder(app) -> None:
    """Come first: when a build stops early, the theme writes its logo as a file `_static`."""
    (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)


def drop_source_maps(app, exception) -> None:
    for path in Path(app.outdir).rglob("*.map"):
        path.unlink()


def setup(app) -> dict:
    for handler in logging.getLogger("sphinx").handlers:
        handler.addFilter(name_the_cell)
    app.connect("builder-inited", make_static_folder)
    app.connect("source-read", prepare)
    app.connect("html-page-context", mend_for_screen_readers)
    app.connect("html-page-context", load_scripts)
    app.connect("build-finished", export_trained_networks)
    app.connect("build-finished", drop_source_maps)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

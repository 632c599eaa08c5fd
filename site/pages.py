"""Pages that are made while the site is built, from a mark like `(records-table)` in their text."""

import re
from collections.abc import Iterable
from pathlib import Path

import jinja2
import nbformat
from chapters import PACKAGE, TAUGHT_IN
from contents import BOOK, chapters
from freshness import code_cells

from mnistconv.experiments import EXPERIMENTS
from mnistconv.export import describe_all
from mnistconv.records import load_records

TEMPLATES = Path(__file__).parent / "_templates"
NOT_A_WORD = re.compile(r"[^A-Za-z0-9 ,.()@-]")


def table(header: list[str], rows: list[list]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def notebook_status() -> str:
    rows = []
    for name in chapters():
        notebook = nbformat.read(BOOK / f"{name}.ipynb", as_version=4)
        run = notebook.metadata["mnistconv"]
        versions = f"{run['python']}, {run['torch']}"
        cells = len(code_cells(notebook))
        rows.append([f"[]({name}.ipynb)", run["executed"], cells, f"{run['seconds']} s", versions])
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
        trainers = in_words(record.trainer or "torch.optim" for record in records)
        what = [devices, versions, trainers, code]
        rows.append([f"`{name}`", seeds, accuracies, f"{hours:.2f} h", *what])
    what = ["device", "PyTorch", "trainer", "code"]
    header = ["run", "seeds", "test accuracy", "time in all", *what]
    return table(header, rows)


def in_words(texts: Iterable[str]) -> str:
    """Different texts, one after the other, as they are: nothing in them is Markdown or HTML."""
    escaped = [NOT_A_WORD.sub(lambda found: f"&#{ord(found[0])};", text) for text in set(texts)]
    return "; ".join(sorted(escaped))


def is_taught(path: Path) -> bool:
    return path.parent == PACKAGE and path.stem in TAUGHT_IN


def modules() -> list[Path]:
    """The package's files: those that the book teaches first, then the others by folder."""
    taught = [PACKAGE / f"{name}.py" for name in TAUGHT_IN]
    found = sorted(PACKAGE.rglob("*.py"), key=lambda path: (len(path.parts), path))
    return taught + [path for path in found if not is_taught(path)]


def package_listing() -> str:
    """Each file of the package, whole, under its path; what is taught can be linked to."""
    sections = []
    for path in modules():
        place = path.relative_to(BOOK.parent).as_posix()
        target = f"(package-{path.stem})=\n" if is_taught(path) else ""
        code = f"```{{literalinclude}} ../{place}\n:language: python\n```"
        sections.append(f"{target}## `{place}`\n\n{code}")
    return "\n\n".join(sections)


def api_listing() -> str:
    """What each module offers, in the same order, from its docstrings; all figures as one."""
    places = [path.relative_to(BOOK.parent).with_suffix("") for path in modules()]
    names = [".".join(place.parts) for place in places if not place.name.startswith("__")]
    names = [name for name in names if "figures" not in name] + ["mnistconv.figures"]
    return "\n\n".join(
        f"## `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```" for name in names
    )


def raw_html(template: str, **values) -> str:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    made = jinja2.Template(text, trim_blocks=True).render(**values)
    return f"```{{raw}} html\n{made}\n```"


def draw_page() -> str:
    """The page "Draw a digit" as HTML: what it says of its networks comes from their records."""
    return raw_html("draw.html", networks=describe_all())


def live_board() -> str:
    """The small board of the front page."""
    return raw_html("front.html")


# Page -> what stands in its text for a part that is made by code.
MADE = {
    "status": {"(notebooks-table)": notebook_status, "(records-table)": record_status},
    "package": {"(package-listing)": package_listing},
    "api": {"(api-listing)": api_listing},
    "draw": {"(draw-page)": draw_page},
    "index": {"(live-board)": live_board},
}


def fill(app, docname: str, source: list[str]) -> None:
    for mark, make in MADE.get(docname, {}).items():
        source[0] = source[0].replace(mark, make())


def read_always(app, env, added, changed, removed) -> list[str]:
    """These pages depend on more than their file: the package, records, notebooks."""
    return sorted(env.found_docs & MADE.keys())


def setup(app) -> dict:
    app.connect("env-get-outdated", read_always)
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""What belongs to the book: the pages that `index.md` lists in its toctrees, in their order."""

import re
from pathlib import Path

BOOK = Path(__file__).parents[1] / "notebooks"
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.M | re.S)


def documents() -> list[str]:
    """All pages but the first, as `index.md` lists them."""
    blocks = TOCTREE.findall((BOOK / "index.md").read_text(encoding="utf-8"))
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(":")]


def chapters() -> list[str]:
    """The chapters' names, in reading order: those pages that begin with a number."""
    return [name for name in documents() if name[0].isdigit()]


def files() -> list[str]:
    """The names of the files in `notebooks/` from which Sphinx makes the pages."""
    endings = {True: ".ipynb", False: ".md"}
    return ["index.md", *(name + endings[name in chapters()] for name in documents())]


def own_files() -> list[str]:
    """Notebooks and pages in `notebooks/` that are not of the book: the reader's own."""
    ours = {*files(), *(f"text/{name}.md" for name in chapters())}
    there = [*BOOK.glob("*.md"), *BOOK.glob("*.ipynb"), *BOOK.glob("text/*.md")]
    return sorted({path.relative_to(BOOK).as_posix() for path in there} - ours)


def mention_own_files() -> None:
    """Say in one line which files are left out, if there are any."""
    if own_files():
        print(f"Not in the book, left as they are: {', '.join(own_files())}.", flush=True)

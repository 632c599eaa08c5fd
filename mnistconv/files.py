"""Files that are whole or not there."""

import os
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary name beside `path`, then rename: whole or not at all.

    Makes the folder if it is missing. Raises OSError when the disk is full or cannot be written to;
    what stood in `path` before is then still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_between(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- mark -->` and `<!-- /mark -->` in `page` by `text`.

    Raises ValueError when the page has no such lines, OSError when it cannot be read or written.
    """
    before = page.read_text(encoding="utf-8")
    block = re.compile(f"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    if not block.search(before):
        raise ValueError(f"{page} has no lines <!-- {mark} --> and <!-- /{mark} -->.")
    after = block.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before)
    if after != before:
        write_atomically(page, lambda temporary: temporary.write_text(after, encoding="utf-8"))


def set_aside(path: Path, problem: str) -> Path:
    """Rename a file that does not count, so that nothing is lost; warn; return its new path."""
    number = 1
    while (aside := path.with_name(f"{path.name}.set-aside-{number}")).exists():
        number += 1
    with suppress(FileNotFoundError):  # another runner was faster
        path.replace(aside)
    warnings.warn(f"{path.name} is set aside as {aside.name}: {problem}.", stacklevel=2)
    return aside

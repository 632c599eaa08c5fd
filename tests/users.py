"""File modes do not bind root: tests of them become nobody for a while."""

import os
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def without_roots_rights(folder: Path):
    """Nobody owns what is in `folder` and reaches it; without root's rights, nothing changes."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    for parent in list(folder.parents)[:3]:
        if parent.owner() == "root" and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)

"""Files that are whole or not there."""

import errno
import glob
import os
import platform
import re
import secrets
import stat
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)
THIS_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"
DAY = 24 * 3600.0  # seconds


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary name beside `path`, then rename: whole or not at all.

    Follows links and keeps the mode of the file that it replaces; a new one gets that of the umask.
    Makes the folder if it is missing, and sweeps what killed writers of this file left. Raises
    OSError, in a sentence, when `path` is no regular file or cannot be written (a full disk, no
    right); what stood there before is then still there.
    """
    with _explained(path):
        target = _replaceable(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        with _written_beside(target, write) as (temporary, mode):
            if target.exists():
                mode = target.stat().st_mode
            if temporary.stat().st_mode != mode:
                with suppress(OSError):  # some network folders know no modes
                    temporary.chmod(stat.S_IMODE(mode))
            os.replace(temporary, target)


def try_writing(path: Path, content: bytes = b"") -> None:
    """Write `content` beside `path` and remove it again: whether `write_atomically` would do.

    Makes no folder; sweeps what killed trials left. Raises OSError as `write_atomically` does.
    """
    with _explained(path):
        target = _replaceable(path)
        _sweep(target)
        with _written_beside(target, lambda temporary: temporary.write_bytes(content)):
            pass


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, line ends as they are.

    Raises OSError when it cannot be read or is no regular file (a pipe would never end), ValueError
    when it is not UTF-8.
    """
    content = _target(path).read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from error


def write_between(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- mark -->` and `<!-- /mark -->` in `page` by `text`.

    The page keeps its line ends. Raises ValueError when it has no such lines, OSError when it
    cannot be read or written.
    """
    before = read_text(page)
    block = re.compile(f"(<!-- {mark} -->\r?\n).*?(<!-- /{mark} -->)", re.DOTALL)
    if not block.search(before):
        raise ValueError(f"{page} has no lines <!-- {mark} --> and <!-- /{mark} -->.")
    end = "\r\n" if "\r\n" in before else "\n"
    lines = f"\n{text}\n\n".replace("\n", end)
    after = block.sub(lambda found: found[1] + lines + found[2], before)
    if after != before:
        write_atomically(page, lambda temporary: temporary.write_bytes(after.encode()))


def set_aside(path: Path, problem: str) -> Path:
    """Rename a file that does not count, so that nothing is lost; warn; return its new path."""
    number = 1
    while (aside := path.with_name(f"{path.name}.set-aside-{number}")).exists():
        number += 1
    with suppress(FileNotFoundError):  # another runner was faster
        path.replace(aside)
    warnings.warn(f"{path.name} is set aside as {aside.name}: {problem}.", stacklevel=2)
    return aside


def _target(path: Path) -> Path:
    """The file that `path` names, links followed; it need not exist yet.

    Raises OSError when it is a folder, a device, a pipe, a socket or a loop of links.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, f"{path} is a folder: name a file in it")
    if not stat.S_ISREG(mode):
        what = "it is a device, a pipe or a socket"
        raise OSError(errno.EINVAL, f"{path} is not a regular file ({what}): name another")
    return target


def _replaceable(path: Path) -> Path:
    """`_target`; raises PermissionError too when that file is protected: renaming would not ask."""
    target = _target(path)
    who = {"effective_ids": os.access in os.supports_effective_ids}
    if target.exists() and not os.access(target, os.W_OK, **who):
        raise PermissionError(errno.EACCES, "it is write-protected")
    return target


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of the file system as one sentence that names `path`; `errno` stays."""
    try:
        yield
    except OSError as error:
        if error.errno in (None, errno.EISDIR, errno.EINVAL):
            raise
        reason = error.strerror
        if error.errno in NO_ROOM:
            reason = f"the disk is full, or your share of it ({reason})"
        elif error.errno in NO_RIGHT:
            reason = f"you have no right to ({reason})"
        elif error.errno in NO_FOLDER:
            reason = f"a file stands where its folder should be ({reason})"
        raise OSError(error.errno, f"{path} cannot be written: {reason}") from error


@contextmanager
def _written_beside(target: Path, write: Callable[[Path], object]) -> Iterator[tuple[Path, int]]:
    """What `write` wrote, safe on the disk, and the mode of a new file; removed afterwards."""
    writer = f"{THIS_MACHINE}-{os.getpid()}"
    temporary = target.with_name(f".{target.name}.{writer}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        yield temporary, mode
    finally:
        with suppress(OSError):  # say what went wrong before, not that this does too
            temporary.unlink()


def _sweep(target: Path) -> None:
    """Remove what writers of `target` left who are dead: ended on this machine, or a day ago."""
    name = re.compile(rf"\.{re.escape(target.name)}\.(?:([0-9a-f]+)-)?(\d+)(?:-[0-9a-f]+)?\.tmp")
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        writer = name.fullmatch(left.name)
        with suppress(OSError):  # another writer sweeps too
            is_old = time.time() - left.stat().st_mtime > DAY
            is_ours = writer and writer[1] == THIS_MACHINE
            if writer and (is_old or (is_ours and not _is_alive(int(writer[2])))):
                left.unlink()


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # there is no harmless signal to ask with
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True

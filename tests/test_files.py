"""Files that are whole or not there: what a write follows, keeps, refuses, leaves behind."""

import contextlib
import errno
import os
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest
import torch
from safetensors.torch import save_file
from users import without_roots_rights

from mnistconv import files
from mnistconv.files import read_text, try_writing, write_atomically, write_between

ON_WINDOWS = sys.platform == "win32"
POSIX_ONLY = pytest.mark.skipif(ON_WINDOWS, reason="modes, pipes and links are those of POSIX")


def put(path, content=b"new"):
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def mode_of(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@POSIX_ONLY
def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    target, link, chain = tmp_path / "far" / "page", tmp_path / "link", tmp_path / "chain"
    target.write_bytes(b"old")
    link.symlink_to(target)
    chain.symlink_to(link)
    put(chain)
    assert target.read_bytes() == b"new"
    assert link.is_symlink()
    assert chain.is_symlink()
    assert [path.name for path in target.parent.iterdir()] == ["page"]


@POSIX_ONLY
def test_a_link_to_nothing_yet_makes_its_target(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    put(tmp_path / "link")
    assert (tmp_path / "target").read_bytes() == b"new"


@POSIX_ONLY
def test_the_mode_of_what_is_replaced_is_kept(tmp_path):
    for mode in (0o600, 0o640, 0o755):
        (tmp_path / "file").write_bytes(b"old")
        (tmp_path / "file").chmod(mode)
        put(tmp_path / "file")
        assert mode_of(tmp_path / "file") == mode


@POSIX_ONLY
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o007, 0o660), (0o077, 0o600)])
def test_a_new_file_has_the_umasks_mode_whoever_wrote_it(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        put(tmp_path / "bytes")
        tensors = {"w": torch.zeros(2)}
        write_atomically(tmp_path / "weights", lambda file: save_file(tensors, file))
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "bytes") == mode_of(tmp_path / "weights") == mode


@contextlib.contextmanager
def special(kind, path):
    """A thing of that kind in `path` that no file may take the place of."""
    with contextlib.ExitStack() as stack:
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            here = os.getcwd()
            os.chdir(path.parent)  # a socket's path must be short
            listener.bind(path.name)
            os.chdir(here)
        elif kind == "link to a device":
            path.symlink_to("/dev/null")
        else:
            path.symlink_to(path)
        yield


@POSIX_ONLY
@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "link to a device", "loop of links"])
@pytest.mark.parametrize("act", [put, try_writing, read_text, lambda p: write_between(p, "x", "")])
def test_what_is_no_regular_file_is_left_alone_in_one_sentence(tmp_path, kind, act):
    path = tmp_path / "thing"
    with special(kind, path):
        before = path.lstat()
        with pytest.raises(OSError, match="thing") as caught:
            act(path)
        assert path.lstat().st_ino == before.st_ino
        assert [*tmp_path.iterdir()] == [path]
    assert "\n" not in str(caught.value)


@POSIX_ONLY
def test_a_write_protected_file_is_left_alone(tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with without_roots_rights(tmp_path), pytest.raises(PermissionError, match="write-protected"):
        put(path)
    assert path.read_bytes() == b"old"


@POSIX_ONLY
def test_a_folder_without_the_right_to_write_is_named(tmp_path):
    path = tmp_path / "shut" / "file"
    path.parent.mkdir(mode=0o555)
    for act in (put, try_writing):
        with (
            without_roots_rights(tmp_path),
            pytest.raises(PermissionError, match=r"no right") as caught,
        ):
            act(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_or_quota_is_said_and_nothing_is_left(tmp_path, number):
    (tmp_path / "file").write_bytes(b"old")

    def fail(temporary):
        temporary.write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match="disk is full") as caught:
        write_atomically(tmp_path / "file", fail)
    assert caught.value.errno == number
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len([*tmp_path.iterdir()]) == 1


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for below in ("file/new", "file/further/new"):
        with pytest.raises(OSError, match="a file stands where"):
            put(tmp_path / below)


def test_trying_leaves_nothing_and_makes_no_folder(tmp_path):
    try_writing(tmp_path / "file", b"as long as it will be")
    assert [*tmp_path.iterdir()] == []
    with pytest.raises(FileNotFoundError):
        try_writing(tmp_path / "nowhere" / "file")
    assert [*tmp_path.iterdir()] == []


def test_two_threads_write_the_same_file_whole(tmp_path):
    meet, names, trouble = threading.Barrier(2, timeout=20), [], []

    def slow(temporary, letter):
        names.append(temporary.name)
        temporary.write_bytes(letter * 1000)
        meet.wait()

    def work(letter):
        try:
            write_atomically(tmp_path / "file", lambda temporary: slow(temporary, letter))
        except Exception as error:
            trouble.append(error)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert len(set(names)) == 2
    assert (tmp_path / "file").read_bytes() in (b"a" * 1000, b"b" * 1000)
    assert len([*tmp_path.iterdir()]) == 1


WRITE_AND_DIE = """
import os, sys, pathlib
from mnistconv.files import write_atomically
write_atomically(pathlib.Path(sys.argv[1]), lambda temporary: os._exit(9))
"""


@pytest.mark.slow
@POSIX_ONLY
def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path):
    for name in ("file", "file.other"):
        done = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(tmp_path / name)])
        assert done.returncode == 9
    assert len([*tmp_path.iterdir()]) == 2
    put(tmp_path / "file")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 2
    assert left[0].startswith(".file.other."), "that is another file's"
    assert left[1] == "file"


@pytest.mark.slow
@POSIX_ONLY
def test_what_a_killed_trial_left_is_swept_by_the_next(tmp_path):
    die = "import os; os.fsync = lambda _: os._exit(9)"
    trial = "from mnistconv import files; files.try_writing(pathlib.Path(sys.argv[1]))"
    code, path = f"import pathlib, sys; {die}; {trial}", tmp_path / "probe"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert len([*tmp_path.iterdir()]) == 1
    files.try_writing(path)
    assert [*tmp_path.iterdir()] == []


def test_what_a_living_writer_or_another_machine_has_in_hand_is_not_swept(tmp_path, monkeypatch):
    alive = [f".file.{files.THIS_MACHINE}-{os.getpid()}-0a.tmp", ".file.0badcafe-1-0a.tmp"]
    for name in alive:
        (tmp_path / name).write_bytes(b"half")
    put(tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*alive, "file"])
    long_ago = time.time() - 2 * files.DAY
    for name in alive:
        os.utime(tmp_path / name, (long_ago, long_ago))
    put(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_page_keeps_its_line_ends(tmp_path, end):
    page = tmp_path / "page.md"
    lines = ["before", "<!-- x -->", "old", "<!-- /x -->", "after ±", ""]
    page.write_bytes(end.join(lines).encode())
    write_between(page, "x", "one\ntwo")
    after = ["before", "<!-- x -->", "", "one", "two", "", "<!-- /x -->", "after ±", ""]
    assert page.read_bytes() == end.join(after).encode()


def test_a_page_that_is_not_utf8_is_named(tmp_path):
    page = tmp_path / "page.md"
    page.write_bytes("<!-- x -->\nä<!-- /x -->".encode("latin-1"))
    with pytest.raises(ValueError, match=r"page\.md is not UTF-8"):
        write_between(page, "x", "")

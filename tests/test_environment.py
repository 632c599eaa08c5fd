"""The command line where things are not as they should be: libraries, streams, Ctrl-C, kernels."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from book import REPOSITORY
from users import without_roots_rights

from mnistconv import environment, streams
from mnistconv.environment import Finding

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="signals and modes of POSIX")
COMMAND = ("-m", "mnistconv")
BARE = ("-S", *COMMAND)  # without site-packages: nothing but Python


def python(*words: str, first: Path | str = "", current: Path = REPOSITORY, **environment: str):
    """Run Python on the package; what lies in `first` comes before the libraries."""
    places = os.pathsep.join(filter(None, [str(first), str(REPOSITORY)]))
    variables = os.environ | {"PYTHONPATH": places} | environment
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        errors="replace",
        env=variables,
        cwd=current,
    )


@pytest.fixture
def fake(tmp_path):
    """`fake("torch", "raise OSError")`: a library of that name that does just that at import."""

    def make(name: str, program: str) -> Path:
        (tmp_path / "libraries" / name).mkdir(parents=True)
        (tmp_path / "libraries" / name / "__init__.py").write_text(program)
        return tmp_path / "libraries"

    return make


# Libraries


def test_check_needs_nothing_but_python():
    result = python(*BARE, "check")
    assert result.returncode == 1
    assert result.stderr == ""
    for name in ("torch", "torchvision", "numpy", "typer", "filelock", "tqdm", "pandas"):
        assert sum(line.startswith(f"!!  {name} ") for line in result.stdout.splitlines()) == 1
    assert "pip install -r requirements.txt" in result.stdout
    assert "ok  MNIST" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize("words", [["list"], ["--help"], ["check", "--help"], []])
def test_a_command_without_its_libraries_is_one_sentence(words):
    result = python(*BARE, *words)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "typer" in result.stderr
    assert "python -m mnistconv check" in result.stderr


BROKEN = {
    "ImportError": "raise ImportError('libtorch.so: no such file')",
    "OSError": "raise OSError('libcudart.so: cannot open')",
    "RuntimeError": "raise RuntimeError('operator nms does not exist\\nand more')",
    "AttributeError": "import os\nos.no_such_thing",
    "an old one": "",
}


@pytest.mark.parametrize("program", BROKEN.values(), ids=BROKEN)
def test_a_broken_library_is_one_sentence(fake, program):
    result = python(*COMMAND, "train", "dense", first=fake("torch", program))
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "library torch " in result.stderr


@pytest.mark.slow
def test_check_gives_a_broken_library_one_line(fake):
    program = BROKEN["RuntimeError"]
    result = python(*COMMAND, "check", first=fake("torch", program))
    assert result.returncode == 1
    lines = [line for line in result.stdout.splitlines() if line.startswith("!!  torch ")]
    assert len(lines) == 1
    assert "operator nms" in lines[0]
    assert "and more" not in result.stdout
    assert "--force-reinstall torch torchvision" in result.stdout


def test_data_needs_no_torch(fake):
    result = python(*COMMAND, "data", first=fake("torch", BROKEN["OSError"]))
    assert (result.returncode, result.stderr) == (0, "")
    assert "complete" in result.stdout


def test_a_version_that_was_not_tested_is_named():
    finding = environment._library("tqdm>=4.1,<4.2")
    assert not finding.is_good
    assert "tqdm>=4.1,<4.2" in finding.found
    assert environment._library("tqdm").is_good


def test_what_a_look_does_not_foresee_is_a_line_too():
    def _strange_thing():
        raise RecursionError

    (finding,) = environment._careful(_strange_thing)
    assert "strange thing" in str(finding)
    assert not finding.is_good


# Ctrl-C while libraries are imported

INTERRUPTED = {
    "at once": "raise KeyboardInterrupt",
    "a signal": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)",
    "in disguise": (
        "try:\n    raise KeyboardInterrupt\n"
        "except BaseException as error:\n    raise ImportError('no such thing') from error"
    ),
    "SIGTERM": "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(9)",
}


@pytest.fixture
def heeded():
    """What a shell starts in the background inherits that Ctrl-C is ignored: not here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@POSIX_ONLY
@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("library", ["torch", "typer"])
@pytest.mark.parametrize("program", INTERRUPTED.values(), ids=INTERRUPTED)
def test_control_c_during_an_import_is_quiet(fake, library, program):
    result = python(*COMMAND, "train", "dense", first=fake(library, program))
    assert (result.returncode, result.stderr) == (130, "")


# Streams


def written(encoding: str, text: str) -> str:
    streams.codecs.register_error("spelt-out", streams._spell_out)
    stream = streams.Steady(io.BytesIO(), encoding=encoding, errors="spelt-out")
    print(text, file=stream, end="", flush=True)
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8", "utf-16"])
def test_signs_are_readable_in_every_encoding(encoding):
    lone = "notes-\udcff"  # a file's name that is no UTF-8
    out = written(encoding, f"98 ± 1 (†) ↑ → ↓ 数 {lone}")
    assert "98 ± 1" in out or "98 +- 1" in out
    assert out.count("(") == 1
    assert "\udcff" not in out


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii:strict", "cp1252"])
def test_the_scoreboard_is_printed_in_that_encoding(encoding):
    result = python(*COMMAND, "table", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (result.returncode, result.stderr) == (0, "")


@POSIX_ONLY
def test_a_reader_that_leaves_ends_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    stream = streams.Steady(os.fdopen(writing, "wb"), encoding="utf-8", line_buffering=True)
    for _ in range(3):
        print("x" * 10_000, file=stream)
    stream.flush()
    assert isinstance(stream.problem, BrokenPipeError)
    stream.close()


def shell(line: str, **options) -> subprocess.CompletedProcess:
    command = f"{sys.executable} -m mnistconv {line}"
    as_usual = os.environ | {"PYTHONUNBUFFERED": ""}  # what is written late can fail late
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        env=as_usual,
        **options,
    )


@POSIX_ONLY
@pytest.mark.parametrize("line", ["--help | true", "--help | head -1", "--help >&-", "--help 2>&-"])
def test_closed_output_is_no_error(line):
    result = shell(line, cwd=REPOSITORY)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_output_that_found_a_full_disk_is_one_sentence():
    result = shell("--help >/dev/full", cwd=REPOSITORY)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


@POSIX_ONLY
def test_an_error_with_both_outputs_closed_is_still_an_error():
    assert shell("dance >&- 2>&-", cwd=REPOSITORY).returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_so_is_one_that_finds_no_room_for_its_sentence():
    assert shell("dance 2>/dev/full", cwd=REPOSITORY).returncode == 2


# Kernel, copy, write access


@pytest.mark.parametrize(
    ("program", "is_good"),
    [("python", True), (sys.executable, True), ("/opt/other/bin/python", False)],
)
def test_a_kernel_of_another_environment_is_seen(tmp_path, monkeypatch, program, is_good):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {
        "argv": [program, "-m", "ipykernel_launcher"],
        "display_name": "x",
        "language": "python",
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (finding,) = environment._kernel()
    assert finding.is_good == is_good
    assert is_good or (program in finding.found and "ipykernel install" in finding.advice)


def test_a_kernel_that_is_missing_is_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyter_client.kernelspec", None)
    (finding,) = environment._kernel()
    assert not finding.is_good


def test_a_copy_of_the_package_is_said_and_outside_of_the_book_mended(tmp_path):
    shutil.copytree(REPOSITORY / "mnistconv", tmp_path / "packages" / "mnistconv")
    for current, sign in ((REPOSITORY / "notebooks", "ok "), (tmp_path, "!! ")):
        command = [sys.executable, "-S", "-P", *COMMAND, "check"]
        place = {"PYTHONPATH": str(tmp_path / "packages")}
        result = subprocess.run(
            command, capture_output=True, text=True, cwd=current, env=os.environ | place
        )
        (line,) = [line for line in result.stdout.splitlines() if "a copy" in line]
        assert line.startswith(f"{sign} mnistconv ")
        assert result.stderr == ""
    assert "pip install -e ." in result.stdout


@POSIX_ONLY
def test_write_access_is_tried_by_writing(tmp_path, monkeypatch):
    assert environment._writable("here", tmp_path / "new", "advice").is_good
    assert [*tmp_path.iterdir()] == []
    (tmp_path / "shut").mkdir(mode=0o555)
    with without_roots_rights(tmp_path):
        finding = environment._writable("here", tmp_path / "shut" / "new", "advice")
    assert not finding.is_good
    assert "Permission denied" in finding.found


def test_a_disk_without_room_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "DATA_NEEDS", 1e30)
    assert not environment._room(tmp_path / "new").is_good


def test_a_finding_is_one_line_and_its_advice_another():
    assert str(Finding("x", "found")).count("\n") == 0
    assert str(Finding("x", "found", "do this")).count("\n") == 1

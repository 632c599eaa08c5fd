"""install.py: which PyTorch pip takes, asked of two small package indexes on this machine."""

import functools
import http.server
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from book import REPOSITORY

pytest.importorskip("pip", reason="this environment has no pip")

PLAIN, CPU = "2.15.0", "2.15.0+cpu"


@pytest.fixture
def install(monkeypatch):
    """The module install.py, as if on Linux and without a GPU, with little patience."""
    monkeypatch.syspath_prepend(str(REPOSITORY))
    install = importlib.import_module("install")
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setattr(install, "has_nvidia_gpu", lambda: False)
    return install


def write_wheel(folder, version: str) -> None:
    """An empty package torch, in an index whose page of links lies in the file index.html."""
    page = folder / "torch" / "index.html"
    page.parent.mkdir(parents=True)
    name, info = f"torch-{version}-py3-none-any.whl", f"torch-{version}.dist-info"
    page.write_text(f'<a href="{quote(name)}">{name}</a>', encoding="utf-8")
    with zipfile.ZipFile(page.with_name(name), "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


class Noting(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, refuses what lies under /403 and /500, and notes what was asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        refusal = self.path.split("/")[1]
        return self.send_error(int(refusal)) if refusal.isdigit() else super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def indexes(install, tmp_path, monkeypatch):
    """A server with the package index at /plain and PyTorch's at /cpu; `asked` are the paths."""
    write_wheel(tmp_path / "plain", PLAIN)
    write_wheel(tmp_path / "cpu", CPU)
    handler = functools.partial(Noting, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = []
        server.address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(install, "CPU_INDEX", f"{server.address}/cpu")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def taken(install, indexes, tmp_path, monkeypatch):
    """Call it with arguments of install.py: the version of torch that pip would install."""
    here = tmp_path / "clone"
    here.mkdir()
    (here / "requirements.txt").write_text("torch>=2.11,<3\n", encoding="utf-8")
    (here / "constraints.txt").write_text(f"torch=={PLAIN}\n", encoding="utf-8")
    report = tmp_path / "report.json"
    settings = {
        "CONFIG_FILE": os.devnull, "FIND_LINKS": "", "INDEX_URL": f"{indexes.address}/plain",
        "DRY_RUN": "1", "IGNORE_INSTALLED": "1", "REPORT": str(report), "NO_CACHE_DIR": "1",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setattr(install, "HERE", here)

    def taken(*arguments: str) -> str:
        assert install.main(list(arguments)) == 0
        (torch,) = json.loads(report.read_text(encoding="utf-8"))["install"]
        return torch["metadata"]["version"]

    return taken


def test_a_machine_without_a_gpu_takes_the_cpu_build(taken, capfd):
    assert taken() == CPU
    assert "the CPU build" in capfd.readouterr().out


def test_the_pin_in_the_constraints_chooses_among_cpu_builds(taken, indexes, tmp_path):
    """A newer CPU build does not draw pip away from the tested version."""
    write_wheel(tmp_path / "newer", "2.16.0+cpu")
    newer = tmp_path / "newer" / "torch"
    page = tmp_path / "cpu" / "torch" / "index.html"
    for file in newer.glob("*.whl"):
        file.rename(page.with_name(file.name))
    page.write_text(page.read_text() + (newer / "index.html").read_text(), encoding="utf-8")
    assert taken() == CPU


def test_without_an_answer_the_package_index_serves(taken, install, indexes, monkeypatch, capfd):
    monkeypatch.setattr(install, "CPU_INDEX", f"{indexes.address}/500")
    assert taken() == PLAIN
    assert "does not answer" in capfd.readouterr().out
    assert [path for path in indexes.asked if not path.startswith("/plain")] == ["/500/torch/"]


@pytest.mark.parametrize("refusal", ["403", "404", "500"])
def test_an_index_that_refuses_is_left_out(install, indexes, monkeypatch, refusal):
    monkeypatch.setattr(install, "CPU_INDEX", f"{indexes.address}/{refusal}")
    assert install.which_index(cuda=False) == []
    assert indexes.asked == [f"/{refusal}/torch/"]


def test_an_index_that_is_not_there_is_left_out(install, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        monkeypatch.setattr(install, "CPU_INDEX", f"http://127.0.0.1:{gone.getsockname()[1]}")
    assert install.which_index(cuda=False) == []


@contextmanager
def dripping(seconds_between: float):
    """An address that accepts a connection, then sends a byte of its answer now and then."""
    done = threading.Event()

    def drip(server):
        connection, _ = server.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
                if done.wait(seconds_between):
                    return
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=[server])
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        thread.join()


@pytest.mark.parametrize("seconds_between", [60, 0.05], ids=["silent", "trickling"])
def test_an_index_that_keeps_waiting_is_given_up(install, monkeypatch, seconds_between):
    assert install.PATIENCE <= 5
    monkeypatch.setattr(install, "PATIENCE", 0.5)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with dripping(seconds_between) as address:
        monkeypatch.setattr(install, "CPU_INDEX", address)
        assert install.which_index(cuda=False) == []


@pytest.mark.parametrize("reason", ["CUDA is asked for", "a GPU", "macOS", "Windows"])
def test_where_the_other_build_is_right_the_cpu_index_is_not_asked(
    install, indexes, monkeypatch, reason
):
    if reason == "a GPU":
        monkeypatch.setattr(install, "has_nvidia_gpu", lambda: True)
    system = {"macOS": "Darwin", "Windows": "Windows"}.get(reason, "Linux")
    monkeypatch.setattr(install.platform, "system", lambda: system)
    assert install.which_index(cuda=reason == "CUDA is asked for") == []
    assert indexes.asked == []


def test_cuda_replaces_a_cpu_build(install, monkeypatch):
    """pip alone would not: the CPU build satisfies the pin."""
    calls = []
    monkeypatch.setattr(install, "pip", lambda *arguments: calls.append(arguments) or 0)
    for version in (CPU, PLAIN, ""):
        monkeypatch.setattr(install, "version_of", lambda package, version=version: version)
        install.main(["--cuda"])
    assert [call[0] for call in calls] == ["uninstall", "install", "install", "install"]
    assert {"torch", "torchvision"} <= set(calls[0])


@pytest.mark.parametrize(
    ("python", "system", "macos", "exact"),
    [
        ((3, 11, 2), "Linux", "", False),
        ((3, 11, 4), "Windows", "", False),
        ((3, 11, 5), "Linux", "", True),
        ((3, 14, 0), "Windows", "", True),
        ((3, 13, 0), "Darwin", "13.7.2", False),
        ((3, 13, 0), "Darwin", "14.0", True),
    ],
)
def test_constraints_are_left_out_where_they_do_not_resolve(
    install, monkeypatch, capsys, python, system, macos, exact
):
    monkeypatch.setattr(install.sys, "version_info", python)
    monkeypatch.setattr(install.platform, "system", lambda: system)
    monkeypatch.setattr(install.platform, "mac_ver", lambda: (macos, ("", "", ""), "arm64"))
    packages = install.which_packages()
    monkeypatch.undo()
    assert ("constraints.txt" in packages) is exact
    assert ("constraints.txt" in capsys.readouterr().out) is not exact


def test_pips_failure_is_ours(install, monkeypatch, capsys):
    monkeypatch.setattr(install, "which_index", lambda cuda: [])
    monkeypatch.setattr(install, "pip", lambda *arguments: 2)
    assert install.main([]) == 2
    assert "is installed" not in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_control_c_is_quiet(tmp_path):
    """In the middle of what pip does; the program finds a pip of ours first."""
    stop = "import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(9)\n"
    (tmp_path / "pip.py").write_text(stop)
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    (tmp_path / "sitecustomize.py").write_text(heeding)
    result = subprocess.run(
        [sys.executable, REPOSITORY / "install.py", "--cuda"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (130, "")


def test_a_gpu_is_found_by_its_driver(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    install = importlib.import_module("install")
    monkeypatch.setattr(install, "Path", lambda path: tmp_path / "nvidia0")
    monkeypatch.setattr(install.shutil, "which", lambda name: name)
    for code in (0, 9):
        ended = SimpleNamespace(returncode=code)
        monkeypatch.setattr(install.subprocess, "run", lambda *_, ended=ended, **__: ended)
        assert install.has_nvidia_gpu() is (code == 0)
    (tmp_path / "nvidia0").touch()
    assert install.has_nvidia_gpu()
    (tmp_path / "nvidia0").unlink()
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    assert not install.has_nvidia_gpu()


def test_it_needs_nothing_but_python():
    """A bare interpreter can start it: no site-packages, no modules of this repository."""
    shown = subprocess.run(
        [sys.executable, "-I", "-S", REPOSITORY / "install.py", "--help"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "--cuda" in shown.stdout

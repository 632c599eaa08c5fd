"""Install the book's requirements into the Python that runs this: `python install.py`.

Needs nothing but that Python; `make` calls it in the virtual environment. It decides two things:

PyTorch's build. On Linux that of the package index brings CUDA libraries, which are nine tenths of
the download and of no use without an NVIDIA GPU. Where there is none, PyTorch's own index of CPU
builds is asked once; if it answers, pip may look there too, and prefers "2.15.0+cpu" to "2.15.0".
`--cuda` is for the other build.

The exact versions in constraints.txt, or only the tested ranges where those do not exist.
"""

import argparse
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE = 5  # seconds

# In a process of its own: only so does the patience also hold for looking up the name.
ASK = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"


def main(arguments: list[str] | None = None) -> int:
    """Install; the exit code is pip's."""
    parser = argparse.ArgumentParser(description="Install the book's requirements.")
    parser.add_argument("--cuda", action="store_true", help="PyTorch with CUDA, on Linux")
    cuda = parser.parse_args(arguments).cuda
    if platform.system() == "Linux" and (cuda or has_nvidia_gpu()):
        remove_cpu_build()
    code = pip("install", *which_packages(), *which_index(cuda))
    if code == 0:
        say(f"PyTorch {version_of('torch')} is installed.")
    return code


def which_packages() -> list[str]:
    """Requirements and constraints, as arguments for pip."""
    if has_the_exact_versions():
        return ["-r", "requirements.txt", "-c", "constraints.txt"]
    say("The exact versions of constraints.txt do not exist here: any within the tested ranges.")
    return ["-r", "requirements.txt"]


def has_the_exact_versions() -> bool:
    """False before Python 3.11.5 (soupsieve) and before macOS 14 (PyTorch)."""
    if sys.version_info < (3, 11, 5):
        return False
    return platform.system() != "Darwin" or int(platform.mac_ver()[0].split(".")[0]) >= 14


def which_index(cuda: bool) -> list[str]:
    """Where PyTorch comes from, as arguments for pip; says so in one line."""
    if platform.system() != "Linux":
        return []
    if cuda or has_nvidia_gpu():
        say("PyTorch: the build with CUDA, from the package index.")
        return []
    if answers(CPU_INDEX):
        say("PyTorch: the CPU build, from PyTorch's own index.")
        return ["--extra-index-url", CPU_INDEX]
    say("PyTorch: from the package index, for PyTorch's own index of CPU builds does not answer.")
    return []


def has_nvidia_gpu() -> bool:
    if Path("/dev/nvidia0").exists():
        return True
    command = shutil.which("nvidia-smi")
    return command is not None and subprocess.run([command], capture_output=True).returncode == 0


def answers(index: str) -> bool:
    """Whether `index` shows its page about torch within the time; it is asked once."""
    command = [sys.executable, "-c", ASK, f"{index}/torch/"]
    try:
        return subprocess.run(command, capture_output=True, timeout=PATIENCE).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def remove_cpu_build() -> None:
    """pip would keep it: "2.15.0+cpu" satisfies "==2.15.0"."""
    if version_of("torch").endswith("+cpu"):
        pip("uninstall", "--yes", "torch", "torchvision")


def version_of(package: str) -> str:
    """The installed version, or "" where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def pip(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pip", *arguments], cwd=HERE).returncode


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

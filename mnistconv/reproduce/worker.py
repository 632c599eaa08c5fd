"""The process of one run. It ends when its runner does, from its first moment on.

The runner starts it as a file, writes into its standard input what there is to do, and keeps that
pipe open. The pipe closes when the runner ends, however that happens; so the watch over it begins
here, before the seconds that it takes to import PyTorch.
"""

import os
import pickle
import sys
import threading


def end_with_the_runner() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing more will come: it returns when the pipe closes
    os._exit(1)


def main() -> None:
    try:
        sys.path[:], task = pickle.load(sys.stdin.buffer)
    except (EOFError, pickle.UnpicklingError):
        return  # the runner died before it could say what there is to do
    threading.Thread(target=end_with_the_runner, daemon=True).start()
    function, *arguments = pickle.loads(task)
    sys.exit(function(*arguments))


if __name__ == "__main__":
    main()

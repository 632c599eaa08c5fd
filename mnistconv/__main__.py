"""The command line: python -m mnistconv list, train, reproduce, table, fast, export, data, check.

The commands stand in commands.py. This file needs nothing but Python, so that it can say in a
sentence which library is missing.
"""

import signal
import sys
import traceback

from mnistconv import streams


def main() -> None:
    """Run the command line; an error that a user can mend is one sentence and exit code 2."""
    streams.warn_plainly()
    try:
        code = _run(sys.argv[1:] or ["--help"])
        streams.check_output()
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if _was_interrupted(error):
            sys.exit(130)
        sentence = _sentence(error)
        if sentence is None:
            raise
        print(f"Error: {sentence}", file=sys.stderr)
        code = 2
    sys.exit(code)


def _run(words: list[str]) -> int:
    if words == ["check"]:
        from mnistconv import environment

        return environment.report()
    from mnistconv.commands import app

    return app(words, prog_name="python -m mnistconv", standalone_mode=False) or 0


def _sentence(error: Exception) -> str | None:
    """What to tell a user who can mend it; None for a mistake of ours: that keeps its traceback."""
    if hasattr(error, "format_message"):  # typer's: a name or an option that it does not know
        return f"{error.format_message()} `python -m mnistconv --help` shows what there is."
    if library := _failed_import(error):
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return (
            f"the library {library} cannot be imported ({reason}):"
            " `python -m mnistconv check` says what to mend."
        )
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror}"
    return str(error) if isinstance(error, (ValueError, OSError, FloatingPointError)) else None


def _failed_import(error: Exception) -> str | None:
    """The library that is missing, or whose own first lines failed: broken, or one of a wrong pair.

    None when the error has nothing to do with the import of a library.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        package = frame.f_globals.get("__name__", "").split(".")[0]
        if frame.f_code.co_name == "<module>" and package != "mnistconv":
            return package
    if isinstance(error, ImportError) and error.name:
        package = error.name.split(".")[0]
        return None if package == "mnistconv" else package
    return None


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: libraries make other errors of it while they are imported."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop like any Ctrl-C
    streams.make_steady()
    main()

"""What commands print: readable in every encoding; their work goes on when nobody reads it."""

import codecs
import errno
import io
import os
import sys
import warnings

SPELT_OUT = {"±": "+-", "†": "*", "→": "->", "↑": "^", "↓": "v", "−": "-", "×": "x", "…": "..."}


class Steady(io.TextIOWrapper):
    """A stream whose reader may leave, and whose disk may be full: what follows goes nowhere.

    The command goes on to its end, since what it trains is worth more than what it prints.
    `problem` is the first error, None without one.
    """

    problem: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.problem = self.problem or error
        _to_nowhere(self.fileno())


def make_steady() -> None:
    """Replace standard output and error output by steady ones; a closed one leads nowhere."""
    codecs.register_error("spelt-out", _spell_out)
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            _to_nowhere(number)
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        kept = {"line_buffering": stream.line_buffering, "write_through": stream.write_through}
        encoding = stream.encoding
        steady = Steady(stream.detach(), encoding=encoding, errors="spelt-out", **kept)
        setattr(sys, name, steady)
        setattr(sys, f"__{name}__", steady)


def check_output() -> None:
    """Raise OSError when standard output was cut short, unless its reader just had enough."""
    sys.stdout.flush()
    problem = getattr(sys.stdout, "problem", None)
    if problem is not None and problem.errno != errno.EPIPE:
        reason = problem.strerror
        raise OSError(problem.errno, f"the output could not be written to its end: {reason}")


def warn_plainly() -> None:
    """Warnings as one sentence: who reads them on the command line does not know the code."""
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """For characters that an encoding lacks: "±" as "+-"; "?" for those that we never print."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SPELT_OUT.get(character, "?") for character in lacking), error.end

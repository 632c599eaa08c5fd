"""What measures: full-length runs, their records, checkpoints and weights."""

from mnistconv.reproduce.records import load_records
from mnistconv.reproduce.scores import format_scoreboard, scoreboard

__all__ = ["format_scoreboard", "load_records", "scoreboard"]

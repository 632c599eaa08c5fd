"""What measures: full-length runs, their records, checkpoints and weights."""

from mnistconv.reproduce.records import load_records
from mnistconv.reproduce.scoreboard import scoreboard

__all__ = ["load_records", "scoreboard"]

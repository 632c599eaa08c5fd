"""What was measured: records of full-length runs, read in one place."""

from mnistconv.records.scores import format_scoreboard, scoreboard
from mnistconv.records.store import load_network, load_records, load_weights

__all__ = ["format_scoreboard", "load_network", "load_records", "load_weights", "scoreboard"]

"""What measures: full-length runs, their checkpoints, many at once, and what is exported."""

"""How long a chapter takes to read: counted, and written into its line "Time"."""

import math
import re

WORDS, LINES, EXERCISE = 150, 10, 5  # words, or lines of code, in a minute; minutes an exercise
TIME = re.compile(r"^(- \*\*Time:\*\* .*? of computing).*$", re.M)
TASK = re.compile(r"^\*\*Exercise \d+\.\*\*", re.M)


def minutes(notebook) -> tuple[int, int]:
    """Minutes for the prose and the code of a chapter, and for its exercises, rounded up to fives.

    Solutions belong to the exercises, not to what is read; what is written here does not count.
    """
    prose = [TIME.sub(r"\1", c.source) for c in notebook.cells if c.cell_type == "markdown"]
    code = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and not cell.source.startswith("# Solution")
    ]
    words = sum(len(source.split()) for source in prose)
    lines = sum(bool(line.strip()) for source in code for line in source.splitlines())
    exercises = sum(len(TASK.findall(source)) for source in prose)
    return 5 * math.ceil((words / WORDS + lines / LINES) / 5), EXERCISE * exercises


def write_time(notebook) -> None:
    """Put both into the chapter's line "Time", after what it says of the computing."""
    reading, exercises = minutes(notebook)
    said = rf"\1, {reading} minutes of reading, {exercises} for the exercises."
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = TIME.sub(said, cell.source)

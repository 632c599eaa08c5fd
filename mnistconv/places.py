"""Where things lie: the repository of the book, and in it the data and the results."""

import os
from pathlib import Path


def repository() -> Path | None:
    """The repository that this package is part of, or the nearest one around the current folder.

    The second is what a copy of the package finds that `pip install .` put elsewhere: from the
    repository itself and from its `notebooks`. None when there is neither.
    """
    here = Path(__file__).parents[1]
    if _is_repository(here):
        return here
    around = Path.cwd()
    return next((folder for folder in (around, *around.parents) if _is_repository(folder)), None)


def _is_repository(folder: Path) -> bool:
    parts = (folder / "pyproject.toml", folder / "mnistconv" / "__init__.py", folder / "notebooks")
    return all(part.exists() for part in parts)


def base() -> Path:
    """What relative places start from: the repository, or else `mnistconv` in the home folder."""
    return repository() or _expanded("~", "The home folder") / "mnistconv"


def data_root() -> Path:
    """The data folder: MNISTCONV_DATA, or `data` in the repository.

    A relative MNISTCONV_DATA starts at the repository too, not at the current folder: so it means
    the same for every command and for every notebook. Without a repository, both start at
    `mnistconv` in the home folder. `~` is the home folder. Raises ValueError when there is none.
    """
    named = os.environ.get("MNISTCONV_DATA")
    if not named:
        return base() / "data"
    place = _expanded(named, "MNISTCONV_DATA")
    return place if place.is_absolute() else base() / place


def results_root() -> Path:
    """The folder of records and weights: `results` in the repository (else as for the data)."""
    return base() / "results"


def _expanded(place: str, what: str) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{what} is {place}, but nobody knows where that is: set MNISTCONV_DATA to a whole path"
        ) from error

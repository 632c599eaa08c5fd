"""The lines of each module of the package, for the README: `python site/lines.py` renews them."""

from pathlib import Path

from mnistconv.files import write_between

REPOSITORY = Path(__file__).parents[1]


def format_lines() -> str:
    """A Markdown table: each folder of the package, its lines in all, those of each module."""
    folders = sorted({path.parent for path in (REPOSITORY / "mnistconv").rglob("*.py")})
    return "\n".join(["| | lines | |", "| --- | ---: | --- |", *map(format_folder, folders)])


def format_folder(folder: Path) -> str:
    lines = {path.stem: count_lines(path) for path in sorted(folder.glob("*.py"))}
    modules = ", ".join(f"`{name}` {count}" for name, count in lines.items())
    name = folder.relative_to(REPOSITORY).as_posix()
    return f"| [`{name}/`]({name}) | {sum(lines.values()):,} | {modules} |"


def count_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    write_between(REPOSITORY / "README.md", "lines", format_lines())

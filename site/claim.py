"""What `make fast` came to, for the README's first screen: `python site/claim.py` renews it."""

import textwrap
from statistics import mean

from lines import REPOSITORY

from mnistconv.files import write_between
from mnistconv.records import load_records
from mnistconv.records.speed import load_speed


def format_claim() -> str:
    """A sentence with accuracy, seconds, machine and ratio, out of records and `speed.json`."""
    found = load_speed()
    percent = [100 * record.final_accuracy for record in load_records("fast")]
    if [100 * share for share in found.fast.accuracy] != percent:
        raise ValueError("speed.json and the records of `fast` are not of the same runs.")
    sentence = (
        f"It trains a small network in one pass over the digits: {found.fast.mean_seconds:.1f}"
        f" seconds of one core's time ({found.device_name}; without starting Python, reading files"
        f" and the test) for {mean(percent):.2f} % of the test digits, mean of {len(percent)}"
        f" recorded seeds. Beside it runs the article's loop, whose epoch took"
        f" {min(found.ratios):.0f} to {max(found.ratios):.0f} times as long here."
    )
    return textwrap.fill(sentence, 112)


if __name__ == "__main__":
    write_between(REPOSITORY / "README.md", "fast", format_claim())

"""Times the site: running the chapters, the build, and the page "Draw a digit" in a browser.

    python tests/benchmarks/bench_site.py

Wall clock: best with nothing else running. The seconds of the chapters are those that their last
execution has noted.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "site"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import book
import measure_pages
import pytest
import tools
from sites import QUIET, Windows, build, served

AIMS = {"relu": 5, "dropout-lr0.005": 15}  # milliseconds of a forward pass
CHAPTER_AIM, BUILD_AIM = 180, 60  # seconds
FRAME_AIM = 1000 / 60  # milliseconds
TURN_THE_DIGIT = """async () => {
  const slider = document.getElementById("draw-angle"), found = [];
  for (let angle = 1; angle <= 60; angle++) {
    slider.value = angle;
    slider.dispatchEvent(new Event("input"));
    await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
    const { network, all } = document.getElementById("draw-time").dataset;
    found.push([Number(network), Number(all)]);
  }
  return found;
}"""


def chapters_line() -> str:
    seconds = {n: book.read_notebook(n).metadata["mnistconv"]["seconds"] for n in book.NAMES}
    longest = max(seconds, key=seconds.get)
    return (
        f"Chapters: {len(seconds)}, run in {sum(seconds.values())} s one after the other,"
        f" the longest {longest} in {seconds[longest]} s (aim {CHAPTER_AIM})."
    )


def time_build(folder: Path) -> str:
    start = time.perf_counter()
    finished = build(folder)
    spent = time.perf_counter() - start
    if finished.returncode != 0:
        sys.exit(finished.stderr)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"Build: {spent:.0f} s (aim {BUILD_AIM}), {size / 1e6:.1f} MB."


def frame_times(visit, address: str, network: str) -> tuple[float, float]:
    """Medians over 60 frames while a digit turns: milliseconds of a forward pass, of all work.

    A unit of the second convolution is explained meanwhile.
    """
    seen = visit(f"{address}draw.html#net={network}&digit=0&unit=conv2.3.4.4")
    seen.page.wait_for_function("document.getElementById('draw-time').dataset.all")
    of_network, of_frame = zip(*seen.page.evaluate(TURN_THE_DIGIT), strict=True)
    return statistics.median(of_network), statistics.median(of_frame)


def time_frames(folder: Path) -> str:
    lines = []
    with tools.module("playwright.sync_api").sync_playwright() as playwright, served(folder) as url:
        path = tools.chromium(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        with Windows(browser).visits() as visit:
            for network, aim in AIMS.items():
                forward, frame = frame_times(visit, url, network)
                lines.append(
                    f"Draw a digit, {network}: forward pass {forward:.1f} ms (aim {aim}),"
                    f" all work of a frame {frame:.1f} ms (aim {FRAME_AIM:.1f})."
                )
        browser.close()
    return "\n".join(lines)


def main() -> None:
    print(chapters_line())
    with tempfile.TemporaryDirectory() as folder:
        print(time_build(Path(folder) / "html"))
        try:
            print(time_frames(Path(folder) / "html"))
            print(measure_pages.table(Path(folder) / "html"))
        except pytest.skip.Exception as reason:
            sys.exit(f"Error: {reason}.")


if __name__ == "__main__":
    main()

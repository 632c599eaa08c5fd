"""What a reader waits for: bytes, the first answer on a slow line, frames of a slow machine.

    python tests/benchmarks/measure_pages.py FOLDER

prints a table for the built site in FOLDER. Served compressed, seen by Chromium at 1280 x 720.
"""

import statistics
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "site"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import tools
from sites import QUIET, Compressing, served

FAST_3G = {"offline": False, "latency": 562, "downloadThroughput": 1_440_000 / 8}
FAST_3G["uploadThroughput"] = 675_000 / 8
SLOW_DOWN = 6  # times, of the processor
WINDOW = {"width": 1280, "height": 720}
SHIFTED = ["index", "draw", "01_convolution", "06_two_convolutional_layers"]
NOTE_SHIFTS = """globalThis.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
NOTE_FIRST_ANSWER = """addEventListener("DOMContentLoaded", () => {
  const sentence = document.getElementById("draw-sentence");
  if (!sentence) return;
  const observer = new MutationObserver(() => {
    globalThis.answered = performance.now();
    observer.disconnect();
  });
  observer.observe(sentence, { childList: true, characterData: true, subtree: true });
});"""
# A stroke of 60 moves, one a frame; the work of a frame is what the page itself notes.
DRAW_A_STROKE = """async () => {
  const board = document.getElementById("draw-board"), box = board.getBoundingClientRect();
  const found = [];
  const send = (kind, share) => board.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, button: 0, isPrimary: true, bubbles: true,
    clientX: box.left + box.width * (0.5 + 0.3 * Math.sin(6 * share)),
    clientY: box.top + box.height * (0.15 + 0.7 * share),
  }));
  board.setPointerCapture = () => {};
  send("pointerdown", 0);
  for (let i = 1; i <= 60; i++) {
    send("pointermove", i / 60);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    found.push(Number(document.getElementById("draw-time").dataset.all));
  }
  send("pointerup", 1);
  return found;
}"""


@contextmanager
def fresh_tab(browser, script: str = "", slow_line: bool = False):
    """A tab in which nothing is cached, and the session that gives orders to its browser."""
    context = browser.new_context(viewport=WINDOW)
    tab = context.new_page()
    tab.add_init_script(script)
    session = context.new_cdp_session(tab)
    session.send("Network.enable")
    if slow_line:
        session.send("Network.emulateNetworkConditions", FAST_3G)
    yield tab, session
    context.close()


def bytes_of(browser, address: str, page: str) -> int:
    """Everything that comes over the line for `page` until nothing comes any more."""
    sizes = []
    with fresh_tab(browser) as (tab, session):
        session.on(
            "Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"])
        )
        tab.goto(f"{address}{page}.html", wait_until="networkidle")
    return round(sum(sizes))


def first_answer(browser, address: str) -> float:
    """Seconds until the page "Draw a digit" says what it reads, on a slow line."""
    with fresh_tab(browser, NOTE_FIRST_ANSWER, slow_line=True) as (tab, _):
        tab.goto(f"{address}draw.html", wait_until="commit")
        return tab.wait_for_function("globalThis.answered").json_value() / 1000


def frames(browser, address: str) -> list[float]:
    """Milliseconds of work in each frame of a stroke, the processor slowed down."""
    with fresh_tab(browser) as (tab, session):
        tab.goto(f"{address}draw.html#net=relu", wait_until="networkidle")
        tab.wait_for_function("document.getElementById('draw-time').dataset.all")
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_DOWN})
        return tab.evaluate(DRAW_A_STROKE)


def layout_shift(browser, address: str, page: str) -> float:
    """The sum of all shifts while `page` loads on a slow line."""
    with fresh_tab(browser, NOTE_SHIFTS, slow_line=True) as (tab, _):
        tab.goto(f"{address}{page}.html", wait_until="networkidle")
        return tab.evaluate("globalThis.shift")


def table(folder: Path) -> str:
    """What was measured beside what is aimed at, as lines of a table."""
    with tools.module("playwright.sync_api").sync_playwright() as playwright:
        path = tools.chromium(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        with served(folder, Compressing) as address:
            work = sorted(frames(browser, address))
            late = work[int(0.95 * len(work))]
            front, draw = (bytes_of(browser, address, page) / 1e3 for page in ("index", "draw"))
            answer = first_answer(browser, address)
            rows = [
                ("front page, compressed", f"{front:.0f} kB", "< 500"),
                ("draw page, compressed", f"{draw:.0f} kB", ""),
                ("draw, first answer, Fast 3G", f"{answer:.1f} s", "<= 4"),
                ("draw, frame, 6 x slower, median", f"{statistics.median(work):.1f} ms", "<= 25"),
                ("the same, 95 % are below", f"{late:.1f} ms", ""),
            ]
            for page in SHIFTED:
                shift = layout_shift(browser, address, page)
                rows.append((f"layout shift, {page}", f"{shift:.3f}", "< 0.05"))
        browser.close()
    return "\n".join(f"{what:<45}{value:>10}  {aim}" for what, value, aim in rows)


if __name__ == "__main__":
    print(table(Path(sys.argv[1])))

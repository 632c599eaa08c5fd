"""What every page brings, what it does where nothing is kept; the board of the front page."""

import gzip
import re

import finishing
import pytest
from sites import soup

FIRST = 400_000  # bytes of the front page, compressed, before the reader comes to the board
WITH_BOARD = 760_000  # and after that
BLOCKED = """for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { configurable: true, get() { throw new Error("no"); } });
}"""
SAYS = "document.getElementById('front-sentence').textContent.startsWith('It reads {}')"
COMPRESSED_ALREADY = {".woff2", ".png"}


def pages(site) -> list[str]:
    return sorted(path.stem for path in site.glob("*.html"))


def test_nothing_lies_in_the_site_that_no_page_asks_for(site):
    found = {path.name for path in (site / "_static").rglob("*") if path.is_file()}
    assert not {name for name in found if name.endswith((".html", ".map", ".po", ".mo"))}
    assert not {name for name in found if name.startswith(("fontawesome", "fa-"))}
    (theme,) = (site / "_static/styles").glob("pydata-sphinx-theme.css")
    assert "--fa:" not in theme.read_text(encoding="utf-8"), "a third of it were the glyphs' codes"


def test_every_icon_of_a_page_is_drawn(site):
    drawn = set(
        re.findall(r"^\.(fa-[\w-]+) \{ --icon", (site / "_static/icons.css").read_text(), re.M)
    )
    sizes = {"fa-solid", "fa-fw", "fa-lg"}
    for page in pages(site):
        for icon in soup(site, page).select(".fa-solid, .fas, .fab, .far"):
            names = {name for name in icon["class"] if name.startswith("fa-")} - sizes
            assert names and names <= drawn, f"{page}: {icon}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_icons_have_a_size_and_the_colour_of_the_text(visit, address, width, theme):
    seen = visit(f"{address}01_convolution.html", width=width, theme=theme)
    icons = seen.page.evaluate("""() => [...document.querySelectorAll(".fa-solid, .fas")]
      .filter((icon) => icon.checkVisibility()).map((icon) => {
        const { width, height } = icon.getBoundingClientRect(), style = getComputedStyle(icon);
        return { name: icon.className, width, height, mask: style.maskImage,
          isInk: style.backgroundColor === style.color };
      })""")
    assert len(icons) >= 4
    for icon in icons:
        assert icon["width"] >= 12 and icon["height"] >= 12 and icon["isInk"], icon
        assert icon["mask"].startswith('url("data:image/svg+xml'), icon
    assert not seen.complaints


def compressed(path) -> int:
    data = path.read_bytes()
    return len(data) if path.suffix in COMPRESSED_ALREADY else len(gzip.compress(data, 6))


def test_the_front_page_is_small(visit, address, site):
    seen = visit(f"{address}index.html", width=390)
    seen.page.wait_for_load_state("networkidle")

    def size() -> int:
        names = {url.removeprefix(address).split("?")[0] for url in seen.requests}
        return sum(compressed(site / name) for name in names if not name.startswith("data:"))

    assert 200_000 < size() < FIRST
    seen.page.locator("#front-board").scroll_into_view_if_needed()
    seen.page.wait_for_function(SAYS.format("a 3"))
    assert FIRST < size() < WITH_BOARD


def test_only_the_search_page_loads_the_search(site):
    for page in pages(site):
        loads = any("searchindex" in script.get("src", "") for script in soup(site, page)("script"))
        assert loads == (page == "search"), page


# Where the browser keeps nothing ---------------------------------------------------------------


@pytest.fixture
def forgetful(windows, address):
    """Opens a page, 390 pixels wide, in a browser that lets no page keep anything."""
    opened = []

    def open_page(name: str):
        context = windows.browser.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True
        )
        context.add_init_script(BLOCKED)
        page = context.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address + name)
        opened.append((context, problems))
        return page

    yield open_page
    for context, problems in opened:
        assert problems == []
        context.close()


def test_where_nothing_is_kept_the_menu_opens(forgetful):
    page = forgetful("01_convolution.html")
    page.click(".primary-toggle")
    page.wait_for_selector("#pst-primary-sidebar-modal[open] >> text=2. Softmax")


def test_where_nothing_is_kept_the_search_finds(forgetful):
    page = forgetful("search.html?q=softmax")
    page.wait_for_selector("#search-results a >> text=Softmax")


def test_where_nothing_is_kept_the_theme_changes(forgetful):
    page = forgetful("index.html")
    page.click(".theme-switch-button")
    page.click(".theme-change-button[data-mode=dark]")
    page.wait_for_selector("html[data-theme=dark]", state="attached")


def test_where_nothing_is_kept_a_chapter_asks_and_shows(forgetful):
    page = forgetful("04_cross_entropy.html")
    page.locator(".predict-form input").first.fill("1")
    page.get_by_role("button", name="Run").first.click()
    page.wait_for_function("document.querySelector('.predict-said').textContent !== ''")


def test_where_nothing_is_kept_the_networks_answer(forgetful):
    page = forgetful("draw.html")
    page.wait_for_function(
        "document.getElementById('draw-sentence').textContent.startsWith('It reads')"
    )


# The board of the front page --------------------------------------------------------------------


@pytest.fixture
def board(visit, address):
    """Opens the front page, scrolls to its board, and waits until the example is read."""

    def open_board(url: str = address, **how):
        seen = visit(f"{url}index.html", **how)
        seen.page.locator("#front-board").scroll_into_view_if_needed()
        seen.page.wait_for_function(SAYS.format("a 3"))
        return seen

    return open_board


def draw_a_one(page) -> None:
    page.click("#front-clear")  # which may scroll
    box = page.locator("#front-board").bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()


def test_the_board_waits_for_the_reader(visit, address):
    seen = visit(f"{address}index.html", width=390)
    seen.page.wait_for_load_state("networkidle")
    assert not [url for url in seen.requests if url.endswith(".js") and "/draw/" in url]
    seen.page.locator("#front-board").scroll_into_view_if_needed()
    seen.page.wait_for_function(SAYS.format("a 3"))


@pytest.mark.parametrize("width", [1280, 390])
def test_the_network_answers_what_is_drawn_on_the_board(board, width):
    seen = board(width=width)
    draw_a_one(seen.page)
    seen.page.wait_for_function(SAYS.format("a 1"))
    best = seen.page.locator("#front-bars .draw-best")
    assert best.locator("th").text_content() == "1" and "%" in best.text_content()
    seen.page.click("#front-undo")
    seen.page.click("#front-undo")
    seen.page.wait_for_function(SAYS.format("a 3"))
    assert not seen.complaints


def test_the_board_is_drawn_on_by_keyboard(board):
    page = board().page
    page.click("#front-clear")
    page.focus("#front-board")
    for key in ["ArrowUp"] * 12 + ["Space"] + ["ArrowDown"] * 24 + ["Space"]:
        page.keyboard.press(key)
    page.wait_for_function(SAYS.format("a 1"))
    page.wait_for_function("document.getElementById('front-spoken').textContent.includes('a 1')")


def test_the_link_of_the_board_shows_every_layer_of_the_same_drawing(board):
    page = board().page
    draw_a_one(page)
    page.wait_for_function(SAYS.format("a 1"))
    sentence = page.locator("#front-sentence").text_content()
    page.click("#front-link")
    page.wait_for_function("document.getElementById('draw-sentence')?.textContent")
    assert page.locator("#draw-sentence").text_content() == sentence


def test_a_bar_of_the_board_leads_to_its_reason(board):
    page = board().page
    page.get_by_role("button", name="Why this probability of 8?").click()
    page.wait_for_function("document.getElementById('draw-why')?.textContent.includes('8')")
    assert "unit=probabilities.8.0.0" in page.url


def test_the_board_takes_the_colours_of_the_theme(board):
    page = board().page
    corner = (
        "[...document.getElementById('front-board').getContext('2d').getImageData(5, 5, 1, 1).data]"
    )
    assert page.evaluate(corner)[0] > 200
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"{corner}[0] < 60")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_board_that_answers_is_accessible_and_fits(board, width, theme):
    seen = board(width=width, theme=theme)
    assert seen.violations("#front") == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_board_works_from_a_folder(board, site):
    assert not board(f"{site.as_uri()}/").complaints


def test_a_network_that_is_missing_is_named_on_the_board(visit, address):
    seen = visit("about:blank")
    seen.page.route("**/draw/relu.js", lambda route: route.abort())
    seen.page.goto(f"{address}index.html")
    seen.page.locator("#front-board").scroll_into_view_if_needed()
    seen.page.wait_for_function(
        "document.getElementById('front-sentence').textContent.includes('could not be loaded')"
    )


def test_without_scripts_and_in_print_there_is_no_board(windows, address):
    context = windows.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}index.html")
    assert page.locator("#front").is_hidden()
    context.close()
    page = windows.browser.new_page()
    page.goto(f"{address}index.html")
    page.emulate_media(media="print")
    assert page.locator("#front").is_hidden()
    page.close()


# Phones ------------------------------------------------------------------------------------------


OUT_OF_THE_PAGE = """width => {
  // The browser itself brings the keyboard into a formula that scrolls, the theme into all else.
  const scrolls = (box) => ["auto", "scroll"].includes(getComputedStyle(box).overflowX)
    && box.scrollWidth > box.clientWidth && (box.tabIndex >= 0 || box.matches("span.math"));
  const isInScroller = (box) => box !== null && (scrolls(box) || isInScroller(box.parentElement));
  return [...document.querySelectorAll(".bd-article-container *")]
    .filter((element) => element.checkVisibility() && !element.closest(".visually-hidden")
      && element.getBoundingClientRect().right > width + 1 && !isInScroller(element.parentElement))
    .map((element) => element.outerHTML.slice(0, 150)).slice(0, 3);
}"""
SEARCHES = ["search.html?q=network", "search.html?q=cross_entropy", "search.html?q=mnistconv"]


@pytest.mark.parametrize("width", [390, 320])
def test_nothing_is_wider_than_a_phone(windows, address, site, width):
    """What is wider scrolls in a box of its own, which the keyboard reaches; no page does."""
    context = windows.browser.new_context(
        viewport={"width": width, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    for name in [*(f"{page}.html" for page in pages(site)), *SEARCHES]:
        page.goto(address + name)
        page.evaluate("window.MathJax?.startup?.promise")
        if name in SEARCHES:
            page.wait_for_function(
                "document.querySelectorAll('#search-results .context').length > 3"
            )
        # The window of a phone grows with what is too wide for it: `width` alone is sure.
        assert page.evaluate("document.documentElement.scrollWidth") == width, name
        assert page.evaluate(OUT_OF_THE_PAGE, width) == [], name
    context.close()


@pytest.mark.parametrize("name", finishing.JOINED)
def test_a_joined_script_is_its_sources_without_comments(site, name):
    joined = (site / "_static" / "draw" / f"{name}.js").read_text()
    code = [line for part in finishing.JOINED[name] for line in code_lines(part)]
    assert [line for line in joined.splitlines() if line] == code


def code_lines(part: str) -> list[str]:
    """The lines of a script that are no comment, told line by line."""
    lines, is_comment = [], False
    for line in map(str.lstrip, (finishing.DRAW / f"{part}.js").read_text().splitlines()):
        is_comment = is_comment or line.startswith("/**")
        if line and not is_comment and not line.startswith("//"):
            lines.append(line)
        is_comment = is_comment and not line.endswith("*/")
    return lines


@pytest.mark.parametrize("page", ["index", "draw", "05_simple_network", "search"])
def test_the_typefaces_are_asked_for_before_the_style_sheets(visit, address, page):
    seen = visit(f"{address}{page}.html")
    asked = seen.page.evaluate(
        """performance.getEntriesByType("resource")
          .filter((entry) => entry.initiatorType === "link" && entry.name.endsWith(".woff2"))
          .map((entry) => entry.name.split("/").at(-1))"""
    )
    assert sorted(asked) == [
        "literata-latin-wght-normal.woff2",
        "source-sans-3-latin-wght-normal.woff2",
    ]
    assert seen.complaints == []

"""What every page of the site brings: its icons, its bytes, and what it does where nothing is kept."""

import gzip
import re

import pytest
from sites import soup

BUDGET = 400_000  # bytes of the front page, compressed, before anybody touches anything
BLOCKED = """for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { configurable: true, get() { throw new Error("no"); } });
}"""
COMPRESSED_ALREADY = {".woff2", ".png"}


def pages(site) -> list[str]:
    return sorted(path.stem for path in site.glob("*.html"))


def test_nothing_lies_in_the_site_that_no_page_asks_for(site):
    found = {path.name for path in (site / "_static").rglob("*") if path.is_file()}
    assert not {name for name in found if name.endswith((".html", ".map", ".po", ".mo"))}
    assert not {name for name in found if name.startswith(("fontawesome", "fa-"))}


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
    seen = visit(f"{address}index.html")
    seen.page.wait_for_load_state("networkidle")
    names = {url.removeprefix(address).split("?")[0] for url in seen.requests}
    sizes = {name: compressed(site / name) for name in names if "://" not in name and name}
    assert "index.html" in sizes and "_static/styles/pydata-sphinx-theme.css" in sizes
    assert sum(sizes.values()) < BUDGET, sorted(sizes.items(), key=lambda item: -item[1])[:12]


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

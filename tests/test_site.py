"""The site: built strictly from the stored outputs, self-contained, looked at in a real browser."""

import os
import re
import shutil
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import nbformat
import pytest
from book import NAMES, REPOSITORY
from sites import build, soup

SLOW = pytest.mark.slow
PAGES = [
    "index", *NAMES, "draw", "glossary", "references", "package", "api", "status",
    "search", "genindex", "404",
]  # fmt: skip
EVERY_PAGE = pytest.mark.parametrize("page", PAGES)
WIDTHS = (1280, 390)
NOT_NEEDED = shutil.ignore_patterns("unfinished", "weights", "__pycache__", "mathjax")
THEMES = ("light", "dark")


# The build


def size_of(site: Path) -> int:
    return sum(path.stat().st_size for path in site.rglob("*") if path.is_file())


def test_the_site_is_small_and_without_source_maps(site):
    assert size_of(site) < 30e6
    assert not list(site.rglob("*.map"))


def test_every_page_is_in_the_list(site):
    assert {path.stem for path in site.glob("*.html")} == set(PAGES)


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_can_be_downloaded_as_its_notebook(site, name):
    links = {a["href"] for a in soup(site, name).select("a[href$='.ipynb']")}
    assert f"_sources/{name}.ipynb" in links
    notebook = REPOSITORY / "notebooks" / f"{name}.ipynb"
    assert (site / "_sources" / f"{name}.ipynb").read_bytes() == notebook.read_bytes()


@SLOW
@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_links_its_first_terms_and_boxes_its_predictions(site, name):
    text = (REPOSITORY / "notebooks" / "text" / f"{name}.md").read_text(encoding="utf-8")
    page = soup(site, name)
    assert len(page.select(".admonition.predict")) == text.count("\n**Predict.**")
    targets = [a["href"] for a in page.select("article a:has(> .std-term)")]
    assert targets
    assert len(targets) == len(set(targets)), "a term is linked twice"


def test_what_a_notebook_defines_leads_to_the_package(site):
    links = [a["href"] for a in soup(site, "06_two_convolutional_layers").select(".in-package a")]
    assert links == ["package.html#package-networks"]
    appendix = soup(site, "package").get_text()
    for path in (REPOSITORY / "mnistconv").rglob("*.py"):
        name = path.relative_to(REPOSITORY).as_posix()
        if name not in ("mnistconv/figures/__init__.py", "mnistconv/reproduce/__init__.py"):
            assert name in appendix, f"{name} is missing in notebooks/package.md"


@EVERY_PAGE
def test_links_and_anchors_resolve(site, page):
    checked = 0
    for link in soup(site, page).select("a[href]"):
        target, anchor = urldefrag(link["href"])
        if urlsplit(target).scheme:
            continue
        file = site / unquote(target) if target else site / f"{page}.html"
        assert file.exists(), f"{page}: {link['href']}"
        is_state = file.stem == "draw" and "=" in anchor  # draw.html#net=relu&digit=4
        if anchor and file.suffix == ".html" and not is_state:
            assert anchor in anchors(site, file.stem), f"{page}: {link['href']}"
        checked += 1
    assert checked


@cache
def anchors(site: Path, page: str) -> set[str]:
    return {tag["id"] for tag in soup(site, page).select("[id]")}


@EVERY_PAGE
def test_images_have_an_alt_text_of_substance(site, page):
    for image in soup(site, page).select("article :is(img, svg.figure)"):
        assert len(image.get("alt") or image.get("aria-label", "")) >= 40, f"{page}: {image}"


def test_the_status_page_names_every_notebook_and_record(site):
    text = soup(site, "status").get_text()
    for record in (REPOSITORY / "results" / "records").glob("*.json"):
        assert record.stem.rsplit("-seed", 1)[0] in text
    assert len(soup(site, "status").select("table")[0].select("tbody tr")) == len(NAMES)


# In the browser


@SLOW
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@EVERY_PAGE
def test_a_page_is_quiet_accessible_and_fits(visit, address, page, width, theme):
    """No complaint of the browser, no foreign request, no WCAG violation, no sideways scrolling."""
    seen = visit(f"{address}{page}.html", width, theme)
    if page != "404":
        assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert seen.violations() == []
    assert seen.complaints == []
    foreign = [u for u in seen.requests if not u.startswith((address, "data:", "blob:"))]
    assert foreign == []


@SLOW
@pytest.mark.parametrize("words, page", [("plateau", "06_two"), ("dropout", "09_dropout")])
def test_search_finds(visit, address, words, page):
    seen = visit(f"{address}search.html?q={words}")
    seen.page.wait_for_selector(f"#search-results a[href*='{page}']")
    assert seen.complaints == []


@SLOW
def test_a_solution_opens_by_keyboard(visit, address):
    seen = visit(f"{address}02_softmax.html")
    solution = seen.page.locator("details.hide").first
    assert solution.evaluate("element => element.open") is False
    solution.locator("summary").focus()
    seen.page.keyboard.press("Enter")
    assert solution.evaluate("element => element.open") is True
    assert solution.locator("pre").first.is_visible()


@SLOW
def test_the_theme_switch_works(visit, address):
    seen = visit(f"{address}index.html")
    for name, theme in (("Dark", "dark"), ("Light", "light")):
        seen.page.get_by_role("button", name="Color mode").click()
        seen.page.get_by_role("button", name=name, exact=True).click()
        assert seen.page.evaluate("document.documentElement.dataset.theme") == theme


@SLOW
@pytest.mark.parametrize("page", ["index", "02_softmax", "06_two_convolutional_layers", "package"])
def test_a_page_works_from_a_folder_without_a_server(visit, site, page):
    seen = visit((site / f"{page}.html").as_uri())
    assert seen.complaints == []
    assert all(url.startswith(("file:", "data:")) for url in seen.requests)
    if page == "02_softmax":
        assert seen.page.locator("mjx-container").count() > 0
        seen.page.goto((site / "search.html").as_uri() + "?q=plateau")
        seen.page.wait_for_selector("#search-results a[href*='06_two']")


@SLOW
def test_mathematics_and_text_use_our_own_fonts(visit, address):
    seen = visit(f"{address}02_softmax.html")
    seen.page.evaluate("document.fonts.ready")
    loaded = seen.page.evaluate(
        "[...document.fonts].filter(f => f.status == 'loaded').map(f => f.family)"
    )
    families = {family.strip('"') for family in loaded}
    assert {"Literata", "Source Sans 3"} <= families
    assert any(family.startswith("MJX") for family in families)


# Published, and refused


@SLOW
def test_a_published_site_has_sitemap_card_and_launch_links(tmp_path):
    where = {
        "MNISTCONV_SITE_URL": "https://example.org/book/",
        "MNISTCONV_REPOSITORY_URL": "https://github.com/example/book",
    }
    finished = build(tmp_path / "html", environment=os.environ | where)
    assert finished.returncode == 0, finished.stderr
    sitemap = (tmp_path / "html" / "sitemap.xml").read_text(encoding="utf-8")
    assert "<loc>https://example.org/book/06_two_convolutional_layers.html</loc>" in sitemap
    page = soup(tmp_path / "html", "06_two_convolutional_layers")
    card = page.select_one("meta[property='og:image']")["content"]
    assert card == "https://example.org/book/_static/card.png"
    assert (tmp_path / "html" / "_static" / "card.png").exists()
    launch = {a["href"] for a in page.select("a[href^='https://']")}
    used = {
        name for tag in page.select("i, span") for name in tag.get("class", []) if "fa-" in name
    }
    drawn = (REPOSITORY / "site" / "_static" / "icons.css").read_text(encoding="utf-8")
    assert {"fa-github", "fa-rocket"} <= used
    for name in used - {"fa-solid", "fa-lg", "fa-fw"}:
        assert f".{name} {{" in drawn, f"no icon for {name}"
    path = "notebooks/06_two_convolutional_layers.ipynb"
    assert f"https://colab.research.google.com/github/example/book/blob/main/{path}" in launch
    assert f"https://mybinder.org/v2/gh/example/book/main?urlpath=lab/tree/{path}" in launch


def test_without_addresses_there_are_no_launch_links(site):
    text = (site / "06_two_convolutional_layers.html").read_text(encoding="utf-8")
    assert not re.search("colab|mybinder", text)
    assert not (site / "sitemap.xml").exists()


@SLOW
def test_a_broken_reference_stops_the_build_and_is_named(tmp_path):
    for folder in ("mnistconv", "results", "notebooks", "site"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=NOT_NEEDED)
    shutil.copy(REPOSITORY / "README.md", tmp_path)
    page = tmp_path / "notebooks" / "03_negative_log_likelihood.ipynb"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("](04_cross_entropy.ipynb)", "](04_entropy.ipynb)"), "utf-8")
    finished = build(tmp_path / "html", tmp_path / "notebooks")
    assert finished.returncode != 0
    assert "03_negative_log_likelihood.ipynb" in finished.stderr
    assert "04_entropy" in finished.stderr


@SLOW
def test_a_missing_picture_stops_the_build_and_is_named_with_its_cell(tmp_path):
    for folder in ("mnistconv", "results", "notebooks", "site"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=NOT_NEEDED)
    shutil.copy(REPOSITORY / "README.md", tmp_path)
    page = tmp_path / "notebooks" / "05_simple_network.ipynb"
    notebook = nbformat.read(page, as_version=4)
    cells = enumerate(notebook.cells, start=1)
    number, cell = [(n, c) for n, c in cells if c.cell_type == "markdown"][-2]
    cell.source += "\n\n![A picture that is not there](_static/nothing.png)"
    nbformat.write(notebook, page)
    finished = build(tmp_path / "html", tmp_path / "notebooks")
    assert finished.returncode != 0
    assert f"05_simple_network.ipynb, cell {number}, line" in finished.stderr


def test_relative_addresses_stay_in_the_site(site):
    """A page that works at one depth: no address begins at the root of a server."""
    for page in PAGES:
        for tag in soup(site, page).select("[href], [src]"):
            address = tag.get("href") or tag.get("src")
            assert not address.startswith("/"), f"{page}: {address}"
            assert urljoin("https://a.b/c/", address)

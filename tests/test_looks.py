"""How the chapters look, in a browser: figures in both themes and on paper, terms, style sheets."""

import re

import pytest
from book import NAMES, SITE
from sites import soup

SLOW = pytest.mark.slow
CHAPTER = "01_convolution"
STATIC = SITE / "_static"
TERM = "article a:has(> .std-term)"


# Figures


@pytest.mark.parametrize("name", ["index", *NAMES])
def test_figures_stand_in_the_page_and_their_ids_are_its_own(site, name):
    page = soup(site, name)
    assert page.select("article svg.figure")
    assert not page.select("article .cell_output img[src$='.svg']")
    ids = [tag["id"] for tag in page.select("svg.figure [id]")]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {tag["id"] for tag in page.select("[id]") if not tag.find_parent("svg")}


def colour_of_a_label(seen) -> str:
    """The colour of the darkest or brightest words of the first figure: its ink."""
    return seen.page.evaluate(
        "getComputedStyle(document.querySelector('svg.figure [style*=\"--figure-ink\"]')).fill"
    )


@SLOW
def test_a_figure_follows_the_theme_and_is_ink_on_white_on_paper(visit, address):
    colours = {}
    for theme in ("light", "dark"):
        seen = visit(f"{address}{CHAPTER}.html", theme=theme)
        colours[theme] = colour_of_a_label(seen)
        seen.page.emulate_media(media="print")
        assert colour_of_a_label(seen) == "rgb(34, 48, 60)"
        filters = "getComputedStyle(document.querySelector('svg.figure image')).filter"
        assert seen.page.evaluate(filters) == "none"
    assert colours == {"light": "rgb(34, 48, 60)", "dark": "rgb(227, 230, 233)"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_place_of_the_front_picture_has_its_shape(theme):
    drawing = (STATIC / f"reading-{theme}.svg").read_text(encoding="utf-8")
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing).groups()
    assert f"aspect-ratio: {width} / {height};" in (STATIC / "book.css").read_text("utf-8")


@SLOW
def test_on_a_phone_a_figure_takes_the_whole_width(visit, address):
    seen = visit(f"{address}{CHAPTER}.html", width=390)
    widths = seen.page.locator("svg.figure").evaluate_all("all => all.map(f => f.clientWidth)")
    assert max(widths) > 0
    assert min(filter(None, widths)) >= 360  # but for those that wait for a prediction


# Terms


@SLOW
def test_a_link_to_a_term_is_described_by_its_definition_without_a_script(site):
    page = soup(site, CHAPTER)
    for link in page.select(TERM):
        text = page.find(id=link["aria-describedby"]).get_text()
        assert len(text) > 20
        assert "\\" not in text, "mathematics belongs into words here"
    said = soup(site, "glossary").select_one("#term-kernel + dd").get_text()
    assert page.select_one("#about-term-kernel").get_text() == said.strip()


@pytest.fixture
def term(visit, address):
    """Call it with a width for a visit, the link to a term on it, and the place of its note."""

    def find(width: int = 1280):
        seen = visit(f"{address}{CHAPTER}.html", width=width)
        return seen, seen.page.locator(TERM).first, seen.page.locator(".term-note")

    return find


@SLOW
def test_the_pointer_shows_a_definition_may_go_to_it_and_leaves_it(term):
    seen, link, note = term()
    assert note.is_hidden()
    link.hover()
    note.wait_for(state="visible")
    assert note.text_content() == seen.page.text_content("#about-term-convolution")
    note.hover()
    assert note.is_visible()
    seen.page.mouse.move(5, 5)
    note.wait_for(state="hidden")


@SLOW
def test_the_keyboard_shows_a_definition_and_escape_closes_it(term):
    seen, link, note = term()
    link.focus()
    assert note.is_visible()
    seen.page.keyboard.press("Escape")
    assert note.is_hidden()
    seen.page.keyboard.press("Tab")
    assert note.is_visible()
    assert note.text_content() != seen.page.text_content("#about-term-convolution")
    link.focus()
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url("**/glossary.html#term-convolution")


@SLOW
def test_the_first_tap_explains_the_second_one_follows(term):
    seen, link, note = term(390)
    link.tap()
    assert note.is_visible()
    assert "glossary" not in seen.page.url
    seen.page.locator("article h1").tap()
    assert note.is_hidden()
    link.tap()
    link.tap()
    seen.page.wait_for_url("**/glossary.html#term-convolution")


@SLOW
@pytest.mark.parametrize("width", [1280, 390])
def test_no_definition_leaves_the_window(term, width):
    seen, _, note = term(width)
    for link in seen.page.locator(TERM).all():
        link.focus()
        box = note.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert seen.violations(".term-note") == []


# Mentions


@pytest.mark.parametrize("name", ["index", "draw", *NAMES])
def test_every_notebook_that_is_mentioned_is_linked(site, name):
    article = soup(site, name).select_one("article")
    ours = r"\b(notebook|chapter)s?\s\d" if name in ("index", "draw") else r"\bnotebooks?\s\d"
    left = [
        text
        for text in article.find_all(string=re.compile(ours, re.I))
        if not text.find_parent(["a", "pre", "code", "h1", "h2", "h3", "script", "svg"])
    ]
    assert left == []


def test_a_mention_leads_to_its_chapter(site):
    links = soup(site, "11_luck_or_progress").select("article a")
    targets = {link.get_text(): link["href"] for link in links}
    assert targets["notebook 8"] == "08_expanded_data.html"
    assert targets["9"] == "09_dropout.html"  # "notebooks 5 to 9"


# On paper


@SLOW
def test_paper_shows_no_menus_and_nothing_that_is_folded(visit, address):
    seen = visit(f"{address}{CHAPTER}.html", theme="dark")
    seen.page.locator("details.hide summary").first.click()
    seen.page.emulate_media(media="print")
    for gone in (".bd-sidebar-primary", ".bd-header-article", ".prev-next-area", ".copybtn"):
        assert not seen.page.locator(gone).first.is_visible(), gone
    folds = seen.page.locator("details.hide").all()
    assert [fold.is_visible() for fold in folds] == [True] + [False] * (len(folds) - 1)
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )


@SLOW
def test_the_page_to_draw_prints_board_maps_and_answer(visit, address):
    seen = visit(f"{address}draw.html#net=relu&digit=4", theme="dark")
    seen.page.wait_for_selector(".draw-layer canvas")
    seen.page.emulate_media(media="print")
    for shown in ("#draw-board", ".draw-layer canvas", "#draw-sentence", ".draw-facts"):
        assert seen.page.locator(shown).first.is_visible(), shown
    assert not any(button.is_visible() for button in seen.page.locator(".draw-button").all())


# Style sheets

SELECTORS = """sheets => {
  const rules = (list) => [...list].flatMap((r) => r.selectorText ?? rules(r.cssRules ?? []));
  const name = (sheet) => sheet.href?.split("/_static/")[1]?.split("?")[0];
  const ours = [...document.styleSheets].filter((sheet) => sheets.includes(name(sheet)));
  return ours.map((sheet) => [name(sheet), rules(sheet.cssRules)]);
}"""
MATCHING = "selectors => selectors.filter((one) => document.querySelector(one) !== null)"
OUTSIDE_OF_BRACKETS = re.compile(r",\s*(?![^()]*(?:\([^()]*\)[^()]*)*\))")
STATES = (
    r"(?:::?(?:hover|focus-visible|focus-within|focus|active|checked|disabled|enabled|empty"
    r"|before|after)"
    r"|:not\((?:[^()]|\([^()]*\))*\)|\[(?:hidden|open|aria-|data-)[^\]]*\])+"
)
STATE_ALONE = re.compile(rf"(^|[\s>+~(])(?<!:not\(){STATES}(?=$|[\s>+~)])")


def without_states(selector: str) -> str:
    """What a selector asks of a page whatever happens on it: of a state alone, any element."""
    return re.sub(STATES, "", STATE_ALONE.sub(r"\1*", selector))


@pytest.mark.parametrize(
    ("selector", "plain"),
    [
        (".a:hover", ".a"),
        (".a > :focus-visible + span", ".a > * + span"),
        (".a:not(:has(.b)) + .a", ".a + .a"),
        (".a:has(:checked)", ".a:has(*)"),
        (".a[open]:not([hidden])::before", ".a"),
    ],
)
def test_states_are_left_out_of_a_selector(selector, plain):
    assert without_states(selector) == plain


NAME = re.compile(r"[.#]?[A-Za-z][\w-]*")


def made_by_scripts(sheet: str, built: set[str]):
    """Whether the scripts beside a sheet name a class, an id or a tag that no page was built with.

    `draw-of-${name}` in a script stands for all that begin so.
    """
    scripts = "".join(path.read_text("utf-8") for path in (STATIC / sheet).parent.glob("*.js"))
    words = set(re.findall(r"[\w-]+", scripts))
    tags = set(re.findall(r'"([a-z]+[1-6]?)"', scripts))  # h3, too
    begun = tuple(word for word in words if re.fullmatch(r"\w+-\w+-", word))

    def is_made(name: str) -> bool:
        if name[0] not in ".#":
            return name in tags
        return name not in built and (name[1:] in words or name[1:].startswith(begun))

    return is_made


# What only a site has that knows its repository: looked at in test_site.py.
PUBLISHED = {".fab", ".fa-github", ".fa-rocket"}


@SLOW
def test_every_rule_of_ours_matches_something(visit, address, site):
    """On some page as it was built; or it names what only a script of ours makes."""
    sheets = [path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.css")]
    seen, asked, matched, built = visit("about:blank"), set(), set(), set()
    for path in site.glob("*.html"):
        seen.open(f"{address}{path.name}")
        for sheet, texts in seen.page.evaluate(SELECTORS, sheets):
            selectors = {one for text in texts for one in OUTSIDE_OF_BRACKETS.split(text)}
            plain = {selector: without_states(selector) for selector in selectors}
            there = set(seen.page.evaluate(MATCHING, list(plain.values())))
            asked |= {(sheet, selector) for selector in selectors}
            matched |= {(sheet, selector) for selector in selectors if plain[selector] in there}
        for kind, names in re.findall(r'(class|id)="([^"]+)"', path.read_text(encoding="utf-8")):
            built |= {{"class": ".", "id": "#"}[kind] + name for name in names.split()}
    assert {sheet for sheet, _ in asked} == set(sheets)
    built_elsewhere = {selector for selector in asked if PUBLISHED & set(NAME.findall(selector[1]))}
    matched |= built_elsewhere
    is_made = {sheet: made_by_scripts(sheet, built) for sheet in sheets}
    idle = [
        (sheet, selector)
        for sheet, selector in sorted(asked - matched)
        if not any(map(is_made[sheet], NAME.findall(without_states(selector))))
    ]
    assert not idle, idle

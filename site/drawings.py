"""Figures stand in the page itself, not as image files: there they take the colours of its theme.

A colour of `mnistconv/figures/style.py` becomes a variable that has that colour where nothing else
is said: in the light, in print, without a style sheet. `book.css` says what it is in the dark.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from mnistconv.figures import style

NAMES = {
    style.PAPER: "paper",
    style.INK: "ink",
    style.SOFT_INK: "soft-ink",
    style.FAINT: "faint",
    style.BLUE: "blue",
    style.ORANGE: "orange",
    style.GREEN: "green",
    style.RED: "red",
    style.PURPLE: "purple",
}
VARIABLES = {
    colour.lower(): f"var(--figure-{name}, {colour.lower()})" for colour, name in NAMES.items()
}
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
NUMBER = re.compile(r"\d+\.\d{3,}")
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
NOT_SHOWN = (f"{SVG}metadata", f"{SVG}style")
POINTING = ("href", "clip-path")
PLACES = ("d", "x", "y")  # points of a figure that is 500 of them wide: two decimals are plenty


def to_page(svg: str, prefix: str, alt: str) -> str:
    """A figure of matplotlib's as an element of a page; its ids begin with `prefix`."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in NOT_SHOWN]:
            parent.remove(child)
    for element in root.iter():
        tidy(element, prefix)
    wanted = {element.get(name, "").strip("url(#)") for element in root.iter() for name in POINTING}
    for element in root.iter():
        if element.get("id") not in wanted:
            element.attrib.pop("id", None)
    root.attrib.pop("version", None)
    root.attrib |= {"class": "figure", "role": "img", "aria-label": alt}
    return ElementTree.tostring(root, encoding="unicode")


def tidy(element: ElementTree.Element, prefix: str) -> None:
    """Names without their spaces, ids that are the page's own, colours of the theme."""
    element.tag = element.tag.removeprefix(SVG)
    element.text = element.tail = None
    attributes = element.attrib
    if LINK in attributes:
        attributes["href"] = attributes.pop(LINK)
    if "id" in attributes:
        attributes["id"] = prefix + attributes["id"]
    for name in POINTING:
        if attributes.get(name, "").startswith(("#", "url(#")):
            attributes[name] = attributes[name].replace("#", f"#{prefix}")
    for name in PLACES:
        if name in attributes:
            shorter = NUMBER.sub(lambda found: f"{float(found[0]):.2f}", attributes[name])
            attributes[name] = " ".join(shorter.split())
    if "style" in attributes:
        attributes["style"] = COLOUR.sub(
            lambda found: VARIABLES.get(found[0], found[0]), attributes["style"]
        )


class DrawInThePage(SphinxPostTransform):
    """Replaces each SVG image by the drawing itself; those made for one theme alone stay."""

    default_priority = 400
    formats = ("html",)

    def run(self, **options) -> None:
        images = [image for image in self.document.findall(nodes.image) if is_for_both(image)]
        for number, image in enumerate(images, start=1):
            svg = (Path(self.env.srcdir) / image["uri"]).read_text(encoding="utf-8")
            drawing = to_page(svg, f"figure-{number}-", image.get("alt", ""))
            image.replace_self(nodes.raw("", drawing, format="html"))


def is_for_both(image: nodes.image) -> bool:
    return image["uri"].endswith(".svg") and not {"only-light", "only-dark"} & {*image["classes"]}


def setup(app) -> dict:
    app.add_post_transform(DrawInThePage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Where a page says "notebook 5" or "notebooks 1 to 4", the site links these chapters.

In notebooks and docstrings "chapter 6" is Nielsen's; our own are called so on the site alone.
"""

import re

from contents import chapters
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

SITE_ALONE = ("index", "draw")
NUMBER = re.compile(r"(\d+)")
# Text in which nothing is linked.
LEFT_ALONE = (
    nodes.reference, pending_xref, nodes.title, nodes.literal, nodes.FixedTextElement, nodes.raw,
    nodes.math, nodes.math_block,
)  # fmt: skip


def split(text: str, words: str) -> list[str]:
    """The pieces of a text; at the odd places what mentions one chapter: its number stands last."""
    one = re.compile(rf"\b((?:{words})\s\d+)\b", re.I)
    several = re.compile(rf"\b((?:{words})s\s\d+(?:(?:,\s|\s(?:and|to)\s)\d+)*)\b", re.I)
    pieces = [""]
    for place, part in enumerate(several.split(text)):
        new = (NUMBER if place % 2 else one).split(part)
        pieces[-1] += new[0]
        pieces += new[1:]
    return pieces


class LinkMentions(SphinxTransform):
    default_priority = 700

    def apply(self, **options) -> None:
        words = "notebook|chapter" if self.env.docname in SITE_ALONE else "notebook"
        for text in list(self.document.findall(nodes.Text)):
            if not is_inside(text, LEFT_ALONE):
                pieces = split(text.astext(), words)
                if len(pieces) > 1:
                    text.parent.replace(text, [self.node(*p) for p in enumerate(pieces)])

    def node(self, place: int, piece: str) -> nodes.Node:
        name = names().get(piece.split()[-1]) if place % 2 else None
        if name in (None, self.env.docname):
            return nodes.Text(piece)
        return pending_xref(
            "",
            nodes.inline("", piece),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{name}",
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )


def names() -> dict[str, str]:
    """The number of each chapter, as it is written -> its name."""
    return {str(int(name[:2])): name for name in chapters()}


def is_inside(node: nodes.Node, kinds: tuple) -> bool:
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def setup(app) -> dict:
    app.add_transform(LinkMentions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

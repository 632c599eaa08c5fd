"""Links to terms of the glossary explain themselves: the page carries the definitions it links to.

Screen readers read a definition with its link; `terms.js` shows it to everybody else. Without
JavaScript a link leads to the glossary, as ever.
"""

import re
from html import escape

from docutils import nodes

TERM_LINK = re.compile(
    r'<a class="reference internal" href="(?:glossary\.html)?#(term-[\w-]+)">'
    r'(?=<span class="xref std std-term">)'
)


def definitions(env) -> dict[str, str]:
    """The glossary: the anchor of each term -> what is said of it, without markup."""
    items = env.get_doctree("glossary").findall(nodes.definition_list_item)
    return {
        anchor: item[-1].astext().replace("\n", " ")
        for item in items
        for term in item.findall(nodes.term)
        for anchor in term["ids"]
    }


def explain_terms(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    body = context.get("body", "")
    linked = sorted(set(TERM_LINK.findall(body)))
    if not linked:
        return
    said = definitions(app.env)
    described = TERM_LINK.sub(
        lambda link: f'{link[0][:-1]} aria-describedby="about-{link[1]}">', body
    )
    texts = "".join(f'<p id="about-{anchor}">{escape(said[anchor])}</p>\n' for anchor in linked)
    context["body"] = f'{described}\n<div class="terms" hidden>\n{texts}</div>\n'
    app.add_js_file("terms.js", loading_method="defer")


def setup(app) -> dict:
    app.connect("html-page-context", explain_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

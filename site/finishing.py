"""What the finished pages need besides text: their scripts, the trained networks, two mends."""

import json
import re
import shutil
from pathlib import Path

from asking import COVER_FIRST
from chapters import EXPLORER
from contents import chapters

from mnistconv.export import SHOWN, export_networks

# Let screen readers say what a fold shows, "Show the solution", not MyST-NB's label; and docutils
# gives the entries of a bibliography a role that ARIA has taken back.
SPOKEN = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    ' role="doc-biblioentry"': ' role="listitem"',
}


def mend_for_screen_readers(app, pagename, templatename, context: dict, doctree) -> None:
    for written, better in SPOKEN.items():
        if "body" in context:
            context["body"] = context["body"].replace(written, better)


DRAW = Path(__file__).parent / "_static" / "draw"
COMPUTING = [
    "network",
    "prepare",
    "photo",
    "explain",
    "inside",
    "address",
    "state",
    "ownset",
]  # these run without a browser, too
PARTS = ["view", "why", "board", "answer", "layers", "panel", "controls", "compare", "tour"]
OWN_SET = ["ownboard", "ownkeep", "owncount"]
PHOTO = ["camera", "photoview", "handwriting"]
SHOWING = [*PARTS, "versus", *OWN_SET, *PHOTO, "speech", "place", "loading", "page"]
# The board of the front page: of the draw page, what paints, answers, loads and speaks.
BOARD = ["network", "prepare", "address", "state", "place", "view", "board", "answer", "speech"]
# One file in place of many: on a slow line each file costs a round trip more than its bytes do.
JOINED = {"joined": COMPUTING + SHOWING, "front": [*BOARD, "loading"]}
# What stands in the body of an interactive page -> its folder in _static, its scripts in order.
INTERACTIVE = {
    'class="predict-switch"': ("predict", ["predict", "questions"]),
    EXPLORER: ("explorer", ["convolution", "explorer"]),
    '<div class="draw" id="draw"': ("draw", ["joined"]),
    '<section class="draw front"': ("draw", []),  # the look alone: front.js brings the scripts
    'id="front"': ("front", ["front"]),
}


def load_scripts(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """The style sheet and the scripts of an interactive page, for that page alone."""
    if pagename in chapters():
        app.add_js_file(None, body=COVER_FIRST, priority=100)
    for mark, (folder, scripts) in INTERACTIVE.items():
        if mark in context.get("body", ""):
            app.add_css_file(f"{folder}/{folder}.css")
            for script in scripts:
                app.add_js_file(f"{folder}/{script}.js", loading_method="defer")


# What a page brings only where something on it needs it: a part of the file's name -> the sign.
NEEDED = {
    "clipboard": 'class="highlight',
    "copybutton": 'class="highlight',
    "pygments": 'class="highlight',
    "mystnb": 'class="cell',
    "sphinx-design": 'class="sd-',
    "design-tabs": 'class="sd-tab',
}


def leave_out_unneeded(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    body = context.get("body", "")
    for files in (context["css_files"], context["script_files"]):
        for file in files[:]:
            name = str(getattr(file, "filename", None) or file)
            if any(part in name and sign not in body for part, sign in NEEDED.items()):
                files.remove(file)


# The network of the address, if it is one of ours, or the one that a fresh page begins with.
BRING_FIRST = """\
{
  const asked = new URLSearchParams(location.hash.slice(1)).get("net");
  const href = `_static/draw/${%s.includes(asked) ? asked : "relu"}.js`;
  const link = Object.assign(document.createElement("link"), {rel: "preload", as: "script", href});
  document.head.append(link);
}"""


# On the draw page its own script comes first, and the theme's do not hold up what is painted. (A
# chapter that is painted before its typefaces are there moves when they come; this page does not.)
LATER = {"defer": "defer"}
ORDER = {
    "joined": {"fetchpriority": "high"},
    "doctools": LATER,
    "sphinx_highlight": LATER,
    "sphinx-book-theme": LATER,
}


def bring_answer_soon(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Let the browser fetch what the draw page's first answer needs before all else."""
    if '<div class="draw" id="draw"' not in context.get("body", ""):
        return
    context["preloaded"] = ["_static/draw/networks.js"]
    app.add_js_file(None, body=BRING_FIRST % json.dumps(SHOWN), priority=100)
    files = context["script_files"]
    for i, file in enumerate(files):
        name = Path(str(getattr(file, "filename", None) or "")).stem
        if name in ORDER:
            attributes = {**file.attributes, **ORDER[name]}
            files[i] = type(file)(file.filename, priority=file.priority, **attributes)


COMMENT = re.compile(r"^ *(?://[^\n]*|/\*\*.*?\*/)\n", re.M | re.S)


def without_comments(script: str) -> str:
    """The script less the comments that have lines of their own, and less its indentation."""
    return re.sub(r"^ +", "", COMMENT.sub("", script), flags=re.M)


def join_scripts(app) -> None:
    """Write each of `JOINED`; their sources stay a job a file, for readers with their comments."""
    folder = Path(app.outdir) / "_static" / "draw"
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in JOINED.items():
        sources = [
            without_comments((DRAW / f"{part}.js").read_text(encoding="utf-8")) for part in parts
        ]
        (folder / f"{name}.js").write_text("\n".join(sources), encoding="utf-8")


def export_trained_networks(app, exception) -> None:
    """Put the recorded weights where the page "Draw a digit" loads them from."""
    if exception is None and app.builder.format == "html":
        export_networks(Path(app.outdir) / "_static" / "draw")


def make_static_folder(app) -> None:
    """Come first: when a build stops early, the theme writes its logo as a file `_static`."""
    (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)


# What the themes copy into `_static`, and no page asks for: templates, an icon font with its
# scripts, source maps, translations.
UNUSED = ["*.map", "*webpack-macros.html", "scripts/fontawesome.js*", "vendor", "locales"]


def drop_unused(app, exception) -> None:
    for pattern in UNUSED:
        for path in (Path(app.outdir) / "_static").rglob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


# Two thousand glyphs of the theme's icon font, which no page has: icons.css draws the icons.
GLYPHS = re.compile(r'(?:\.fa-[\w-]+,?)+\{(?:--fa(?:--fa)?:"[^"]*";?)+\}')


def drop_glyphs(app, exception) -> None:
    """A third of the style sheet that every page waits for."""
    for path in (Path(app.outdir) / "_static" / "styles").glob("pydata-sphinx-theme.css"):
        path.write_text(GLYPHS.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app) -> dict:
    app.connect("builder-inited", make_static_folder)
    app.connect("html-page-context", mend_for_screen_readers)
    app.connect("builder-inited", join_scripts)
    app.connect("html-page-context", load_scripts)
    app.connect("html-page-context", leave_out_unneeded)
    app.connect("html-page-context", bring_answer_soon)
    app.connect("build-finished", export_trained_networks)
    app.connect("build-finished", drop_unused)
    app.connect("build-finished", drop_glyphs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The static site: `make book` builds it strictly, from stored outputs, without a network."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import contents

# Where the site and its repository will live, when that is known: the address of the site puts
# sitemap and social card in, that of the repository the links to Colab and Binder.
SITE_URL = os.environ.get("MNISTCONV_SITE_URL", "")
REPOSITORY_URL = os.environ.get("MNISTCONV_REPOSITORY_URL", "")
BRANCH = "main"

project = "Reading digits"
author = "the mnistconv authors"
copyright = "2026, the mnistconv authors. Text and figures: CC BY 4.0; code: MIT"
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "chapters",
    "drawings",
    "mentions",
    "asking",
    "pages",
    "terms",
    "finishing",
]
include_patterns = contents.files()
contents.mention_own_files()
needs_sphinx = "9.0"

nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Show the solution"
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
mathjax_path = "mathjax/tex-mml-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}

bibtex_bibfiles = [str(contents.BOOK / "references.bib")]
bibtex_default_style = "plain"

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_default_options = {"members": True}
default_role = "literal"
copybutton_selector = "div.cell_input pre, section > div > div.highlight > pre"
nitpick_ignore_regex = [
    (r"py:.*", r"(torch|pathlib|matplotlib|pandas|numpy|collections|typing|types)\b.*"),
    (r"py:.*", r"(dict|list)\[.*"),  # half a type: autodoc cannot read a dataclass's `=<factory>`
]

html_theme = "sphinx_book_theme"
html_title = "Reading digits with convolutional networks"
html_baseurl = SITE_URL
html_static_path = ["_static"]
html_additional_pages = {"404": "404.html"}
templates_path = ["_templates"]
html_css_files = ["icons.css", "book.css"]
html_favicon = "_static/favicon.svg"
html_sourcelink_suffix = ""
html_show_sphinx = False
html_domain_indices = False
pygments_style = "a11y-high-contrast-light"
html_theme_options = {
    "navbar_persistent": [],
    "use_download_button": True,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "github-dark",
    "logo": {"text": "Reading digits", "image_light": "_static/favicon.svg",
             "image_dark": "_static/favicon.svg", "alt_text": ""},
}  # fmt: skip
html_context = {"default_mode": "auto"}
if REPOSITORY_URL:
    html_theme_options |= {
        "repository_url": REPOSITORY_URL,
        "repository_branch": BRANCH,
        "path_to_docs": "notebooks",
        "use_repository_button": True,
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "colab_url": "https://colab.research.google.com",
            "binderhub_url": "https://mybinder.org",
        },
    }
if SITE_URL:
    extensions += ["sphinx_sitemap", "sphinxext.opengraph"]
    sitemap_url_scheme = "{link}"
    sitemap_excludes = ["search.html", "genindex.html", "404.html"]
    ogp_site_url = SITE_URL
    ogp_image = "_static/card.png"
    ogp_image_alt = "Handwritten digits beside the title: Reading digits"
    ogp_social_cards = {"enable": False}

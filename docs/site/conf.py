# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for the documentation site, which `make site` builds from what docs/site/sources.py gathers."""

from __future__ import annotations

from pathlib import Path

import yaml
from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

HERE = Path(__file__).resolve().parent
GALAXY = yaml.safe_load((HERE.parents[1] / "galaxy.yml").read_text(encoding="utf-8"))

project = f"{GALAXY['namespace']}.{GALAXY['name']}"
author = ", ".join(GALAXY["authors"])
copyright = f"2026, {author}"  # noqa: A001  the name that Sphinx reads
release = version = GALAXY["version"]

extensions = ["myst_parser", "sphinx_copybutton", "sphinx_antsibull_ext"]
nitpicky = True
# The anchors that the code host gives to headings, so that a link is right in both places.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = [str(HERE / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_theme_options = {
    "top_of_page_buttons": [],
    "footer_icons": [{"name": "Repository", "url": GALAXY["repository"], "html": "Repository", "class": ""}],
}
# site.css has the colours of the pages of plugins, because they follow the theme's switch for the dark mode.
antsibull_ext_color_scheme = "none"

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True


# What the pages of plugins refer to in Ansible's own documentation. Sphinx would download its list of labels.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
ANSIBLE_LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_collections.ansible.builtin.default_callback": "collections/ansible/builtin/default_callback.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def ansible_reference(
    _app: Sphinx, _env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """A link to Ansible's documentation, for a label or an environment variable of Ansible."""
    target = node["reftarget"]
    if node["reftype"] == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    elif node["reftype"] == "ref" and target in ANSIBLE_LABELS:
        page = ANSIBLE_LABELS[target]
    else:
        return None
    return nodes.reference("", "", content, internal=False, refuri=f"{ANSIBLE}/{page}")


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", ansible_reference)
    app.add_lexer("haproxy", TextLexer)  # Pygments does not know HAProxy's language

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue as one HTML file, which needs nothing else: styles, script and data are in it.

The page allows only its own style sheet and its own script, by their digests, and no request of any kind. Text is
escaped by Jinja where it stands in HTML; the script sets it as text, never as HTML.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).with_name("catalog")
_SCRIPTS = ("dom.js", "model.js", "picture.js", "connect.js", "cluster.js", "overview.js", "page.js")
# In HTML, the data ends with </script>. U+2028 and others are escaped by `json.dumps`.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def html(page: Mapping[str, Any], title: str) -> str:
    """The page of a `model`. The same model and title give the same bytes."""
    style, script = _style(), _script()
    text: str = _template().render(
        page=page,
        title=title,
        policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'; "
        "form-action 'none'",
        style=Markup(style),  # noqa: S704  files of this collection
        script=Markup(script),  # noqa: S704
        data=Markup(_escaped_json(page)),  # noqa: S704
    )
    return text


def _escaped_json(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"))
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def _style() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


@functools.cache
def _script() -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS)


@functools.cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")

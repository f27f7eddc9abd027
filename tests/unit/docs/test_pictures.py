# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in README.md is the one that its source writes, shows the default services, and is readable."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.pgsvc.access.docs.pictures import paths
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.tests.conftest import ROOT

SVG = "{http://www.w3.org/2000/svg}"
TEXT_ON = [("text", "page"), ("text", "panel"), ("text", "box"), ("soft", "page"), ("soft", "panel"), ("soft", "box")]
TEXT_ON += [(service.name, "box") for service in paths.SERVICES]


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb`` (WCAG 2, "relative luminance")."""
    shares = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_picture_is_what_its_source_writes() -> None:
    assert paths.PICTURE.read_text(encoding="utf-8") == paths.picture(), "run: make docs"


def test_it_shows_the_default_services() -> None:
    shown = [(service.name, service.port, service.check) for service in paths.SERVICES]
    declared = defaults.CLUSTER["pg_default_services"]
    assert shown == [(service["name"], service["port"], service["check"]) for service in declared]


def test_it_shows_the_ports_of_a_member() -> None:
    names = {"pgbouncer": "pgbouncer_port", "PostgreSQL": "pg_port", "Patroni": "patroni_port"}
    assert {program: port for port, program in paths.PORTS} == {
        program: defaults.MEMBER[variable] for program, variable in names.items()
    }


def test_each_service_leads_to_its_destination() -> None:
    """The default services of a cluster with the default destination, pgbouncer."""
    ports = {"default": defaults.MEMBER["pgbouncer_port"], "postgres": defaults.MEMBER["pg_port"]}
    destinations = {service["name"]: ports[service["dest"]] for service in defaults.CLUSTER["pg_default_services"]}
    drawn = {service.name: {port for _member, port in service.servers} for service in paths.SERVICES}
    assert drawn == {name: {port} for name, port in destinations.items()}


def test_a_screen_reader_gets_a_title_and_a_description() -> None:
    root = ET.fromstring(paths.picture())  # noqa: S314  our own text
    labels = {element.get("id"): element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == " ".join(str(name) for name in labels)
    assert labels == {"title": paths.TITLE, "desc": paths.DESCRIPTION}


@pytest.mark.parametrize("colours", [paths.LIGHT, paths.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "background"), TEXT_ON)
def test_text_has_enough_contrast(colours: dict[str, str], text: str, background: str) -> None:
    """At least 4.5 to 1 (WCAG 2, "Contrast (Minimum)")."""
    darker, brighter = sorted((luminance(colours[text]), luminance(colours[background])))
    assert (brighter + 0.05) / (darker + 0.05) >= 4.5


def test_dark_mode_has_every_colour() -> None:
    light, dark = paths.picture().split("@media (prefers-color-scheme: dark)")
    rule = re.compile(r"(?:fill|stroke): #[0-9a-f]{6}")
    assert len(rule.findall(light)) == len(rule.findall(dark)) > 10


def test_readme_shows_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"!\[[^\]]{20,}\]\(docs/pictures/paths\.svg\)", readme)

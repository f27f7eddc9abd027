# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures are those that their sources write, show the default services, and are readable."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.pgsvc.access.docs.pictures import drawing, paths, roles
from ansible_collections.pgsvc.access.plugins.plugin_utils._input import defaults
from ansible_collections.pgsvc.access.tests.conftest import ROOT
from ansible_collections.pgsvc.access.tests.unit.docs.serving import serving
from ansible_collections.pgsvc.access.tests.unit.plugins.plugin_utils.planning import Hosts, cluster, plan

SVG = "{http://www.w3.org/2000/svg}"
TEXT_ON = [("text", "page"), ("text", "panel"), ("text", "box"), ("soft", "page"), ("soft", "panel"), ("soft", "box")]
TEXT_ON += [(service.name, "box") for service in paths.SERVICES]


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb`` (WCAG 2, "relative luminance")."""
    shares = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("source", [paths, roles])
def test_a_picture_is_what_its_source_writes(source: Any) -> None:
    assert source.PICTURE.read_text(encoding="utf-8") == source.picture(), "run: make docs"


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


@pytest.mark.parametrize("source", [paths, roles])
def test_a_screen_reader_gets_a_title_and_a_description(source: Any) -> None:
    root = ET.fromstring(source.picture())  # noqa: S314  our own text
    labels = {element.get("id"): element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == " ".join(str(name) for name in labels)
    assert labels == {"title": source.TITLE, "desc": source.DESCRIPTION}


@pytest.mark.parametrize("colours", [drawing.LIGHT, drawing.DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "background"), TEXT_ON)
def test_text_has_enough_contrast(colours: dict[str, str], text: str, background: str) -> None:
    """At least 4.5 to 1 (WCAG 2, "Contrast (Minimum)")."""
    darker, brighter = sorted((luminance(colours[text]), luminance(colours[background])))
    assert (brighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize("source", [paths, roles])
def test_dark_mode_has_every_colour(source: Any) -> None:
    light, dark = source.picture().split("@media (prefers-color-scheme: dark)")
    rule = re.compile(r"(?:fill|stroke): #[0-9a-f]{6}")
    assert len(rule.findall(light)) == len(rule.findall(dark)) > 10


@pytest.mark.parametrize(
    ("page", "picture"), [("README.md", "docs/pictures/paths"), ("docs/roles.md", "pictures/roles")]
)
def test_a_page_shows_it(page: str, picture: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.search(rf"!\[[^\]]{{20,}}\]\({re.escape(picture)}\.svg\)", text)


def pg_test(**variables: Any) -> Hosts:
    """The cluster of the picture of roles: its third member takes offline queries, too."""
    hosts = cluster("pg-test", "primary", "replica", "replica", **variables)
    hosts["10.10.10.13"]["pg_offline_query"] = True
    return hosts


@pytest.mark.parametrize(
    ("panel", "kinds"),
    list(zip(roles.PANELS, [("declared", "live"), ("declared",), ("live",)], strict=True)),
    ids=lambda value: value.title if isinstance(value, roles.Panel) else "",
)
def test_a_panel_shows_what_a_plan_says(panel: roles.Panel, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        publication = plan(pg_test(pg_service_roles=kind)).publications["10.10.10.11"]
        found = dict(zip(roles.MEMBERS, panel.roles, strict=True))
        services = {each.service: each for each in publication.services}
        assert [(name, services[name].port) for name, _port in roles.SERVICES] == list(roles.SERVICES)
        for name, _port in roles.SERVICES:
            expected = serving(services[name], publication.checks, found)
            assert [roles.MEMBERS[index] for index in panel.serving[name]] == expected.serving
            assert [roles.MEMBERS[index] for index in panel.backups[name]] == expected.backups

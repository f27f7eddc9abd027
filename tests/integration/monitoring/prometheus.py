# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Prometheus in a folder of its own, which scrapes one target and evaluates rules several times a second."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.pgsvc.access.tests.support.haproxy import wait_until

INTERVAL = "200ms"


class Prometheus:
    """``rules`` are the content of a file of rules; their ``for`` becomes a second."""

    def __init__(self, folder: Path, address: str, target: str, labels: dict[str, str], rules: dict[str, Any]) -> None:
        self.address = address
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.update({"for": "1s"} if "for" in rule else {})
        folder.mkdir()
        (folder / "rules.yml").write_text(yaml.safe_dump(rules))
        settings = {
            "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {"job_name": "node", "static_configs": [{"targets": [f"{target}:9101"], "labels": labels}]}
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        self._log = folder / "log"
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": f"{address}:9090",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["prometheus", *(f"--{name}={value}" for name, value in options.items())], stdout=log, stderr=log
            )

    def _get(self, path: str, **query: str) -> Any:
        with contextlib.closing(http.client.HTTPConnection(self.address, 9090, timeout=10)) as connection:
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            raise ConnectionError(f"Prometheus is not ready: {text}")
        assert answer.status == http.HTTPStatus.OK, text
        return json.loads(text)["data"]

    def value(self, query: str) -> float | None:
        """The value of the first series."""
        found = self._get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The alerts that fire, by name and proxy."""
        alerts = [alert for alert in self._get("alerts")["alerts"] if alert["state"] == "firing"]
        return {(alert["labels"]["alertname"], alert["labels"].get("proxy", "")): alert for alert in alerts}

    def wait_scraped(self) -> None:
        def is_scraped() -> bool:
            assert self._process.poll() is None, self._log.read_text()
            try:
                return self.value("up") == 1 and self.value("count(haproxy_server_status)") is not None
            except OSError:
                return False

        wait_until(is_scraped, timeout=30)

    def __enter__(self) -> Prometheus:
        self.wait_scraped()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

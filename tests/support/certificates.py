# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path


def self_signed(folder: Path, name: str, addresses: Iterable[str] = ()) -> tuple[Path, Path]:
    """A certificate for `name` and `addresses` that is its own authority, and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={name}", "-days", "2"]
    command += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key

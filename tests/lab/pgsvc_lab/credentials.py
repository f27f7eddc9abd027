# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made anew for every lab: the SSH key, the passwords, a certificate authority and the nodes' certificates.

All of it is in the lab's state folder, readable by root only, and ends with the lab.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
from pathlib import Path

from . import settings
from .settings import NODES, STATE, Node
from .steps import Log

SSH_KEY = STATE / "ssh" / "id_ed25519"
KNOWN_HOSTS = STATE / "ssh" / "known_hosts"
#: An Ansible inventory source beside inventory.yml: the variables that are not committed.
VARIABLES = STATE / "inventory" / "secrets.yml"
CA = STATE / "pki" / "ca.crt"

_USERS = ("postgres", "replicator", "rewind", "test", "dbuser_dba", "dbuser_stats")
_DAYS = "30"


def create(log: Log) -> None:
    """Make what is missing."""
    if not SSH_KEY.exists():
        SSH_KEY.parent.mkdir(mode=0o700, parents=True)
        log.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", SSH_KEY])
        write_known_hosts()
    if not CA.exists():
        CA.parent.mkdir(mode=0o700, parents=True)
        _create_authority(log)
    if not VARIABLES.exists():
        _write_variables()


def passwords() -> dict[str, str]:
    """User name to password, for the clients of the tests."""
    variables = json.loads(VARIABLES.read_text(encoding="utf-8"))
    users: dict[str, str] = variables["all"]["vars"]["lab_passwords"]
    return users


def patroni_authorization() -> str:
    """The header by which Patroni's REST API takes changes."""
    variables = json.loads(VARIABLES.read_text(encoding="utf-8"))["all"]["vars"]
    pair = f"{variables['patroni_username']}:{variables['patroni_password']}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def install_certificate(log: Log, node: Node) -> None:
    """Give the node a certificate for its name and addresses, and the authority, where Pigsty keeps them (/pg/cert)."""
    folder = node.root / "pg/cert"
    folder.mkdir(parents=True, exist_ok=True)
    key, request, extensions = (
        STATE / f"pki/{node.name}.key",
        STATE / f"pki/{node.name}.csr",
        STATE / f"pki/{node.name}.ext",
    )
    log.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", f"/CN={node.name}", "-keyout", key, "-out", request])  # fmt: skip
    extensions.write_text(f"subjectAltName=DNS:{node.name},IP:{node.ipv4},IP:{node.ipv6}\n", encoding="ascii")
    log.run(["openssl", "x509", "-req", "-in", request, "-CA", CA, "-CAkey", CA.with_suffix(".key"), "-CAcreateserial",
             "-days", _DAYS, "-extfile", extensions, "-out", folder / "server.crt"])  # fmt: skip
    shutil.copy(CA, folder / "ca.crt")
    shutil.copy(key, folder / "server.key")
    # The key's owner is set by the provisioning: only the node knows the number of its user postgres.


def _create_authority(log: Log) -> None:
    log.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", _DAYS, "-subj", "/CN=lab", "-keyout", CA.with_suffix(".key"), "-out", CA])  # fmt: skip


def write_known_hosts() -> None:
    """Host keys are part of the roots, so all nodes of a release have one: the clients can check them strictly."""
    built = [release for release in settings.RELEASES if release.root.is_dir()]
    addresses = ",".join(address for node in NODES for address in (node.ipv4, node.ipv6))
    keys = [(release.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text("ascii") for release in built]
    KNOWN_HOSTS.write_text("".join(f"{addresses} {key.rsplit(' ', 1)[0]}\n" for key in keys), encoding="ascii")


def _write_variables() -> None:
    variables = {
        "lab_passwords": {user: secrets.token_urlsafe(12) for user in _USERS},
        "haproxy_admin_password": secrets.token_urlsafe(12),
        "patroni_username": "postgres",
        "patroni_password": secrets.token_urlsafe(12),
        "ansible_ssh_private_key_file": str(SSH_KEY),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={KNOWN_HOSTS} -o StrictHostKeyChecking=yes",
    }
    VARIABLES.parent.mkdir(parents=True, exist_ok=True)
    VARIABLES.touch(mode=0o600)
    # JSON is YAML: no library needed.
    VARIABLES.write_text(json.dumps({"all": {"vars": variables}}, indent=2) + "\n", encoding="utf-8")


def clients_password_file() -> Path:
    """The libpq password file of the lab's users, for psql in the shell."""
    path = STATE / "pgpass"
    path.touch(mode=0o600)
    path.write_text("".join(f"*:*:*:{user}:{password}\n" for user, password in passwords().items()), encoding="utf-8")
    return path

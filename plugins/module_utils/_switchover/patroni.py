# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A switchover by Patroni's REST API (``POST /switchover``), and whether one is allowed to ask for it."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any

from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.plugins.module_utils._host.light_dataclass import dataclass
from ansible_collections.pgsvc.access.plugins.module_utils._status.patroni import Api, connection

_LARGEST = 2**16  # bytes of an answer
_LONGEST_SHOWN = 300  # characters of an answer in a message
_DENIED = frozenset((401, 403))
_REFUSED_EMPTY = 400


@dataclass(frozen=True)
class SwitchoverRequest:
    """Names as Patroni knows them. Without a `candidate` Patroni chooses one. `timeout` is in seconds."""

    api: Api
    leader: str
    candidate: str
    username: str
    password: str
    timeout: float


@dataclass(frozen=True)
class Answer:
    """The status and the words of Patroni."""

    status: int
    words: str


def switch_over(request: SwitchoverRequest) -> Answer:
    """Ask for a switchover, and wait until it is over. Raises `PublishError` when Patroni refuses it, or it fails."""
    body = {"leader": request.leader, **({"candidate": request.candidate} if request.candidate else {})}
    answer = _post(request, body)
    if answer.status != http.client.OK:
        raise PublishError(_refusal(request.api, answer))
    return answer


def check_access(request: SwitchoverRequest) -> Answer:
    """Raise `PublishError` unless Patroni takes a switchover of this user. Nothing is changed.

    Patroni looks at the credentials first, and refuses an empty request then.
    """
    answer = _post(request, {})
    if answer.status != _REFUSED_EMPTY:
        raise PublishError(_refusal(request.api, answer))
    return answer


def _refusal(api: Api, answer: Answer) -> str:
    if answer.status in _DENIED:
        return (
            f"Patroni at {api} refuses the request ({answer.status} {answer.words}): set patroni_username and "
            "patroni_password to those of its REST API (restapi.authentication), and see its restapi.allowlist"
        )
    return f"Patroni at {api} answers {answer.status}: {answer.words or 'nothing'}"


def _post(request: SwitchoverRequest, body: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json"}
    if request.username:
        pair = f"{request.username}:{request.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    try:
        opened = connection(request.api, request.timeout)
        try:
            opened.request("POST", "/switchover", json.dumps(body), headers)
            response = opened.getresponse()
            return Answer(response.status, _shown(response.read(_LARGEST)))
        finally:
            opened.close()
    except (OSError, http.client.HTTPException) as error:
        raise PublishError(f"Patroni at {request.api} does not answer: {error or type(error).__name__}") from error


def _shown(body: bytes) -> str:
    """The first line in a message; Patroni answers an error of HTTP with a page."""
    text = body.decode(errors="replace").strip()
    if text.startswith("<"):
        return ""
    line = text.partition("\n")[0]
    return "".join(char if char.isprintable() else "?" for char in line[:_LONGEST_SHOWN])

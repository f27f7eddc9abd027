# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that accepts connections at once, and is slow to do anything else."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
import time
from collections.abc import Iterator


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def forwarded(address: str, port: int, to: int, delay: float) -> Iterator[None]:
    """Connections to `port` are passed on to the port `to` of the same address, after `delay` seconds."""

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            time.sleep(delay)
            with contextlib.suppress(OSError), socket.create_connection((address, to)) as beyond:
                other = {self.request: beyond, beyond: self.request}
                while True:
                    for readable in select.select(list(other), [], [])[0]:
                        data = readable.recv(65536)
                        if not data:
                            return
                        other[readable].sendall(data)

    with _Server((address, port), Forward) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy's sockets say, as values; and what is never sent to them."""

from __future__ import annotations

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._haproxy.sockets import (
    ProcessList,
    RuntimeAPI,
    WorkerRow,
    parse_processes,
    parse_servers_state,
)
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import CLIError

HEADER = "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
SHOW_PROC = {
    "started": (
        HEADER + "30402           master          0 [failed: 0]   0d00h00m02s     2.6.12-1+deb12u4\n"
        "# workers\n30446           worker          0               0d00h00m02s     2.6.12-1+deb12u4\n# programs\n",
        ProcessList(30402, 0, 0, (WorkerRow(30446, 0, 2),), ()),
    ),
    "old workers": (
        HEADER + "1162            master          5 [failed: 0]   1d02h03m04s     3.0.11\n"
        "# workers\n1271            worker          1               0d00h00m00s     3.0.11\n"
        "# old workers\n1233            worker          3               0d00h00m43s     3.0.11\n"
        "1234            worker          2               0d00h01m00s     3.0.11\n"
        "# programs\n1244            foo             0               0d00h00m00s     -\n",
        ProcessList(1162, 5, 0, (WorkerRow(1271, 1, 0),), (WorkerRow(1233, 3, 43), WorkerRow(1234, 2, 60))),
    ),
    "the last two reloads failed": (
        HEADER + "30402           master          2 [failed: 2]   0d00h02m06s     2.6.12\n"
        "# workers\n30807           worker          2               0d00h01m43s     2.6.12\n# programs\n",
        ProcessList(30402, 2, 2, (WorkerRow(30807, 2, 103),), ()),
    ),
    # Its version is refused, and must be named for that.
    "2.4, with the columns of the time": (
        "#<PID>          <type>          <relative PID>  <reloads>       <uptime>        <version>\n"
        "1162            master          0               5               0d00h02m07s     2.4.22\n"
        "# workers\n1271            worker          1               1               0d00h00m00s     2.4.22\n"
        "# old workers\n1233            worker          [was: 1]        3               0d00h00m43s     2.4.22\n",
        ProcessList(1162, 0, 0, (WorkerRow(1271, 1, 0),), (WorkerRow(1233, 0, 0),)),
    ),
    "3.2, after a failed reload: the worker that goes on is among the old ones": (
        HEADER + "7               master          4 [failed: 1]   0d00h00m09s     3.2.26-1\n# workers\n# old workers\n"
        "5               worker          3               0d00h00m08s     3.2.26-1\n"
        "6               worker          1               0d00h00m05s     3.2.26-1\n",
        ProcessList(7, 4, 1, (WorkerRow(6, 1, 5),), (WorkerRow(5, 3, 8),)),
    ),
    "no worker left": (
        HEADER + "1               master          1 [failed: 1]   0d00h00m01s     3.0.11\n# workers\n# programs\n",
        ProcessList(1, 1, 1, (), ()),
    ),
}


@pytest.mark.parametrize(("text", "expected"), SHOW_PROC.values(), ids=SHOW_PROC)
def test_show_proc(text: str, expected: ProcessList) -> None:
    assert parse_processes(text, "m.sock") == expected


@pytest.mark.parametrize(("text", "shown"), [("", "nothing"), ("Unknown command\nmore\n", "Unknown command")])
def test_no_master(text: str, shown: str) -> None:
    with pytest.raises(CLIError) as caught:
        parse_processes(text, "s.sock")
    assert str(caught.value) == f"s.sock is not the socket of an HAProxy master: it answered 'show proc' with: {shown}"


def test_servers_state_by_the_names_of_its_columns() -> None:
    text = "1\n# srv_name be_name srv_addr srv_port srv_fqdn srv_new_in_4_0\npg1 pg ::1 6432 - 7\n# a comment\n\n"
    (row,) = parse_servers_state(text)
    assert (row.srv_name, row.be_name, row.addr, row.port, row.fqdn) == ("pg1", "pg", "::1", 6432, "")
    assert (row.op_state, row.check_port) == (0, 0)


@pytest.mark.parametrize("text", ["", "2\n# be_id\n", "1\n1 a\n"])
def test_no_servers_state(text: str) -> None:
    with pytest.raises(CLIError, match=r"^the server state is not in format version 1, the only one that "):
        parse_servers_state(text)


@pytest.mark.parametrize(
    "broken", ["show info; set weight a/b 0", "show info\nset weight a/b 0", "a\rb", "a\0", "add <<"]
)
def test_one_command_at_a_time(broken: str) -> None:
    with pytest.raises(CLIError, match=r"^HAProxy would read more than one command, because of "):
        RuntimeAPI("/nowhere").command(broken)

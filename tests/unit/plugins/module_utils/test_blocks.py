# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of ours in a file of many: what is replaced, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.block_file import BlockFile, write_blocks
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import BlockError, merge
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.hosts_records import check_records, record_lines
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.service_sections import check_sections, section_lines
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError

A = "# BEGIN pgsvc.access a: changes made here are overwritten\none\n# END pgsvc.access a\n"
A2 = A.replace("one", "two")
B = A.replace("access a", "access b")


@pytest.mark.parametrize(
    ("before", "blocks", "purge", "after", "statuses"),
    [
        ("", {"a": ["one"]}, False, A, {"a": "created"}),
        ("mine\n", {"a": ["one"]}, False, f"mine\n\n{A}", {"a": "created"}),
        ("mine\n\n", {"a": ["one"]}, False, f"mine\n\n{A}", {"a": "created"}),
        ("mine", {"a": ["one"]}, False, f"mine\n\n{A}", {"a": "created"}),
        (A, {"a": ["one"]}, False, A, {"a": "unchanged"}),
        (f"x\n{A}y\n", {"a": ["two"]}, False, f"x\n{A2}y\n", {"a": "updated"}),
        (f"x\n\n{A}y\n", {"a": []}, False, "x\ny\n", {"a": "removed"}),
        (f"x\n\n{A}", {"a": []}, False, "x\n", {"a": "removed"}),
        (f"{A}\n{B}", {"a": ["one"]}, False, f"{A}\n{B}", {"a": "unchanged", "b": "unchanged"}),
        (f"{A}\n{B}", {"a": ["one"]}, True, A, {"a": "unchanged", "b": "removed"}),
        (f"{A}\n{B}", {"b": []}, False, A, {"a": "unchanged", "b": "removed"}),
        ("x\n", {"a": []}, False, "x\n", {}),
        (f"x\r\n\n{A}y\x0bz\r\n# end", {"a": ["two"]}, False, f"x\r\n\n{A2}y\x0bz\r\n# end", {"a": "updated"}),
        (f"{A}y", {"a": ["one"], "b": ["one"]}, False, f"{A}y\n\n{B}", {"a": "unchanged", "b": "created"}),
        # What the collection does not write stays to the byte, blanks and all.
        (f"\t# odd \n\n\n{A} tail", {"a": ["one"]}, False, f"\t# odd \n\n\n{A} tail", {"a": "unchanged"}),
    ],
)
def test_merge(before: str, blocks: dict[str, list[str]], purge: bool, after: str, statuses: dict[str, str]) -> None:
    merged = merge(before, blocks, purge)
    assert (merged.text, merged.statuses) == (after, statuses)
    again = merge(merged.text, blocks, purge)
    assert (again.text, set(again.statuses.values())) == (after, {"unchanged"} if again.statuses else set())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# BEGIN pgsvc.access a\n", "the block that begins in line 1 has no end; correct the file by hand"),
        (
            "# BEGIN pgsvc.access a\n# BEGIN pgsvc.access b\n",
            "line 2 begins a block within the one of line 1; correct the file by hand",
        ),
        ("# END pgsvc.access a\n", "line 1 ends a block that does not begin; correct the file by hand"),
    ],
)
def test_a_file_that_somebody_broke(text: str, message: str) -> None:
    with pytest.raises(BlockError) as caught:
        merge(text, {"a": ["one"]})
    assert str(caught.value) == message


def wanted(path: Path, **blocks: list[str]) -> BlockFile:
    return BlockFile(path, blocks, False, check_sections(["a-primary"]))


def test_check_mode_tells_and_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pg_service.conf"
    predicted = write_blocks(wanted(path, a=["one"]), check=True, diff=True)
    assert list(tmp_path.iterdir()) == []
    assert write_blocks(wanted(path, a=["one"]), check=False, diff=True) == predicted
    assert predicted == {
        "changed": True,
        "clusters": [{"name": "a", "status": "created"}],
        "diff": [{"before": "", "after": A, "before_header": str(path), "after_header": str(path)}],
    }
    assert path.read_text(encoding="utf-8") == A
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_an_unchanged_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "pg_service.conf"
    path.write_bytes(b"# caf\xe9\r\n" + A.encode())
    before = path.stat()
    result = write_blocks(wanted(path, a=["one"]), check=False, diff=True)
    assert result == {"changed": False, "clusters": [{"name": "a", "status": "unchanged"}]}
    assert path.stat() == before


def test_foreign_bytes_and_the_mode_survive(tmp_path: Path) -> None:
    path = tmp_path / "pg_service.conf"
    path.write_bytes(b"# caf\xe9\n")
    path.chmod(0o640)
    write_blocks(wanted(path, a=["one"]), check=False, diff=False)
    assert path.read_bytes() == b"# caf\xe9\n\n" + A.encode()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    assert write_blocks(wanted(path, a=["one"]), check=True, diff=False)["changed"]
    with pytest.raises(PublishError) as caught:
        write_blocks(wanted(path, a=["one"]), check=False, diff=False)
    assert str(caught.value) == (
        f"{path.parent} is not a directory: install the program that reads {path}, or create the directory"
    )


def test_section_lines() -> None:
    sections: list[dict[str, Any]] = [
        {"name": "a-primary", "comment": "read-write", "parameters": {"host": "10.0.0.1", "port": 5433}},
        {"name": "a-replica", "comment": None, "parameters": {"host": "10.0.0.1"}},
    ]
    assert section_lines(sections) == [
        "# read-write",
        "[a-primary]",
        "host=10.0.0.1",
        "port=5433",
        "",
        "[a-replica]",
        "host=10.0.0.1",
    ]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "a]b"}, "'a]b' is not a name of a section; allowed: one line of text without ']'"),
        ({"parameters": {"Host": "x"}}, "'Host' is not a parameter of libpq; allowed: words such as host and port"),
        (
            {"parameters": {"user": "x\n[evil]"}},
            "'x\\n[evil]' cannot be used in a service file as user; allowed: one line without blanks around it",
        ),
        (
            {"comment": "x "},
            "'x ' cannot be used in a service file as a comment; allowed: one line without blanks around it",
        ),
    ],
)
def test_sections_that_are_refused(section: dict[str, object], message: str) -> None:
    with pytest.raises(PublishError) as caught:
        section_lines([{"name": "a", "parameters": {}, **section}])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "line", "whose"),
    [
        ("# x\n[a-primary]\nhost=h\n", 2, "is not from this collection"),
        (B.replace("one", "[a-primary]"), 2, "belongs to cluster b"),
    ],
)
def test_a_section_that_somebody_else_has(tmp_path: Path, text: str, line: int, whose: str) -> None:
    path = tmp_path / "pg_service.conf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PublishError) as caught:
        write_blocks(wanted(path, a=["[a-primary]"]), check=False, diff=False)
    assert str(caught.value) == (
        f"{path}: section [a-primary] in line {line} {whose}, and libpq uses the first one of a name: remove it"
        " or rename it"
    )
    assert path.read_text(encoding="utf-8") == text


def test_a_section_that_is_wanted_twice() -> None:
    with pytest.raises(PublishError, match=r"^section \[x\] is given twice; allowed: each name once$"):
        check_sections(["x", "y", "x"])


RECORDS = [{"name": "pg-test", "address": "10.0.0.3"}, {"name": "pg-test-1", "address": "fd00::1"}]


def test_record_lines() -> None:
    assert record_lines(RECORDS) == ["10.0.0.3 pg-test", "fd00::1 pg-test-1"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"name": "a b", "address": "::1"}, "'a b' is not a name; allowed: letters, digits, '-', '_' and '.'"),
        ({"name": "a", "address": "10.0.0"}, "'10.0.0' is not an address; allowed: IPv4 or IPv6"),
    ],
)
def test_records_that_are_refused(record: dict[str, str], message: str) -> None:
    with pytest.raises(PublishError) as caught:
        record_lines([record])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("pgsvc", "10.0.0.9 x PG-Test # c\n", "line 1 of {}/pgsvc, which is not from this collection"),
        ("pgsvc", B.replace("one", "10.0.0.9 pg-test"), "line 2 of {}/pgsvc, of cluster b"),
        ("pg-test", "\n10.0.0.9 pg-test\n", "line 2 of {}/pg-test, which is not from this collection"),
    ],
)
def test_a_name_that_is_taken_on_the_node(tmp_path: Path, name: str, text: str, where: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    file = BlockFile(tmp_path / "pgsvc", {"a": record_lines(RECORDS)}, False, check_records(RECORDS))
    with pytest.raises(PublishError) as caught:
        write_blocks(file, check=False, diff=False)
    taken = "PG-Test" if "PG" in text else "pg-test"
    assert str(caught.value) == (
        f"{taken} is 10.0.0.9 in {where.format(tmp_path)}, and dnsmasq would answer with both addresses: remove"
        " it there"
    )


def test_what_says_the_same_or_is_not_read_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "pg-test").write_text("10.0.0.3 pg-test\n# 10.0.0.9 pg-test\n", encoding="utf-8")
    (tmp_path / ".hidden").write_text("10.0.0.9 pg-test\n", encoding="utf-8")
    (tmp_path / "old~").write_text("10.0.0.9 pg-test\n", encoding="utf-8")
    file = BlockFile(tmp_path / "pgsvc", {"a": record_lines(RECORDS)}, False, check_records(RECORDS))
    assert write_blocks(file, check=False, diff=False)["changed"]

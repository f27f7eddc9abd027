# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root writes to files of an unprivileged user (needs root)."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._blocks.block_file import BlockFile, write_blocks
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.blocks import Line
from ansible_collections.pgsvc.access.plugins.module_utils._blocks.hosts_records import check_records
from ansible_collections.pgsvc.access.plugins.module_utils._host.errors import PublishError
from ansible_collections.pgsvc.access.tests.support.unprivileged import (
    GROUP,
    USER,
    does,
    dress,
    file,
    home,
    roots,
)

__all__ = ["file", "home", "roots"]


BLOCK = "# BEGIN pgsvc.access a: changes made here are overwritten\nhost=a\n# END pgsvc.access a\n"
SECRET = "root:$6$s3cret:19000::::::\n"  # noqa: S105  a line of /etc/shadow, as it were
REGULAR = "not a regular file: remove it, or give another path"


def untouched(_path: Path, _lines: Sequence[Line]) -> None:
    return


def wanted(path: Path, check: Callable[[Path, Sequence[Line]], None] = untouched) -> BlockFile:
    return BlockFile(path, {"a": ["host=a"]}, False, check)


def refused(path: Path, check: bool = False) -> str:
    with pytest.raises(PublishError) as caught:
        write_blocks(wanted(path), check=check, diff=True)
    return str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_a_file_stays_its_users(file: Path, mode: int) -> None:
    file.chmod(mode)
    write_blocks(wanted(file), check=False, diff=False)
    assert dress(file)[:3] == (USER, GROUP, mode)
    does("open(sys.argv[1]).read()", file)
    assert file.read_text(encoding="utf-8") == f"[mine]\nhost=h\n\n{BLOCK}"


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An access control list as the kernel has it (posix_acl_xattr.h): (tag, permissions, id) each."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOT_ONE = 0xFFFFFFFF
# The group has nothing, user 65000 reads and writes, which the mode shows as 0660.
LIST = acl((1, 6, NOT_ONE), (2, 6, 65000), (4, 0, NOT_ONE), (0x10, 6, NOT_ONE), (0x20, 0, NOT_ONE))


def test_access_list_and_label_stay(file: Path) -> None:
    os.setxattr(file, "system.posix_acl_access", LIST)
    os.setxattr(file, "security.selinux", b"system_u:object_r:user_home_t:s0\0")
    os.setxattr(file, "user.note", b"mine")
    before = dress(file)
    assert before[2] == 0o660
    write_blocks(wanted(file), check=False, diff=False)
    assert dress(file) == before


def test_no_access_list_is_inherited(file: Path) -> None:
    """A default list of the folder is for new files; this one has had none."""
    os.setxattr(file.parent, "system.posix_acl_default", LIST)
    write_blocks(wanted(file), check=False, diff=False)
    assert dress(file) == (USER, GROUP, 0o600, {})


def test_a_new_file_is_the_users(home: Path) -> None:
    write_blocks(wanted(home / "new"), check=False, diff=False)
    assert dress(home / "new")[:3] == (USER, GROUP, 0o644)
    does("open(sys.argv[1], 'a').write('x')", home / "new")


def test_a_new_file_with_a_secret_is_for_its_owner_only(home: Path, roots: Path) -> None:
    for folder, owner in ((home, (USER, GROUP)), (roots, (0, 0))):
        write_blocks(BlockFile(folder / "new", {"a": ["x"]}, False, untouched, mode=0o600), check=False, diff=False)
        assert dress(folder / "new")[:3] == (*owner, 0o600)


def test_a_link_of_root_is_followed(roots: Path) -> None:
    (roots / "etc" / "real").mkdir(parents=True)
    (roots / "etc" / "real" / "file").write_text("", encoding="utf-8")
    (roots / "etc" / "folder").symlink_to("../etc/./real")
    (roots / "link").symlink_to(roots / "etc" / "folder" / "file")
    write_blocks(wanted(roots / "link"), check=False, diff=False)
    assert (roots / "link").is_symlink()
    assert (roots / "etc" / "real" / "file").read_text(encoding="utf-8") == BLOCK


def test_a_link_of_root_that_leads_nowhere_yet(roots: Path) -> None:
    (roots / "link").symlink_to("file")
    write_blocks(wanted(roots / "link"), check=False, diff=False)
    assert (roots / "file").read_text(encoding="utf-8") == BLOCK


@pytest.mark.parametrize("check", [True, False])
def test_a_link_of_a_user_is_refused(home: Path, roots: Path, check: bool) -> None:
    (roots / "shadow").write_text(SECRET, encoding="utf-8")
    does("os.symlink(sys.argv[1], sys.argv[2])", roots / "shadow", home / "link")
    assert refused(home / "link", check) == (
        f"{home / 'link'} is a symbolic link, which is not followed because users other than its owner may write to"
        f" {home.parent} (mode 1777): give the path that it leads to"
    )
    assert (roots / "shadow").read_text(encoding="utf-8") == SECRET
    assert [path.name for path in home.iterdir()] == ["link"]


@pytest.mark.parametrize(
    ("owner", "mode", "why"),
    [
        (USER, 0o755, "{0} belongs to user 65533"),
        (0, 0o775, "users other than its owner may write to {0} (mode 0775)"),
        (0, 0o757, "users other than its owner may write to {0} (mode 0757)"),
        (0, 0o1777, "users other than its owner may write to {0} (mode 1777)"),
    ],
)
@pytest.mark.parametrize("name", ["link", "folder/file", "deep/folder/file"])
def test_where_a_link_is_not_followed(roots: Path, owner: int, mode: int, why: str, name: str) -> None:
    """Also for a folder on the way, and in a folder of root's within one that is not."""
    (roots / "real").mkdir()
    (roots / "real" / "file").write_text("", encoding="utf-8")
    unsafe = roots / "unsafe"
    (unsafe / "deep").mkdir(parents=True)
    for made, target in (("link", "real/file"), ("folder", "real"), ("deep/folder", "real")):
        (unsafe / made).symlink_to(roots / target)
    os.chown(unsafe, owner, 0)
    unsafe.chmod(mode)
    link = unsafe / name.removesuffix("/file")
    assert refused(unsafe / name) == (
        f"{link} is a symbolic link, which is not followed because {why.format(unsafe)}: give the path that it leads to"
    )
    assert (roots / "real" / "file").read_text(encoding="utf-8") == ""


def test_an_access_list_of_a_folder_counts(roots: Path) -> None:
    (roots / "link").symlink_to("real")
    os.setxattr(roots, "system.posix_acl_access", LIST)
    assert "users other than its owner may write to" in refused(roots / "link")


def test_a_hard_link_is_refused(home: Path, roots: Path) -> None:
    other = home.parent / f"{home.name}.shadow"
    other.write_text(SECRET, encoding="utf-8")
    try:
        os.link(other, home / "file")
        assert refused(home / "file") == (
            f"{home / 'file'} is one of 2 hard links to a file, and replacing it would separate it from the others:"
            " remove the other links, or replace this one by a copy"
        )
        assert other.read_text(encoding="utf-8") == SECRET
    finally:
        other.unlink()


@pytest.mark.parametrize(
    ("make", "what"),
    [
        ("os.mkfifo(sys.argv[1])", "a FIFO"),
        ("import socket; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", "a socket"),
        ("os.mkdir(sys.argv[1])", "a folder"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_is_no_file_is_refused(home: Path, make: str, what: str, check: bool) -> None:
    does(make, home / "file")
    assert refused(home / "file", check) == f"{home / 'file'} is {what}, {REGULAR}"


def test_a_device_is_refused(roots: Path) -> None:
    os.mknod(roots / "file", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero has no end
    assert refused(roots / "file") == f"{roots / 'file'} is a device, {REGULAR}"


def test_a_file_without_end_is_refused(file: Path) -> None:
    does("os.truncate(sys.argv[1], 10 ** 12)", file)
    assert refused(file) == f"{file} is larger than 64 MiB: check which program writes to it"


def test_records_in_a_folder_that_others_write_to(home: Path, roots: Path) -> None:
    """dnsmasq's folder: other files are looked at for names that are taken, and not by way of a user's link."""
    records = [{"name": "root", "address": "10.0.0.1"}]
    (roots / "shadow").write_text("10.0.0.9 root\n", encoding="utf-8")
    does("os.mkfifo(sys.argv[1])", home / "fifo")
    assert write_blocks(wanted(home / "pgsvc", check_records(records)), check=True, diff=True)["changed"]
    does("os.symlink(sys.argv[1], sys.argv[2])", roots / "shadow", home / "link")
    with pytest.raises(PublishError) as caught:
        write_blocks(wanted(home / "pgsvc", check_records(records)), check=True, diff=True)
    assert str(caught.value).startswith(f"{home / 'link'} is a symbolic link, which is not followed because")

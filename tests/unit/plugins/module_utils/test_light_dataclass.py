# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data classes of modules, beside the standard ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pgsvc.access.plugins.module_utils._host import light_dataclass

DECORATORS: dict[str, Callable[..., Any]] = {"standard": dataclasses.dataclass, "light": light_dataclass.dataclass}


def made(decorator: Callable[..., Any], **options: bool) -> Any:
    """A class with a default, a factory, and a method, as modules have them."""

    class Server:
        name: str
        port: int = 5432
        words: list[str] = dataclasses.field(default_factory=list)  # pylint: disable=invalid-field-call  # behind a decorator

        def at(self) -> str:
            return f"{self.name}:{self.port}"

    Server.__qualname__ = "Server"
    return decorator(Server) if not options else decorator(**options)(Server)


@pytest.mark.parametrize("options", [{}, {"frozen": True}], ids=["mutable", "frozen"])
@pytest.mark.parametrize("kind", DECORATORS)
def test_what_modules_use_is_that_of_the_standard_one(kind: str, options: dict[str, bool]) -> None:
    server = made(DECORATORS[kind], **options)
    one, same, other = server("a"), server("a", 5432), server("a", port=6432)
    assert one == same
    assert one != other
    assert one != "a"
    assert repr(one) == "Server(name='a', port=5432, words=[])"
    assert one.words is not same.words
    assert one.at() == "a:5432"
    assert dataclasses.replace(one, port=6432) == other
    assert dataclasses.asdict(one) == {"name": "a", "port": 5432, "words": []}
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        server()


@pytest.mark.parametrize("kind", DECORATORS)
def test_only_frozen_ones_can_be_hashed(kind: str) -> None:
    frozen, mutable = made(DECORATORS[kind], frozen=True), made(DECORATORS[kind])
    assert len({frozen("a", words=()), frozen("a", words=()), frozen("b", words=())}) == 2
    with pytest.raises(TypeError, match="unhashable type"):
        hash(mutable("a"))


@pytest.mark.parametrize("kind", DECORATORS)
def test_a_field_may_be_left_out(kind: str) -> None:
    @DECORATORS[kind](frozen=True)
    class Login:
        user: str
        password: str = dataclasses.field(default="", repr=False)  # pylint: disable=invalid-field-call
        seen: int = dataclasses.field(default=0, compare=False)  # pylint: disable=invalid-field-call

    one = Login("a", "secret", 1)  # type: ignore[call-arg]  # mypy does not know the decorator
    two = Login("a", "secret", 2)  # type: ignore[call-arg]
    assert one == two
    assert hash(one) == hash(two)
    assert "secret" not in repr(one)


@pytest.mark.parametrize("kind", DECORATORS)
def test_methods_of_a_class_are_kept(kind: str) -> None:
    @DECORATORS[kind]
    class Password:
        value: str

        def __repr__(self) -> str:
            return "Password(***)"

    assert repr(Password("secret")) == "Password(***)"  # type: ignore[call-arg]  # mypy does not know the decorator

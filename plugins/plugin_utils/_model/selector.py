# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath selectors, which choose the members of a cluster for a service.

A selector is evaluated over the list of a cluster's members, each a mapping of its inventory variables, and must yield
some of these members. The variables that it refers to are found beforehand, so that only those are read and templated.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pgsvc.access.plugins.plugin_utils._input.problems import ValueProblem, printable, shown

try:
    import jmespath
    from jmespath import exceptions as jmespath_exceptions
except ImportError:  # reported by require_jmespath()
    HAS_JMESPATH = False
else:
    HAS_JMESPATH = True

Node = dict[str, Any]

# The scope of a subexpression: the list of members, one member, or something else.
_MEMBERS, _MEMBER, _OTHER = "members", "member", "other"
_FUNCTIONS_OF_LISTS = {
    "sort_by": _MEMBERS,
    "reverse": _MEMBERS,
    "to_array": _MEMBERS,
    "not_null": _MEMBERS,
    "max_by": _MEMBER,
    "min_by": _MEMBER,
}
_FUNCTIONS_OF_LENGTH = frozenset({"length", "type"})

# Longer expressions may be nested too deeply for Python's stack.
_LONGEST = 1000
# Python errors that jmespath does not catch: a step of 0, text compared with numbers, a number that is too large,
# nesting that is too deep.
_WRONG_VALUES = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RecursionError)


@dataclass(frozen=True)
class Selector:
    """A compiled selector.

    ``names`` are the variables of a member that it reads; ``reads_all`` means that it uses a member as a whole
    (``keys(@)``, ``*``), so that all variables are needed.
    """

    expression: str
    names: frozenset[str]
    reads_all: bool

    def select(self, members: Sequence[dict[str, Any]]) -> list[int]:
        """The positions of the selected members, in ascending order, each once.

        Raises `ValueProblem` if the expression fails on these values or yields something other than members.
        """
        found = self._evaluate(members)
        if isinstance(found, dict):
            found = [found]
        positions = {id(member): index for index, member in enumerate(members)}
        if not isinstance(found, list) or not all(id(item) in positions for item in found):
            raise ValueProblem(
                f"{shown(self.expression)} yields {_described(found)}; allowed: an expression that yields members, "
                'such as "[]" or "[? pg_role == \'replica\']"',
                "bad-result",
                self.expression,
            )
        return sorted({positions[id(item)] for item in found})

    def _evaluate(self, members: Sequence[dict[str, Any]]) -> Any:
        try:
            return _parse(self.expression).search(list(members))
        except TypeError:
            raise ValueProblem(
                f"{shown(self.expression)} compares values of different types; allowed: numbers in backticks, such as "
                "`10`, with numbers, and text in quotes with text",
                "bad-result",
                self.expression,
            ) from None
        except (jmespath_exceptions.JMESPathError, *_WRONG_VALUES) as error:
            said = f"{shown(self.expression)} cannot be evaluated: {printable(error)}"
            raise ValueProblem(said, "bad-result", self.expression) from None


def require_jmespath() -> None:
    """Raise `ValueProblem` if the library jmespath is not installed."""
    if not HAS_JMESPATH:
        raise ValueProblem(
            "the Python library jmespath is missing on the controller; install it for the Python that "
            "runs Ansible: pip install 'jmespath>=1.0'",
            "missing",
        )


@functools.lru_cache(maxsize=4096)
def compile_selector(expression: str) -> Selector:
    """Compile an expression, or raise `ValueProblem` with the position of the error."""
    if len(expression) > _LONGEST:
        raise ValueProblem(
            f"{shown(expression)} is not a JMESPath expression: it has {len(expression)} characters; allowed: "
            f"up to {_LONGEST}",
            "bad-expression",
            expression,
        )
    reader = _Reader()
    reader.read(_parse(expression).parsed, _MEMBERS)
    return Selector(expression, frozenset(reader.names), reader.reads_all)


def parsed(expression: str) -> Node:
    """The syntax tree of a valid expression, which is the same for all its spellings."""
    tree: Node = _parse(expression).parsed
    return tree


@functools.lru_cache(maxsize=4096)
def _parse(expression: str) -> Any:
    require_jmespath()
    try:
        with warnings.catch_warnings():
            # Pigsty's inventories write strings in backticks (`primary`), which JMESPath supports but deprecates.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            return jmespath.compile(expression)
    except jmespath_exceptions.EmptyExpressionError:
        raise ValueProblem(
            "'' is not a JMESPath expression; allowed: an expression such as \"[]\", which selects every member",
            "bad-expression",
            expression,
        ) from None
    except jmespath_exceptions.LexerError as error:
        raise _bad_expression(expression, error.lexer_position, error.message) from None
    except jmespath_exceptions.IncompleteExpressionError:
        raise _bad_expression(expression, len(expression), "the expression ends too early") from None
    except jmespath_exceptions.ParseError as error:
        raise _bad_expression(expression, error.lex_position, f"{error.token_value!r} is not expected there") from None
    except RecursionError:
        said = f"{shown(expression)} is not a JMESPath expression: it is nested too deeply"
        raise ValueProblem(said, "bad-expression", expression) from None
    except (jmespath_exceptions.JMESPathError, *_WRONG_VALUES) as error:
        said = f"{shown(expression)} is not a JMESPath expression: {printable(error)}"
        raise ValueProblem(said, "bad-expression", expression) from None


class _Reader:
    """Finds the variables of a member that a parsed expression refers to."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.reads_all = False

    def read(self, node: Node, scope: str) -> str:
        """Read ``node``, evaluated in ``scope``; return the scope of its value."""
        kind: str = node["type"]
        handler = getattr(self, f"_read_{kind}", None)
        if handler is not None:
            result: str = handler(node, scope)
            return result
        # How such a node uses a member is not analyzed, so the whole member is needed.
        results = [self.read(child, scope) for child in _children(node)]
        self.reads_all |= any(result != _OTHER for result in results)
        return _OTHER

    def _read_field(self, node: Node, scope: str) -> str:
        if scope == _MEMBER:
            self.names.add(node["value"])
        return _OTHER

    def _read_identity(self, node: Node, scope: str) -> str:
        return scope

    _read_current = _read_identity

    def _read_chain(self, node: Node, scope: str) -> str:
        for child in _children(node):
            scope = self.read(child, scope)
        return scope

    _read_subexpression = _read_chain
    _read_pipe = _read_chain
    _read_index_expression = _read_chain

    def _read_index(self, node: Node, scope: str) -> str:
        return _MEMBER if scope == _MEMBERS else _OTHER

    def _read_slice(self, node: Node, scope: str) -> str:
        return scope if scope == _MEMBERS else _OTHER

    def _read_flatten(self, node: Node, scope: str) -> str:
        return self.read(node["children"][0], scope)

    def _read_projection(self, node: Node, scope: str) -> str:
        left, right = node["children"][:2]
        each = _MEMBER if self.read(left, scope) == _MEMBERS else _OTHER
        return _MEMBERS if self.read(right, each) == _MEMBER else _OTHER

    def _read_filter_projection(self, node: Node, scope: str) -> str:
        left, right, condition = node["children"]
        each = _MEMBER if self.read(left, scope) == _MEMBERS else _OTHER
        self.read(condition, each)
        return _MEMBERS if self.read(right, each) == _MEMBER else _OTHER

    def _read_value_projection(self, node: Node, scope: str) -> str:
        left, right = node["children"]
        self.reads_all |= self.read(left, scope) == _MEMBER
        self.read(right, _OTHER)
        return _OTHER

    def _read_or_expression(self, node: Node, scope: str) -> str:
        results = {self.read(child, scope) for child in _children(node)}
        if len(results) == 1:
            return results.pop()
        self.reads_all = True
        return _OTHER

    _read_and_expression = _read_or_expression

    def _read_function_expression(self, node: Node, scope: str) -> str:
        # `&pg_seq` in sort_by(@, &pg_seq) is evaluated for each element of the other argument, the list.
        arguments = list(_children(node))
        results = [self.read(child, scope) for child in arguments if child["type"] != "expref"]
        inner = _MEMBER if _MEMBERS in results else _OTHER
        mapped = [self.read(child["children"][0], inner) for child in arguments if child["type"] == "expref"]
        name = node["value"]
        if _MEMBERS in results and name in _FUNCTIONS_OF_LISTS:
            self.reads_all |= _MEMBER in mapped
            return _FUNCTIONS_OF_LISTS[name]
        if name == "map":
            return _MEMBERS if _MEMBER in mapped else _OTHER
        self.reads_all |= name not in _FUNCTIONS_OF_LENGTH and any(result != _OTHER for result in [*results, *mapped])
        return _OTHER


def _children(node: Node) -> Iterator[Node]:
    return (child for child in node["children"] if isinstance(child, dict))


def _bad_expression(expression: str, position: int, reason: str) -> ValueProblem:
    hint = "; allowed: == compares" if reason == "Unknown token '='" else ""
    return ValueProblem(
        f"{shown(expression)} is not a JMESPath expression: {printable(reason)} (position {position + 1}){hint}",
        "bad-expression",
        expression,
    )


def _described(found: Any) -> str:
    if found is None:
        return "nothing (null)"
    if isinstance(found, list):
        other = next((item for item in found if not isinstance(item, dict)), None)
        return "values that are not members" if other is None else f"a list with {shown(other)} in it"
    return shown(found)

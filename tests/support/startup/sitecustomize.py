# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each Python that the tests start does first: it saves time that short processes spend on themselves.

Python keeps compiled modules beside their sources, but not those in a zip file, which is what Ansible sends to hosts;
and Ansible compiles those of a collection itself. The thousands of processes that the tests start would compile the
same sources again and again. Here their code is kept, and found by the hash of the source. The garbage collector, which
looks again and again at modules that stay until the end, runs less often.

Python imports this module when it starts, if PYTHONPATH holds the folder (library reference, module `site`);
tests/conftest.py sees to that.
"""

from __future__ import annotations

import builtins
import gc
import marshal
import os
import sys
from importlib.util import source_hash
from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FOLDER = os.path.join(__file__.rpartition("/tests/")[0], ".build", "compiled", str(sys.implementation.cache_tag))
_compile = builtins.compile


def _compile_once(
    source: Any,
    filename: Any,
    mode: str,
    flags: int = 0,
    dont_inherit: bool = False,
    optimize: int = -1,
    **options: Any,
) -> Any:
    """`compile`, which finds the code of a module that an earlier process has kept."""
    is_module = isinstance(source, (str, bytes)) and mode == "exec" and str(filename).endswith(".py")
    if not is_module or flags or not dont_inherit or optimize != -1:
        return _compile(source, filename, mode, flags, dont_inherit, optimize, **options)
    path = os.path.join(_FOLDER, source_hash(source.encode() if isinstance(source, str) else source).hex())
    kept = _read(path)
    if kept is None:
        kept = _compile(source, filename, mode, flags, dont_inherit, optimize, **options)
        _write(path, kept)
    return kept


def _read(path: str) -> CodeType | None:
    try:
        with open(path, "rb") as file:
            code = marshal.load(file)  # noqa: S302
    except (OSError, EOFError, ValueError):
        return None
    return code if isinstance(code, CodeType) else None


def _write(path: str, code: CodeType) -> None:
    """Write it whole or not at all. Another user, or one who may only read, keeps nothing."""
    try:
        os.makedirs(_FOLDER, exist_ok=True)
        with open(f"{path}.{os.getpid()}", "wb") as file:
            marshal.dump(code, file)
        os.replace(file.name, path)
    except OSError:
        pass


builtins.compile = _compile_once
gc.set_threshold(100_000)

# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Halves the time that a module needs to compile its sources on a load balancer.

Ansible sends a module and its imports as a zip file of sources, so each run compiles them again. `zipimport` compiles
each source twice: once in `find_spec`, to find its file name, and once to run it. `install` avoids the first.
"""

from __future__ import annotations

import sys
import zipimport
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pkgutil import get_importer
from typing import Optional

_PACKAGES = f"{__name__.rpartition('.')[0].rpartition('.')[0]}."


class CompileOnce:
    """Finds the modules of this collection when they are in a zip file, and leaves all others to Python."""

    def find_spec(self, name: str, path: Optional[Sequence[str]], target: object = None) -> Optional[ModuleSpec]:
        """The method of a finder in `sys.meta_path` (importlib.abc.MetaPathFinder)."""
        if path is None or not name.startswith(_PACKAGES):
            return None
        importer = get_importer(path[0])
        if not isinstance(importer, zipimport.zipimporter):
            return None
        try:
            package = importer.is_package(name)
        except zipimport.ZipImportError:
            return None
        return None if package else ModuleSpec(name, importer)  # type: ignore[arg-type]  # typeshed: not a Loader


def install() -> None:
    """Install the finder in this process if this module was loaded from a zip file."""
    if __spec__ is not None and isinstance(__spec__.loader, zipimport.zipimporter):
        sys.meta_path.insert(0, CompileOnce())

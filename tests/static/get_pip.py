# Copyright (c) 2026, pgsvc.access contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the bootstrap script that ansible-test would download from its own server.

ansible-test makes environments without pip and runs this file in them, as `get_pip [options] pip==1.2.3`.
The pip that comes with Python then installs the one that is asked for, from the folder of wheels that sanity.py makes.
"""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    packages = [argument for argument in sys.argv[1:] if argument not in {"--no-setuptools", "--no-wheel"}]
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *packages]))

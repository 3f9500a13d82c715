# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""A mark of a service's secrets, which changes with them. Pure.

A service reads its secret files when it starts, so another secret must recreate its container, and compose sees only
what is in its own file. Every account of the host can read the mark. So it is derived slowly (scrypt, RFC
7914, with the parameters for interactive use), and so short that thousands of secrets share it.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from .model import Service

COST, BLOCK, PARALLEL = 2**14, 8, 1
BYTES = 2  # one change in 65536 is not seen


def digests(listed: t.Any) -> dict[str, str]:
    """Return the mark of each service that has secret files, by name; the list is one that was judged already."""
    services = [one for one in listed if one.get("secret_files")] if isinstance(listed, list) else []
    return {str(one["name"]): _digest(str(one["name"]), one["secret_files"]) for one in services}


def of_registry(services: t.Iterable[Service], value: t.Callable[[str], t.Any]) -> dict[str, str]:
    """Return the same of the registry's services, whose secrets are the values of variables."""
    found = {
        one.name: {file.target: value(file.variable) for file in one.secret_files} for one in services if not one.own
    }
    return {name: _digest(name, files) for name, files in found.items() if files}


def _digest(name: str, files: t.Mapping[str, t.Any]) -> str:
    text = json.dumps({str(file): str(content) for file, content in files.items()}, sort_keys=True)
    return hashlib.scrypt(text.encode(), salt=name.encode(), n=COST, r=BLOCK, p=PARALLEL, dklen=BYTES).hex()

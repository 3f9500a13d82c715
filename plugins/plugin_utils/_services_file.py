# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Reads the data file that says what each service is."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._services import registry
from ansible_collections.household.mediaserver.plugins.module_utils._services.model import Registry

PATH = Path(__file__).resolve().parents[2] / "roles" / "mediaserver" / "files" / "services.yml"
# The C parser takes 2 ms for it, the other one 40.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.cache
def read() -> Registry:
    """Return the registry, read once in a process. Raises OSError, InvalidValue."""
    return registry.read(yaml.load(PATH.read_text(encoding="utf-8"), Loader=LOADER))

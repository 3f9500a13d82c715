# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Settings of dockerd, merged in layers. Pure."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from .._core.errors import InvalidValue

FILE = "/etc/docker/daemon.json"
DEFAULT_DRIVER = "json-file"

Settings = Mapping[str, t.Any]


def parse(text: str) -> dict[str, t.Any]:
    """Return the settings of daemon.json, none for an empty text. Raises InvalidValue that names the file."""
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise InvalidValue(f"{FILE} is not valid JSON ({error}); correct it, or move it away") from error
    if not isinstance(found, dict):
        # The content is not quoted: it may hold a secret.
        raise InvalidValue(f"{FILE} is not a JSON object; correct it, or move it away")
    return found


def merge(found: Settings, *wanted: Settings) -> dict[str, t.Any]:
    """Return all layers as one. A later layer wins; dictionaries are merged one level deep; lists are replaced.

    dockerd does not start with options of another log driver. A layer that names another driver than the one that
    wins therefore contributes no ``log-opts``.
    """
    named = [layer["log-driver"] for layer in (found, *wanted) if "log-driver" in layer]
    driver = named[-1] if named else DEFAULT_DRIVER
    # Options without a driver: in the file they are for Docker's default driver, in a wanted layer for the one that
    # wins.
    layers = [(found, found.get("log-driver", DEFAULT_DRIVER))]
    layers += [(layer, layer.get("log-driver", driver)) for layer in wanted]
    merged: dict[str, t.Any] = {}
    for layer, layer_driver in layers:
        for key, value in layer.items():
            if key == "log-opts" and layer_driver != driver:
                continue
            before = merged.get(key)
            if isinstance(value, Mapping) and isinstance(before, Mapping):
                merged[key] = {**before, **value}
            else:
                merged[key] = value
    return merged


def render(text: str, *layers: Settings) -> str:
    """Return the file's new text; the old text unchanged when it has all settings already. Raises InvalidValue."""
    found = parse(text)
    merged = merge(found, *layers)
    if merged == found and text.strip():
        return text
    return json.dumps(merged, indent=2, sort_keys=True) + "\n"

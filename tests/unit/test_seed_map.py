# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of the design that the project began from is lost by accident."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# The original is not part of the project; where it lies beside it, the map is held against it.
SEED = ROOT.parent / "shared" / "seed" / "design.md"
MAP: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((Path(__file__).parent / "seed_map.yml").read_text())
ENTRIES = {f"{part}: {key}": outcome for part, keys in MAP.items() for key, outcome in keys.items()}
# Keys of services that are still to come. It may only shrink: lower it with every key that is settled.
MAX_OPEN = 0
DEFECTS = range(1, 61)
SERVICES = {"jackett", "jellyfin", "upkeep"}


@cache
def variables() -> set[str]:
    return {
        name
        for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")
        for name in yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    }


@pytest.mark.parametrize("key", ENTRIES)
def test_every_key_has_one_outcome(key: str) -> None:
    ((kind, value),) = ENTRIES[key].items()
    known = {"variable": variables(), "defect": DEFECTS, "open": SERVICES}
    assert value in known[kind]


def test_open_keys_only_shrink() -> None:
    assert sum("open" in outcome for outcome in ENTRIES.values()) == MAX_OPEN


def seed_block(title: str) -> str:
    """The fenced block below a heading of the original."""
    return SEED.read_text(encoding="utf-8").split(title, 1)[1].split("```", 2)[1].split("\n", 1)[1]


def compose_keys(compose: dict[str, Any]) -> set[str]:
    keys = {key for key in compose if key not in ("services", "networks")}
    keys |= {f"networks.{name}" for name in compose["networks"]}
    for service, settings in compose["services"].items():
        for key, value in settings.items():
            if key in ("cap_add", "environment", "volumes", "ports", "sysctls", "devices"):
                keys |= {f"{service}.{key}.{item}" for item in map(lambda text, k=key: list_item(k, text), value)}
            else:
                keys.add(f"{service}.{key}")
    return keys


def list_item(kind: str, text: str) -> str:
    """What names an entry of a list: a variable, the container's side of a path or port."""
    if kind in ("environment", "sysctls"):
        return text.split("=", maxsplit=1)[0]
    if kind == "ports":
        return text.rsplit(":", 1)[-1].split("/", maxsplit=1)[0]
    if kind == "volumes":
        return re.sub(r":ro$", "", text).rsplit(":", 1)[-1]
    return text.split(":", maxsplit=1)[0]


@pytest.mark.skipif(not SEED.exists(), reason="the original design is not beside this checkout")
def test_no_key_of_the_original_is_missing() -> None:
    env = re.findall(r"^([A-Z_0-9]+)=", seed_block("### 3. Environment Configuration"), re.MULTILINE)
    settings = json.loads(
        re.sub(r"^//.*$", "", seed_block("### 5. Transmission Settings Override"), flags=re.MULTILINE)
    )
    section, wg0 = "", set()
    for line in seed_block("### 4. WireGuard Configuration").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line:
            wg0.add(f"{section}.{line.split('=')[0].strip()}")
    found = {
        "env": set(env),
        "compose": compose_keys(yaml.safe_load(seed_block("### 2. Docker Compose Configuration"))),
        "settings": set(settings),
        "wg0": wg0,
    }
    assert {part: set(keys) for part, keys in MAP.items()} == found

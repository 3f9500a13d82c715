# SPDX-License-Identifier: GPL-3.0-or-later
"""Households, and what the roles write for each of them, by Ansible's own templating.

The folder ``rendered`` holds the files of the first one, and how those of the others differ from them. After a change
that is meant to change them: ``tools/run python tests/unit/roles/rendered_households.py``.
"""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[3]
RENDERED = Path(__file__).resolve().parent / "rendered"
ROLES = ROOT / "roles"
sys.path.append(str(ROLES / "runtime" / "files" / "lib"))

from mediaserver.tunnel import configuration as tunnel  # noqa: E402  (of the host package, which is no part of the collection)

ORDER = (
    "mediaserver",
    "preflight",
    "host",
    "storage",
    "docker",
    "runtime",
    "gateway",
    "stack",
    "transmission",
    "jackett",
    "jellyfin",
    "upkeep",
)
KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
FACTS: dict[str, Any] = {
    "os": {}, "gpu": {"devices": [], "gids": []}, "memory_cgroup": False, "wireguard_module": True, "existing": [],
}  # fmt: skip
PI4 = {"gpu": {"devices": ["/dev/dri/renderD128", "/dev/video11"], "gids": [44, 992]}}
GIVEN: dict[str, Any] = {
    "inventory_hostname": "livingroom",
    "gateway_addresses": ["10.2.0.2/32"],
    "gateway_dns": ["10.2.0.1"],
    "gateway_endpoints": [{"host": "203.0.113.7", "port": 51820, "public_key": KEY}],
}
ALL = ("vpn", "wireguard", "transmission", "jackett", "jellyfin")
# The facts and the variables in which each household differs from the first one.
HOUSEHOLDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {}),
    "without-jellyfin": ({}, {"stack_services": list(ALL[:-1])}),
    "without-jackett": ({}, {"stack_services": [name for name in ALL if name != "jackett"]}),
    "without-transmission": ({}, {"stack_services": [name for name in ALL if name != "transmission"]}),
    "own-services": (
        {},
        {
            "mediaserver_extra_services": [
                {"name": "sonarr", "image": "owner/sonarr:4", "port": 8989, "published_port": 8989},
                {"name": "bazarr", "image": "owner/bazarr:1", "namespace": "lan", "port": 6767, "published_port": 6767},
            ]
        },
    ),
    "https": ({}, {"jellyfin_https_port": 8920, "jellyfin_published_url": "https://films.example.org"}),
    "gpu": (PI4, {"host_transcoding": "auto"}),
    "memory": ({"memory_cgroup": True}, {"stack_memory_limits": {"transmission": "2g", "jellyfin": "3g"}}),
    "memory-by-default": ({"memory_cgroup": True}, {}),
    "userspace": ({"wireguard_module": False}, {}),
    "ipv6": ({}, {"mediaserver_ipv6": True, "gateway_addresses": ["10.2.0.2/32", "fd00::2/128"]}),
    "ways": (
        {"memory_cgroup": True},
        {
            "mediaserver_extra_services": [
                {
                    **{"name": "inside", "image": "household/inside:1", "port": 6800, "published_port": 16800},
                    **{"reaches": {"outside": 8080, "jellyfin": 8096}, "secret_files": {"key": "the secret of inside"}},
                    **{"healthcheck": {"test": "true"}, "memory": "256m", "capabilities": ["CHOWN"]},
                },
                {
                    **{"name": "outside", "image": "household/outside:1", "namespace": "lan", "port": 8080},
                    **{"published_port": 18080, "reaches": {"inside": 6800, "transmission": 9091}},
                },
            ]
        },
    ),
    "autoheal": ({}, {"stack_services": [*ALL, "autoheal"]}),
    "watchtower": (
        {"memory_cgroup": True},
        {
            "stack_services": [*ALL, "autoheal", "watchtower"],
            "upkeep_autoheal_webhook_url": "https://hooks.example.org/secret-part",
            "upkeep_watchtower_mode": "update",
            "upkeep_watchtower_notification_url": "smtp://user:secret-part@mail.example.org:587/?to=x@example.org",
            "mediaserver_extra_services": [
                {
                    "name": "sonarr",
                    "image": "owner/sonarr:4",
                    "restart_when_unhealthy": True,
                    "healthcheck": {"test": "x"},
                }
            ],
        },
    ),
    "own-service-alone": ({}, {"mediaserver_extra_services": [{"name": "alone", "image": "household/alone:1"}]}),
    "other-places": (
        {},
        {
            "mediaserver_ports": {"transmission": 19091, "jackett": 19117, "jellyfin": 18096},
            "mediaserver_bind_address": "192.168.1.5",
            "mediaserver_root": "/srv/house",
            "mediaserver_data": "/srv/disk2",
            "mediaserver_uid": 3000,
            "jellyfin_cache": "/srv/cache-2",
            "gateway_subnet": "10.99.0.0/24",
            "gateway_holder_image": "holder:1",
        },
    ),
}


def variables(facts: dict[str, Any], given: dict[str, Any], role: str = "stack") -> dict[str, Any]:
    """Everything that a task of a role knows in a run of site.yml."""
    known: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        for name in ORDER:
            file = ROLES / name / part / "main.yml"
            if file.exists():
                known |= DataLoader().load_from_file(str(file), trusted_as_template=True)
    places = {"role_path": str(ROLES / role), "ansible_search_path": [str(ROLES / role)]}
    return {**known, **GIVEN, "ansible_facts": {"mediaserver_host": {**FACTS, **facts}}, **places, **given}


def value(expression: str, facts: dict[str, Any] | None = None, role: str = "stack", **given: Any) -> Any:
    """An expression as a task of a role would read it."""
    templar = Templar(DataLoader(), variables=variables(facts or {}, given, role))
    return templar.template(trust_as_template(f"{{{{ {expression} }}}}"))


def content(name: str, facts: dict[str, Any] | None = None, **given: Any) -> str:
    """The text that the role stack gives to a file below mediaserver_root."""
    tasks = DataLoader().load_from_file(str(ROLES / "stack" / "tasks" / "install.yml"), trusted_as_template=True)
    entries = [task.get("household.mediaserver.file_tree", {}).get("entries") for task in tasks]
    entries += [task.get("vars", {}).get("__stack_base") for task in tasks]
    known = [entry for part in entries if isinstance(part, list) for entry in part if isinstance(entry, dict)]
    (text,) = [entry["content"] for entry in known if entry["path"] == f"{{{{ mediaserver_root }}}}/{name}"]
    return str(Templar(DataLoader(), variables=variables(facts or {}, given)).template(text))


def rendered(name: str) -> dict[str, str]:
    """Each file of a household whose bytes matter, by a short name."""
    facts, given = HOUSEHOLDS[name]
    configured = value("dict(__gateway_secrets).values() | first", facts, "gateway", **given)
    settings = tunnel.Settings.from_json(str(configured))
    state = tunnel.next_state(settings, tunnel.State("", {}), lambda host: None)
    return {
        # A start-up script may change without this file; test_services_project.py holds the digests.
        "compose": re.sub(r'"[0-9a-f]{64}"', '"<digest>"', content("compose.yml", facts, **given)),
        "env": content(".env", facts, **given),
        "outer": tunnel.outer_table(settings, state),
        "inner": tunnel.inner_table(settings, state),
    }


def recorded() -> dict[str, str]:
    """What the folder ``rendered`` should hold, by file name."""
    first, *others = HOUSEHOLDS
    base = rendered(first)
    texts = {f"{first}.{file}": text for file, text in base.items()}
    for name in others:
        lines: list[str] = []
        for file, text in rendered(name).items():
            lines += difflib.unified_diff(base[file].splitlines(), text.splitlines(), file, file, n=0, lineterm="")
        texts[f"{name}.diff"] = "".join(f"{line}\n" for line in lines)
    return texts


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    import conftest  # noqa: F401  (it makes the collection's plugins known)

    for file, text in recorded().items():
        (RENDERED / file).write_text(text, encoding="utf-8")

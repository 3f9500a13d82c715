# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the contract's tests: the household's variables, its containers, and its nft tables."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2.exceptions
import jinja2.nativetypes
import yaml

ROOT = Path(__file__).resolve().parents[2]
OUTER = "inet mediaserver_barrier"
INNER = "inet mediaserver_inner"
PROJECT = "mediaserver"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"


def name_of(service: str) -> str:
    """Return the name that compose gives to a service's container. Use it in commands only; see ``Containers``."""
    return f"{PROJECT}-{service}-1"


class Household(dict[str, Any]):
    """The variables of a household: the roles' defaults and the inventory, with templates rendered."""

    @property
    def services(self) -> list[str]:
        """The services of the stack: those of ``stack_services``, and the household's own."""
        return [*self["stack_services"], *(one["name"] for one in self["mediaserver_extra_services"])]


def read_household(inventory: str, name: str) -> Household:
    """Read the variables of a host, or of a group's first host, with Ansible. Raises RuntimeError when it fails."""
    ask = ["ansible", "--inventory", inventory, name, "--module-name", "ansible.builtin.debug"]
    settings = {
        **os.environ,
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    process = subprocess.run(
        [*ask, "--args", "msg={{ hostvars[inventory_hostname] }}"],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answers = json.loads(process.stdout[process.stdout.index("{") :])["plays"][0]["tasks"][0]["hosts"]
        return with_defaults(next(iter(answers.values()))["msg"])
    except (ValueError, LookupError, StopIteration) as error:
        raise RuntimeError(f"Ansible has no host {name} in {inventory}: {process.stdout}{process.stderr}") from error


def with_defaults(inventory: dict[str, Any]) -> Household:
    """Add the roles' defaults. Templates with Ansible's own filters are not rendered; no test uses them."""
    values: dict[str, Any] = {}
    for path in sorted(ROOT.glob("roles/*/defaults/main.yml")):
        values |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    # A household may set the port of one service only.
    ports = values["mediaserver_ports"] | inventory.get("mediaserver_ports", {})
    values |= {"stack_services": default_services(), **inventory, "mediaserver_ports": ports}
    environment = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    return Household({name: _resolve(environment, value, values) for name, value in values.items()})


def default_services() -> list[str]:
    """Return the collection's services that are in the stack by default."""
    known = yaml.safe_load((ROOT / "roles/mediaserver/files/services.yml").read_text(encoding="utf-8"))["services"]
    return [name for name, fields in known.items() if not fields.get("optional")]


def _resolve(environment: jinja2.Environment, value: Any, values: dict[str, Any]) -> Any:
    for _round in range(5):  # a template may render to a template
        if isinstance(value, dict):
            return {key: _resolve(environment, item, values) for key, item in value.items()}
        if isinstance(value, list):
            return [_resolve(environment, item, values) for item in value]
        if not isinstance(value, str) or "{{" not in value:
            return value
        try:
            value = environment.from_string(value).render(values)
        except jinja2.exceptions.TemplateError:
            return value
    return value


@dataclass(frozen=True)
class Containers:
    """The output of ``docker inspect`` for the project's containers, by service; ``text`` is for all containers."""

    by_service: dict[str, dict[str, Any]]
    text: str

    @classmethod
    def read(cls, host: Any) -> Containers:
        text = host.check_output("docker ps --all --quiet | xargs --no-run-if-empty docker inspect")
        found = json.loads(text or "[]")
        labelled = [(container["Config"]["Labels"] or {}, container) for container in found]
        own = {
            labels[SERVICE_LABEL]: container
            for labels, container in labelled
            if labels.get(PROJECT_LABEL) == PROJECT and labels.get(ONE_OFF_LABEL) != "True"
        }
        return cls(own, text)

    def __getitem__(self, service: str) -> dict[str, Any]:
        assert service in self.by_service, f"no container of service {service}, only {sorted(self.by_service)}"
        return self.by_service[service]

    def namespace(self, service: str) -> str:
        """Return a command prefix that runs a program of the host in the container's network namespace."""
        pid = self[service]["State"]["Pid"]
        assert pid, f"service {service} does not run"
        return f"nsenter --net=/proc/{pid}/ns/net"


def nft(host: Any, table: str, prefix: str = "") -> list[dict[str, Any]]:
    """Return the objects of an nft table from nft's JSON. Raises AssertionError when it is not loaded."""
    listing = host.run(f"{prefix} nft --json list table {table}")
    assert listing.rc == 0, f"table {table} is not loaded: {listing.stderr}"
    objects: list[dict[str, Any]] = json.loads(listing.stdout)["nftables"]
    return objects


def chains(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the base chains by hook."""
    found = (item["chain"] for item in objects if "chain" in item)
    return {chain["hook"]: chain for chain in found if "hook" in chain}


def rules(objects: list[dict[str, Any]], chain: str) -> list[dict[str, Any]]:
    return [item["rule"] for item in objects if item.get("rule", {}).get("chain") == chain]

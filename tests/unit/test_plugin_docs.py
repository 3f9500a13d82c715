# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-doc shows of our plugins is complete and true."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "household.mediaserver"
PACKAGE = "ansible_collections.household.mediaserver.plugins"
NAMES = {
    kind: sorted(path.stem for path in (ROOT / "plugins" / folder).glob("*.py") if not path.stem.startswith("_"))
    for kind, folder in {"module": "modules", "filter": "filter", "lookup": "lookup"}.items()
}
PLUGINS = [(kind, name) for kind, names in NAMES.items() for name in names]
IDS = [f"{kind} {name}" for kind, name in PLUGINS]
ATTRIBUTES = {"check_mode", "diff_mode", "idempotent"}
TYPES = {"bool": bool, "dict": dict, "int": int, "list": list, "str": str}
COMPARED = ("type", "required", "elements", "choices", "default")
KEYWORDS = {*Task.fattributes, "loop"} - {"action", "args"}


class SpecSeenError(Exception):
    """Ends a module's main() with the argument spec that it gave."""


@pytest.fixture(scope="module")
def documentation() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for kind, names in NAMES.items():
        full_names = [f"{COLLECTION}.{name}" for name in names]
        command = [sys.executable, "-m", "ansible", "doc", "--json", "--type", kind, *full_names]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found |= {(kind, name.rpartition(".")[2]): shown for name, shown in json.loads(done.stdout).items()}
    assert sorted(found) == sorted(PLUGINS)
    return found


def spec_of(name: str) -> dict[str, Any]:
    """Return the argument spec that the module hands to AnsibleModule."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")

    def seen(*_arguments: Any, argument_spec: dict[str, Any], **_options: Any) -> None:
        raise SpecSeenError(argument_spec)

    with patch.object(module, "AnsibleModule", seen), pytest.raises(SpecSeenError) as caught:
        module.main()
    spec: dict[str, Any] = caught.value.args[0]
    return spec


def normal(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared parts of an option, documented or specified, in one form."""
    parts = {name: option.get(name) for name in COMPARED}
    parts["type"] = parts["type"] or "str"
    parts["required"] = bool(parts["required"])
    parts["choices"] = sorted(parts["choices"] or [], key=str)
    return parts


def flat(options: Mapping[str, Any], inner: str, above: str = "") -> dict[str, dict[str, Any]]:
    """Return all options with those inside others, by path."""
    found = {}
    for name, option in options.items():
        found[f"{above}{name}"] = option
        found |= flat(option.get(inner) or {}, inner, f"{above}{name}.")
    return found


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in values.items():
        if value.get("contains"):
            yield from leaves(value["contains"], f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def examples(shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    tasks = yaml.safe_load(shown["examples"])
    assert isinstance(tasks, list)
    assert tasks != []
    return tasks


def action(task: Mapping[str, Any]) -> tuple[str, Any]:
    ((name, arguments),) = [item for item in task.items() if item[0] not in KEYWORDS]
    return name, arguments


def wrong_arguments(given: Mapping[str, Any], spec: Mapping[str, Any], above: str = "") -> list[str]:
    """Return the options that do not exist, and the missing ones that are needed."""
    wrong = [f"{above}{name} does not exist" for name in set(given) - set(spec)]
    wrong += [
        f"{above}{name} is missing" for name, option in spec.items() if option.get("required") and name not in given
    ]
    for name, value in given.items():
        inner = spec.get(name, {}).get("options")
        for item in value if isinstance(value, list) else [value]:
            if inner and isinstance(item, dict):
                wrong += wrong_arguments(item, inner, f"{above}{name}.")
    return wrong


@pytest.mark.parametrize(("kind", "name"), PLUGINS, ids=IDS)
def test_every_option_has_type_and_description(documentation: dict[Any, Any], kind: str, name: str) -> None:
    options = flat(documentation[kind, name]["doc"].get("options", {}), "suboptions")
    assert [path for path, option in options.items() if not (option.get("type") and option.get("description"))] == []
    lists = {path: option for path, option in options.items() if option["type"] == "list"}
    assert [path for path, option in lists.items() if not option.get("elements")] == []


@pytest.mark.parametrize(("kind", "name"), PLUGINS, ids=IDS)
def test_every_returned_value_has_a_sample(documentation: dict[Any, Any], kind: str, name: str) -> None:
    returned = dict(leaves(documentation[kind, name]["return"] or {}))
    assert kind == "module" or list(returned) != []
    needed = {"description", "type", "sample"} | ({"returned"} if kind == "module" else set())
    assert {path: needed - set(value) for path, value in returned.items() if needed - set(value)} == {}
    assert {
        path: value["sample"]
        for path, value in returned.items()
        if not isinstance(value["sample"], TYPES[value["type"]])
    } == {}


@pytest.mark.parametrize("name", NAMES["module"])
def test_every_module_says_what_it_supports(documentation: dict[Any, Any], name: str) -> None:
    attributes = documentation["module", name]["doc"]["attributes"]
    assert set(attributes) >= ATTRIBUTES
    for attribute, said in attributes.items():
        assert said["description"], attribute
        assert said["support"] in ("full", "partial", "none", "N/A"), attribute
        assert said["support"] != "partial" or said.get("details"), attribute


@pytest.mark.parametrize("name", NAMES["module"])
def test_every_module_names_its_action_groups(documentation: dict[Any, Any], name: str) -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    expected = [f"{COLLECTION}.{group}" for group, members in groups.items() if name in members]
    assert documentation["module", name]["doc"]["attributes"]["action_group"]["membership"] == expected


@pytest.mark.parametrize("name", NAMES["module"])
def test_documented_options_are_those_of_the_spec(documentation: dict[Any, Any], name: str) -> None:
    documented = flat(documentation["module", name]["doc"].get("options", {}), "suboptions")
    specified = flat(spec_of(name), "options")
    assert {path: normal(option) for path, option in documented.items()} == {
        path: normal(option) for path, option in specified.items()
    }


@pytest.mark.parametrize("name", NAMES["module"])
def test_examples_of_modules_use_options_that_exist(documentation: dict[Any, Any], name: str) -> None:
    tasks = examples(documentation["module", name])
    used = [action(task) for task in tasks]
    ours = [arguments for module, arguments in used if module == f"{COLLECTION}.{name}"]
    assert ours != []
    assert {
        arguments: wrong
        for arguments in map(json.dumps, ours)
        if (wrong := wrong_arguments(json.loads(arguments), spec_of(name)))
    } == {}
    assert [task for task in tasks if not task.get("name")] == []
    assert [module for module, _arguments in used if module.count(".") < 2] == []


@pytest.mark.parametrize("name", NAMES["filter"])
def test_documented_arguments_of_filters_are_those_of_the_function(documentation: dict[Any, Any], name: str) -> None:
    shown = documentation["filter", name]["doc"]
    plugin = importlib.import_module(f"{PACKAGE}.filter.{name}")
    first, *others = inspect.signature(plugin.FilterModule().filters()[name]).parameters.values()
    options = dict(shown["options"])
    assert (options.pop("_input")["required"], first.default) == (True, inspect.Parameter.empty)
    required = {parameter.name: parameter.default is inspect.Parameter.empty for parameter in others}
    assert {option: bool(said.get("required")) for option, said in options.items()} == required
    defaults = {parameter.name: parameter.default for parameter in others if not required[parameter.name]}
    # An empty sequence or mapping stands for the empty list or dictionary.
    assert {option: said["default"] or None for option, said in options.items() if not required[option]} == {
        option: default or None for option, default in defaults.items()
    }
    positional = [part for part in (shown.get("positional") or "").replace(" ", "").split(",") if part]
    assert positional == [parameter.name for parameter in others][: len(positional)]


# Alice's and Bob's of RFC 7748, section 6.1.
KEY = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
SERVER = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
VARIABLES: dict[str, Any] = {
    "gateway_private_key": KEY,
    "gateway_provider_config": (
        f"[Interface]\nPrivateKey = {KEY}\nAddress = 10.66.0.2/32\nDNS = 10.66.0.1\n"
        f"[Peer]\nPublicKey = {SERVER}\nAllowedIPs = 0.0.0.0/0\nEndpoint = 198.18.0.20:51820\n"
    ),
    "gateway_endpoints": [{"host": "198.18.0.20", "port": 51820, "public_key": SERVER}],
    "ansible_facts": {"mediaserver_host": {"os": {"id": "debian", "version_id": "12", "codename": "bookworm"}}},
    "settings": {},
    "given": {"stack_services": []},
    "values": {
        **dict.fromkeys(("mediaserver_timezone", "mediaserver_media", "mediaserver_downloads"), "x"),
        **dict.fromkeys(("mediaserver_uid", "mediaserver_gid", "mediaserver_bind_address"), 1),
        **{"mediaserver_root": "/x", "mediaserver_data": "/y", "gateway_subnet": "172.31.254.0/24"},
    },
    "entrypoints": [],
}
# What the first example of a filter gives, where it is not the documented sample.
GIVES: dict[str, Any] = {
    "gateway_endpoints_config": ["198.18.0.20"],
    "wireguard_config": ["198.18.0.20"],
    "services": [9091],
    "compose_project": "# Managed by household.mediaserver. Nothing in this file is secret.\nCOMPOSE_PROJECT_NAME="
    "mediaserver\nTZ=x\nPUID=1\nPGID=1\nMEDIA_PATH=x\nDOWNLOAD_PATH=x\nBIND_ADDRESS=1\n",
}


@pytest.mark.parametrize("name", NAMES["filter"])
def test_examples_of_filters_give_what_is_documented(documentation: dict[Any, Any], name: str) -> None:
    shown = documentation["filter", name]
    ((module, arguments),) = [action(task) for task in examples(shown)]
    assert module == "ansible.builtin.debug"
    templar = Templar(loader=DataLoader(), variables=VARIABLES)
    expected = GIVES[name] if name in GIVES else shown["return"]["_value"]["sample"]
    assert templar.template(trust_as_template(arguments["msg"])) == expected


def test_the_example_of_the_lookup_gives_entries_for_file_tree(documentation: dict[Any, Any]) -> None:
    shown = documentation["lookup", "folder_entries"]
    ((module, arguments),) = [action(task) for task in examples(shown)]
    assert module == f"{COLLECTION}.file_tree"
    loader = DataLoader()
    loader.set_basedir(str(ROOT / "roles" / "runtime"))
    templar = Templar(loader=loader, variables={"ansible_search_path": [str(ROOT / "roles" / "runtime")]})
    given = {**arguments, "entries": templar.template(trust_as_template(arguments["entries"]))}
    assert wrong_arguments(given, spec_of("file_tree")) == []
    assert given["entries"][:1] == shown["return"]["_raw"]["sample"][0]
    assert {entry["path"] for entry in given["entries"][1:]} == {
        f"/opt/mediaserver/scripts/{path.name}" for path in (ROOT / "roles/runtime/files/scripts").iterdir()
    }

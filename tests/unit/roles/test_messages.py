# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to a household name variables of the roles, not options of modules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._jackett import model as jackett
from ansible_collections.household.mediaserver.plugins.module_utils._transmission import model as transmission

ROOT = Path(__file__).resolve().parents[3]
VARIABLES = {
    name
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")
    for name in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
}
# Options that allow what a module refuses by default.
SWITCH = re.compile(r"\b(?:\w+_)?allow_(?:unknown|removal|type_change)\b")
NOT_CODE = re.compile(r'^\s*(?:raise InvalidValue\()?f?"(.*)"[,)]*$')


def told(model: Any, settings: dict[str, Any]) -> str:
    with pytest.raises(InvalidValue) as caught:
        model.read_wanted(settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "settings", "text"),
    [
        (
            transmission,
            {"ratio-limt": 1},
            "ratio-limt is no setting of Transmission 3.00 to 4.1; is ratio-limit meant?",
        ),
        (jackett, {"CacheTtll": 1}, "CacheTtll is not a field of Jackett's ServerConfig.json; is CacheTtl meant?"),
        (
            transmission,
            {"rpc-username": "x"},
            "rpc-username belongs into transmission_user, which is kept out of all logs",
        ),
    ],
)
def test_names_no_option_that_no_role_has(model: Any, settings: dict[str, Any], text: str) -> None:
    assert told(model, settings) == text


def test_every_option_in_a_message_is_a_variable_as_well() -> None:
    lines = [
        (path.name, match.group(1))
        for path in sorted((ROOT / "plugins" / "module_utils").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if (match := NOT_CODE.match(line)) and SWITCH.search(match.group(1))
    ]
    assert lines, "no message names a switch any more; is it looked for in the right place?"
    assert [one for one in lines if not VARIABLES & set(SWITCH.findall(one[1]))] == []

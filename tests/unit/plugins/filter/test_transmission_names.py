# SPDX-License-Identifier: GPL-3.0-or-later
"""Any name of a setting overrides the default of the role transmission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.household.mediaserver.plugins.filter.transmission_names import transmission_names
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.model import read_wanted
from ansible_collections.household.mediaserver.plugins.module_utils._transmission.table import SETTINGS, TABLE

ROLES = Path(__file__).resolve().parents[4] / "roles"
SPELLINGS = [(setting.name, spelling) for setting in SETTINGS for spelling in setting.spellings]


def role(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the role passes to the module."""
    known: dict[str, Any] = {"inventory_hostname": "livingroom"}
    for file in ("mediaserver/defaults", "mediaserver/vars", "transmission/defaults", "transmission/vars"):
        known |= DataLoader().load_from_file(str(ROLES / f"{file}/main.yml"), trusted_as_template=True)
    templar = Templar(loader=DataLoader(), variables={**known, "transmission_settings": wanted})
    found: dict[str, Any] = templar.template(trust_as_template("{{ __transmission_wanted_settings }}"))
    return found


@pytest.mark.parametrize(("name", "spelling"), SPELLINGS)
def test_every_spelling_is_renamed_to_the_setting(name: str, spelling: str) -> None:
    assert transmission_names({spelling: 1}) == {name: 1}


@pytest.mark.parametrize(
    ("spelling", "value"),
    [("cache-size-mb", 3), ("cache_size_mb", 3), ("cache_size_mib", 3), ("seedRatioLimit", 3), ("seed_ratio_limit", 3)],
)
def test_any_spelling_overrides_the_roles_default(spelling: str, value: int) -> None:
    (name,) = transmission_names({spelling: value})
    base = role({})
    assert base[name] != value, "the control"
    assert role({spelling: value}) == {**base, name: value}
    assert read_wanted(role({spelling: value}))[name] == value


def test_null_is_not_managed() -> None:
    assert "speed-limit-up" not in read_wanted(role({"speed_limit_up": None}))


def test_unknown_name_is_kept() -> None:
    assert transmission_names({"x_y": 1}) == {"x_y": 1}
    assert "x_y" not in TABLE


@pytest.mark.parametrize("wrong", [{"speed-limit-up": 1, "speed_limit_up": 2}, ["speed-limit-up"], None])
def test_invalid_settings_are_rejected(wrong: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^transmission_names: "):
        transmission_names(wrong)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Any of a setting's names overrides what the role transmission starts from."""

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
    """What the role hands to the module."""
    known: dict[str, Any] = {"inventory_hostname": "livingroom"}
    for file in ("mediaserver/defaults", "mediaserver/vars", "transmission/defaults", "transmission/vars"):
        known |= DataLoader().load_from_file(str(ROLES / f"{file}/main.yml"), trusted_as_template=True)
    templar = Templar(loader=DataLoader(), variables={**known, "transmission_settings": wanted})
    found: dict[str, Any] = templar.template(trust_as_template("{{ __transmission_wanted_settings }}"))
    return found


@pytest.mark.parametrize(("name", "spelling"), SPELLINGS)
def test_every_spelling_is_the_setting(name: str, spelling: str) -> None:
    assert transmission_names({spelling: 1}) == {name: 1}


@pytest.mark.parametrize(
    ("spelling", "value"),
    [("cache-size-mb", 3), ("cache_size_mb", 3), ("cache_size_mib", 3), ("seedRatioLimit", 3), ("seed_ratio_limit", 3)],
)
def test_it_overrides_the_role_s_own_value(spelling: str, value: int) -> None:
    (name,) = transmission_names({spelling: value})
    base = role({})
    assert base[name] != value, "the control"
    assert role({spelling: value}) == {**base, name: value}
    assert read_wanted(role({spelling: value}))[name] == value


def test_null_is_left_to_transmission() -> None:
    assert "speed-limit-up" not in read_wanted(role({"speed_limit_up": None}))


def test_what_is_no_name_stays() -> None:
    assert transmission_names({"x_y": 1}) == {"x_y": 1}
    assert "x_y" not in TABLE


@pytest.mark.parametrize("wrong", [{"speed-limit-up": 1, "speed_limit_up": 2}, ["speed-limit-up"], None])
def test_what_cannot_be_is_refused(wrong: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^transmission_names: "):
        transmission_names(wrong)

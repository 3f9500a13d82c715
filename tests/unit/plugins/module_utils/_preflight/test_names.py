# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._preflight.names import check_names

NAMES = ["mediaserver_lan", "jellyfin_libraries", "jellyfin_library_options", "transmission_settings"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("jellyfin_libary_options", "jellyfin_library_options"),
        ("jelyfin_libraries", "jellyfin_libraries"),
        ("mediaserver_lans", "mediaserver_lan"),
        ("transmission_setting", "transmission_settings"),
    ],
)
def test_misspelled_variable_is_a_warning(name: str, meant: str) -> None:
    (found,) = check_names({}, {"preflight_names": NAMES, "preflight_other_names": [name]})
    assert (found["level"], found["variable"]) == ("warning", name)
    assert meant in found["remedy"]


@pytest.mark.parametrize("name", ["provider_file", "inventory_dir", "docker_users", "jellyfin_theme", "group_names"])
def test_other_variables_are_not_reported(name: str) -> None:
    assert not list(check_names({}, {"preflight_names": NAMES, "preflight_other_names": [name]}))


def test_nothing_is_reported_without_names() -> None:
    assert not list(check_names({}, {}))

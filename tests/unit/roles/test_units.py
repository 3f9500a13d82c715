# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units are measured, also where a variable is wrong: preflight names it only after the measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
OTHERS = {"docker.service", "systemd-journald.service", "mediaserver-barrier.service", "mediaserver.service"}


def units(data: Any) -> dict[str, list[str]]:
    known = DataLoader().load_from_file(str(ROLES / "mediaserver/vars/main.yml"), trusted_as_template=True)
    templar = Templar(DataLoader(), variables={**known, "mediaserver_data": data})
    return dict(templar.template(trust_as_template("{{ __mediaserver_unit_files }}")))


def test_the_mount_of_the_data_is_measured_with_its_file() -> None:
    found = units("/mnt/media-disk")
    assert set(found) == OTHERS | {r"mnt-media\x2ddisk.mount"}
    assert found[r"mnt-media\x2ddisk.mount"] == [r"/etc/systemd/system/mnt-media\x2ddisk.mount"]


@pytest.mark.parametrize("data", ["~/media", "mnt", "", None, 7])
def test_data_at_no_absolute_path_do_not_end_the_measurement(data: Any) -> None:
    assert set(units(data)) == OTHERS

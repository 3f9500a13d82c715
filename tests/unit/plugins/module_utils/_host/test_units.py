# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that were started before their files changed, after an interrupted run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._host.reader import Reader
from ansible_collections.household.mediaserver.plugins.module_utils._host.units import measure_units

FILE = "/etc/docker/daemon.json"


def show_output(
    state: str, since_us: int | str, needs_reload: str = "no", name: str = "docker.service", file_state: str = "enabled"
) -> str:
    return (
        f"Id={name}\nActiveState={state}\nUnitFileState={file_state}\nNeedDaemonReload={needs_reload}\n"
        f"ActiveEnterTimestampMonotonic={since_us}\n"
    )


class Host(Reader):
    """A host 1,000 seconds after its boot."""

    def __init__(self, output: str, ages: dict[str, float], *, systemd: bool = True) -> None:
        super().__init__(lambda *_a, **_o: (0, "", ""))
        self.output, self.ages, self.systemd = output, ages, systemd
        self.asked: list[list[str]] = []

    def exists(self, path: str) -> bool:
        return path == "/run/systemd/system" and self.systemd

    def run(self, command: list[str]) -> str:
        self.asked.append(command)
        return self.output

    def age(self, path: str) -> float | None:
        return self.ages.get(path)

    def monotonic(self) -> float:
        return 1000.0


CASES: dict[str, tuple[str, dict[str, float], bool]] = {
    "file written after the start": (show_output("active", 900_000_000), {FILE: 50.0}, True),
    "file written before the start": (show_output("active", 900_000_000), {FILE: 150.0}, False),
    "file written before the boot": (show_output("active", 10_000_000), {FILE: 86_400.0}, False),
    "no such file": (show_output("active", 900_000_000), {}, False),
    "not running": (show_output("inactive", 900_000_000), {FILE: 50.0}, False),
    "never started": (show_output("active", 0), {FILE: 50.0}, False),
    "no number": (show_output("active", ""), {FILE: 50.0}, False),
}


@pytest.mark.parametrize(("output", "ages", "outdated"), CASES.values(), ids=CASES.keys())
def test_unit_is_outdated_when_its_file_is_newer(output: str, ages: dict[str, float], outdated: bool) -> None:
    found = measure_units(Host(output, ages), {"docker.service": [FILE]})
    started = "ActiveState=active" in output
    expected = {"started": started, "enabled": True, "needs_reload": False, "outdated": outdated}
    assert found == {"docker.service": expected}


def test_all_units_are_read_with_one_command() -> None:
    output = "\n".join([show_output("active", 1), show_output("inactive", 0, "yes", "mediaserver.service", "disabled")])
    host = Host(output, {FILE: 5.0})
    found = measure_units(host, {"docker.service": [FILE], "mediaserver.service": []})
    assert found == {
        "docker.service": {"started": True, "enabled": True, "needs_reload": False, "outdated": True},
        "mediaserver.service": {"started": False, "enabled": False, "needs_reload": True, "outdated": False},
    }
    assert len(host.asked) == 1


@pytest.mark.parametrize("host", [Host("", {}, systemd=False), Host("", {})], ids=["no systemd", "no answer"])
def test_no_unit_is_reported_without_systemctl_output(host: Any) -> None:
    assert measure_units(host, {"docker.service": [FILE]}) == {}

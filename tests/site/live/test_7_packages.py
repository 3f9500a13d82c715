# SPDX-License-Identifier: GPL-3.0-or-later
"""Interrupted package installations, and missing or outdated package lists: a run completes them."""

from __future__ import annotations

from typing import Any

import playbook
import pytest

pytestmark = pytest.mark.faults

STATUS = "dpkg-query --show --showformat '${db:Status-Abbrev}' %s"
# Kills dpkg during an installation, once, as in a power cut.
POSTINST = "#!/bin/sh\n[ -e /var/tmp/cut ] || { touch /var/tmp/cut; kill -KILL $PPID; sleep 1; }\n"
CONTROL = "Package: cut-off\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.org>\\nDescription: cut off\\n"
CUT = f"""set -e
rm -rf /var/tmp/cut /var/tmp/deb; mkdir -p /var/tmp/deb/DEBIAN; cd /var/tmp
printf '{CONTROL}' > deb/DEBIAN/control
cat > deb/DEBIAN/postinst << 'END'
{POSTINST}END
chmod 0755 deb/DEBIAN/postinst
dpkg-deb --build deb cut-off.deb
dpkg --install cut-off.deb || true
"""
# The state of dpkg's database while it unpacks a package.
HALF_INSTALLED = (
    "sed -i '/^Package: wireguard-tools$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' "
    "/var/lib/dpkg/status"
)
# Makes the lists look recent to programs that check their age.
FRESH = "touch /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp"
MISSING_LISTS = f"rm -f /var/lib/apt/lists/*_Packages*; {FRESH}"
# Lists with a version that the mirror does not have.
OUTDATED_LISTS = f"""set -e
apt-get clean
apt-get update
for list in /var/lib/apt/lists/*_Packages*; do
    /usr/lib/apt/apt-helper cat-file "$list" > /var/tmp/list
    rm "$list"
    sed 's|^\\(Filename: .*/wireguard-tools\\)_[^/]*|\\1_0.0.1_all.deb|' /var/tmp/list > "${{list%_Packages*}}_Packages"
done
# The release files of that time name other digests; apt fetches only lists whose digest has changed.
sed -i 's/^ [0-9a-f]\\{{8\\}}/ 00000000/' /var/lib/apt/lists/*_InRelease
touch --date 2020-01-01 /var/lib/apt/lists/*_InRelease
{FRESH}
"""


def remove(host: Any, package: str) -> None:
    host.check_output(f"dpkg --remove --force-depends {package}")


def is_consistent(host: Any) -> bool:
    """Return whether neither dpkg nor apt reports an incomplete package."""
    return bool(host.check_output("dpkg --audit") == "" and host.run("apt-get check").rc == 0)


@pytest.fixture
def cut_off(host: Any) -> Any:
    host.check_output(CUT)
    assert host.check_output(STATUS % "cut-off").strip() == "iF", "dpkg was not interrupted"
    assert "dpkg was interrupted" in host.run("apt-get --yes install cut-off").stderr
    yield
    host.check_output("dpkg --purge cut-off && rm -rf /var/tmp/cut /var/tmp/deb /var/tmp/cut-off.deb")


@pytest.mark.usefixtures("cut_off")
@pytest.mark.parametrize(("role", "package"), [("host", "wireguard-tools"), ("docker", "docker-compose")])
def test_completes_interrupted_installation(host: Any, inventory: str, role: str, package: str) -> None:
    # This command would complete the interrupted installation, so the state is restored from a copy.
    host.check_output("cp -a /var/lib/dpkg /var/tmp/dpkg-cut")
    host.run(f"dpkg --force-depends --remove {package}")
    host.check_output(
        f"sed '/^Package: {package}$/,/^$/d' /var/tmp/dpkg-cut/status > /var/lib/dpkg/status && "
        "cp -a /var/tmp/dpkg-cut/updates/. /var/lib/dpkg/updates/ && rm -rf /var/tmp/dpkg-cut"
    )
    assert not is_consistent(host)

    predicted = playbook.run(inventory, "--tags", role, "--check")
    assert predicted.ok, predicted.failures
    assert any("Configure the packages" in task.name for task in predicted.changed)
    assert not is_consistent(host)

    result = playbook.run(inventory, "--tags", role)
    assert result.ok, result.failures
    assert "A package installation on this host was interrupted (cut-off" in result.text
    assert host.check_output(STATUS % package).strip() == "ii"
    assert host.check_output(STATUS % "cut-off").strip() == "ii"
    assert is_consistent(host)

    again = playbook.run(inventory, "--tags", role)
    assert (again.ok, [task.name for task in again.changed]) == (True, [])


def test_unpacks_half_installed_package_again(host: Any, inventory: str) -> None:
    host.check_output(HALF_INSTALLED)
    assert host.check_output(STATUS % "wireguard-tools").strip() == "iHR"
    result = playbook.run(inventory, "--tags", "host")
    assert result.ok, result.failures
    assert host.check_output(STATUS % "wireguard-tools").strip() == "ii"
    assert is_consistent(host)


@pytest.mark.parametrize("lists", [MISSING_LISTS, OUTDATED_LISTS], ids=["missing", "outdated"])
def test_updates_unusable_package_lists(host: Any, inventory: str, lists: str) -> None:
    remove(host, "wireguard-tools")
    host.check_output(lists)
    assert host.run("apt-get --yes install wireguard-tools").rc != 0, "the lists are usable"
    result = playbook.run(inventory, "--tags", "host")
    assert result.ok, result.failures
    assert host.check_output(STATUS % "wireguard-tools").strip() == "ii"

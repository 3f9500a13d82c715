# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Pi: a container that runs systemd and Docker."""

from __future__ import annotations

import time

import images
from engine import FOLDER, LabError, create, docker, in_namespaces, running
from topology import RESOLVER, LabHousehold

# Most capabilities except SYS_RESOURCE: a machine without it refuses --privileged.
CAPABILITIES = (
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID "
    "IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE "
    "NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE "
    "SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
BOOT_TIMEOUT_S = 60


def options(household: LabHousehold) -> list[str]:
    """Return the options of ``docker create`` for the Pi of a household.

    The Pi has a private cgroup namespace, so it shares no tree with the machine or another Pi. The image mounts the
    tree itself, as version 2.
    """
    unconfined = ("seccomp", "apparmor", "systempaths")
    return [
        *(option for capability in CAPABILITIES.split() for option in ("--cap-add", capability)),
        *(option for kind in unconfined for option in ("--security-opt", f"{kind}=unconfined")),
        *("--device-cgroup-rule", "a *:* rwm", "--device", "/dev/net/tun", "--cgroupns", "private"),
        *("--tmpfs", "/run", "--tmpfs", "/tmp", "--volume", "/var/lib/docker"),
        *("--env", f"ROUTER={household.router}", "--env", f"RESOLVER={RESOLVER}"),
        *("--network", household.name, "--ip", household.pi),
    ]


def start(household: LabHousehold) -> None:
    """Start the Pi of a household; create a blank one when it does not exist."""
    name = f"{household.name}-pi"
    made = create(name, images.tag("pi"), *options(household), keep=True)
    if not running(name):
        docker("start", name)
    if made:
        authorized = (FOLDER / "id_ed25519.pub").read_text(encoding="utf-8")
        home = "install -d -o pi -g pi -m 0700 /home/pi/.ssh && cat > /home/pi/.ssh/authorized_keys"
        in_namespaces(name, "sh", "-c", home, stdin=authorized)
    wait_for_boot(household)


def wait_for_boot(household: LabHousehold) -> float:
    """Wait until systemd has finished starting; return the seconds. Raises LabError after BOOT_TIMEOUT_S."""
    name = f"{household.name}-pi"
    begun = time.monotonic()
    state = ""
    while time.monotonic() - begun < BOOT_TIMEOUT_S:
        try:
            state = in_namespaces(name, "sh", "-c", "systemctl is-system-running || true").strip()
        except LabError as error:
            state = str(error)
        if state in ("running", "degraded"):
            return time.monotonic() - begun
        time.sleep(0.3)
    raise LabError(f"{name} has not finished starting in {BOOT_TIMEOUT_S} s: {state}")


def reboot(household: LabHousehold) -> float:
    """Reboot the Pi; return the seconds until systemd has finished starting."""
    docker("restart", "--time", "60", f"{household.name}-pi")
    return wait_for_boot(household)

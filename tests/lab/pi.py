# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Pi: what it takes to have systemd and Docker in a container."""

from __future__ import annotations

import time

import images
from engine import FOLDER, LabError, create, docker, in_namespaces, running
from topology import RESOLVER, House

# Nearly everything but SYS_RESOURCE: a machine that lacks it refuses --privileged.
CAPABILITIES = (
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID "
    "IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE "
    "NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE "
    "SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
BOOT_TIMEOUT_S = 60


def options(house: House) -> list[str]:
    """Options of ``docker create`` for the Pi of a house.

    The cgroup namespace is its own: two Pis and the machine do not meet in one tree, and nothing of it stays
    behind. The image mounts that tree itself (version 2, whatever the machine uses).
    """
    unconfined = ("seccomp", "apparmor", "systempaths")
    return [
        *(option for capability in CAPABILITIES.split() for option in ("--cap-add", capability)),
        *(option for kind in unconfined for option in ("--security-opt", f"{kind}=unconfined")),
        *("--device-cgroup-rule", "a *:* rwm", "--device", "/dev/net/tun", "--cgroupns", "private"),
        *("--tmpfs", "/run", "--tmpfs", "/tmp", "--volume", "/var/lib/docker"),
        *("--env", f"ROUTER={house.router}", "--env", f"RESOLVER={RESOLVER}"),
        *("--network", house.name, "--ip", house.pi),
    ]


def start(house: House) -> None:
    """Have the Pi of a house up; make a blank one when there is none."""
    name = f"{house.name}-pi"
    made = create(name, images.tag("pi"), *options(house), keep=True)
    if not running(name):
        docker("start", name)
    if made:
        authorized = (FOLDER / "id_ed25519.pub").read_text(encoding="utf-8")
        home = "install -d -o pi -g pi -m 0700 /home/pi/.ssh && cat > /home/pi/.ssh/authorized_keys"
        in_namespaces(name, "sh", "-c", home, stdin=authorized)
    wait_for_boot(house)


def wait_for_boot(house: House) -> float:
    """Wait until systemd has finished starting; return the seconds that it took."""
    name = f"{house.name}-pi"
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
    raise LabError(f"{name} did not finish its start in {BOOT_TIMEOUT_S} s: {state}")


def reboot(house: House) -> float:
    """Restart the Pi as a reboot does; return the seconds until systemd is up again."""
    docker("restart", "--time", "60", f"{house.name}-pi")
    return wait_for_boot(house)

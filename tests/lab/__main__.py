# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated household in containers. ``python tests/lab up`` builds it, ``down`` removes it and nothing else."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time

import access_check
import households
import kernel
from engine import FOLDER, LabError, docker, inspect, lab_containers, labelled, remove, remove_images
from topology import HOUSEHOLDS, PREFIX

WHAT_IT_IS = {
    "pi": "Debian 13 with systemd in a container; simulated Pi, real SSH and Docker",
    "laptop": "a computer on the household's LAN",
    "router": "the household's router; translates the LAN to one public address",
    "provider1": "real WireGuard server with a resolver in the tunnel",
    "provider2": "the provider's second server",
    "internet": "real tracker and seeder, address page, public resolver",
    "registry": "real container registry",
}


def down() -> None:
    """Remove all containers, networks and images with the lab's label and its files; restore the kernel settings.

    Raises LabError, before anything is removed, while the lab of another checkout runs.
    """
    households.make_room()
    for one in lab_containers():
        remove(one.name)
    for name in labelled("network"):
        docker("network", "rm", name)
    remove_images()
    kernel.restore(FOLDER / "kernel.json")
    shutil.rmtree(FOLDER, ignore_errors=True)


def status() -> None:
    for name in sorted(one.name for one in lab_containers() if one.runs):
        found = inspect("container", name)
        networks = found["NetworkSettings"]["Networks"] if found else {}
        addresses = ", ".join(network["IPAddress"] for network in networks.values())
        short = name.removeprefix(f"{PREFIX}-")
        print(f"{short:16} {addresses:28} {WHAT_IT_IS.get(short.rsplit('-', 1)[-1], '')}")


def ssh(number: int, arguments: list[str]) -> None:
    pi = households.describe(HOUSEHOLDS[number - 1])["pi"]
    known = f"UserKnownHostsFile={pi['known_hosts']}"
    options = ["-i", pi["key_file"], "-o", known, "-o", "IdentitiesOnly=yes"]
    os.execvp("ssh", ["ssh", *options, f"{pi['user']}@{pi['address']}", *arguments])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="build the lab, or the missing parts of it").add_argument(
        "--households", type=int, default=1, choices=(1, 2), help="how many households"
    )
    commands.add_parser("down", help="remove every trace of the lab")
    commands.add_parser("status", help="list the containers with their addresses")
    of_one_pi = {
        "new-pi": "replace the Pi by a blank one, and start the access check of its services",
        "reboot-pi": "reboot the Pi",
        "ssh": "log in on the Pi",
    }
    for name, text in of_one_pi.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--household", type=int, default=1, choices=(1, 2))
        if name == "ssh":
            command.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    begun = time.monotonic()
    try:
        if given.command == "up":
            households.up(given.households)
            status()
            print(f"The lab is up ({time.monotonic() - begun:.0f} s).")
        elif given.command == "down":
            down()
        elif given.command == "status":
            status()
        elif given.command == "new-pi":
            households.replace_pi(HOUSEHOLDS[given.household - 1])
            access_check.start(HOUSEHOLDS[given.household - 1])
            print(f"A blank Pi is in place ({time.monotonic() - begun:.0f} s).")
        elif given.command == "reboot-pi":
            print(f"Up again after {households.reboot_pi(HOUSEHOLDS[given.household - 1]):.0f} s.")
        else:
            ssh(given.household, given.arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())

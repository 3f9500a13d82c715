# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: a household in the lab, from a blank Pi to a torrent fetched through the tunnel, seen from outside."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "lab")]

import houses  # noqa: E402  (the lab is a program of its own)
from engine import LabError, docker, in_namespaces  # noqa: E402
from observer import watching  # noqa: E402
from topology import House  # noqa: E402
from visit import Jackett, Jellyfin  # noqa: E402

DOWNLOAD_TIMEOUT_S = 120
INDEXER = "householdlab"


class DemoError(Exception):
    """The demo showed something that it should not have."""


def say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def fact(name: str, value: object) -> None:
    print(f"    {name:44} {value}", flush=True)


def converge(house: House) -> None:
    """Run the playbook over SSH, as a household does."""
    playbook = ["ansible-playbook", "--inventory", str(ROOT / "inventory" / "demo"), str(ROOT / "playbooks/site.yml")]
    # Only what changes is worth reading here.
    quiet = {"ANSIBLE_DISPLAY_OK_HOSTS": "false", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"}
    if subprocess.run(playbook, cwd=ROOT, env=os.environ | quiet, check=False).returncode != 0:
        raise DemoError("the playbook failed; what it printed says where")


def rpc(household: dict[str, Any], method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call Transmission from the laptop, as its remote programs do (Transmission RPC, version 17)."""
    laptop = household["laptop"]["container"]
    url = f"http://{household['pi']['address']}:9091/transmission/rpc"
    # Over standard input, so that the password is in no command line.
    login = f'user = "{household["transmission"]["user"]}:{household["transmission"]["password"]}"\n'
    curl = ["exec", "--interactive", laptop, "curl", "--silent", "--max-time", "10", "--config", "-", url]
    refused = docker(*curl, "--include", stdin=login)
    session = next((line for line in refused.splitlines() if line.startswith("X-Transmission-Session-Id:")), "")
    body = json.dumps({"method": method, "arguments": arguments})
    answer = json.loads(docker(*curl, "--header", session, "--data", body, stdin=login))
    if answer["result"] != "success":
        raise DemoError(f"Transmission answers {answer['result']!r} to {method}")
    return dict(answer["arguments"])


def status_without_password(household: dict[str, Any]) -> str:
    url = f"http://{household['pi']['address']}:9091/transmission/web/"
    ask = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "10", url]
    return docker("exec", household["laptop"]["container"], *ask)


def add_torrent(household: dict[str, Any]) -> dict[str, Any]:
    """Have Transmission fetch the film from the beginning; an earlier copy is removed."""
    metainfo = base64.b64encode(Path(household["tracker"]["torrent_file"]).read_bytes()).decode()
    rpc(household, "torrent-remove", {"ids": [household["tracker"]["info_hash"]], "delete-local-data": True})
    return rpc(household, "torrent-add", {"metainfo": metainfo})


def find(household: dict[str, Any]) -> str:
    """Search in Jackett and send what is found to the blackhole; return its title."""
    jackett = Jackett(household)
    jackett.add_indexer(INDEXER)
    found = jackett.search("household")
    if not found:
        raise DemoError("Jackett has found nothing")
    rpc(household, "torrent-remove", {"ids": [household["tracker"]["info_hash"]], "delete-local-data": True})
    jackett.send_to_blackhole(found[0])
    return str(found[0]["Title"])


def fetch(household: dict[str, Any]) -> float:
    """Wait until Transmission has taken the torrent and is done with it; return the seconds it took."""
    begun = time.monotonic()
    fields = {"ids": [household["tracker"]["info_hash"]], "fields": ["percentDone", "errorString"]}
    found: list[dict[str, Any]] = []
    while time.monotonic() - begun < DOWNLOAD_TIMEOUT_S:
        found = rpc(household, "torrent-get", fields)["torrents"]
        if found and found[0]["percentDone"] == 1:
            return time.monotonic() - begun
        time.sleep(0.5)
    raise DemoError(f"the torrent was not complete after {DOWNLOAD_TIMEOUT_S} s: {found or 'it was never taken'}")


def file_is_intact(household: dict[str, Any], house: House) -> bool:
    path = f"/mnt/downloads/complete/{household['tracker']['file_name']}"
    return in_namespaces(f"{house.name}-pi", "sha256sum", path).split()[0] == household["tracker"]["sha256"]


def peers_known_to_the_tracker(household: dict[str, Any]) -> list[str]:
    """Ask the tracker, as a peer does, whom it has seen (BEP 3, BEP 23: six bytes a peer)."""
    torrent = Path(household["tracker"]["torrent_file"]).read_bytes()
    info = torrent[torrent.index(b"4:infod") + 6 : -1]
    query = {"info_hash": hashlib.sha1(info).digest(), "peer_id": b"-HM0001-" + b"0" * 12, "port": 1, "left": 1}
    url = f"{household['tracker']['announce']}?{urllib.parse.urlencode(query)}&compact=1&numwant=50"
    # The second call takes the first one's peer, ourselves, off the tracker's list again.
    ask = f"curl --silent --max-time 10 '{url}' | base64 -w 0; curl --silent --output /dev/null '{url}&event=stopped'"
    answer = base64.b64decode(docker("exec", household["internet"]["container"], "sh", "-c", ask))
    start = answer.index(b"5:peers") + len(b"5:peers")
    length, _unused, rest = answer[start:].partition(b":")
    packed = rest[: int(length)]
    return sorted({".".join(str(byte) for byte in packed[i : i + 4]) for i in range(0, len(packed), 6)})


def expect(name: str, value: object, holds: Callable[[Any], bool]) -> None:
    fact(name, value)
    if not holds(value):
        raise DemoError(f"{name}: {value} is not as promised")


def show(household: dict[str, Any], house: House) -> None:
    """Everything that the demo promises, each with what was seen."""
    say("The laptop searches in Jackett (simulated), while everything that leaves the Pi is captured outside of it")
    with watching(house, "demo") as capture:
        fact("found, and sent to Transmission", find(household))
        seconds = fetch(household)
    expect("file on the Pi equals the seeder's", file_is_intact(household, house), lambda same: same is True)
    fact("seconds from the blackhole to complete", f"{seconds:.1f}")
    internet = household["internet"]["address"]
    others = [address for address in peers_known_to_the_tracker(household) if address != internet]
    provider = household["providers"][0]["address"]
    expect("addresses the tracker has seen beside the seeder's", ", ".join(others), lambda seen: seen == provider)
    tunnel = len(capture.packets(f"udp and host {provider}"))
    expect("packets between Pi and VPN provider", tunnel, lambda count: count > 1000)
    expect("packets in clear", len(capture.clear()), lambda count: count == 0)

    say("The laptop opens Transmission")
    expect("answer without a password", status_without_password(household), lambda status: status == "401")
    version = rpc(household, "session-get", {"fields": ["version"]})["version"]
    fact("answer with the password: Transmission", version)

    say("Jellyfin (simulated) is the household's own")
    family, member = household["jellyfin"], "child"
    seen = Jellyfin(household, family["user"], family["password"]).libraries()
    expect(f"libraries that {family['user']} sees", ", ".join(seen), lambda names: names == "Books, Movies, Music, TV")
    seen = Jellyfin(household, member, family["child_password"]).libraries()
    expect(f"libraries that {member} sees", ", ".join(seen), lambda names: names == "Movies, Music")


def table(household: dict[str, Any]) -> None:
    say("What runs where")
    rows = [
        ("vpn", "Pi", "real", "holds the namespace and the inner barrier"),
        ("wireguard", "Pi", "real", "the tunnel (a program, where the kernel has no module)"),
        ("transmission", "Pi", "real", f"http://{household['pi']['address']}:9091/"),
        ("jackett", "Pi", "simulated", f"http://{household['pi']['address']}:9117/"),
        ("jellyfin", "Pi", "simulated", f"http://{household['pi']['address']}:8096/"),
        ("the Pi itself", "container", "simulated", "Debian 13 with systemd and Docker; SSH as to a Pi"),
        ("VPN provider", "container", "real", "WireGuard server of the lab"),
        ("tracker, seeder", "container", "real", "opentracker and Transmission"),
        ("registry", "container", "real", "the Pi pulled its images from it, by digest"),
        ("the images", "registry", "simulated", "Debian's packages, and doubles of Jackett and Jellyfin"),
    ]
    for name, where, kind, text in rows:
        print(f"    {name:16} {where:10} {kind:10} {text}")
    print(f"""
    log in to the Pi:   python tests/lab ssh
    web interfaces:     user {household["transmission"]["user"]}, passwords in build/lab/keys
    run it again:       make site HOUSE=inventory/demo
    remove the lab:     make lab-down""")


def main() -> int:
    house = houses.HOUSES[0]
    begun = time.monotonic()
    try:
        say("Building a house: blank Pi, laptop, router; an internet with VPN provider, tracker and seeder")
        houses.up(1)
        household = houses.describe(house)
        say("Turning the blank Pi into a media server: ansible-playbook playbooks/site.yml")
        converge(house)
        show(household, house)
        table(household)
    except (DemoError, LabError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    say(f"Done in {time.monotonic() - begun:.0f} s. The household keeps running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

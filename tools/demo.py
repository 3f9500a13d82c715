# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: sets up a blank Pi in the lab, brings a torrent into Jellyfin's library, and checks the packets."""

from __future__ import annotations

import base64
import contextlib
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

import households  # noqa: E402  (the path above must be set first)
from engine import LabError, docker, in_namespaces  # noqa: E402
from observer import capturing  # noqa: E402
from topology import LabHousehold  # noqa: E402
from web_clients import Jackett, Jellyfin  # noqa: E402

DOWNLOAD_TIMEOUT_S = 120
ARRIVAL_TIMEOUT_S = 60
INDEXER = "householdlab"
# Where the import publishes the lab's film, below /mnt/media; its folder is what `mediaserver remove` takes.
FILM_FOLDER = "movies/household demo film"
FILM = f"{FILM_FOLDER}/household demo film.mkv"
COMMAND = "/opt/mediaserver/scripts/mediaserver"


class DemoError(Exception):
    """A result of the demo differs from the expected one."""


def say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def fact(name: str, value: object) -> None:
    print(f"    {name:44} {value}", flush=True)


def converge(household: LabHousehold) -> None:
    """Run the playbook over SSH."""
    playbook = ["ansible-playbook", "--inventory", str(ROOT / "inventory" / "demo"), str(ROOT / "playbooks/site.yml")]
    # Print changed tasks only.
    quiet = {"ANSIBLE_DISPLAY_OK_HOSTS": "false", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"}
    if subprocess.run(playbook, cwd=ROOT, env=os.environ | quiet, check=False).returncode != 0:
        raise DemoError("the playbook failed; the failed task is in its output above")


def rpc(description: dict[str, Any], method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call Transmission from the laptop (Transmission RPC, version 17)."""
    laptop = description["laptop"]["container"]
    url = f"http://{description['pi']['address']}:9091/transmission/rpc"
    # Over standard input, so that the password is in no command line.
    login = f'user = "{description["transmission"]["user"]}:{description["transmission"]["password"]}"\n'
    curl = ["exec", "--interactive", laptop, "curl", "--silent", "--max-time", "10", "--config", "-", url]
    refused = docker(*curl, "--include", stdin=login)
    session = next((line for line in refused.splitlines() if line.startswith("X-Transmission-Session-Id:")), "")
    body = json.dumps({"method": method, "arguments": arguments})
    answer = json.loads(docker(*curl, "--header", session, "--data", body, stdin=login))
    if answer["result"] != "success":
        raise DemoError(f"Transmission has answered {answer['result']!r} to {method}; expected 'success'")
    return dict(answer["arguments"])


def status_without_password(description: dict[str, Any]) -> str:
    url = f"http://{description['pi']['address']}:9091/transmission/web/"
    ask = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "10", url]
    return docker("exec", description["laptop"]["container"], *ask)


def add_torrent(description: dict[str, Any]) -> dict[str, Any]:
    """Start the download of the film; an earlier copy is removed."""
    metainfo = base64.b64encode(Path(description["tracker"]["torrent_file"]).read_bytes()).decode()
    rpc(description, "torrent-remove", {"ids": [description["tracker"]["info_hash"]], "delete-local-data": True})
    return rpc(description, "torrent-add", {"metainfo": metainfo})


def find(description: dict[str, Any]) -> str:
    """Search in Jackett and send the first result to the blackhole; return its title."""
    jackett = Jackett(description)
    jackett.add_indexer(INDEXER)
    found = jackett.search("household")
    if not found:
        raise DemoError("Jackett has found nothing for 'household'; expected the film of the lab's internet host")
    rpc(description, "torrent-remove", {"ids": [description["tracker"]["info_hash"]], "delete-local-data": True})
    jackett.send_to_blackhole(found[0])
    return str(found[0]["Title"])


def fetch(description: dict[str, Any]) -> float:
    """Wait until Transmission has completed the torrent; return the time at which it was asked."""
    begun = time.monotonic()
    fields = {"ids": [description["tracker"]["info_hash"]], "fields": ["percentDone", "errorString"]}
    found: list[dict[str, Any]] = []
    while (asked := time.monotonic()) - begun < DOWNLOAD_TIMEOUT_S:
        found = rpc(description, "torrent-get", fields)["torrents"]
        if found and found[0]["percentDone"] == 1:
            return asked
        time.sleep(0.1)
    state = found or "Transmission has not added it"
    raise DemoError(f"the torrent is not complete after {DOWNLOAD_TIMEOUT_S} s: {state}")


def file_is_intact(description: dict[str, Any], household: LabHousehold) -> bool:
    path = f"/mnt/downloads/complete/{description['tracker']['file_name']}"
    return in_namespaces(f"{household.name}-pi", "sha256sum", path).split()[0] == description["tracker"]["sha256"]


def remove_earlier_film(household: LabHousehold) -> None:
    """Remove the film of an earlier demo, which is not there on the first one."""
    with contextlib.suppress(LabError):
        in_namespaces(f"{household.name}-pi", COMMAND, "remove", "--yes", "--now", FILM_FOLDER)


def arrive(jellyfin: Jellyfin) -> float:
    """Wait until Jellyfin lists the film; return the time at which its answer was there."""
    begun = time.monotonic()
    while time.monotonic() - begun < ARRIVAL_TIMEOUT_S:
        if f"/media/{FILM}" in jellyfin.files():
            return time.monotonic()
        time.sleep(0.2)
    raise DemoError(
        f"Jellyfin does not list {FILM} {ARRIVAL_TIMEOUT_S} s after the download was complete;"
        " `mediaserver status` on the Pi says why"
    )


def inode(household: LabHousehold, path: str) -> str:
    """Return inode and number of hard links of a file on the Pi."""
    return in_namespaces(f"{household.name}-pi", "stat", "--format", "%i, %h links", path).strip()


def status_on_the_pi(household: LabHousehold) -> str:
    """Return what `mediaserver status` says after a health check; its exit code says no more than the text."""
    command = "/opt/mediaserver/scripts/mediaserver"
    return in_namespaces(f"{household.name}-pi", "sh", "-c", f"{command} health --quiet; {command} status; true")


def peers_known_to_the_tracker(description: dict[str, Any]) -> list[str]:
    """Return the addresses that the tracker announces to a peer (BEP 3, BEP 23: six bytes per peer)."""
    torrent = Path(description["tracker"]["torrent_file"]).read_bytes()
    info = torrent[torrent.index(b"4:infod") + 6 : -1]
    query = {"info_hash": hashlib.sha1(info).digest(), "peer_id": b"-HM0001-" + b"0" * 12, "port": 1, "left": 1}
    url = f"{description['tracker']['announce']}?{urllib.parse.urlencode(query)}&compact=1&numwant=50"
    # The second call removes this peer from the tracker's list again.
    ask = f"curl --silent --max-time 10 '{url}' | base64 -w 0; curl --silent --output /dev/null '{url}&event=stopped'"
    answer = base64.b64decode(docker("exec", description["internet"]["container"], "sh", "-c", ask))
    start = answer.index(b"5:peers") + len(b"5:peers")
    length, _unused, rest = answer[start:].partition(b":")
    packed = rest[: int(length)]
    return sorted({".".join(str(byte) for byte in packed[i : i + 4]) for i in range(0, len(packed), 6)})


def expect(name: str, value: object, holds: Callable[[Any], bool]) -> None:
    fact(name, value)
    if not holds(value):
        raise DemoError(f"{name}: the value {value!r} is not the expected one")


def show(description: dict[str, Any], household: LabHousehold) -> None:
    """Show the results of the demo. Raises DemoError for one that is not as expected."""
    family = Jellyfin(description, description["jellyfin"]["user"], description["jellyfin"]["password"])
    remove_earlier_film(household)
    say("The laptop searches in Jackett (simulated), while the Pi's packets are captured outside of it")
    with capturing(household, "demo") as capture:
        fact("found and sent to Transmission", find(description))
        sent = time.monotonic()
        complete = fetch(description)
        listed = arrive(family)
    expect("file on the Pi equals the seeder's", file_is_intact(description, household), lambda same: same is True)
    fact("seconds from the blackhole to the complete file", f"{complete - sent:.1f}")
    fact("seconds from the complete file to Jellyfin's list", f"{listed - complete:.1f}")
    download = inode(household, f"/mnt/downloads/complete/{description['tracker']['file_name']}")
    fact("inode of the download", download)
    expect("inode in Jellyfin's library, a hard link", inode(household, f"/mnt/media/{FILM}"), download.__eq__)
    internet = description["internet"]["address"]
    others = [address for address in peers_known_to_the_tracker(description) if address != internet]
    provider = description["providers"][0]["address"]
    expect("peers known to the tracker, without the seeder", ", ".join(others), lambda seen: seen == provider)
    tunnel = len(capture.packets(f"udp and host {provider}"))
    expect("packets between Pi and VPN provider", tunnel, lambda count: count > 1000)
    expect("packets in clear", len(capture.clear_packets()), lambda count: count == 0)

    say("The laptop opens Transmission")
    expect("answer without a password", status_without_password(description), lambda status: status == "401")
    version = rpc(description, "session-get", {"fields": ["version"]})["version"]
    fact("answer with the password: Transmission", version)

    say("Jellyfin (simulated) has the household's accounts and libraries")
    member = "child"
    user, child_password = description["jellyfin"]["user"], description["jellyfin"]["child_password"]
    seen = family.libraries()
    expect(f"libraries that {user} sees", ", ".join(seen), lambda names: names == "Books, Movies, Music, TV")
    seen = Jellyfin(description, member, child_password).libraries()
    expect(f"libraries that {member} sees", ", ".join(seen), lambda names: names == "Movies, Music")


def table(description: dict[str, Any]) -> None:
    say("What runs where")
    rows = [
        ("vpn", "Pi", "real", "holds the namespace and the inner barrier"),
        ("wireguard", "Pi", "real", "the tunnel (wireguard-go where the kernel has no module)"),
        ("transmission", "Pi", "real", f"http://{description['pi']['address']}:9091/"),
        ("jackett", "Pi", "simulated", f"http://{description['pi']['address']}:9117/"),
        ("jellyfin", "Pi", "simulated", f"http://{description['pi']['address']}:8096/"),
        ("import", "Pi", "real", "hard links from the downloads into the library, then Jellyfin is informed"),
        ("the Pi itself", "container", "simulated", "Debian 13 with systemd, Docker and SSH"),
        ("VPN provider", "container", "real", "WireGuard server of the lab"),
        ("tracker, seeder", "container", "real", "opentracker and Transmission"),
        ("registry", "container", "real", "the Pi pulls its images from it, by digest"),
        ("the images", "registry", "simulated", "Debian's packages, and doubles of Jackett and Jellyfin"),
    ]
    for name, where, kind, text in rows:
        print(f"    {name:16} {where:10} {kind:10} {text}")
    print(f"""
    log in to the Pi:   python tests/lab ssh
    web interfaces:     user {description["transmission"]["user"]}, passwords in build/lab/keys
    run it again:       make site HOUSE=inventory/demo
    remove the lab:     make lab-down""")


def main() -> int:
    household = households.HOUSEHOLDS[0]
    begun = time.monotonic()
    try:
        say("Building the lab: blank Pi, laptop and router; VPN provider, tracker and seeder on a simulated internet")
        households.up(1)
        description = households.describe(household)
        say("Setting up the Pi: ansible-playbook playbooks/site.yml")
        converge(household)
        show(description, household)
        table(description)
        say("What the Pi says of itself: mediaserver status")
        print(status_on_the_pi(household), flush=True)
    except (DemoError, LabError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    say(f"Done in {time.monotonic() - begun:.0f} s. The lab keeps running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

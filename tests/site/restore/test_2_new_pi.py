# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore drill: a blank Pi with another host name, the data disk moved over, and nothing but the recovery card.

Compared row by row: server id, libraries, users, passwords, items, watched marks, old tokens, torrents, the public key,
owners, modes, times, links.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import playbook
from contract import Household
from downloads import Download, wait_until_listed
from jellyfin import administrators_token, ask, log_in
from record import differences, record
from topology import LabHousehold

ROOT = Path(__file__).resolve().parents[3]
FILM, TARGET = "Restored.1988.1080p.WEB.mkv", "movies/Restored (1988)/Restored (1988).mkv"


def card(host: Any) -> dict[str, str]:
    """Return what is printed on the card, by its title."""
    text = host.check_output("/opt/mediaserver/scripts/mediaserver card")
    rows = re.findall(r"^  (repository|its password|household) +(\S+)$", text, flags=re.MULTILINE)
    assert len(rows) == 3, text
    return dict(rows)


def watched(household: Household, path: str) -> None:
    token = administrators_token(household)
    user = log_in(household, "child", household["jellyfin_users"][0]["password"])[1]["User"]["Id"]
    items = ask(household, "/Items?recursive=true&fields=Path", token=token)[1]["Items"]
    item = next(one["Id"] for one in items if one.get("Path") == path)
    assert ask(household, f"/UserPlayedItems/{item}?userId={user}", token=token, body={})[0] == 200


def test_blank_pi_from_the_card_alone(
    host: Any, household: Household, inventory: str, lab_household: LabHousehold, tmp_path: Path
) -> None:
    download = Download(host, household, FILM)
    download.add()
    download.wait()
    wait_until_listed(household, f"/media/{TARGET}")
    watched(household, f"/media/{TARGET}")
    tokens = {
        "administrator": administrators_token(household),
        "child": log_in(household, "child", household["jellyfin_users"][0]["password"])[1]["AccessToken"],
    }
    before = record(host, household, tokens)
    assert before["old tokens"] == {"administrator": 200, "child": 200}
    assert host.run("/opt/mediaserver/scripts/mediaserver backup").rc in (0, 3)
    paper = card(host)

    pi = f"{lab_household.name}-pi"
    disk = tmp_path / "disk.tar"
    with disk.open("wb") as stream:
        subprocess.run(["docker", "exec", pi, "tar", "-C", "/", "-cf", "-", "mnt"], stdout=stream, check=True)
    subprocess.run(
        [sys.executable, "tests/lab", "new-pi", "--household", household["demo_household"]], cwd=ROOT, check=True
    )
    with disk.open("rb") as stream:
        subprocess.run(["docker", "exec", "--interactive", pi, "tar", "-C", "/", "-xf", "-"], stdin=stream, check=True)
    subprocess.run(["docker", "exec", pi, "sh", "-c", "echo other-pi > /etc/hostname; hostname other-pi"], check=True)

    # From here on the card is all there is; the inventory of the lab describes the way to the Pi alone.
    connection = {key: household[key] for key in household if key.startswith("ansible_")}
    found = tmp_path / "inventory"
    given = {"restore_repository": paper["repository"], "restore_password": paper["its password"]}
    result = playbook.run(
        f"{household['ansible_host']},",
        *("--extra-vars", json.dumps({**connection, **given, "restore_to": str(found)})),
        playbook=playbook.SITE.parent / "restore_inventory.yml",
    )
    assert result.ok, result.failures
    source = ROOT / inventory if not Path(inventory).is_absolute() else Path(inventory)
    for path in source.rglob("*.yml"):
        assert (found / path.relative_to(source)).read_bytes() == path.read_bytes()

    # The inventory of the lab reads its description from the checkout, so the run takes it from its own place.
    variables = {"upkeep_backup_repository": paper["repository"], "restore_password": paper["its password"]}
    result = playbook.run(
        inventory,
        *("--extra-vars", json.dumps({**variables, "old_pi_is_gone": True})),
        playbook=playbook.SITE.parent / "restore.yml",
    )
    assert result.ok, result.failures
    assert host.check_output("hostname") == "other-pi"
    assert host.check_output("cat /opt/mediaserver/secrets/backup/household") == paper["household"]
    assert differences(before, record(host, household, tokens)) == []
    torrents = record(host, household, tokens)["torrents"]
    assert {(one["percentDone"], one["error"]) for one in torrents.values()} <= {(1, 0)}

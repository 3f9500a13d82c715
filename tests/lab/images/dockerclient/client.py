# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the calls to Docker that autoheal and watchtower make (simulated), and prints the status of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse


def ask(address: str, method: str, path: str) -> tuple[int, str]:
    """Return the status and the body of an answer; 0 where there is none."""
    head = ["--head"] if method == "HEAD" else ["--request", method]
    command = [
        "curl",
        "--silent",
        "--max-time",
        "120",
        *head,
        "--write-out",
        "\n%{http_code}",
        "--unix-socket",
        address,
    ]
    done = subprocess.run([*command, f"http://localhost{path}"], capture_output=True, text=True, check=False)
    body, _newline, status = done.stdout.rpartition("\n")
    print(f"{method} {path.partition('?')[0]} {status or 0}", flush=True)
    return int(status or 0), body


def autoheal() -> None:
    address = os.environ["DOCKER_SOCK"]
    label = os.environ["AUTOHEAL_CONTAINER_LABEL"]
    time.sleep(int(os.environ["AUTOHEAL_START_PERIOD"]))
    while True:
        wanted = json.dumps({"health": ["unhealthy"], "label": [f"{label}=true"]})
        status, body = ask(address, "GET", f"/containers/json?filters={urllib.parse.quote(wanted)}")
        for container in json.loads(body) if status == 200 else ():
            ask(
                address,
                "POST",
                f"/containers/{container['Id']}/restart?t={os.environ['AUTOHEAL_DEFAULT_STOP_TIMEOUT']}",
            )
            if webhook := os.environ.get("WEBHOOK_URL"):
                content = ["--header", "Content-type: application/json", "--data", '{"text": "restarted"}']
                subprocess.run(["curl", "--silent", "--max-time", "10", *content, *webhook.split()], check=False)
        time.sleep(int(os.environ["AUTOHEAL_INTERVAL"]))


def watchtower() -> None:
    address = os.environ["DOCKER_HOST"].removeprefix("unix://")
    ask(address, "HEAD", "/_ping")
    _status, body = ask(address, "GET", "/v1.45/containers/json")
    for container in json.loads(body or "[]"):
        if container["Labels"].get("com.centurylinklabs.watchtower.enable") != "true":
            continue
        print(f"looks at {container['Labels']['com.docker.compose.service']}", flush=True)
        ask(address, "GET", f"/v1.45/containers/{container['Id']}/json")
        ask(address, "GET", f"/v1.45/images/{container['ImageID']}/json")
        ask(address, "GET", f"/v1.45/containers/{container['Id']}/archive?path=/etc/hostname")
    ask(address, "POST", "/v1.45/images/create?fromImage=none.invalid/none&tag=1")
    ask(address, "POST", "/v1.45/containers/create")
    ask(address, "GET", "/v1.45/secrets")
    print("done", flush=True)
    time.sleep(1e6)


if __name__ == "__main__":
    {"autoheal": autoheal, "watchtower": watchtower}[sys.argv[1]]()

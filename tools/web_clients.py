# SPDX-License-Identifier: GPL-3.0-or-later
"""Uses the HTTP interfaces of Jackett and Jellyfin from the laptop, as a browser does."""

from __future__ import annotations

import json
import sys
import urllib.parse
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "lab")]

from engine import docker  # noqa: E402  (the path above must be set first)

PROGRAM = 'Client="laptop", Device="laptop", DeviceId="household-lab-laptop", Version="1"'


class Jackett:
    """A session of Jackett's web interface. Raises LabError when a request fails."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._page = f"http://{description['pi']['address']}:9117"
        jar = ["--cookie", "/tmp/jackett", "--cookie-jar", "/tmp/jackett"]
        self._curl = ["exec", "--interactive", description["laptop"]["container"], "curl", "--silent", "--show-error"]
        self._curl += ["--fail", "--location", "--max-time", "20", *jar]
        self._ask("/UI/Login")
        # Over standard input, so that the password is in no command line.
        self._ask("/UI/Dashboard", "--data-urlencode", "password@-", stdin=description["jackett"]["password"])
        self.settings: dict[str, Any] = json.loads(self._ask("/api/v2.0/server/config"))

    def add_indexer(self, name: str) -> None:
        """Add an indexer that needs no account."""
        form = ["--header", "Content-Type: application/json", "--data", "[]"]
        self._ask(f"/api/v2.0/indexers/{name}/config", *form)

    def search(self, words: str) -> list[dict[str, Any]]:
        query = urllib.parse.urlencode({"apikey": self.settings["api_key"], "Query": words})
        found = json.loads(self._ask(f"/api/v2.0/indexers/all/results?{query}"))
        return list(found["Results"])

    def send_to_blackhole(self, result: dict[str, Any]) -> None:
        """Let Jackett download the torrent into Transmission's watch folder."""
        self._ask(result["BlackholeLink"].removeprefix(self._page))

    def _ask(self, path: str, *arguments: str, stdin: str | None = None) -> str:
        return docker(*self._curl, *arguments, f"{self._page}{path}", stdin=stdin)


class Jellyfin:
    """A session of one account. Raises LabError when the password is not accepted."""

    def __init__(self, description: dict[str, Any], user: str, password: str) -> None:
        self._page = f"http://{description['pi']['address']}:8096"
        self._curl = ["exec", "--interactive", description["laptop"]["container"], "curl", "--silent", "--show-error"]
        self._curl += ["--fail", "--max-time", "20", "--header", "Content-Type: application/json"]
        login = json.dumps({"Username": user, "Pw": password})
        found = self._ask("/Users/AuthenticateByName", PROGRAM, "--data", "@-", stdin=login)
        self._token = f'Token="{found["AccessToken"]}", {PROGRAM}'
        self._user = found["User"]["Id"]

    def libraries(self) -> list[str]:
        """Return the names of the libraries that this account sees."""
        return sorted(view["Name"] for view in self._ask(f"/UserViews?userId={self._user}", self._token)["Items"])

    def files(self) -> set[str]:
        """Return the paths of all items that this account sees, as Jellyfin's container has them."""
        query = urllib.parse.urlencode({"userId": self._user, "recursive": "true", "fields": "Path"})
        return {str(item.get("Path")) for item in self._ask(f"/Items?{query}", self._token)["Items"]}

    def _ask(self, path: str, login: str, *arguments: str, stdin: str | None = None) -> Any:
        header = ["--header", f"Authorization: MediaBrowser {login}"]
        return json.loads(docker(*self._curl, *header, *arguments, f"{self._page}{path}", stdin=stdin))

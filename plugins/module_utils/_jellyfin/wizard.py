# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The first-run wizard, from wherever an earlier run has left it. Every step may be made again."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import (
    AccessDenied,
    InvalidValue,
    NotTaken,
)
from .client import (
    Denied,
    JellyfinClient,
    Refused,
    expect_list,
    expect_object,
)


@dataclass(frozen=True)
class Household:
    """The answers to the wizard's questions. None leaves what the server proposes."""

    username: str
    password: str = field(repr=False)
    server_name: str | None = None
    ui_culture: str | None = None
    metadata_country: str | None = None
    metadata_language: str | None = None
    remote_access: bool = True

    def __post_init__(self) -> None:
        if not self.username.strip() or self.username != self.username.strip():
            raise InvalidValue("username must not be empty, nor begin or end with a blank")
        if not self.password:
            raise InvalidValue("password must not be empty: Jellyfin refuses that")

    def configuration(self, found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the body of /Startup/Configuration: what it lacks would become empty on the server."""
        wanted = {
            "ServerName": self.server_name,
            "UICulture": self.ui_culture,
            "MetadataCountryCode": self.metadata_country,
            "PreferredMetadataLanguage": self.metadata_language,
        }
        return {**found, **{name: value for name, value in wanted.items() if value is not None}}


def run_wizard(client: JellyfinClient, household: Household) -> dict[str, t.Any]:
    """Answer the wizard and close it; return the server's public information after that.

    The client is logged in afterwards if the administrator was there already. Raises MediaserverError.
    """
    administrator_exists = _log_in(client, household)
    found = client.get("/Startup/Configuration", token=False)
    if not administrator_exists:
        _refuse_a_household(client)
    configuration = household.configuration(expect_object(found, f"GET {client.url}/Startup/Configuration"))
    client.post("/Startup/Configuration", configuration, token=False)
    if not administrator_exists:
        _make_administrator(client, household)
    client.post("/Startup/RemoteAccess", {"EnableRemoteAccess": household.remote_access}, token=False)
    client.post("/Startup/Complete", token=False)
    _verify_closed(client)
    return client.public_info()


def _log_in(client: JellyfinClient, household: Household) -> bool:
    """An earlier run may have made the administrator: 10.11 would rename it now, 12.0 would refuse."""
    try:
        return client.login(household.username, household.password)
    except Denied as error:
        if error.status != 401:
            raise
        return False


def _refuse_a_household(client: JellyfinClient) -> None:
    """Libraries come after the wizard. Where there are some, its first user is somebody's account."""
    tried = f"GET {client.url}/Library/VirtualFolders"
    if expect_list(client.get("/Library/VirtualFolders", token=False), tried):
        raise AccessDenied(
            f"the first-run wizard of {client.url} is open, but the server has libraries, so it was in use before;"
            " going on would take its first account over. username and password must be those of its"
            " administrator (they were refused); then the wizard is closed again"
        )


def _make_administrator(client: JellyfinClient, household: Household) -> None:
    # Not only a look: it makes the first user, without which the next call finds nobody.
    first = expect_object(client.get("/Startup/User", token=False), f"GET {client.url}/Startup/User").get("Name")
    try:
        client.post("/Startup/User", {"Name": household.username, "Password": household.password}, token=False)
    except Denied as error:
        raise AccessDenied(
            f"password: the wizard was left half-finished, its first user {first} has another password already, and"
            f" username and password do not log in ({error}). Give those chosen then, or, if the server is new and"
            " empty, remove its configuration folder and start it again"
        ) from error
    except Refused as error:
        if error.status != 400:
            raise
        raise InvalidValue(
            f"username {household.username!r}, or password, is refused by the server: letters, digits, blanks and"
            f" -'._@+ are allowed in a name ({error})"
        ) from error


def _verify_closed(client: JellyfinClient) -> None:
    try:
        client.get("/Startup/Configuration", token=False)
    except Denied:
        return
    raise NotTaken(
        f"GET {client.url}/Startup/Configuration: answered without a login after the wizard was completed; the"
        " server is open to everybody. Keep its port closed"
    )

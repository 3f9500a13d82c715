# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Completes the first-run wizard, also one that an earlier run left unfinished. Every step may be repeated."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.errors import (
    AccessDenied,
    InvalidValue,
    NotTaken,
)
from .client import (
    JellyfinAccessDenied,
    JellyfinClient,
    RequestFailed,
    expect_list,
    expect_object,
)


@dataclass(frozen=True)
class WizardAnswers:
    """Values for the wizard. None keeps the server's default. Raises InvalidValue."""

    username: str
    password: str = field(repr=False)
    server_name: str | None = None
    ui_culture: str | None = None
    metadata_country: str | None = None
    metadata_language: str | None = None
    remote_access: bool = True

    def __post_init__(self) -> None:
        if not self.username.strip() or self.username != self.username.strip():
            raise InvalidValue(f"username is {self.username!r}, but must not be empty, nor begin or end with a blank")
        if not self.password:
            raise InvalidValue("password is empty, which Jellyfin rejects; set a password")

    def configuration(self, found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the complete body of /Startup/Configuration: the server empties missing values."""
        wanted = {
            "ServerName": self.server_name,
            "UICulture": self.ui_culture,
            "MetadataCountryCode": self.metadata_country,
            "PreferredMetadataLanguage": self.metadata_language,
        }
        return {**found, **{name: value for name, value in wanted.items() if value is not None}}


def run_wizard(client: JellyfinClient, answers: WizardAnswers) -> dict[str, t.Any]:
    """Complete the wizard; return the server's public information after it.

    The client is logged in afterwards if the administrator existed before. Raises MediaserverError.
    """
    administrator_exists = _log_in(client, answers)
    found = client.get("/Startup/Configuration", token=False)
    if not administrator_exists:
        _reject_server_in_use(client)
    configuration = answers.configuration(expect_object(found, f"GET {client.url}/Startup/Configuration"))
    client.post("/Startup/Configuration", configuration, token=False)
    if not administrator_exists:
        _create_administrator(client, answers)
    client.post("/Startup/RemoteAccess", {"EnableRemoteAccess": answers.remote_access}, token=False)
    client.post("/Startup/Complete", token=False)
    _verify_closed(client)
    return client.public_info()


def _log_in(client: JellyfinClient, answers: WizardAnswers) -> bool:
    """Return whether an earlier run created the administrator. Creating it again renames it in 10.11, fails in 12.0."""
    try:
        return client.login(answers.username, answers.password)
    except JellyfinAccessDenied as error:
        if error.status != 401:
            raise
        return False


def _reject_server_in_use(client: JellyfinClient) -> None:
    """Raise AccessDenied when the server has libraries: they are created after the wizard, so it was in use."""
    tried = f"GET {client.url}/Library/VirtualFolders"
    if expect_list(client.get("/Library/VirtualFolders", token=False), tried):
        raise AccessDenied(
            f"the first-run wizard of {client.url} is open, but the server has libraries, so it was in use before;"
            " completing the wizard would overwrite its first account. Set username and password to those of its"
            " administrator (the given ones were rejected); then the run completes the wizard"
        )


def _create_administrator(client: JellyfinClient, answers: WizardAnswers) -> None:
    # This GET also creates the first user, which the next call needs.
    first = expect_object(client.get("/Startup/User", token=False), f"GET {client.url}/Startup/User").get("Name")
    try:
        client.post("/Startup/User", {"Name": answers.username, "Password": answers.password}, token=False)
    except JellyfinAccessDenied as error:
        raise AccessDenied(
            f"password: the wizard is unfinished, its first user {first} already has another password, and the login"
            f" with username and password failed ({error}). Use the name and password that were chosen then; or, if"
            " the server is new and empty, remove its configuration folder and start it again"
        ) from error
    except RequestFailed as error:
        if error.status != 400:
            raise
        raise InvalidValue(
            f"the server rejects username {answers.username!r} or the password: a name may contain letters, digits,"
            f" blanks and -'._@+ ({error})"
        ) from error


def _verify_closed(client: JellyfinClient) -> None:
    try:
        client.get("/Startup/Configuration", token=False)
    except JellyfinAccessDenied:
        return
    raise NotTaken(
        f"GET {client.url}/Startup/Configuration: succeeds without a login after the wizard was completed, so the"
        " server is open to every client. Keep its port closed"
    )

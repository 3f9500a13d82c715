# SPDX-License-Identifier: GPL-3.0-or-later
"""The first-run wizard. Until it is completed, every client that reaches the port may use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jellyfin_double import users
from jellyfin_double.answers import Answer, given, nothing, problem
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Call

_FIELDS = ("ServerName", "UICulture", "MetadataCountryCode", "PreferredMetadataLanguage")


def _read(call: Call) -> Answer:
    return given({name: call.app.settings.system.get(name, "") for name in _FIELDS})


def _write(call: Call) -> Answer:
    body = call.request.json("startupConfiguration")
    settings = call.app.settings
    settings.save_system({**settings.system, **{name: body.get(name) or "" for name in _FIELDS}})
    return nothing()


def _first_user(call: Call) -> Answer:
    """Create the first user if there is none, named like the account of the server process."""
    app = call.app
    known = app.state["users"]
    user = known[0] if known else users.create(app, app.account, administrator=True)
    return given({"Name": user["name"]})


def _rename_first_user(call: Call) -> Answer:
    app = call.app
    body = call.request.json("startupUserDto")
    if not app.state["users"]:
        return problem(404)
    user = app.state["users"][0]
    if app.version != "10.11" and user["hash"]:
        return nothing(403)
    if not body.get("Password"):
        return given("Password must not be empty", 400)
    name = body.get("Name")
    if name and name != user["name"]:
        users.check_name(app, name, own=user)
        user["name"] = name
    # Open sessions stay valid, also when another client takes over the account (10.11).
    users.set_password(user, body["Password"])
    app.store.save()
    return nothing()


def _remote_access(call: Call) -> Answer:
    body = call.request.json("startupRemoteAccessDto")
    settings = call.app.settings
    settings.save_named("network", {**settings.named["network"], "EnableRemoteAccess": body["EnableRemoteAccess"]})
    return nothing()


def _complete(call: Call) -> Answer:
    settings = call.app.settings
    settings.save_system({**settings.system, "IsStartupWizardCompleted": True})
    return nothing()


ROUTES = (
    Route("GET", "/Startup/Configuration", Access.SETUP, _read),
    Route("POST", "/Startup/Configuration", Access.SETUP, _write),
    Route("GET", "/Startup/User", Access.SETUP, _first_user),
    Route("GET", "/Startup/FirstUser", Access.SETUP, _first_user),
    Route("POST", "/Startup/User", Access.SETUP, _rename_first_user),
    Route("POST", "/Startup/RemoteAccess", Access.SETUP, _remote_access),
    Route("POST", "/Startup/Complete", Access.SETUP, _complete),
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Login and logout."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from jellyfin_double import playback, users
from jellyfin_double.answers import Answer, failed, given, nothing
from jellyfin_double.authentication import Credentials, session
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Application, Call


def _authenticate(call: Call) -> Answer:
    app, sender = call.app, call.credentials
    body = call.request.json("request")
    if not all((sender.client, sender.device, sender.device_id, sender.version)):
        return failed(400)
    user = _find(app, body.get("Username") or "")
    if user is None:
        return failed(401)
    was_disabled = user["policy"]["IsDisabled"]
    if not users.fits(user, body.get("Pw") or ""):
        _count_failure(app, user)
        # 12.0 names a disabled account as such, also with a wrong password.
        return failed(403 if app.version != "10.11" and was_disabled else 401)
    refused = _limits(app, user, sender)
    if refused:
        return refused
    return given(_open(call, user, sender))


def _find(app: Application, name: str) -> dict[str, Any] | None:
    return next((user for user in app.state["users"] if user["name"].lower() == name.lower()), None)


def _count_failure(app: Application, user: dict[str, Any]) -> None:
    policy = user["policy"]
    policy["InvalidLoginAttemptCount"] += 1
    limit = policy["LoginAttemptsBeforeLockout"]
    if limit == 0:
        limit = 5 if policy["IsAdministrator"] else 3
    # 10.11 neither counts failures nor locks accounts (recorded).
    if app.version != "10.11" and 0 < limit <= policy["InvalidLoginAttemptCount"]:
        policy["IsDisabled"] = True
        users.end_sessions(app, user)
    app.store.save()


def _limits(app: Application, user: dict[str, Any], sender: Credentials) -> Answer | None:
    policy = user["policy"]
    if policy["IsDisabled"]:
        return failed(403)
    if not policy["EnableAllDevices"] and sender.device_id not in policy["EnabledDevices"]:
        return failed(403)
    open_ones = [
        device
        for device in app.state["devices"]
        if device["user"] == user["id"] and device["device_id"] != sender.device_id
    ]
    if 0 < policy["MaxActiveSessions"] <= len(open_ones):
        return failed(403)
    return None


def _open(call: Call, user: dict[str, Any], sender: Credentials) -> dict[str, Any]:
    app, now = call.app, call.app.clock.stamp()
    # The response has the number of failures before this login.
    failures, user["policy"]["InvalidLoginAttemptCount"] = user["policy"]["InvalidLoginAttemptCount"], 0
    if app.version == "10.11":
        # The response has the time of the login before this one; the first login is not stored.
        first = user["last_activity"] is None
        user["last_activity"] = user["last_activity"] or now
        shown = users.listed(app, user)
        user["last_activity"] = now
        if not first:
            user["last_login"] = now
    else:
        user["last_activity"] = user["last_login"] = now
        shown = users.listed(app, user)
    shown["Policy"]["InvalidLoginAttemptCount"] = failures
    device = {
        "token": uuid.uuid4().hex,
        "user": user["id"],
        "client": sender.client,
        "device": sender.device,
        "device_id": sender.device_id,
        "version": sender.version,
        "last": now,
        "remote": call.request.remote,
    }
    # A device has one token: the earlier one becomes invalid.
    app.state["devices"] = [d for d in app.state["devices"] if d["device_id"] != sender.device_id] + [device]
    app.active.add(sender.device_id)
    app.store.save()
    return {
        "User": shown,
        "SessionInfo": listed(app, device, user),
        "AccessToken": device["token"],
        "ServerId": app.state["server_id"],
    }


def listed(app: Application, device: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    made = session(device, user, server=app.state["server_id"], version=app.version, remote=device["remote"])
    return playback.shown(app, device, made)


def _sessions(call: Call) -> Answer:
    app, caller = call.app, call.caller
    shown = []
    for device in app.state["devices"]:
        user = app.user(device["user"])
        if user and device["device_id"] in app.active and (caller.administrator or user is caller.user):
            shown.append(listed(app, device, user))
    # The session that was active last comes first.
    last = {device: playing["checked_in"] for device, playing in app.playing.items()}
    shown.sort(key=lambda one: max(one["LastActivityDate"], last.get(one["DeviceId"], "")), reverse=True)
    return given(shown)


def _logout(call: Call) -> Answer:
    app = call.app
    app.state["devices"] = [d for d in app.state["devices"] if d["token"] != call.credentials.token]
    app.store.save()
    return nothing()


ROUTES = (
    Route("POST", "/Users/AuthenticateByName", Access.PUBLIC, _authenticate),
    Route("GET", "/Sessions", Access.TOKEN, _sessions),
    Route("POST", "/Sessions/Logout", Access.TOKEN, _logout),
)

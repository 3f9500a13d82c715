# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys: created without a response body, never deduplicated, deleted without an error."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jellyfin_double.answers import Answer, given, nothing
from jellyfin_double.clock import NEVER
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Call


def _all(call: Call) -> Answer:
    shown = [
        {
            "Id": 0,
            "AccessToken": key["token"],
            "DeviceId": "",
            "AppName": key["app"],
            "AppVersion": "",
            "DeviceName": "",
            "UserId": "0" * 32,
            "IsActive": False,
            "DateCreated": key["created"],
            "DateLastActivity": NEVER,
        }
        for key in call.app.state["keys"]
    ]
    return given({"Items": shown, "TotalRecordCount": len(shown), "StartIndex": 0})


def _create(call: Call) -> Answer:
    app = call.app
    name = call.request.text("app")
    app.state["keys"].append({"token": uuid.uuid4().hex, "app": name, "created": app.clock.stamp()})
    app.store.save()
    return nothing()


def _delete(call: Call) -> Answer:
    app = call.app
    app.state["keys"] = [key for key in app.state["keys"] if key["token"] != call.values["key"]]
    app.store.save()
    return nothing()


ROUTES = (
    Route("GET", "/Auth/Keys", Access.ADMINISTRATOR, _all),
    Route("POST", "/Auth/Keys", Access.ADMINISTRATOR, _create),
    Route("DELETE", "/Auth/Keys/{key}", Access.ADMINISTRATOR, _delete),
)

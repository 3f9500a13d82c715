# SPDX-License-Identifier: GPL-3.0-or-later
"""GET and POST of the configuration. A POST replaces the whole object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jellyfin_double.answers import Answer, Refused, failed, given, invalid, nothing
from jellyfin_double.models import WrongType
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Call


def _read(call: Call) -> Answer:
    return given(call.app.settings.system)


def _replace(call: Call) -> Answer:
    body = call.request.json("configuration")
    settings = call.app.settings
    try:
        # IsStartupWizardCompleted is an ordinary key: a body without it opens the wizard again.
        value = settings.system_model.read(body)
    except WrongType as wrong:
        return invalid({"configuration": ["The configuration field is required."], wrong.path: [wrong.message]})
    settings.save_system(value)
    return nothing()


def _read_named(call: Call) -> Answer:
    value = call.app.settings.named.get(call.values["key"].lower())
    return failed(404) if value is None else given(value)


def _replace_named(call: Call) -> Answer:
    settings, name = call.app.settings, call.values["key"].lower()
    model = settings.named_models.get(name)
    try:
        body = call.request.json("configuration")
        if model is None:
            return failed(500)
        value = model.read(body)
    except WrongType:
        return failed(500)
    except Refused as refused:
        # The controller parses it, so an invalid document is not a validation error.
        return refused.answer if refused.answer.status == 415 else failed(500)
    settings.save_named(name, value)
    return nothing()


ROUTES = (
    Route("GET", "/System/Configuration", Access.TOKEN, _read),
    Route("POST", "/System/Configuration", Access.ADMINISTRATOR, _replace),
    Route("GET", "/System/Configuration/{key}", Access.TOKEN, _read_named),
    Route("POST", "/System/Configuration/{key}", Access.ADMINISTRATOR, _replace_named),
)

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Preflight checks of the services' variables, with the validation of their modules, before a service is started."""

from __future__ import annotations

import re
import typing as t

from .._core.errors import InvalidValue
from .._jackett import model as jackett
from .._jellyfin.library_model import (
    normal_path,
    parse_wanted,
)
from .._jellyfin.library_plan import (
    plan_libraries,
)
from .._jellyfin.user_model import parse_users
from .._jellyfin.values import SECTIONS, plan_section
from .._transmission import model as transmission
from .problem import (
    Facts,
    Problem,
    Settings,
    not_set,
    problem,
    warning,
)
from .relied import check_relied_on

PLACEHOLDER = re.compile(
    r"(change[-_ ]?(me|it|this).*|.*_here|your[-_ ].*|<.*>|x{3,}|password|secret|placeholder|todo|\.\.\.)",
    re.IGNORECASE,
)
CREDENTIALS = (
    "transmission_user",
    "transmission_password",
    "jackett_admin_password",
    "jellyfin_admin_user",
    "jellyfin_admin_password",
)
# Path of mediaserver_media in Jellyfin's container.
MEDIA = "/media"
REMEDY = "correct it; see the documentation of the module {}"


def check_credentials(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for name in CREDENTIALS:
        if name not in settings:
            continue
        value = str(settings[name] or "")
        if not value.strip():
            yield not_set(name)
        elif name.endswith("password") and PLACEHOLDER.fullmatch(value):
            yield problem(name, "its value is a placeholder", "choose your own password, in the vault")


def check_transmission(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for variable in ("transmission_default_settings", "transmission_settings"):
        try:
            wanted = transmission.read_wanted(settings.get(variable) or {})
        except InvalidValue as error:
            yield problem(variable, str(error), "docs/transmission-settings.md lists all settings")
        else:
            yield from check_relied_on(variable, "transmission", wanted)


def check_jackett(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    for variable in ("jackett_default_settings", "jackett_settings"):
        try:
            wanted = jackett.read_wanted(settings.get(variable) or {})
        except InvalidValue as error:
            yield problem(variable, str(error), REMEDY.format("jackett_settings"))
        else:
            yield from check_relied_on(variable, "jackett", wanted)


def check_jellyfin(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Check Jellyfin's settings, except for unknown names and types, which only the running server can check."""
    for section in SECTIONS:
        for variable in (f"jellyfin_default_{section}_settings", f"jellyfin_{section}_settings"):
            wanted = settings.get(variable) or {}
            try:
                plan_section(section, wanted, {}, allow_unknown=True)
            except InvalidValue as error:
                yield problem(variable, str(error), REMEDY.format("jellyfin_settings"))
            else:
                yield from check_relied_on(variable, "jellyfin", wanted if section == "network" else {})


def check_libraries(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Check the wanted libraries as for a server without libraries; the module compares existing ones later."""
    shared = settings.get("jellyfin_library_options") or {}
    given = [
        {**library, "options": {**shared, **(library.get("options") or {})}}
        for library in settings.get("jellyfin_libraries") or []
    ]
    try:
        wanted = parse_wanted(given)
        plan_libraries(wanted, [])
    except InvalidValue as error:
        yield problem("jellyfin_libraries", _without_name(error), REMEDY.format("jellyfin_library"))
        return
    for library in wanted:
        for path in library.paths:
            if not normal_path(path).startswith(MEDIA + "/"):
                yield problem(
                    "jellyfin_libraries",
                    f"{library.name}: {path} is not a media folder of Jellyfin's container",
                    f"use a folder below {MEDIA}, which is {settings.get('mediaserver_media')} on the host",
                )


def check_members(facts: Facts, settings: Settings) -> t.Iterator[Problem]:
    """Check the wanted accounts.

    On a host that is set up, unknown libraries are a warning only: they may have been made in Jellyfin.
    """
    try:
        members = parse_users(settings.get("jellyfin_users") or [])
    except InvalidValue as error:
        yield problem("jellyfin_users", _without_name(error), REMEDY.format("jellyfin_user"))
        return
    administrator = str(settings.get("jellyfin_admin_user") or "")
    libraries = {one["name"] for one in settings.get("jellyfin_libraries") or [] if one.get("state") != "absent"}
    new = not settings.get("preflight_installed")
    for member in members:
        if member.name.casefold() == administrator.casefold():
            yield problem(
                "jellyfin_users",
                f"{member.name} is the administrator that jellyfin_admin_user names",
                "remove it from the list, or choose another administrator",
            )
        if member.absent:
            continue
        if new and member.password is None:
            yield problem("jellyfin_users", f"{member.name} has no password", "set one, in the vault")
        elif member.password is not None and PLACEHOLDER.fullmatch(member.password):
            yield problem(
                "jellyfin_users", f"{member.name}'s password is a placeholder", "choose another password, in the vault"
            )
        for name in sorted(set(member.libraries or ()) - libraries):
            yield (problem if new else warning)(
                "jellyfin_users",
                f"{member.name} may see {name!r}, which is not in jellyfin_libraries",
                f"use some of {', '.join(sorted(libraries)) or 'none'}; nothing is needed if it was made in Jellyfin",
            )


def _without_name(error: InvalidValue) -> str:
    """Return the error without the name of the module's option, which is not a variable."""
    return re.sub("^(libraries|users): ", "", str(error))

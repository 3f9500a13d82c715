# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, policies and passwords."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from typing import TYPE_CHECKING, Any

from jellyfin_double.answers import Answer, Refused, failed, given, invalid, nothing, problem, required
from jellyfin_double.models import Model, WrongType
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Application, Call

NAME = re.compile(r"^(?!\s)[\w\ \-'._@+]+(?<!\s)$")
_PROVIDER = "Jellyfin.Server.Implementations.Users."
PROVIDERS = {
    "PasswordResetProviderId": _PROVIDER + "DefaultPasswordResetProvider",
    "AuthenticationProviderId": _PROVIDER + "DefaultAuthenticationProvider",
}
POLICY = Model(
    "UserPolicy",
    {
        "IsAdministrator": False,
        "IsHidden": True,
        "EnableCollectionManagement": False,
        "EnableSubtitleManagement": False,
        "EnableLyricManagement": False,
        "IsDisabled": False,
        "BlockedTags": [],
        "AllowedTags": [],
        "EnableUserPreferenceAccess": True,
        "AccessSchedules": [],
        "BlockUnratedItems": [],
        "EnableRemoteControlOfOtherUsers": False,
        "EnableSharedDeviceControl": True,
        "EnableRemoteAccess": True,
        "EnableLiveTvManagement": False,
        "EnableLiveTvAccess": True,
        "EnableMediaPlayback": True,
        "EnableAudioPlaybackTranscoding": True,
        "EnableVideoPlaybackTranscoding": True,
        "EnablePlaybackRemuxing": True,
        "ForceRemoteSourceTranscoding": False,
        "EnableContentDeletion": False,
        "EnableContentDeletionFromFolders": [],
        "EnableContentDownloading": True,
        "EnableSyncTranscoding": True,
        "EnableMediaConversion": True,
        "EnabledDevices": [],
        "EnableAllDevices": True,
        "EnabledChannels": [],
        "EnableAllChannels": True,
        "EnabledFolders": [],
        "EnableAllFolders": True,
        "InvalidLoginAttemptCount": 0,
        "LoginAttemptsBeforeLockout": -1,
        "MaxActiveSessions": 0,
        "EnablePublicSharing": True,
        "BlockedMediaFolders": [],
        "BlockedChannels": [],
        "RemoteClientBitrateLimit": 0,
        "AuthenticationProviderId": PROVIDERS["AuthenticationProviderId"],
        "PasswordResetProviderId": PROVIDERS["PasswordResetProviderId"],
        "SyncPlayAccess": "CreateAndJoinGroups",
    },
    optional={"MaxParentalRating": 0, "MaxParentalSubRating": 0},
    enums={"SyncPlayAccess": ("CreateAndJoinGroups", "JoinGroups", "None")},
)
_CONFIGURATION: dict[str, Any] = {
    "PlayDefaultAudioTrack": True,
    "SubtitleLanguagePreference": "",
    "DisplayMissingEpisodes": False,
    "GroupedFolders": [],
    "SubtitleMode": "Default",
    "DisplayCollectionsView": False,
    "EnableLocalPassword": False,
    "OrderedViews": [],
    "LatestItemsExcludes": [],
    "MyMediaExcludes": [],
    "HidePlayedInLatest": True,
    "RememberAudioSelections": True,
    "RememberSubtitleSelections": True,
    "EnableNextEpisodeAutoPlay": True,
}


def create(app: Application, name: str, *, administrator: bool = False) -> dict[str, Any]:
    """Create a user without password. Raises Refused for an invalid name, or one that exists (not case-sensitive)."""
    check_name(app, name)
    policy = POLICY.fresh()
    if administrator:
        for right in ("IsAdministrator", "EnableRemoteControlOfOtherUsers", "EnableContentDeletion"):
            policy[right] = True
    user = {
        "id": uuid.uuid4().hex,
        "name": name,
        "salt": "",
        "hash": "",
        "policy": policy,
        "last_login": None,
        "last_activity": None,
    }
    app.state["users"].append(user)
    app.store.save()
    return user


def check_name(app: Application, name: str, own: dict[str, Any] | None = None) -> None:
    taken = any(user["name"].lower() == name.lower() for user in app.state["users"] if user is not own)
    if taken or not NAME.match(name):
        raise Refused(failed(400))


def set_password(user: dict[str, Any], password: str) -> None:
    user["salt"] = secrets.token_hex(8)
    user["hash"] = _digest(user["salt"], password) if password else ""


def fits(user: dict[str, Any], password: str) -> bool:
    if not user["hash"]:
        return not password
    return secrets.compare_digest(user["hash"], _digest(user["salt"], password))


def _digest(salt: str, password: str) -> str:
    return hashlib.sha256((salt + password).encode()).hexdigest()


def listed(app: Application, user: dict[str, Any]) -> dict[str, Any]:
    """Return a user in the form of the API."""
    # 12.0 returns true for a user without password too.
    password = app.version != "10.11" or bool(user["hash"])
    shown: dict[str, Any] = {
        "Name": user["name"],
        "ServerId": app.state["server_id"],
        "Id": user["id"],
        "HasPassword": password,
        "HasConfiguredPassword": password,
        "HasConfiguredEasyPassword": False,
        "EnableAutoLogin": False,
    }
    if user["last_login"]:
        shown["LastLoginDate"] = user["last_login"]
    if user["last_activity"]:
        shown["LastActivityDate"] = user["last_activity"]
    own = dict(_CONFIGURATION)
    receivers = app.settings.system["CastReceiverApplications"]
    if receivers:
        own["CastReceiverId"] = receivers[0]["Id"]
    return shown | {"Configuration": own, "Policy": dict(user["policy"])}


def end_sessions(app: Application, user: dict[str, Any], but: str = "") -> None:
    app.state["devices"] = [
        device for device in app.state["devices"] if device["user"] != user["id"] or device["token"] == but
    ]


def _one(call: Call) -> dict[str, Any]:
    user = call.app.user(call.values["userId"])
    if user is None:
        raise Refused(problem(404))
    return user


def _all(call: Call) -> Answer:
    users = sorted(call.app.state["users"], key=lambda user: str(user["name"]).lower())
    return given([listed(call.app, user) for user in users])


def _public(call: Call) -> Answer:
    app = call.app
    if not app.settings.wizard_completed:
        return _all(call)
    shown = [u for u in app.state["users"] if not u["policy"]["IsHidden"] and not u["policy"]["IsDisabled"]]
    return given([listed(app, user) for user in shown])


def _me(call: Call) -> Answer:
    if call.caller.user is None:
        return problem(400)
    return given(listed(call.app, call.caller.user))


def _get(call: Call) -> Answer:
    return given(listed(call.app, _one(call)))


def _new(call: Call) -> Answer:
    body = call.request.json("request")
    name, password = body.get("Name"), body.get("Password")
    if not name:
        return required("Name")
    user = create(call.app, name)
    # 10.11 responds with the user before the change of the password.
    shown = listed(call.app, user)
    if password:
        set_password(user, password)
        call.app.store.save()
    return given(shown if call.app.version == "10.11" else listed(call.app, user))


def _rename(call: Call) -> Answer:
    """Rename a user. The request has the whole user; the double uses its name. Sessions stay (recorded)."""
    app, body = call.app, call.request.json("updateUser")
    user = app.user(call.request.query("userId") or (call.caller.user or {}).get("id", ""))
    if user is None:
        return problem(404)
    if not call.caller.administrator and call.caller.user is not user:
        return given("User update not allowed.", 403)
    name = body.get("Name")
    if not name:
        return required("Name")
    if name != user["name"]:
        check_name(app, name, own=user)
        user["name"] = name
        app.store.save()
    return nothing()


def _delete(call: Call) -> Answer:
    user, app = _one(call), call.app
    others = [other for other in app.state["users"] if other is not user]
    if user["policy"]["IsAdministrator"] and not any(other["policy"]["IsAdministrator"] for other in others):
        return failed(400)
    app.state["users"] = others
    end_sessions(app, user)
    app.store.save()
    return nothing()


def _policy(call: Call) -> Answer:
    user, app = _one(call), call.app
    body = call.request.json("newPolicy")
    missing = {name: [f"The {name} field is required."] for name in PROVIDERS if not body.get(name)}
    if missing:
        return invalid(missing)
    try:
        policy = POLICY.read(body)
    except WrongType as wrong:
        return invalid({"newPolicy": ["The newPolicy field is required."], wrong.path: [wrong.message]})
    administrators = sum(other["policy"]["IsAdministrator"] for other in app.state["users"])
    if user["policy"]["IsAdministrator"] and not policy["IsAdministrator"] and administrators == 1:
        return given("There must be at least one user in the system with administrative access.", 403)
    if policy["IsDisabled"] and policy["IsAdministrator"]:
        return given("Administrators cannot be disabled.", 403)
    if policy["IsDisabled"] and sum(not other["policy"]["IsDisabled"] for other in app.state["users"]) == 1:
        return given("There must be at least one enabled user in the system.", 403)
    demoted = user["policy"]["IsAdministrator"] and not policy["IsAdministrator"]
    user["policy"] = policy
    if policy["IsDisabled"] or demoted:
        end_sessions(app, user)
    app.store.save()
    return nothing()


def _password(call: Call) -> Answer:
    app, caller = call.app, call.caller
    body = call.request.json("request")
    identifier = call.request.query("userId") or (caller.user or {}).get("id", "")
    user = app.user(identifier)
    if user is None:
        return problem(404)
    own = caller.user is user
    if not own and not caller.administrator:
        return given("User is not allowed to update the password.", 403)
    empty = body.get("ResetPassword") or not body.get("NewPw")
    if empty and user["policy"]["IsAdministrator"]:
        return failed(400)
    if body.get("ResetPassword"):
        set_password(user, "")
    elif (own or not caller.administrator) and not fits(user, body.get("CurrentPw") or ""):
        return given("Invalid user or password entered.", 403)
    else:
        set_password(user, body.get("NewPw") or "")
    end_sessions(app, user, but=call.credentials.token)
    app.store.save()
    return nothing()


ROUTES = (
    Route("GET", "/Users", Access.TOKEN, _all),
    Route("GET", "/Users/Public", Access.PUBLIC, _public),
    Route("GET", "/Users/Me", Access.TOKEN, _me),
    Route("GET", "/Users/{userId}", Access.TOKEN, _get),
    Route("POST", "/Users", Access.TOKEN, _rename),
    Route("POST", "/Users/New", Access.ADMINISTRATOR, _new),
    Route("POST", "/Users/Password", Access.TOKEN, _password),
    Route("POST", "/Users/{userId}/Policy", Access.ADMINISTRATOR, _policy),
    Route("DELETE", "/Users/{userId}", Access.ADMINISTRATOR, _delete),
)

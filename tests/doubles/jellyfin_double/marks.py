# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user has watched: marks, positions and favourites of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jellyfin_double.answers import Answer, Refused, failed, given, nothing, problem
from jellyfin_double.router import Access, Route

if TYPE_CHECKING:
    from jellyfin_double.application import Call

# The double opens no file; every video has a duration of three seconds.
RUN_TIME_TICKS = 30000000


def user_of(call: Call) -> dict[str, Any] | None:
    """Return the user of a request: the one in the query, or the caller; None for an API key alone."""
    named = call.request.query("userId")
    if named is None:
        return call.caller.user
    user = call.app.user(named)
    if user is None:
        raise Refused(problem(404))
    if user is not call.caller.user and not call.caller.administrator:
        raise Refused(nothing(403))
    return user


def item_of(call: Call) -> tuple[str, dict[str, Any]]:
    """Return id and item of a path. Raises Refused for an unknown one."""
    key = call.values["itemId"].replace("-", "").lower()
    item = call.app.media.items.get(key)
    if item is None:
        raise Refused(problem(404))
    return key, item


def of(call: Call, user: dict[str, Any], key: str) -> dict[str, Any]:
    """Return what is stored for a user and an item, to be changed; empty values for nothing."""
    empty = {"count": 0, "last": None, "played": False, "position": 0, "favorite": False}
    stored: dict[str, Any] = call.app.state["played"].setdefault(user["id"], {}).setdefault(key, {})
    for name, value in empty.items():
        stored.setdefault(name, value)
    return stored


def listed(call: Call, user: dict[str, Any], key: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the UserData of an item."""
    mark = of(call, user, key)
    shown: dict[str, Any] = {}
    if item["folder"]:
        inside = [one for one, it in call.app.media.items.items() if key in (it.get("series"), it.get("season"))]
        leaves = [one for one in inside if not call.app.media.items[one]["folder"]]
        seen = sum(of(call, user, one)["played"] for one in leaves)
        shown |= {"PlayedPercentage": 100 * seen / max(len(leaves), 1), "UnplayedItemCount": len(leaves) - seen}
    elif mark["position"]:
        shown["PlayedPercentage"] = 100 * mark["position"] / RUN_TIME_TICKS
    shown |= {"PlaybackPositionTicks": mark["position"], "PlayCount": mark["count"], "IsFavorite": mark["favorite"]}
    if mark["last"]:
        shown["LastPlayedDate"] = mark["last"]
    return shown | {"Played": mark["played"], "Key": _key(key, item), "ItemId": key}


def _key(key: str, item: dict[str, Any]) -> str:
    """Return the key of a mark: of an episode or season, that of the series with the numbers in three digits."""
    if item.get("series") and item.get("number") is not None:
        numbers = [item["number"]] if item["folder"] else [item["season_number"] or 0, item["number"]]
        return dashed(item["series"]) + "".join(f"{number:03d}" for number in numbers)
    return dashed(key)


def _one(call: Call, user: dict[str, Any], key: str, item: dict[str, Any]) -> Answer:
    """Answer with the UserData of one item. In 10.11 the key is always that of the item itself."""
    shown = listed(call, user, key, item)
    return given(shown | {"Key": dashed(key)} if call.app.version == "10.11" else shown)


def dashed(key: str) -> str:
    return "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))


def _required_user(call: Call) -> dict[str, Any]:
    user = user_of(call)
    if user is None:
        raise Refused(failed(400))
    return user


def _played_item(call: Call) -> tuple[str, dict[str, Any]]:
    try:
        return item_of(call)
    except Refused:
        raise Refused(failed(500) if call.app.version == "10.11" else problem(404)) from None


def _mark(call: Call) -> Answer:
    user, (key, item) = _required_user(call), _played_item(call)
    mark = of(call, user, key)
    given_date = call.request.query("datePlayed")
    date = f"{given_date.removesuffix('Z')}.0000000Z" if given_date else None
    # A date counts as one more time; without one, an item that was begun keeps its date.
    mark["count"] = max(mark["count"] + bool(date), 1)
    mark |= {"played": True, "position": 0, "last": date or mark["last"] or call.app.clock.stamp()}
    call.app.store.save()
    return _one(call, user, key, item)


def _unmark(call: Call) -> Answer:
    user, (key, item) = _required_user(call), _played_item(call)
    mark = of(call, user, key)
    mark |= {"played": False, "position": 0, "count": 0, "last": None}
    call.app.store.save()
    return _one(call, user, key, item)


def _data(call: Call) -> Answer:
    user, (key, item) = _required_user(call), item_of(call)
    return _one(call, user, key, item)


def _change_data(call: Call) -> Answer:
    user, (key, item) = _required_user(call), item_of(call)
    mark, body = of(call, user, key), call.request.json("userDataDto")
    names = {"PlaybackPositionTicks": "position", "PlayCount": "count", "IsFavorite": "favorite", "Played": "played"}
    for name, ours in names.items():
        if body.get(name) is not None:
            mark[ours] = body[name]
    call.app.store.save()
    return _one(call, user, key, item)


ROUTES = (
    Route("POST", "/UserPlayedItems/{itemId}", Access.TOKEN, _mark),
    Route("DELETE", "/UserPlayedItems/{itemId}", Access.TOKEN, _unmark),
    Route("GET", "/UserItems/{itemId}/UserData", Access.TOKEN, _data),
    Route("POST", "/UserItems/{itemId}/UserData", Access.TOKEN, _change_data),
)

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables are validated against the argument specs of the roles transmission, jackett and jellyfin."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.household.mediaserver.plugins.filter.preflight_problems import preflight_problems
from ansible_collections.household.mediaserver.plugins.module_utils._preflight import services
from ansible_collections.household.mediaserver.plugins.modules import jellyfin_library, jellyfin_user
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._preflight.household import (
    FACTS,
    SETTINGS,
)

ROLES = Path(__file__).resolve().parents[5] / "roles"
MOVIES = {"name": "Movies", "type": "movies", "paths": ["/media/movies"]}
CHILD = {"name": "child", "password": "crayon"}


@pytest.fixture(scope="module")
def specs() -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for role in ("transmission", "jackett", "jellyfin"):
        text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        found |= yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


def problems_of(variable: str, value: t.Any, specs: dict[str, t.Any]) -> list[dict[str, str]]:
    """Return the filter's problems of one variable."""
    problems = preflight_problems(FACTS, {**SETTINGS, "jellyfin_users": [], variable: value}, specs)
    return [one for one in problems if one["variable"] == variable]


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("jellyfin_libraries", "list"),
        ("jellyfin_users", "list"),
        ("jackett_settings", "dict"),
        ("transmission_settings", "dict"),
    ],
)
@pytest.mark.parametrize("value", ["text", "CacheTtl=60"])
def test_text_in_place_of_a_container_is_reported_once(
    variable: str, kind: str, value: str, specs: dict[str, t.Any]
) -> None:
    (problem,) = problems_of(variable, value, specs)
    assert f"of type str, not {kind}" in problem["problem"]


@pytest.mark.parametrize("no_log", [False, True])
def test_mapping_in_place_of_a_list_is_named(no_log: bool) -> None:
    specs = {"jellyfin_users": {"type": "list", "elements": "dict", "options": {"name": {}}, "no_log": no_log}}
    (problem,) = problems_of("jellyfin_users", CHILD, specs)
    assert problem["problem"] == "it is of type dict, not list"
    assert "each entry begins with a hyphen" in problem["remedy"]
    assert "crayon" not in str(problem)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("jellyfin_users", [{"name": "child", "password": "12345678", "libraries": "Movies"}]),
        ("jellyfin_libraries", [{"name": "Movies", "type": "movies", "paths": "/media/movies"}]),
        ("jellyfin_https_port", "0"),
        ("jellyfin_timeout", "600"),
    ],
)
def test_values_are_checked_after_conversion(variable: str, value: t.Any, specs: dict[str, t.Any]) -> None:
    assert problems_of(variable, value, specs) == []


@pytest.mark.parametrize(
    ("written", "place", "kind"),
    [
        ("transmission_password: 0123456", "transmission_password", "a number"),
        ("jackett_admin_password: 12345678", "jackett_admin_password", "a number"),
        ("jellyfin_admin_password: 1e3", "jellyfin_admin_password", ""),
        ("jellyfin_admin_password: 1.5", "jellyfin_admin_password", "a number"),
        ("transmission_user: on", "transmission_user", "true or false"),
        ("jellyfin_admin_user: 2001-01-01", "jellyfin_admin_user", "a date"),
        ("jellyfin_metadata_country: NO", "jellyfin_metadata_country", "true or false"),
        ("jellyfin_language: no", "jellyfin_language", "true or false"),
        ("jellyfin_users: [{name: child, password: 0000}]", "jellyfin_users[0].password", "a number"),
        ("jellyfin_users: [{name: 007, password: crayon}]", "jellyfin_users[0].name", "a number"),
        (
            "jellyfin_users: [{name: a, password: b, libraries: [Movies, 12:30]}]",
            "jellyfin_users[0].libraries[1]",
            "a n",
        ),
        ("jellyfin_libraries: [{name: 1984, type: books, paths: [/media/books]}]", "jellyfin_libraries[0].name", "a n"),
    ],
)
def test_misread_text_is_rejected_without_its_value(
    written: str, place: str, kind: str, specs: dict[str, t.Any]
) -> None:
    given = yaml.safe_load(written)
    found = preflight_problems(FACTS, {**SETTINGS, "jellyfin_users": [], **given}, specs)
    told = [one for one in found if one["variable"] == place]
    if not kind:  # YAML 1.1 reads a text
        assert told == []
        return
    (problem,) = told
    assert problem["problem"].startswith(f"it must be a text, but YAML reads {kind}")
    assert "quotes" in problem["remedy"]
    assert "42798" not in problem["text"] and "12345678" not in problem["text"]


@pytest.mark.parametrize(
    "variable",
    ["transmission_peer_port", "jackett_settings", "jellyfin_libraries", "jellyfin_cache", "transmission_image"],
)
def test_blank_variable_is_rejected_by_name(variable: str, specs: dict[str, t.Any]) -> None:
    (problem,) = problems_of(variable, None, specs)
    assert (problem["level"], problem["problem"]) == ("problem", "it is left blank")
    assert "remove the line" in problem["remedy"]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("jellyfin_users", [{**CHILD, "libary": ["Movies"]}], "no field jellyfin_users.libary; the fields are"),
        ("jellyfin_users", [{"password": "crayon"}], "name"),
        ("jellyfin_users", [{**CHILD, "transcoding": "sometimes"}], "transcoding"),
        ("jellyfin_libraries", [{**MOVIES, "type": "films"}], "movies, tvshows"),
        ("jellyfin_libraries", [{**MOVIES, "path": "/media/x"}], "path"),
    ],
)
def test_misspelled_key_is_named(variable: str, value: t.Any, words: str, specs: dict[str, t.Any]) -> None:
    (problem,) = problems_of(variable, value, specs)
    assert words in problem["problem"]
    assert "crayon" not in str(problem)


def test_role_accepts_the_options_of_the_modules(specs: dict[str, t.Any]) -> None:
    def plain(options: dict[str, t.Any]) -> dict[str, t.Any]:
        return {
            name: {key: value for key, value in option.items() if key != "description" and value is not False}
            for name, option in options.items()
        }

    modules = (("jellyfin_libraries", jellyfin_library, "libraries"), ("jellyfin_users", jellyfin_user, "users"))
    for variable, module, option in modules:
        assert plain(specs[variable]["options"]) == plain(module.SPEC[option]["options"])


def test_credentials_are_the_required_variables_of_the_roles(specs: dict[str, t.Any]) -> None:
    required = {name for name, option in specs.items() if option.get("required")}
    assert required == set(services.CREDENTIALS)

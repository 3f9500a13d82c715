# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver updates``: against a registry on loopback, with and without Docker, and from the stored result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._registry.registry_double import (
    Registry,
    digest_of,
    serving,
)
from command_host import Docker, container, make_context, run
from mediaserver._core.errors import AccessDenied, FileProblem
from mediaserver.command import updates
from mediaserver.command.frame import Context, Exit

OLD, NEW = digest_of("old"), digest_of("new")


@pytest.fixture
def registry() -> Iterator[Registry]:
    images = {"o/jellyfin": {"10.11.11": NEW, "10.11.12": NEW, "12.4.0": NEW}, "o/gateway": {"1.0-ls1": OLD}}
    with serving(Registry(images)) as found:
        yield found


def docker(registry: Registry, digest: str = OLD) -> Docker:
    rows = [container(name) for name in ("vpn", "wireguard", "jellyfin")]
    known = {row["ImageID"]: {"RepoDigests": [f"{registry.host}/o/gateway@{digest}"]} for row in rows}
    known["sha256:jellyfin"] = {"RepoDigests": [f"{registry.host}/o/jellyfin@{digest}", f"copy.example/x@{NEW}"]}
    return Docker(*rows, images=known)


def household(root: Path, registry: Registry, tag: str = "10.11.11", **changes: Any) -> Context:
    rows = [
        {"service": "vpn", "image": f"{registry.host}/o/gateway:1.0-ls1", "line": "=.*-ls*"},
        {"service": "wireguard", "image": f"{registry.host}/o/gateway:1.0-ls1", "line": "=.*-ls*"},
        {"service": "jellyfin", "image": f"{registry.host}/o/jellyfin:{tag}", "line": "=.=.*"},
    ]
    (root / "images.json").write_text(json.dumps(rows))
    return make_context(root, docker=lambda: docker(registry), **changes)


def test_names_what_is_newer_and_stores_it(tmp_path: Path, registry: Registry) -> None:
    context = household(tmp_path, registry)
    outcome = run(updates, context)
    gateway, jellyfin = outcome.data["images"]
    assert (gateway["services"], gateway["news"]) == (["vpn", "wireguard"], "current")
    assert (jellyfin["news"], jellyfin["newer"], jellyfin["beyond"]) == ("newer-tag", "10.11.12", "12.4.0")
    assert outcome.exit_code == Exit.ATTENTION
    assert outcome.lines[0] == (
        f"jellyfin: {registry.host}/o/jellyfin:10.11.11: 10.11.12 is available; beyond its line there is 12.4.0"
    )
    asked = len(registry.calls)
    again = run(updates, replace(context, uid=lambda: 2000), "--stored")
    assert again.data == outcome.data
    assert len(registry.calls) == asked


def test_an_image_that_is_shared_is_asked_for_once(tmp_path: Path, registry: Registry) -> None:
    run(updates, household(tmp_path, registry))
    assert sum("o/gateway/manifests" in call and "HEAD" in call for call in registry.calls) == 2  # with its token


def test_notices_a_tag_that_was_built_again(tmp_path: Path, registry: Registry) -> None:
    outcome = run(updates, household(tmp_path, registry, tag="10.11.12"))
    assert outcome.data["images"][1]["news"] == "new-digest"


def test_says_nothing_to_do_where_every_image_is_current(tmp_path: Path, registry: Registry) -> None:
    context = household(tmp_path, registry, tag="10.11.12")
    registry.images["o/jellyfin"]["10.11.12"] = OLD
    outcome = run(updates, context)
    assert [one["news"] for one in outcome.data["images"]] == ["current", "current"]
    assert outcome.exit_code == Exit.OK


def test_without_docker_only_newer_tags_are_news(tmp_path: Path, registry: Registry) -> None:
    context = household(tmp_path, registry)
    outcome = run(updates, replace(context, docker=lambda: Docker(silent="Docker does not answer")))
    assert [one["news"] for one in outcome.data["images"]] == ["unknown", "newer-tag"]


def test_a_digest_of_another_repository_proves_nothing(tmp_path: Path, registry: Registry) -> None:
    context = household(tmp_path, registry, tag="10.11.12")
    other = {"sha256:jellyfin": {"RepoDigests": [f"copy.example/x@{NEW}"]}}
    outcome = run(updates, replace(context, docker=lambda: Docker(container("jellyfin"), images=other)))
    assert outcome.data["images"][1]["news"] == "unknown"


def test_a_silent_registry_is_unknown_and_no_error(tmp_path: Path, registry: Registry) -> None:
    context = household(tmp_path, registry)
    registry.faults["/v2/"] = [(500, {}, b"")] * 100
    outcome = run(updates, context)
    assert [one["news"] for one in outcome.data["images"]] == ["unknown", "unknown"]
    assert "status 500" in outcome.data["images"][0]["why"]
    assert outcome.exit_code == Exit.ATTENTION


def test_needs_root_to_ask(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(AccessDenied, match="sudo mediaserver updates"):
        run(updates, household(tmp_path, registry, uid=lambda: 2000))
    assert registry.calls == []


@pytest.mark.parametrize("text", [None, "", "7", "{}", '[{"image": "a"}]', "\x00"])
def test_a_damaged_list_of_images_is_named(tmp_path: Path, registry: Registry, text: str | None) -> None:
    context = household(tmp_path, registry)
    (tmp_path / "images.json").unlink() if text is None else (tmp_path / "images.json").write_text(text)
    with pytest.raises(FileProblem, match=r"images\.json"):
        run(updates, context)


@pytest.mark.parametrize(
    "text", [None, "", "7", "{}", "[" * 100_000, '{"checked": "x", "images": [{"image": "a", "news": "current"}]}']
)
def test_a_damaged_result_is_named(tmp_path: Path, registry: Registry, text: str | None) -> None:
    context = household(tmp_path, registry)
    if text is not None:
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / updates.RESULT).write_text(text)
    with pytest.raises(FileProblem, match="sudo mediaserver updates"):
        run(updates, context, "--stored")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, {"127.0.0.1:5000"}),
        ('{"insecure-registries": ["10.0.0.5:5000", "other:1"]}', {"127.0.0.1:5000", "10.0.0.5:5000"}),
        ("nonsense", {"127.0.0.1:5000"}),
        ("[]", {"127.0.0.1:5000"}),
        ('{"insecure-registries": 7}', {"127.0.0.1:5000"}),
    ],
)
def test_registries_without_tls_are_those_of_docker(tmp_path: Path, settings: str | None, expected: set[str]) -> None:
    path = tmp_path / "daemon.json"
    if settings is not None:
        path.write_text(settings)
    images = {"127.0.0.1:5000/a:1", "10.0.0.5:5000/a:1", "owner/name:1", "Not a reference"}
    assert updates.insecure(images, path) == expected

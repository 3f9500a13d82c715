# SPDX-License-Identifier: GPL-3.0-or-later
"""What is news: tags and digests in, a judgement out; and the same for all images of a host."""

from __future__ import annotations

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.household.mediaserver.plugins.module_utils._registry.line import (
    Answer,
    Line,
    News,
    Tags,
    judge,
    newest,
    split,
)
from ansible_collections.household.mediaserver.plugins.module_utils._registry.news import PATIENCE_S, Image, news
from ansible_collections.household.mediaserver.plugins.module_utils._registry.reference import (
    Reference,
    parse,
    same_repository,
)
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._registry.registry_double import (
    FakeClock,
    Registry,
    digest_of,
    serving,
)
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = digest_of("old"), digest_of("new")
JELLYFIN = ["10.10.7", "10.11.9", "10.11.10", "10.11.11", "10.11.12", "12.4", "12.0.0-rc5", "12.4.0", "latest", "10",
            "10.11", "10.11.13.20260801-012345", "10.11.99-amd64", "unstable"]  # fmt: skip
LINUXSERVER = ["4.1.3-r0-ls352", "4.1.3-r0-ls353", "4.1.4-r0-ls9", "amd64-4.1.9-r0-ls400", "version-4.1.9-r0", "4.1.9",
               "5.0.0-r0-ls1", "4.1.3-r0-ls352-dev"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner/name:1", Reference("registry-1.docker.io", "owner/name", "1")),
        ("name", Reference("registry-1.docker.io", "library/name", "latest")),
        ("docker.io/name:2", Reference("registry-1.docker.io", "library/name", "2")),
        ("registry.example/a/b/c:3", Reference("registry.example", "a/b/c", "3")),
        ("localhost/a:3", Reference("localhost", "a", "3")),
        ("10.0.0.1:5000/a/b", Reference("10.0.0.1:5000", "a/b", "latest")),
        (f"owner/name:1@{OLD}", Reference("registry-1.docker.io", "owner/name", "1", OLD)),
        (f"owner/name@{OLD}", Reference("registry-1.docker.io", "owner/name", "latest", OLD)),
    ],
)
def test_reads_a_reference_as_docker_does(text: str, expected: Reference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "Owner/name:1", "a b", "a/../b:1", "-x", "owner/name@sha256:1", "a?b"])
def test_refuses_what_is_no_reference(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse(text)


def test_recognises_the_repository_of_a_digest() -> None:
    assert same_repository(f"owner/name@{OLD}", parse("owner/name:1"))
    assert not same_repository(f"owner/other@{OLD}", parse("owner/name:1"))
    assert not same_repository("<none>@<none>", parse("owner/name:1"))


@pytest.mark.parametrize(
    ("tag", "line", "known", "expected"),
    [
        ("10.11.11", "=.=.*", JELLYFIN, Tags("10.11.12", "12.4.0")),
        ("10.11.12", "=.=.*", JELLYFIN, Tags("", "12.4.0")),
        ("12.4.0", "=.=.*", JELLYFIN, Tags()),
        ("10.11.9", "*.*.*", JELLYFIN, Tags("12.4.0", "")),
        ("4.1.3-r0-ls352", "=.*.*-r*-ls*", LINUXSERVER, Tags("4.1.4-r0-ls9", "5.0.0-r0-ls1")),
        ("4.1.3-r0-ls352", "=.=.=-r*-ls*", LINUXSERVER, Tags("4.1.3-r0-ls353", "5.0.0-r0-ls1")),
        ("latest", "=.=.*", JELLYFIN, Tags()),
        ("10.11", "=.*", JELLYFIN, Tags("", "12.4")),
    ],
)
def test_finds_the_newest_tag_of_a_line(tag: str, line: str, known: list[str], expected: Tags) -> None:
    assert newest(tag, Line.read(line), known) == expected
    assert newest(tag, Line.read(line), list(reversed(known))) == expected


def test_numbers_are_compared_as_numbers() -> None:
    assert newest("1.9", Line.read("=.*"), ["1.10", "1.8"]) == Tags("1.10", "")
    assert split("4.1.3-r0-ls352") == ("#.#.#-r#-ls#", (4, 1, 3, 0, 352))


@pytest.mark.parametrize("text", ["", "latest", "a b", "=.*/x"])
def test_refuses_a_line_that_is_none(text: str) -> None:
    with pytest.raises(InvalidValue):
        Line.read(text)


@pytest.mark.parametrize(("tag", "kept"), [("1.2.3", (True, False, False)), ("v7", (False,)), ("latest", None)])
def test_an_image_without_a_line_follows_its_own_form(tag: str, kept: tuple[bool, ...] | None) -> None:
    line = Line.of(tag)
    assert (line.kept if line else None) == kept


@pytest.mark.parametrize(
    ("answer", "present", "expected"),
    [
        (Answer(["1.1"], OLD), [OLD], News.NEWER),
        (Answer(["1.1"], NEW), [OLD], News.NEWER),
        (Answer(["1.0"], NEW), [OLD], News.REBUILT),
        (Answer(["1.0"], OLD), [NEW, OLD], News.CURRENT),
        (Answer(["1.0"], OLD), [], News.UNKNOWN),
        (Answer(["1.0"], None), [OLD], News.UNKNOWN),
        (Answer(None, OLD, "no list"), [OLD], News.UNKNOWN),
        (Answer(["1.1"], None, "no digest"), [OLD], News.NEWER),
        (Answer(None, NEW, "no list"), [OLD], News.REBUILT),
        (Answer(), [OLD], News.UNKNOWN),
    ],
)
def test_judges(answer: Answer, present: list[str], expected: News) -> None:
    found = judge("1.0", Line.read("=.*"), answer, present)
    assert found.news is expected
    assert bool(found.why) is (expected is News.UNKNOWN)


@given(
    st.lists(st.from_regex(r"[a-z0-9.-]{0,12}", fullmatch=True)),
    st.sampled_from([None, OLD, NEW]),
    st.sampled_from(["", "trouble"]),
    st.sampled_from([[], [OLD]]),
)
def test_nothing_to_do_is_said_of_whole_answers_only(
    tags: list[str], digest: str | None, trouble: str, present: list[str]
) -> None:
    found = judge("1.0", Line.read("=.*"), Answer(tags, digest, trouble), present)
    if found.news is News.CURRENT:
        assert digest in present
        assert not trouble
        assert not found.newer


def test_judges_all_images_of_a_host() -> None:
    with serving(Registry({"o/jellyfin": dict.fromkeys(JELLYFIN, NEW), "o/same": {"latest": OLD}})) as registry:
        host = registry.host
        images = [
            Image(f"{host}/o/jellyfin:10.11.11", "=.=.*", [OLD]),
            Image(f"{host}/o/jellyfin:10.11.12", "=.=.*", [OLD]),
            Image(f"{host}/o/jellyfin:10.11.12@{NEW}", "=.=.*", []),
            Image(f"{host}/o/same:latest", "", [OLD]),
            Image(f"{host}/o/gone:1.0", "", [OLD]),
            Image("Not a reference", "", []),
            Image(f"{host}/o/same:latest ", "", []),
        ]
        found = news(registry.client(), images, FakeClock())
    assert [one.news for one in found.values()] == [
        *(News.NEWER, News.REBUILT, News.CURRENT, News.CURRENT),
        *(News.UNKNOWN, News.UNKNOWN, News.UNKNOWN),
    ]
    assert found[images[0].name].newer == "10.11.12"
    # Without a line, the list of tags is not asked for.
    assert not any("o/same/tags" in call for call in registry.calls)


def test_a_silent_registry_is_asked_once_and_delays_no_other() -> None:
    with serving(Registry({"o/a": {"1.0": OLD}})) as registry:
        images = [Image(f"127.0.0.1:1/o/{name}:1.0", "", [OLD]) for name in "abc"]
        found = news(registry.client(), [*images, Image(f"{registry.host}/o/a:1.0", "", [OLD])], FakeClock())
    assert [one.news for one in found.values()] == [News.UNKNOWN] * 3 + [News.CURRENT]


def test_waits_for_all_registries_together_are_bounded() -> None:
    clock = FakeClock()
    with serving(Registry({f"o/{name}": {"1.0": OLD} for name in "abcdefgh"})) as registry:
        images = [Image(f"{registry.host}/o/{name}:1.0", "", [OLD]) for name in "abcdefgh"]
        original = registry.answer

        def slow(*arguments: object) -> object:
            clock.seconds += PATIENCE_S / 6
            return original(*arguments)  # type: ignore[arg-type]

        registry.answer = slow  # type: ignore[method-assign, assignment]
        found = news(registry.client(clock), images, clock)
    unknown = [one for one in found.values() if one.news is News.UNKNOWN]
    assert unknown and all("no time left" in one.why for one in unknown)
    assert len(found) == 8

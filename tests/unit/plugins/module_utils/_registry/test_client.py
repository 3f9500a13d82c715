# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry client against a registry on loopback, and against one that answers nonsense."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import (
    AccessDenied,
    ProtocolError,
    Unreachable,
)
from ansible_collections.household.mediaserver.plugins.module_utils._core.transport import Response
from ansible_collections.household.mediaserver.plugins.module_utils._registry import client as registry_client
from ansible_collections.household.mediaserver.plugins.module_utils._registry.client import (
    MAX_WAIT_S,
    NoSuchImage,
    RateLimited,
    RegistryClient,
)
from ansible_collections.household.mediaserver.plugins.module_utils._registry.reference import Reference, parse
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._registry.registry_double import (
    TOKEN,
    FakeClock,
    Registry,
    digest_of,
    serving,
)

TAGS = {f"4.1.{number}": digest_of(f"4.1.{number}") for number in range(25)}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving(Registry({"owner/name": dict(TAGS)})) as found:
        yield found


def image(registry: Registry, tag: str = "4.1.3", repository: str = "owner/name") -> Reference:
    return parse(f"{registry.host}/{repository}:{tag}")


def test_returns_the_digest_of_a_tag_by_a_head(registry: Registry) -> None:
    assert registry.client().digest(image(registry)) == TAGS["4.1.3"]
    assert [call.split()[0] for call in registry.calls] == ["HEAD", "GET", "HEAD"]
    assert registry.tokens == ["", "", f"Bearer {TOKEN}"]


def test_a_token_is_used_again(registry: Registry) -> None:
    client = registry.client()
    client.digest(image(registry))
    client.digest(image(registry, "4.1.4"))
    assert sum("/token" in call for call in registry.calls) == 1


def test_a_registry_without_tokens_is_asked_without_one(registry: Registry) -> None:
    registry.wants_token = False
    assert registry.client().digest(image(registry)) == TAGS["4.1.3"]
    assert registry.tokens == [""]


def test_follows_the_pages_of_the_list(registry: Registry) -> None:
    registry.page = 10
    assert registry.client().tags(image(registry)) == list(TAGS)
    assert sum("/tags/list" in call for call in registry.calls) == 1 + 3


def test_an_endless_list_is_an_error(registry: Registry) -> None:
    registry.endless = True
    with pytest.raises(ProtocolError, match="the list of tags does not end"):
        registry.client().tags(image(registry))
    assert len(registry.calls) <= registry_client.MAX_PAGES + 2


def test_a_page_that_leads_to_itself_is_an_error(registry: Registry) -> None:
    registry.wants_token = False
    own = f"/v2/owner/name/tags/list?n={registry_client.PAGE_TAGS}"
    registry.faults["/v2/"] = [(200, {"Link": f'<{own}>; rel="next"'}, b'{"tags": []}')]
    with pytest.raises(ProtocolError, match=r"does not end \(1 pages"):
        registry.client().tags(image(registry))


def test_a_page_on_another_host_is_not_asked_for(registry: Registry) -> None:
    registry.faults["/v2/"] = [(200, {"Link": '<https://other.example/v2/>; rel="next"'}, b'{"tags": []}')]
    with pytest.raises(ProtocolError, match="on another host"):
        registry.client().tags(image(registry))


@pytest.mark.parametrize("wait", ["3", ""])
def test_waits_and_repeats_where_it_is_asked_too_often(registry: Registry, wait: str) -> None:
    registry.faults["/v2/"] = [(429, {"Retry-After": wait}, b"")] * 2
    clock = FakeClock()
    assert registry.client(clock).digest(image(registry)) == TAGS["4.1.3"]
    assert clock.slept == ([3.0, 6.0] if wait else [2.0, 4.0])


@pytest.mark.parametrize("wait", ["1", "86400", "soon", "-1", "9" * 40, "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_registry_that_is_always_asked_too_often_costs_a_bounded_time(registry: Registry, wait: str) -> None:
    registry.faults["/v2/"] = [(429, {"Retry-After": wait}, b"")] * 100
    clock = FakeClock()
    with pytest.raises(RateLimited, match="asked too often"):
        registry.client(clock).digest(image(registry))
    assert clock.seconds <= MAX_WAIT_S
    assert len(registry.calls) <= registry_client.MAX_TRIES


def test_a_token_that_is_not_accepted_is_asked_for_once(registry: Registry) -> None:
    registry.token = "wrong"
    with pytest.raises(AccessDenied, match="status 401; the image is private, or does not exist"):
        registry.client().digest(image(registry))
    assert len(registry.calls) == 3


def test_a_token_that_has_expired_is_replaced(registry: Registry) -> None:
    client = registry.client()
    client.digest(image(registry))
    registry.faults["/v2/"] = [
        (401, {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token",service="registry.test"'}, b"")
    ]
    assert client.digest(image(registry, "4.1.5")) == TAGS["4.1.5"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"token": 7}', b'{"token": "a\\nb"}', b'{"token": ""}', b"{}"]
)
def test_an_answer_without_a_token_is_an_error(registry: Registry, body: bytes) -> None:
    registry.faults["/token"] = [(200, {}, body)]
    with pytest.raises(ProtocolError):
        registry.client().digest(image(registry))


@pytest.mark.parametrize("challenge", ["", "Basic realm=x", 'Bearer service="x"', "nonsense"])
def test_a_registry_that_wants_a_login_is_named(registry: Registry, challenge: str) -> None:
    registry.faults["/v2/"] = [(401, {"WWW-Authenticate": challenge}, b"")]
    with pytest.raises(AccessDenied, match="wants a login"):
        registry.client().digest(image(registry))


@pytest.mark.parametrize("digest", [None, "", "latest", "sha256:12", "sha512:" + "0" * 128, "sha256:" + "Z" * 64])
def test_an_answer_without_a_digest_is_an_error(registry: Registry, digest: str | None) -> None:
    registry.faults["/v2/"] = [(200, {} if digest is None else {"Docker-Content-Digest": digest}, b"")]
    with pytest.raises(ProtocolError, match="no digest"):
        registry.client().digest(image(registry))


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"\xff\xfe", b"7", b'{"tags": 7}', b'{"tags": [1]}', b"[" * 100_000]
)
def test_nonsense_instead_of_tags_is_an_error(registry: Registry, body: bytes) -> None:
    registry.faults["/v2/"] = [(200, {}, body)]
    with pytest.raises(ProtocolError):
        registry.client().tags(image(registry))


def test_an_empty_repository_has_no_tags(registry: Registry) -> None:
    registry.faults["/v2/"] = [(200, {}, b'{"name": "owner/name", "tags": null}')]
    assert registry.client().tags(image(registry)) == []


@pytest.mark.parametrize(("repository", "tag"), [("owner/name", "9.9"), ("owner/other", "4.1.3")])
def test_an_image_that_does_not_exist_is_named(registry: Registry, repository: str, tag: str) -> None:
    with pytest.raises(NoSuchImage, match="has no such image"):
        registry.client().digest(image(registry, tag, repository))


@pytest.mark.parametrize("status", [500, 502, 503, 418])
def test_other_answers_are_errors(registry: Registry, status: int) -> None:
    registry.faults["/v2/"] = [(status, {}, b"")]
    with pytest.raises(ProtocolError, match=f"status {status}"):
        registry.client().digest(image(registry))


def test_a_registry_that_is_late_is_left_in_time(registry: Registry) -> None:
    registry.late_s = 3.0
    start = time.monotonic()
    with pytest.raises(Unreachable):
        registry.client(timeout=0.3).digest(image(registry))
    assert time.monotonic() - start < 2.5


def test_a_registry_that_does_not_listen_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Registry(host="127.0.0.1:1").client().digest(parse("127.0.0.1:1/owner/name:1"))


def test_follows_a_redirect_without_its_token(registry: Registry) -> None:
    with serving(Registry({"owner/name": {"4.1.3": digest_of("moved")}}, wants_token=False)) as other:
        client = registry.client()
        client.digest(image(registry, "4.1.4"))  # it has its token now
        registry.faults["/v2/"] = [(307, {"Location": f"http://{other.host}/v2/owner/name/manifests/4.1.3"}, b"")]
        assert client.digest(image(registry)) == digest_of("moved")
        assert other.tokens == [""]


def test_redirects_end(registry: Registry) -> None:
    registry.faults["/v2/"] = [(302, {"Location": "/v2/owner/name/manifests/4.1.3"}, b"")] * 50
    with pytest.raises(ProtocolError, match="redirects without end"):
        registry.client().digest(image(registry))
    assert len(registry.calls) == registry_client.MAX_REDIRECTS + 1


class Scripted:
    """A transport over TLS, without one."""

    def __init__(self, *answers: Response) -> None:
        self.answers, self.urls = list(answers), []  # type: list[Response], list[str]

    def request(self, method: str, url: str, **more: Any) -> Response:
        self.urls.append(url)
        return self.answers.pop(0)


def test_asks_by_tls_where_a_registry_is_not_excepted() -> None:
    http = Scripted(Response(200, {"docker-content-digest": digest_of("x")}))
    assert RegistryClient(http, FakeClock(), insecure=["other:5000"]).digest(parse("owner/name:1")) == digest_of("x")
    assert http.urls == ["https://registry-1.docker.io/v2/owner/name/manifests/1"]


@pytest.mark.parametrize(
    "answer",
    [
        Response(307, {"location": "http://mirror.example/v2/"}),
        Response(401, {"www-authenticate": 'Bearer realm="http://auth.example/token",service="x"'}),
    ],
    ids=["redirect", "token"],
)
def test_a_registry_with_tls_never_leads_to_one_without(answer: Response) -> None:
    http = Scripted(answer)
    with pytest.raises(ProtocolError, match="without TLS"):
        RegistryClient(http, FakeClock()).digest(parse("owner/name:1"))
    assert len(http.urls) == 1

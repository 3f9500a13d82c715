# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Client for the registries that images come from: the digest of a tag, and the tags of a repository.

No credentials are sent: public images only. A HEAD for a manifest does not count as a pull on Docker Hub.
Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md, and
https://distribution.github.io/distribution/spec/auth/token/ for the tokens.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
import typing as t
from urllib.parse import urlencode, urljoin, urlsplit

from .._core.clock import Clock
from .._core.errors import AccessDenied, MediaserverError, ProtocolError, Unreachable
from .._core.transport import Http, Response
from .reference import DIGEST, Reference

# Image indexes and manifests, of OCI and of Docker. Without all of them a registry answers with a digest of another
# kind, or 404.
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TIMEOUT_S = 20.0
PAGE_TAGS, MAX_PAGES, MAX_TAGS = 1000, 100, 100_000
MAX_REDIRECTS = 3
# What a registry that is asked too often may cost: the waits between the tries of one request, altogether.
MAX_TRIES, FIRST_PAUSE_S, MAX_WAIT_S = 4, 2.0, 60.0
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


class RateLimited(MediaserverError):
    """The registry has been asked too often, and still says so after the waits."""


class NoSuchImage(ProtocolError):
    """The registry answers, and has no such repository or tag."""


class RegistryClient:
    """Asks any registry. ``insecure`` are the hosts (with their ports) that are asked without TLS."""

    def __init__(
        self, http: Http, clock: Clock, *, insecure: t.Collection[str] = (), timeout: float = TIMEOUT_S
    ) -> None:
        self._http, self._clock, self._insecure, self._timeout = http, clock, frozenset(insecure), timeout
        self._tokens: dict[tuple[str, str], str] = {}  # by host and repository

    def digest(self, image: Reference) -> str:
        """Return the digest that the tag has in the registry now: that of the index where there is one.

        Raises NoSuchImage, RateLimited, AccessDenied, Unreachable, ProtocolError, as ``tags`` does.
        """
        url = f"{self._base(image)}/manifests/{image.tag}"
        found = self._ask("HEAD", url, image).headers.get("docker-content-digest", "")
        if not DIGEST.fullmatch(found):
            raise ProtocolError(f"HEAD {url}: no digest in the answer, but {found[:80]!r}")
        return found

    def tags(self, image: Reference) -> list[str]:
        """Return all tags of the repository."""
        url = f"{self._base(image)}/tags/list?n={PAGE_TAGS}"
        found: dict[str, None] = {}
        asked: set[str] = set()
        while url:
            if url in asked or len(asked) >= MAX_PAGES or len(found) > MAX_TAGS:
                raise ProtocolError(f"GET {url}: the list of tags does not end ({len(asked)} pages, {len(found)} tags)")
            asked.add(url)
            answer = self._ask("GET", url, image)
            found |= dict.fromkeys(_tags(url, answer))
            url = self._next_page(url, answer)
        return list(found)

    def _base(self, image: Reference) -> str:
        scheme = "http" if image.host in self._insecure else "https"
        return f"{scheme}://{image.host}/v2/{image.repository}"

    @staticmethod
    def _next_page(url: str, answer: Response) -> str:
        """Return the address of the next page (RFC 5988), which must be on the same registry; empty without one."""
        found = re.search(r'<([^>]*)>\s*;\s*rel="?next"?', answer.headers.get("link", ""))
        if not found:
            return ""
        following = urljoin(url, found[1])
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            raise ProtocolError(f"GET {url}: the next page is on another host, {following[:200]}")
        return following

    def _ask(self, method: str, url: str, image: Reference) -> Response:
        key = (image.host, image.repository)
        answer = self._patiently(method, url, self._tokens.get(key, ""))
        if answer.status == 401:
            # Also for a token that has expired: it is asked for once more, and no more than that.
            self._tokens[key] = self._token(url, answer, image)
            answer = self._patiently(method, url, self._tokens[key])
        if answer.status == 200:
            return answer
        tried = f"{method} {url}"
        if answer.status in (401, 403):
            raise AccessDenied(f"{tried}: status {answer.status}; the image is private, or does not exist")
        if answer.status == 404:
            raise NoSuchImage(f"{tried}: the registry has no such image")
        raise ProtocolError(f"{tried}: status {answer.status}")

    def _token(self, url: str, answer: Response, image: Reference) -> str:
        """Ask for an anonymous token as the registry's challenge says."""
        challenge = answer.headers.get("www-authenticate", "")
        scheme, _blank, rest = challenge.partition(" ")
        fields = dict(CHALLENGE.findall(rest))
        realm = fields.get("realm", "")
        if scheme.lower() != "bearer" or not realm:
            raise AccessDenied(
                f"{url}: the registry wants a login ({challenge[:80]!r}); private images are not asked for"
            )
        if urlsplit(realm).scheme != "https" and urlsplit(url).scheme == "https":
            raise ProtocolError(f"{url}: its tokens come without TLS, from {realm[:200]}")
        query = {"service": fields.get("service", ""), "scope": f"repository:{image.repository}:pull"}
        where = f"{realm}{'&' if '?' in realm else '?'}{urlencode({k: v for k, v in query.items() if v})}"
        found = self._patiently("GET", where, "")
        if found.status != 200:
            raise AccessDenied(f"GET {where}: status {found.status} instead of a token")
        data = _object(f"GET {where}", found)
        token = data.get("token") or data.get("access_token")
        if not isinstance(token, str) or not TOKEN.fullmatch(token):
            raise ProtocolError(f"GET {where}: the answer has no token")
        return token

    def _patiently(self, method: str, url: str, token: str) -> Response:
        """Send a request; wait and repeat it where the registry is asked too often. Raises RateLimited."""
        waited, pause = 0.0, FIRST_PAUSE_S
        for _attempt in range(MAX_TRIES):
            answer = self._follow(method, url, token)
            if answer.status != 429:
                return answer
            wanted = _retry_after(answer.headers.get("retry-after", ""))
            pause = max(pause, wanted)
            if waited + pause > MAX_WAIT_S:
                break
            self._clock.sleep(pause)
            waited, pause = waited + pause, pause * 2
        raise RateLimited(f"{method} {url}: the registry was asked too often; ask it again in an hour")

    def _follow(self, method: str, url: str, token: str) -> Response:
        """Send a request, and follow a few redirects. The token is for the first host only."""
        first = urlsplit(url)
        for _redirect in range(MAX_REDIRECTS + 1):
            headers = {"Accept": ACCEPT if "/manifests/" in url else "application/json"}
            if token and urlsplit(url)[:2] == first[:2]:
                headers["Authorization"] = f"Bearer {token}"
            answer = self._http.request(method, url, headers=headers, body=None, timeout=self._timeout)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = urljoin(url, answer.headers.get("location", ""))
            if urlsplit(target).scheme != "https" and first.scheme == "https":
                raise ProtocolError(f"{method} {url}: redirects to an address without TLS, {target[:200]}")
            url = target
        raise ProtocolError(f"{method} {first.geturl()}: redirects without end")


def _retry_after(text: str) -> float:
    """Return the seconds of a header Retry-After, which may be a date; 0 for nonsense."""
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _object(tried: str, answer: Response) -> dict[str, t.Any]:
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{tried}: the answer is not JSON") from error
    if not isinstance(data, dict):
        raise ProtocolError(f"{tried}: the answer is not a JSON object")
    return data


def _tags(url: str, answer: Response) -> list[str]:
    found = _object(f"GET {url}", answer).get("tags")
    if found is None:  # an empty repository
        return []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ProtocolError(f"GET {url}: tags is not a list of texts")
    return found


def is_unreachable(error: MediaserverError) -> bool:
    """Say whether the registry as a whole cannot be asked now, whatever the image."""
    return isinstance(error, (Unreachable, RateLimited))

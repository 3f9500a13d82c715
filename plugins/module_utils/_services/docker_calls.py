# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Which calls of Docker's API pass the filter, and the files of haproxy that follow from this. Pure.

The one table of allowed calls. ``tools/docker_filter.py`` writes the files ``docker-*.cfg`` of
``roles/stack/files/entrypoints``. Everything that is not named is refused, such as ``/containers/{id}/archive``, which
reads any file of any container, ``/exec`` and ``/secrets``.
Source: Docker Engine API, https://docs.docker.com/reference/api/engine/.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.docker import DOCKER_SOCKET

# A client may put the API's version before each path.
VERSION = r"(/v[0-9]{1,2}\.[0-9]{1,3})?"
CONTAINER = "[0-9a-f]{64}"
# No part begins with a dot, so no path leads upwards.
IMAGE = "[A-Za-z0-9][A-Za-z0-9_.:@-]*(/[A-Za-z0-9][A-Za-z0-9_.:@-]*)*"
NETWORK = "[A-Za-z0-9][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Call:
    """A method, and a regular expression for the whole path without version and query."""

    method: str
    path: str


_LISTS = Call("GET", "/containers/json")
AUTOHEAL = (_LISTS, Call("POST", f"/containers/{CONTAINER}/restart"))
WATCHTOWER_MONITOR = (
    Call("GET", "/_ping"),
    Call("HEAD", "/_ping"),
    Call("GET", "/version"),
    Call("GET", "/info"),
    _LISTS,
    Call("GET", f"/containers/{CONTAINER}/json"),
    Call("GET", f"/images/{IMAGE}/json"),
)
# Who may create containers has the rights of root on the host.
WATCHTOWER_UPDATE = (
    *WATCHTOWER_MONITOR,
    Call("POST", "/images/create"),
    Call("DELETE", f"/images/{IMAGE}"),
    Call("POST", "/containers/create"),
    Call("POST", f"/containers/{CONTAINER}/(start|stop|kill|wait|rename)"),
    Call("DELETE", f"/containers/{CONTAINER}"),
    Call("GET", f"/networks/{NETWORK}"),
    Call("POST", f"/networks/{NETWORK}/(connect|disconnect)"),
)
# By file: the client, whose socket it opens, and its calls.
CLIENTS: t.Mapping[str, tuple[str, tuple[Call, ...]]] = {
    "docker-autoheal.cfg": ("autoheal", AUTOHEAL),
    "docker-watchtower-monitor.cfg": ("watchtower", WATCHTOWER_MONITOR),
    "docker-watchtower-update.cfg": ("watchtower", WATCHTOWER_UPDATE),
}
COMMON_FILE = "docker-filter.cfg"
SOCKETS = "/sockets"
HEAD = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tools/docker_filter.py from plugins/module_utils/_services/docker_calls.py.
"""
COMMON = """\
global
    log stdout format raw local0 info
    maxconn 64

defaults
    mode http
    log global
    # Only what is refused is logged. The status is there so that the line waits for the rules.
    log-format "%f: %HM %HP: status %ST"
    timeout connect 5s
    # A pull of an image, and the stop of a container, take their time.
    timeout client 15m
    timeout server 15m
    timeout http-request 10s

backend docker
    server docker unix@{docker}
"""
FRONTEND = """\
frontend {client}
    bind unix@{sockets}/{client}/docker.sock mode 600
    # No call turns its connection into a stream of its own.
    http-request del-header Upgrade
{rules}
    http-request deny deny_status 403 unless {{ var(txn.allowed) -m bool }}
    http-request set-log-level silent
    default_backend docker
"""
RULE = "    http-request set-var(txn.allowed) bool(true) if {{ method {method} }} {{ path -m reg '^{path}$' }}"


def files() -> dict[str, str]:
    """Return haproxy's files by name."""
    common = COMMON.format(docker=DOCKER_SOCKET)
    return {COMMON_FILE: HEAD + common, **{name: HEAD + _frontend(*given) for name, given in CLIENTS.items()}}


def _frontend(client: str, calls: t.Iterable[Call]) -> str:
    rules = "\n".join(RULE.format(method=one.method, path=f"{VERSION}{one.path}") for one in calls)
    return FRONTEND.format(client=client, sockets=SOCKETS, rules=rules)

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The transport to a service of a compose project: its container's own address, and no other host.

The address is read from Docker before every request, because a restart may change it. The socket is bound to the
bridge of the container's network: without that bridge the packets would follow the default route into the LAN, to any
host that has taken the address.
"""

from __future__ import annotations

import typing as t
import urllib.parse

from .docker import DockerClient, Endpoint
from .errors import (
    DockerError,
    InvalidValue,
    ProtocolError,
    Unreachable,
)
from .names import PROJECT
from .transport import Http, Response, UrlHttp

HTTP_PORT = 80
# Options of a module that finds a service by its labels.
OPTIONS: dict[str, dict[str, t.Any]] = {
    "service": {"type": "str"},
    "project": {"type": "str", "default": PROJECT},
}


class ServiceHttp:
    """Sends requests to a service's container, whose address replaces the host of the URL."""

    def __init__(self, docker: DockerClient, project: str, service: str) -> None:
        self._docker = docker
        self._name = f"service {service} of project {project}"
        self._project, self._service = project, service

    def request(
        self, method: str, url: str, *, headers: dict[str, str], body: bytes | None, timeout: float
    ) -> Response:
        endpoint = self._find()
        try:
            parts = urllib.parse.urlsplit(url)
            own = parts._replace(netloc=f"{endpoint.address}:{parts.port or HTTP_PORT}").geturl()
        except ValueError as error:
            raise ProtocolError(f"{url}: {error}") from error
        return UrlHttp(device=endpoint.bridge).request(method, own, headers=headers, body=body, timeout=timeout)

    def _find(self) -> Endpoint:
        try:
            row = self._docker.service(self._project, self._service)
            if row is None or row.get("State") != "running":
                raise Unreachable(f"{self._name} has no running container", refused=True)
            found = self._docker.endpoint(row)
        except DockerError as error:
            raise Unreachable(f"{self._name}: {error}") from error
        if found is None:
            raise Unreachable(f"{self._name}: its container has no address on a bridge of this host")
        return found


def http_of(options: dict[str, t.Any]) -> Http:
    """Return the transport that a module's options describe. Raises InvalidValue."""
    if not options["service"]:
        return UrlHttp()
    if not options["url"].startswith("http://"):
        raise InvalidValue("with service, url must begin with http://: the container itself is asked, without TLS")
    return ServiceHttp(DockerClient(), options["project"], options["service"])

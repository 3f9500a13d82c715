# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The transport to a service of a compose project: its container's own address, and no other host.

The address is read from Docker before every request, because a restart may change it. The socket is bound to the
bridge of the container's network: without that bridge the packets would follow the default route into the LAN, to any
host that has taken the address.
"""

from __future__ import annotations

import http.client
import socket
import typing as t
import urllib.parse

from .docker import DockerClient, Endpoint
from .errors import (
    DockerError,
    InvalidValue,
    ProtocolError,
    Unreachable,
)
from .http import Http, Response, UrlHttp

# Options of a module that finds a service by its labels.
OPTIONS: dict[str, dict[str, t.Any]] = {
    "service": {"type": "str"},
    "project": {"type": "str", "default": "mediaserver"},
}


class BridgeConnection(http.client.HTTPConnection):
    """A connection that leaves this host by one interface or not at all."""

    def __init__(self, endpoint: Endpoint, port: int, *, timeout: float) -> None:
        super().__init__(endpoint.address, port, timeout=timeout)
        self._endpoint = endpoint

    def connect(self) -> None:
        # Kept first, so that it is closed with the connection whatever comes.
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._endpoint.bridge.encode())
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect((self._endpoint.address, self.port))


class _BridgeHttp(UrlHttp):
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def connection(self, url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
        _unused, path = super().connection(url, timeout)
        port = urllib.parse.urlsplit(url).port
        return BridgeConnection(self._endpoint, port or http.client.HTTP_PORT, timeout=timeout), path


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
            own = parts._replace(netloc=f"{endpoint.address}:{parts.port or http.client.HTTP_PORT}").geturl()
        except ValueError as error:
            raise ProtocolError(f"{url}: {error}") from error
        return _BridgeHttp(endpoint).request(method, own, headers=headers, body=body, timeout=timeout)

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

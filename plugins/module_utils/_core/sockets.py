# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Sockets that use one network interface and no other."""

from __future__ import annotations

import socket


def bound(connection: socket.socket, device: str) -> socket.socket:
    """Bind a socket to an interface, by name (SO_BINDTODEVICE, socket(7)). Raises OSError without it, and closes then.

    Without the interface nothing is sent: no route leads the packets to another one.
    """
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    except OSError:
        connection.close()
        raise
    return connection


def udp(device: str) -> socket.socket:
    """Return a UDP socket (IPv4) that is bound to an interface. Raises OSError without it."""
    return bound(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), device)

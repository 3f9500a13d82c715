# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X25519 (RFC 7748, section 5) on raw bytes. Private to the collection.

Python's integer arithmetic is not constant-time. That is acceptable to derive a public key once on the host that holds
the private key, and not for a key exchange.
"""

from __future__ import annotations

KEY_BYTES = 32
PRIME = 2**255 - 19
A24 = 121665
BASE_POINT = (9).to_bytes(KEY_BYTES, "little")


def clamp(scalar: bytes) -> bytes:
    """Return 32 bytes as a private key (RFC 7748, section 5, decodeScalar25519). Raises ValueError."""
    _check(scalar)
    return bytes([scalar[0] & 248]) + scalar[1:-1] + bytes([scalar[-1] & 127 | 64])


def multiply(scalar: bytes, point: bytes) -> bytes:
    """Return the u-coordinate of ``scalar`` times ``point`` by the Montgomery ladder. Raises ValueError."""
    _check(point)
    k = int.from_bytes(clamp(scalar), "little")
    x1 = (int.from_bytes(point, "little") & (2**255 - 1)) % PRIME
    x2, z2, x3, z3 = 1, 0, x1, 1
    swapped = 0
    for position in range(254, -1, -1):
        bit = k >> position & 1
        if bit != swapped:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % PRIME, b * b % PRIME, d * a % PRIME, c * b % PRIME
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + A24 * e) % PRIME
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(KEY_BYTES, "little")


def public_key(private_key: bytes) -> bytes:
    """Return the public key of a private key, 32 bytes each. Raises ValueError for another length."""
    return multiply(private_key, BASE_POINT)


def _check(value: bytes) -> None:
    if len(value) != KEY_BYTES:
        raise ValueError(f"X25519 works on {KEY_BYTES} bytes, got {len(value)}")

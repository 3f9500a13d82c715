# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Pure: what the start-up program of linuxserver's image writes into settings.json, over the present values.

Read in docker-transmission's init-transmission-config. At each start of the container it writes the settings below
from the container's environment, and switches off what the environment does not name.
"""

from __future__ import annotations

import typing as t

# The first process of every image of theirs that is started in its own way.
INIT = "/init"
CREDENTIALS = ("rpc-authentication-required", "rpc-username", "rpc-password")
SWITCHES = {"rpc-authentication-required", "rpc-whitelist-enabled", "rpc-host-whitelist-enabled"}
WRITES: dict[str, tuple[str, ...]] = {
    "USER": CREDENTIALS,
    "FILE__USER": CREDENTIALS,
    "PASS": CREDENTIALS,
    "FILE__PASS": CREDENTIALS,
    "WHITELIST": ("rpc-whitelist", "rpc-whitelist-enabled"),
    "HOST_WHITELIST": ("rpc-host-whitelist", "rpc-host-whitelist-enabled"),
    "PEERPORT": ("peer-port", "peer-port-random-on-start"),
    "UMASK": ("umask",),
}
# Where the container has no IPv6, it also writes this address, whatever the environment says.
BIND, BIND_VALUE = "rpc-bind-address", "0.0.0.0"
# USER and UMASK are in many an environment for other reasons.
TELLING = frozenset(WRITES) - {"USER", "UMASK"}


def overwritten(setup: dict[str, t.Any], wanted: t.Mapping[str, t.Any]) -> list[str]:
    """Name the wanted settings that a container with this setup overwrites at each start."""
    started_by_init = [str(word) for word in setup.get("Entrypoint") or []][:1] == [INIT]
    names = {str(entry).partition("=")[0] for entry in setup.get("Env") or [] if not str(entry).endswith("=")}
    if not (started_by_init or names & TELLING):
        return []
    written = {setting for name in names for setting in WRITES.get(name, ())}
    if started_by_init:
        written |= SWITCHES
        if wanted.get(BIND, BIND_VALUE) != BIND_VALUE:
            written.add(BIND)
    return sorted(written.intersection(wanted))


def warning(setup: dict[str, t.Any], wanted: t.Mapping[str, t.Any]) -> str:
    """Return a warning about it, or an empty text. Nothing of the environment's values is in it."""
    names = overwritten(setup, wanted)
    if not names:
        return ""
    without_ipv6 = f" ({BIND} where the container has no IPv6)" if BIND in names else ""
    return (
        "the container is started by the start-up program of linuxserver's image, or has its variables:"
        f" at each start of the container it overwrites {', '.join(names)}{without_ipv6} in settings.json;"
        " leave these to the container's environment, or start transmission-daemon by an entry point of your own"
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of an nft file (nft(8)), with their values checked, and the comparison of listings. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence

# After conntrack (-200), so that every packet's state is known; before Docker's filter rules (0), so that
# nothing of Docker's sees what is dropped here. A drop is final in nft, an accept is not: Docker's rules
# still apply.
PRIORITY = -150
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")

Endpoint = tuple[str, int]


def normalise_listing(listing: str) -> str:
    """Reduce what ``nft list table`` prints to what does not change while packets pass.

    Counted packets and bytes, handles, white space and the order of a set's elements carry no meaning.
    """
    text = re.sub(r"\bpackets \d+ bytes \d+", "", listing)
    text = re.sub(r"#.*", "", text)
    text = re.sub(r"elements = \{([^{}]*)\}", lambda found: f"elements = {{ {_sorted(found[1])} }}", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def fingerprint(listing: str) -> str:
    """Return a digest of a table's listing: equal as long as the table stands as it was loaded.

    Take one right after loading and compare later ones with it (the kernel's form is not the file's form).
    """
    return hashlib.sha256(normalise_listing(listing).encode()).hexdigest()


def _sorted(elements: str) -> str:
    return ", ".join(sorted(" ".join(element.split()) for element in elements.split(",")))


def table(name: str, body: Iterable[str], *, flags: str = "") -> str:
    flagged = [f"    flags {flags}"] if flags else []
    # The first statement makes the table when it is not there yet, so that the second never fails; one that a
    # dead owner left is adopted by it.
    head = [f"table inet {name} {{", *flagged, "}", f"delete table inet {name}", f"table inet {name} {{", *flagged]
    return "\n".join([*head, *(f"    {line}" for line in body), "}"]) + "\n"


def named_set(name: str, kind: str, elements: Sequence[str], *, interval: bool = False) -> list[str]:
    # An empty set matches nothing; nft has no way to write empty elements.
    flags = ["    flags interval"] if interval else []
    listed = [f"    elements = {{ {', '.join(elements)} }}"] if elements else []
    return [f"set {name} {{", f"    type {kind}", *flags, *listed, "}"]


def counters(*names: str) -> list[str]:
    return [line for name in names for line in (f"counter {name} {{", "}")]


def chain(name: str, *rules: str, hook: str = "", policy: str = "accept") -> list[str]:
    base = [f"    type filter hook {hook} priority {PRIORITY}; policy {policy};"] if hook else []
    return [f"chain {name} {{", *base, *(f"    {rule}" for rule in rules), "}"]


def drop(counter: str, match: str = "") -> str:
    return f"{match} counter name {counter} drop".strip()


def interface(name: str) -> str:
    if not INTERFACE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a network interface")
    return name


def port(number: int) -> str:
    if not 0 < number < 65536:
        raise ValueError(f"{number} is not a port")
    return str(number)


def ports(numbers: Sequence[int]) -> list[str]:
    return [port(number) for number in sorted(set(numbers))]


def endpoints(given: Sequence[Endpoint]) -> list[str]:
    known = sorted({(ipaddress.IPv4Address(address), number) for address, number in given})
    return [f"{address} . {port(number)}" for address, number in known]


def prefixes(given: Sequence[str]) -> list[str]:
    # Collapsed here, because nft refuses a set whose intervals overlap.
    return [str(prefix) for prefix in ipaddress.collapse_addresses(ipaddress.IPv4Network(p) for p in given)]

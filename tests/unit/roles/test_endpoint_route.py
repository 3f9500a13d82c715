# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel's entry point: an endpoint is never set without its host route."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "stack" / "files" / "entrypoints" / "wireguard.sh"
SHELLS = [["sh"], ["busybox", "sh"]]
OLD, NEW = "198.18.0.20", "198.18.0.21"
# Doubles of ip and wg, which keep routes and endpoint in files. Each records both at its end, so that every state
# between two commands is known. As in the real wg, syncconf keeps an endpoint that the file does not name.
IP = r"""#!/bin/sh
case "$1 $2" in
"route replace") case "$3" in */32) echo "${3%/32}" >>routes ;; esac ;;
"route flush") : >routes ;;
"route del") grep -vx "${3%/32}" routes >rest; mv rest routes ;;
"route show") while read -r one; do echo "$one via 172.31.254.1 onlink"; done <routes ;;
esac
echo "endpoint=$(cat endpoint) routes=$(sort -u routes | tr '\n' ' ')" >>moments
"""
WG = r"""#!/bin/sh
case "$1" in
show) [ ! -s peer ] || cat peer ;;
set) : >peer; : >endpoint ;;
setconf|syncconf)
    echo key >peer
    if grep -q '^Endpoint' "$3"; then sed -n 's/^Endpoint = \(.*\):.*/\1/p' "$3" >endpoint; fi ;;
esac
echo "endpoint=$(cat endpoint) routes=$(sort -u routes | tr '\n' ' ')" >>moments
"""


@pytest.mark.parametrize("shell", [one for one in SHELLS if shutil.which(one[0])], ids=" ".join)
@pytest.mark.parametrize(
    ("before", "after"),
    [("", NEW), (OLD, NEW), (OLD, OLD), (OLD, "")],
    ids=["the first", "another", "the same", "one that cannot be used any more"],
)
def test_an_endpoint_is_never_set_without_its_route(tmp_path: Path, shell: list[str], before: str, after: str) -> None:
    for name, text in (("ip", IP), ("wg", WG)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "tunnel.env").write_text(
        f"ADDRESSES=10.66.0.11/32\nENDPOINT={after}\nGATEWAY=172.31.254.1\nMTU=1420\nIPV6=0\n"
    )
    (tmp_path / "wg0.conf").write_text(f"[Peer]\nPublicKey = key\n{f'Endpoint = {after}:51820' if after else ''}\n")
    (tmp_path / "endpoint").write_text(before)
    (tmp_path / "peer").write_text("key\n" if before else "")
    (tmp_path / "routes").write_text(f"{before}\n" if before else "")
    (tmp_path / "moments").touch()
    configure = re.search(r"^configure\(\) \{\n.*?^\}\n", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert configure is not None
    program = configure[0].replace("/gateway/", f"{tmp_path}/").replace("/run/", f"{tmp_path}/")
    done = subprocess.run(
        [*shell, "-euc", f"{program}\nconfigure syncconf"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    moments = re.findall(r"endpoint=(\S*) routes=(.*)", (tmp_path / "moments").read_text())
    assert len(moments) > 3
    assert [one for one in moments if one[0] and one[0] not in one[1].split()] == [], "an endpoint without its route"
    assert moments[-1] == (after, f"{after} " if after else "")

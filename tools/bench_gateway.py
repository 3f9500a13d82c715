# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the gateway of the lab's household: what the barriers cost in the tunnel, and vpn-monitor at rest.

    python tools/bench_gateway.py

The household must be converged. The leak test's phases whose recovery has a budget are gone through. The result joins
build/reports/bench.json beside the site's, and leaks.json; what an earlier leak test found of other phases is printed.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import REPORT, Entry, join, read, table
from playbook import ROOT

sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("lab", "leaks")]

import barriers  # noqa: E402  (the path above must be set first)
import topology  # noqa: E402
from phases import PHASES  # noqa: E402
from stage import Stage  # noqa: E402

ROUNDS = 9
MEGABYTES = 600  # some seconds: single ones differ by a third on a machine of two cores
SETTLED_S = 4  # vpn-monitor starts anew with other barriers, and takes a second or two of a core for it
PORT = 5201
REST_S = 60
BUDGET_THROUGHPUT = 0.95
BUDGET_MEMORY_MB = 30.0
BUDGET_CPU_PERCENT = 0.5

SINK = f"""
import socket
with socket.create_server(("0.0.0.0", {PORT})) as server:
    while True:
        line, _ = server.accept()
        with line:
            while line.recv(1 << 20):
                pass
            line.send(b"!")
"""
SOURCE = f"""
import socket, time
with socket.create_connection(("{topology.INTERNET_HOST}", {PORT}), 10) as line:
    begun = time.monotonic()
    block = bytes(1 << 20)
    for _ in range({MEGABYTES}):
        line.sendall(block)
    line.shutdown(socket.SHUT_WR)
    line.recv(1)
    print({MEGABYTES} / (time.monotonic() - begun))
"""


# The Pi of the lab has no memory cgroup, as many Pis; then it is what each process holds, its share of what is shared.
MEMORY = (
    "cd /sys/fs/cgroup{group} && if [ -e memory.current ]; then cat memory.current; "
    "else cat $(sed 's|.*|/proc/&/smaps_rollup|' cgroup.procs); fi"
)


def memory_mb(told: str) -> float:
    """Of a cgroup's memory.current, in bytes, or of its processes' smaps_rollup, in kB."""
    if told.strip().isdecimal():
        return round(int(told) / 2**20, 1)
    shares = re.findall(r"^Pss:\s+(\d+) kB$", told, re.MULTILINE)
    assert shares, "no process is in the cgroup"
    return round(sum(map(int, shares)) / 1024, 1)


def recovers() -> bool:
    """Break and mend what has a budget; each phase writes its own entry. Says whether all were within it."""
    names = [phase.name for phase in PHASES if phase.budget]
    join(REPORT, [], without=[f"recovery: {name}" for name in names])
    cases = [f"tests/leaks/test_1_leaks.py::test_nothing_leaves_in_clear[{name}-both]" for name in names]
    options = ["--import-mode=importlib", "--matrix=full", "--joined"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, *cases], cwd=ROOT, check=False).returncode == 0


def recovery_table(path: Path) -> str:
    """What is known of recovery, as a table."""
    return table([entry for entry in read(path) if entry.name.startswith("recovery: ")])


def throughput(stage: Stage) -> float:
    """Megabytes a second from the VPN namespace to a host on the internet, which confirms the last byte."""
    time.sleep(SETTLED_S)
    return float(stage.inside(f"python3 -c '{SOURCE}'"))


def tunnel(stage: Stage) -> Entry:
    """Rounds with and without barriers take turns, so that a busy minute of the machine is in both."""
    sink = ["docker", "exec", f"{topology.PREFIX}-internet", "python3", "-c", SINK]
    with subprocess.Popen(sink) as server:
        try:
            throughput(stage)  # the first one makes keys and fills caches
            ratios, rates = [], []
            for _round in range(ROUNDS):
                with_both = throughput(stage)
                with barriers.without(stage, "inner", "outer"):
                    without = throughput(stage)
                    assert all("chain" not in barriers.table(stage, name) for name in ("inner", "outer"))
                print(f"tunnel: {with_both:.1f} MB/s with both barriers, {without:.1f} without", flush=True)
                ratios.append(with_both / without)
                rates.append(with_both)
        finally:
            server.terminate()
            subprocess.run(["docker", "exec", sink[2], "pkill", "-f", f"{PORT}"], check=False)
    ratio = round(statistics.median(ratios), 2)
    rate = round(statistics.median(rates), 1)
    return Entry("tunnel, both barriers", rate, "MB/s", "no barriers", ratio, BUDGET_THROUGHPUT, least=True)


def monitor_at_rest(stage: Stage) -> list[Entry]:
    """What it uses of a core, and what all processes of its unit hold."""
    pid = stage.monitor_pid()
    ticks = float(stage.pi("getconf CLK_TCK"))

    def used() -> float:
        fields = stage.pi(f"cat /proc/{pid}/stat").rsplit(")", 1)[1].split()
        # With the children that it waited for: fields 14 to 17 of proc_pid_stat(5).
        return sum(int(field) for field in fields[11:15]) / ticks

    before, begun = used(), time.monotonic()
    time.sleep(REST_S)
    share = 100 * (used() - before) / (time.monotonic() - begun)
    group = stage.pi("systemctl show --property ControlGroup --value vpn-monitor").strip()
    memory = memory_mb(stage.pi(MEMORY.format(group=group)))
    return [
        Entry("vpn-monitor at rest, memory", memory, "MB", budget=BUDGET_MEMORY_MB),
        Entry("vpn-monitor at rest, CPU", round(share, 2), "% of a core", budget=BUDGET_CPU_PERCENT),
    ]


def main() -> int:
    stage = Stage(topology.HOUSES[0], str(ROOT / "inventory" / "demo"))
    stage.wait_until_well()
    entries = [*monitor_at_rest(stage), tunnel(stage)]
    join(REPORT, entries)
    recovered = recovers()
    print(table(entries))
    print(recovery_table(REPORT))
    return 0 if all(entry.within for entry in entries) and recovered else 1


if __name__ == "__main__":
    sys.exit(main())

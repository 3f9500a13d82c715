# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the lab's household: throughput with and without barriers, vpn-monitor at rest, health check, recovery.

    python tools/bench_gateway.py

The household must be converged. The phases of the leak test that have a budget for recovery are run. The results are
added to build/reports/bench.json and leaks.json. Recovery times of an earlier leak test are printed too.
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
from lab_control import LabControl  # noqa: E402
from phases import PHASES  # noqa: E402

ROUNDS = 9
MEGABYTES = 600  # several seconds: shorter transfers vary by a third on a machine with two cores
SETTLED_S = 4  # after a change of the barriers vpn-monitor restarts and uses a core for a second or two
PORT = 5201
REST_S = 60
BUDGET_THROUGHPUT = 0.95
BUDGET_MEMORY_MB = 30.0
BUDGET_CPU_PERCENT = 0.5

# As many runs of the health check as cron makes in an hour, among them those that are made once an hour only.
HEALTH_RUNS = 12
BUDGET_HEALTH_CPU_S, BUDGET_STATUS_S = 3.0, 0.5

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
# Prints seconds of CPU of all runs, the largest memory of one in kB, and the median seconds of `mediaserver status`.
HEALTH = f"""
import resource, statistics, subprocess, time
command = ["/opt/mediaserver/scripts/mediaserver"]
for _ in range({HEALTH_RUNS}):
    done = subprocess.run([*command, "health", "--quiet"], capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
used = resource.getrusage(resource.RUSAGE_CHILDREN)
seconds = []
for _ in range(5):
    begun = time.monotonic()
    done = subprocess.run([*command, "status"], capture_output=True, text=True)
    seconds.append(time.monotonic() - begun)
    assert done.returncode in (0, 3), done.stderr
print(used.ru_utime + used.ru_stime, used.ru_maxrss, statistics.median(seconds))
"""

# Without a memory cgroup, as on the lab's Pi and many real ones, the sum of each process's proportional set size.
MEMORY = (
    "cd /sys/fs/cgroup{group} && if [ -e memory.current ]; then cat memory.current; "
    "else cat $(sed 's|.*|/proc/&/smaps_rollup|' cgroup.procs); fi"
)


def memory_mb(text: str) -> float:
    """Return megabytes from a cgroup's memory.current (bytes) or from its processes' smaps_rollup (kB)."""
    if text.strip().isdecimal():
        return round(int(text) / 2**20, 1)
    shares = re.findall(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)
    assert shares, f"no process is in the cgroup; found {text!r}"
    return round(sum(map(int, shares)) / 1024, 1)


def recovers() -> bool:
    """Run the phases that have a budget for recovery; return whether all were within it."""
    names = [phase.name for phase in PHASES if phase.budget]
    join(REPORT, [], without=[f"recovery: {name}" for name in names])
    cases = [f"tests/leaks/test_1_leaks.py::test_nothing_leaves_in_clear[{name}-both]" for name in names]
    options = ["--import-mode=importlib", "--matrix=full", "--joined"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, *cases], cwd=ROOT, check=False).returncode == 0


def recovery_table(path: Path) -> str:
    """Return the report's recovery times as a table."""
    return table([entry for entry in read(path) if entry.name.startswith("recovery: ")])


def throughput(lab: LabControl) -> float:
    """Return MB/s from the VPN namespace to the internet host, which confirms the last byte."""
    time.sleep(SETTLED_S)
    return float(lab.inside(f"python3 -c '{SOURCE}'"))


def tunnel(lab: LabControl) -> Entry:
    """Measure throughput, alternating with and without barriers, so that load of the machine affects both."""
    sink = ["docker", "exec", f"{topology.PREFIX}-internet", "python3", "-c", SINK]
    with subprocess.Popen(sink) as server:
        try:
            throughput(lab)  # the first transfer includes the handshake and fills caches
            ratios, rates = [], []
            for _round in range(ROUNDS):
                with_both = throughput(lab)
                with barriers.disabled(lab, "inner", "outer"):
                    without = throughput(lab)
                    assert all("chain" not in barriers.table(lab, name) for name in ("inner", "outer"))
                print(f"tunnel: {with_both:.1f} MB/s with both barriers, {without:.1f} without", flush=True)
                ratios.append(with_both / without)
                rates.append(with_both)
        finally:
            server.terminate()
            subprocess.run(["docker", "exec", sink[2], "pkill", "-f", f"{PORT}"], check=False)
    ratio = round(statistics.median(ratios), 2)
    rate = round(statistics.median(rates), 1)
    return Entry("tunnel, both barriers", rate, "MB/s", "no barriers", ratio, BUDGET_THROUGHPUT, least=True)


def monitor_at_rest(lab: LabControl) -> list[Entry]:
    """Measure vpn-monitor's CPU and the memory of all processes of its unit."""
    pid = lab.monitor_pid()
    ticks = float(lab.pi("getconf CLK_TCK"))

    def used() -> float:
        fields = lab.pi(f"cat /proc/{pid}/stat").rsplit(")", 1)[1].split()
        # With its terminated children: fields 14 to 17 of proc_pid_stat(5).
        return sum(int(field) for field in fields[11:15]) / ticks

    before, begun = used(), time.monotonic()
    time.sleep(REST_S)
    share = 100 * (used() - before) / (time.monotonic() - begun)
    group = lab.pi("systemctl show --property ControlGroup --value vpn-monitor").strip()
    memory = memory_mb(lab.pi(MEMORY.format(group=group)))
    return [
        Entry("vpn-monitor at rest, memory", memory, "MB", budget=BUDGET_MEMORY_MB),
        Entry("vpn-monitor at rest, CPU", round(share, 2), "% of a core", budget=BUDGET_CPU_PERCENT),
    ]


def health_check(lab: LabControl) -> list[Entry]:
    """Measure an hour's health checks, and how long `mediaserver status` takes."""
    return health_entries(lab.pi("python3 -", stdin=HEALTH))


def health_entries(printed: str) -> list[Entry]:
    """Return what ``HEALTH`` has printed."""
    cpu, memory, seconds = map(float, printed.split())
    return [
        Entry("health checks of an hour, CPU", round(cpu, 2), "s", budget=BUDGET_HEALTH_CPU_S),
        Entry("health check, memory", round(memory / 1024, 1), "MB", budget=BUDGET_MEMORY_MB),
        Entry("mediaserver status", round(seconds, 2), "s", budget=BUDGET_STATUS_S),
    ]


def main() -> int:
    lab = LabControl(topology.HOUSEHOLDS[0], str(ROOT / "inventory" / "demo"))
    lab.wait_until_healthy()
    entries = [*monitor_at_rest(lab), *health_check(lab), tunnel(lab)]
    join(REPORT, entries)
    recovered = recovers()
    print(table(entries))
    print(recovery_table(REPORT))
    return 0 if all(entry.within for entry in entries) and recovered else 1


if __name__ == "__main__":
    sys.exit(main())

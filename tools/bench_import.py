# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the import: on folders of this machine with a simulated Transmission, then on the lab's Pi.

    python tools/bench_import.py [--without-lab]

Jellyfin is simulated in both. On this machine, its clock is the real one and its delays are those that were measured on
the real server. For the Pi, the household must be converged. The results are added to build/reports/bench.json.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import REPORT, BenchError, Entry, join, table, timed
from playbook import ROOT

sys.path[:0] = [
    str(ROOT / folder)
    for folder in (
        "roles/runtime/files/lib",
        "tests/unit/host",
        "tests/doubles",
        "tests/lab",
        "tests/leaks",
        "tests/contract",
    )
]

import demo  # noqa: E402  (the path above must be set first)
import import_plan  # noqa: E402
import topology  # noqa: E402
from engine import LabError  # noqa: E402
from import_home import Household, hash_of  # type: ignore[import-not-found]  # noqa: E402  (the tests have no types)
from lab_control import LabControl  # noqa: E402
from mediaserver.importer import jellyfin, listing  # noqa: E402
from mediaserver.importer.runner import UMASK  # noqa: E402
from shared_material import SHARED, missing  # noqa: E402
from web_clients import Jellyfin  # noqa: E402
from whole_torrent import WholeTorrent  # noqa: E402

ROUNDS = 15  # each takes some milliseconds, so load of the machine shows in single ones
MANY_ROUNDS = 3
SMALL, LARGE = 10_000, 10_000_000_000
FILES = 10_000
BUDGET_LARGE_RATIO = 2.0
BUDGET_FILES_S = 2.0
BUDGET_LISTED_S = 5.0
THIS_YEAR = 2026
# Of one download in the lab: until Transmission has checked the file, and until Jellyfin lists it.
PATIENCE_S = 60
UID = GID = 2000


@contextlib.contextmanager
def home(*, with_jellyfin: bool = False) -> Iterator[Household]:
    """Give a new household on this machine's disk, after the first run of its import."""
    folder = Path(tempfile.mkdtemp(prefix="bench-import-", dir=ROOT / "build"))
    before = os.umask(UMASK)
    made = Household(folder, with_jellyfin=with_jellyfin)
    seen = jellyfin.CONTAINER_MEDIA
    # Jellyfin's double runs on this host, so it has no /media.
    listing.CONTAINER_MEDIA = jellyfin.CONTAINER_MEDIA = str(made.media)
    try:
        made.run()
        yield made
    finally:
        listing.CONTAINER_MEDIA = jellyfin.CONTAINER_MEDIA = seen
        if made.installation is not None:
            made.installation.server.stop()
        os.umask(before)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def in_real_time(household: Household) -> Iterator[None]:
    """Have the import and Jellyfin's double use the real time."""
    household.clock = time
    ended = threading.Event()

    def pass_time() -> None:
        before = time.monotonic()
        while not ended.wait(0.02):
            now = time.monotonic()
            household.installation.pass_time(now - before)
            before = now

    thread = threading.Thread(target=pass_time)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def one_file(size: int) -> float:
    """Return the seconds in which a film of so many bytes is published; its file is sparse."""
    with home() as household:
        household.film(1, done=False)
        (film,) = (household.downloads / "complete").rglob("*.mkv")
        os.truncate(film, size)
        for one in household.transmission.torrents.values():
            one["sizeWhenDone"] = size
            one["files"][0] |= {"length": size, "bytesCompleted": size}
            one["fileStats"][0]["bytesCompleted"] = size
        household.done(hash_of(1))
        seconds = timed(household.run)
        expect_published(household, 1)
        (published,) = household.media.rglob("*.mkv")
        if published.stat().st_size != size:
            raise BenchError(f"a file of {published.stat().st_size} bytes was published; expected {size}")
        return seconds


def many_files() -> float:
    """Return the seconds in which one torrent of FILES files is published."""
    with home() as household:
        paths = [f"Box/{disc:02}/{track:03} Song.flac" for disc in range(100) for track in range(FILES // 100)]
        household.download(1, "Box", paths, size=1)
        seconds = timed(household.run)
        expect_published(household, FILES)
        return seconds


def expect_published(household: Household, number: int) -> None:
    found = len(household.library())
    if found != number:
        raise BenchError(f"{found} files are in the library; expected {number}")


def listed_here() -> dict[str, float]:
    """Return the seconds from a finished download to the end of its import, when Jellyfin lists it, by name."""
    with home(with_jellyfin=True) as household, in_real_time(household):

        def film(number: int) -> float:
            household.film(number, f"Film {number}", 2000 + number, size=SMALL)
            return run_and_expect(household, f"movies/Film {number} ({2000 + number})/")

        def episode(number: int) -> float:
            name = f"Show.S01E{number:02}.1080p.WEB"
            household.download(100 + number, name, [f"{name}/{name}.mkv"], size=SMALL)
            return run_and_expect(household, "tv/Show/Season 01/")

        first = film(1)
        for number in range(2, 10):
            film(number)
        tenth = film(10)
        episode(1)
        return {"first film of a new household": first, "tenth film": tenth, "next episode": episode(2)}


def run_and_expect(household: Household, folder: str) -> float:
    before = household.listed()
    seconds = timed(household.run)
    new = household.listed() - before
    if len(new) != 1 or not next(iter(new)).startswith(folder):
        raise BenchError(f"Jellyfin lists {sorted(new)} after the import; expected one file below {folder}")
    return seconds


def planner() -> tuple[int, float]:
    """Return the number of cases in the shared folder, and the seconds in which all of them are planned."""
    path = SHARED / "import" / "cases.yml"
    if missing(path):
        raise BenchError(missing(path))
    guess = import_plan.load_guessit()
    if guess is None:
        raise BenchError("guessit is not installed in this Python; run this through tools/run, after make tools")
    cases = import_plan.read_cases(path)
    import_plan.answer(cases[0], guess, THIS_YEAR)  # guessit compiles its rules when it is first called
    return len(cases), timed(lambda: [import_plan.answer(case, guess, THIS_YEAR) for case in cases])


def measure_here() -> list[Entry]:
    small, large = [], []
    one_file(SMALL)  # the first run loads modules
    for _round in range(ROUNDS):  # alternating, so that load of the machine affects both
        small.append(one_file(SMALL))
        large.append(one_file(LARGE))
    ratio = round(statistics.median(large) / statistics.median(small), 2)
    many = statistics.median(many_files() for _round in range(MANY_ROUNDS))
    number, seconds = planner()
    return [
        Entry("import, film of 10 kB", round(statistics.median(small), 4), "s"),
        Entry(
            "import, film of 10 GB",
            round(statistics.median(large), 4),
            "s",
            "10 kB",
            ratio,
            BUDGET_LARGE_RATIO,
        ),
        Entry("import, torrent of 10,000 files", round(many, 2), "s", budget=BUDGET_FILES_S),
        *(
            Entry(f"complete to listed, {name}", round(taken, 1), "s", budget=BUDGET_LISTED_S)
            for name, taken in listed_here().items()
        ),
        Entry(f"planner, {number} cases", round(seconds, 2), "s"),
    ]


class Pi:
    """The lab's Pi, its Transmission and its Jellyfin."""

    def __init__(self, lab: LabControl) -> None:
        self.lab = lab
        self.description = lab.description
        account = self.description["jellyfin"]
        self.jellyfin = Jellyfin(self.description, account["user"], account["password"])
        self.added: list[str] = []

    def arrive(self, name: str, target: str) -> float:
        """Have a torrent arrive; return the seconds from its completion until Jellyfin lists ``target``."""
        torrent = WholeTorrent(name, SMALL // 32)
        self.lab.pi(torrent.writer(f"/mnt/downloads/complete/{name}", UID, GID))
        metainfo = base64.b64encode(torrent.metainfo).decode()
        self.added.append(torrent.hash)
        demo.rpc(self.description, "torrent-add", {"metainfo": metainfo, "download-dir": "/downloads/complete"})
        complete, _answered = self._wait("is complete in Transmission", lambda: self._is_complete(torrent.hash))
        _asked, listed = self._wait(f"is in Jellyfin at {target}", lambda: f"/media/{target}" in self.jellyfin.files())
        return listed - complete

    def _wait(self, what: str, holds: Callable[[], bool]) -> tuple[float, float]:
        """Return the times before and after the first question that was answered as wanted. Raises BenchError."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            asked = time.monotonic()
            if holds():
                return asked, time.monotonic()
            time.sleep(0.05)
        raise BenchError(f"a download of the measurement was not there after {PATIENCE_S} s; expected that it {what}")

    def _is_complete(self, torrent: str) -> bool:
        fields = {"ids": [torrent], "fields": ["leftUntilDone", "sizeWhenDone", "status"]}
        found = demo.rpc(self.description, "torrent-get", fields)["torrents"]
        # Status 1 and 2: it is checked, or waits for that.
        return (
            bool(found)
            and bool(found[0]["sizeWhenDone"])
            and not found[0]["leftUntilDone"]
            and (found[0]["status"] not in (1, 2))
        )

    def clear(self) -> None:
        """Remove what the measurement has added."""
        for torrent in self.added:
            with contextlib.suppress(LabError):
                self.lab.pi(f"{demo.COMMAND} remove --yes --now {torrent}")


def measure_on_pi(lab: LabControl) -> list[Entry]:
    lab.wait_until_healthy()
    pi = Pi(lab)
    try:
        films = [
            pi.arrive(
                f"Benchmark {number}.2001.1080p.mkv", f"movies/Benchmark {number} (2001)/Benchmark {number} (2001).mkv"
            )
            for number in range(1, 11)
        ]
        episodes = [
            pi.arrive(
                f"Benchmark.Show.S01E{number:02}.mkv", f"tv/Benchmark Show/Season 01/Benchmark Show S01E{number:02}.mkv"
            )
            for number in (1, 2)
        ]
    finally:
        pi.clear()
    found = {"tenth film": films[-1], "next episode": episodes[-1]}
    return [
        Entry(f"complete to listed on the Pi, {name}", round(taken, 1), "s", budget=BUDGET_LISTED_S)
        for name, taken in found.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the import.")
    parser.add_argument("--without-lab", action="store_true", help="only what is measured on this machine")
    without_lab = parser.parse_args().without_lab
    try:
        # Without the lines of the import's journal, one for each file.
        with contextlib.redirect_stdout(io.StringIO()):
            entries = measure_here()
        if not without_lab:
            entries += measure_on_pi(LabControl(topology.HOUSEHOLDS[0], str(ROOT / "inventory" / "demo")))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    join(REPORT, entries)
    print(table(entries))
    return 0 if all(entry.within for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""One health check: measure, judge, report. Never two at once, and always shorter than its interval."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mediaserver import bounded, journal, services
from mediaserver._core import clock, files
from mediaserver._core.errors import FileProblem, GatewayError, reason
from mediaserver._core.names import RUN
from mediaserver.bounded import Job, Result
from mediaserver.health import metrics, outputs, ping, report, transitions
from mediaserver.health.environment import Environment, Moment
from mediaserver.health.model import Finding, State, ok, unknown, warning
from mediaserver.health.settings import STATUS, Settings
from mediaserver.health.store import FILE, Kept, Memory, Store
from mediaserver.health.table import CHECKS_ENDED, PROBES, Check, Probe, known_checks
from mediaserver.health.transitions import News
from mediaserver.monitor import hold
from mediaserver.notify.settings import OUTBOX, NotifySettings
from mediaserver.services import UNLISTED, Service

LOCK = RUN / "health.lock"
SPARE = RUN / "health.json"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Together less than the five minutes between two runs.
PROBES_S, MESSAGES_S, PING_S = 180.0, 60.0, 20.0
ANSWER = "it has not answered"


def moment() -> Moment:
    """Return the present time."""
    try:
        boot_id = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot_id = ""
    return Moment(time.time(), clock.now(), boot_id)


def is_held() -> bool:
    """Say whether a program, such as a run of the playbook, pauses vpn-monitor while it works on the services."""
    found = hold.read(clock.now())
    return found is not None and found.valid


@dataclass
class HealthCheck:
    """One run on one host. The fields after ``root`` are replaced by tests."""

    root: Path
    lock: Path = LOCK
    spare: Path = SPARE
    login_message: Path = outputs.LOGIN_MESSAGE
    probes: Sequence[Probe] = PROBES
    now: Callable[[], Moment] = moment
    probes_s: float = PROBES_S
    adapt: Callable[[Environment], Environment] = lambda environment: environment
    messages_s: float = MESSAGES_S
    # What sends messages; None: apprise, loaded when there is one.
    load: Callable[[], Any] | None = None
    ping: Callable[[Path], str] = ping.send
    held: Callable[[], bool] = is_held
    troubles: list[str] = field(default_factory=list)
    # What is wrong with the health check itself.
    _failed: list[str] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        """Return the content of status.json. Raises FileProblem, TimeoutError when another one runs."""
        with files.locked(self.lock, patience=0):
            return self._run()

    def _run(self) -> dict[str, Any]:
        begun = time.monotonic()
        settings = Settings.read(self.root)
        # Only root can read it. What cannot be written is named when it is.
        with suppress(OSError):
            settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = Store(settings.folder / FILE, self.spare)
        memory, trouble = store.read()
        self.troubles += [trouble] * bool(trouble)
        notify = self._notify_settings()
        household = self._services()
        now, number = self.now(), memory.run + 1
        environment = self.adapt(Environment(self.root, settings, household, now, memory.last, memory.numbers))
        known = known_checks(household)
        kept = self._measure(environment, memory, number)
        findings = self._findings(kept, known)
        tracks, news = transitions.advance(
            memory.tracks,
            findings,
            known,
            run=number,
            now=now.wall,
            reminder_hours=settings.reminder_hours,
            held=self.held(),
        )
        _log(news, known)
        answered = {**_only(memory.answered, known), **{name: now.wall for name in self._answered(kept, number)}}
        self._send(settings, notify, news, known, now.wall)
        duration = time.monotonic() - begun
        document = report.document(
            findings, known, tracks, answered, now=now, duration_s=duration, titles=notify.titles
        )
        after = Memory(
            number,
            now,
            tracks,
            {value.key: value.number for one in findings for value in one.values},
            {name: one for name, one in kept.items() if _every(self.probes, name) > 1},
            answered,
            memory.ping_failed,
        )
        self._store(store, after)
        self.troubles += outputs.write(
            document,
            metrics.render(findings, known, answered, now=now.wall, duration_s=duration),
            status=settings.state / STATUS,
            metrics_folder=settings.metrics,
            login=self.login_message,
            login_wanted=settings.login_message,
        )
        # Last, so that it says that all of this was done.
        failed = self._ping(memory)
        if failed is not memory.ping_failed:
            self._store(store, replace(after, ping_failed=failed))
        for text in dict.fromkeys(self.troubles):
            journal.warning(text)
        return document

    def _notify_settings(self) -> NotifySettings:
        try:
            return NotifySettings.read(self.root)
        except FileProblem as error:
            self.troubles.append(f"no messages are sent: {error}")
            return NotifySettings()

    def _services(self) -> tuple[Service, ...]:
        path = self.root / "gateway" / "gateway.json"
        try:
            return services.listed(files.read(path) or "")
        except (OSError, GatewayError) as error:
            self._failed.append(f"the household's services are not known: {reason(error)}")
            return UNLISTED

    def _measure(self, environment: Environment, memory: Memory, number: int) -> dict[str, Kept]:
        """Return the findings of each probe that applies, made now or kept from an earlier run."""
        wanted = [probe for probe in self.probes if probe.applies(environment)]
        keys = {probe.name: probe.key(environment) for probe in wanted}
        found = {
            probe.name: memory.kept[probe.name]
            for probe in wanted
            if not is_due(probe, memory.kept.get(probe.name), number, keys[probe.name])
        }
        due = {probe.name: probe for probe in wanted if probe.name not in found}
        jobs = [Job(name, lambda probe=probe: probe.read(environment), probe.limit_s) for name, probe in due.items()]  # type: ignore[misc]
        for result in bounded.each(jobs, total_s=self.probes_s):
            probe = due[result.name]
            if not result.ok:
                self._failed.append(_words(probe, result))
            made = tuple(completed(probe, result, environment.services))
            found[probe.name] = Kept(number, keys[probe.name], made)
        # In the order of the table.
        return {probe.name: found[probe.name] for probe in wanted}

    def _findings(self, kept: Mapping[str, Kept], known: Mapping[str, Check]) -> list[Finding]:
        found = [one for probe in kept.values() for one in probe.findings if one.check in known]
        if self._failed:
            remedy = "see: sudo mediaserver logs health; if it stays, restart the host: sudo reboot"
            return [*found, warning(CHECKS_ENDED, "; ".join(self._failed), remedy)]
        return [*found, ok(CHECKS_ENDED, "all checks were made")]

    def _answered(self, kept: Mapping[str, Kept], number: int) -> Iterator[str]:
        """Name the checks that were able to measure in this run."""
        yield CHECKS_ENDED
        for probe in kept.values():
            if probe.run == number:
                yield from (one.check for one in probe.findings if one.state is not State.UNKNOWN)

    def _send(
        self,
        settings: Settings,
        notify: NotifySettings,
        news: Sequence[News],
        known: Mapping[str, Check],
        now: float,
    ) -> None:
        """Send what is new, and what earlier runs and the import have left, in a child process with a time limit."""
        path = settings.state / OUTBOX
        if not news and not path.exists():
            return
        # Most runs have nothing to send, and cost less without this.
        from mediaserver.health import messages  # noqa: PLC0415
        from mediaserver.notify.sender import Sender, load_apprise  # noqa: PLC0415

        # Apprise loads within the rest of the time.
        sender = Sender(self.load or load_apprise, self.messages_s / 2, self.messages_s * 0.75)
        result = bounded.one(lambda: messages.send(path, notify, news, known, now=now, sender=sender), self.messages_s)
        self.troubles += result.value if result.ok else [f"messages were not sent: {result.error or ANSWER}"]

    def _ping(self, memory: Memory) -> bool:
        """Ask for the page of the dead man's switch; return whether that failed. It is logged once."""
        result = bounded.one(lambda: self.ping(self.root), PING_S)
        why = ANSWER if result.late else result.error or str(result.value or "")
        if why and not memory.ping_failed:
            self.troubles.append(f"upkeep_health_ping_url was not reached: {why}")
        return bool(why)

    def _store(self, store: Store, memory: Memory) -> None:
        try:
            trouble = store.write(memory)
            self.troubles += [trouble] * bool(trouble)
        except FileProblem as error:
            self.troubles.append(str(error))


def is_due(probe: Probe, kept: Kept | None, number: int, key: str) -> bool:
    """Say whether a probe is made in this run. Pure."""
    if kept is None or kept.key != key or not 0 <= number - kept.run < probe.every:
        return True
    return not probe.patient and any(one.state is not State.OK for one in kept.findings)


def completed(probe: Probe, result: Result, household: Sequence[Service]) -> Iterator[Finding]:
    """Yield a finding for each check of a probe. Pure."""
    if result.ok:
        yield from result.value
        return
    for check in probe.all_checks(household):
        if result.late and probe.late is State.BAD:
            yield Finding(check, State.BAD, f"{ANSWER} within {probe.limit_s:g} s", "see dmesg; restart the host")
        else:
            yield unknown(check, f"it could not be checked: {result.error or f'{ANSWER} in time'}")


def _words(probe: Probe, result: Result) -> str:
    return f"probe {probe.name}: {f'{ANSWER} within {probe.limit_s:g} s' if result.late else result.error}"


def _only(found: Mapping[str, float], known: Mapping[str, Check]) -> dict[str, float]:
    return {name: value for name, value in found.items() if name in known}


def _every(probes: Sequence[Probe], name: str) -> int:
    return next(probe.every for probe in probes if probe.name == name)


def _log(news: Sequence[News], known: Mapping[str, Check]) -> None:
    for one in news:
        line = f"{known[one.finding.check].title}: {one.kind}: {one.finding.text}"
        (journal.notice if one.finding.state is State.OK else journal.warning)(line)

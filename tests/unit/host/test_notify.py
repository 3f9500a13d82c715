# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications: their settings, the sender, and the outbox over time. No message or log has a secret."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apprise_double import Apprise
from mediaserver._core.errors import FileProblem
from mediaserver._core.notify_urls import fault, shown
from mediaserver.notify import sender as sender_module
from mediaserver.notify.message import Message, News
from mediaserver.notify.outbox import Content, Outbox, is_due
from mediaserver.notify.sender import NO_TIME, NOT_INSTALLED, NOT_SENT, NOT_USABLE, Sender
from mediaserver.notify.settings import NotifySettings

SECRET = "s3cr3t"
NTFY, TGRAM = f"ntfys://ntfy.example.org/{SECRET}", f"tgram://123:{SECRET}/1"
MESSAGE = Message("Media server", "1 new film")
FILM, EPISODE = News("movies", 1, ("Dune (2021)",)), News("tv", 1, ("Adam-12",))
NOW = 1_800_000_000.0


def write_settings(root: Path, content: Any) -> None:
    (root / "secrets").mkdir(exist_ok=True)
    (root / "secrets" / "notify.json").write_text(content if isinstance(content, str) else json.dumps(content))


# --- Settings.


def test_settings_are_read_from_the_file_of_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert NotifySettings.read(tmp_path) == NotifySettings()
    write_settings(tmp_path, {"urls": [NTFY], "titles": True})
    found = NotifySettings.read(tmp_path)
    assert (found.urls, found.titles) == ((NTFY,), True)
    assert SECRET not in repr(found)


def test_settings_are_read_from_a_unit_s_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path, {"urls": [], "titles": False})
    (tmp_path / "notify").write_text(json.dumps({"urls": [NTFY], "titles": False}))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert NotifySettings.read(Path("/nowhere")).urls == (NTFY,)


@pytest.mark.parametrize(
    "content", ["", f'{{"urls": ["{SECRET}"', "[]", "3", {"urls": 3, "titles": True}, {"urls": []}]
)
def test_damaged_settings_are_named_without_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    write_settings(tmp_path, content)
    with pytest.raises(FileProblem, match=r"notify\.json is damaged; run the playbook again$") as caught:
        NotifySettings.read(tmp_path)
    assert SECRET not in str(caught.value)


# --- The form of a URL.


@pytest.mark.parametrize(
    "url",
    [NTFY, TGRAM, "mailto://user:pass@example.org", "https://discord.com/api/webhooks/1/x", "JSON://host:8080/path"],
)
def test_a_url_of_apprise_is_accepted(url: str) -> None:
    assert fault(url) == ""


@pytest.mark.parametrize(
    ("url", "words", "name"),
    [
        ("", "empty", "entry 2"),
        (None, "empty or not a text", "entry 2"),
        (3, "empty or not a text", "entry 2"),
        (SECRET, "form scheme://", "entry 2"),
        (f"tgram:{SECRET}", "form scheme://", "entry 2"),
        ("tgram://", "form scheme://", "entry 2"),
        (f"tgram://{SECRET} more", "form scheme://", "entry 2 (tgram://…)"),
        (f"nosuch://{SECRET}", "does not know its scheme", "entry 2"),
        (f"http://example.org/{SECRET}", "does not know its scheme", "entry 2"),
        # A whole secret in the place of the scheme is not shown.
        (f"{SECRET}://x", "does not know its scheme", "entry 2"),
    ],
)
def test_a_wrong_url_is_named_without_its_secret(url: Any, words: str, name: str) -> None:
    assert words in fault(url)
    assert shown(2, url) == name
    assert SECRET not in fault(url) + shown(2, url)


# --- The sender.


def test_a_message_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    apprise = Apprise()
    assert Sender(apprise).send(NTFY, MESSAGE) == ""
    assert apprise.sent == [(NTFY, "Media server", "1 new film")]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"ntfys://{SECRET}/wrong", NOT_USABLE),
        (f"ntfys://{SECRET}/defect", f"{NOT_USABLE} (TypeError)"),
        (f"ntfys://{SECRET}/raises", f"{NOT_SENT} (ValueError)"),
        (f"gotify://{SECRET}/", NOT_SENT),
        (f"nosuch://{SECRET}", fault("nosuch://x")),
    ],
)
def test_what_fails_is_said_without_the_url(
    url: str, why: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    apprise = Apprise()
    apprise.down = {"gotify"}
    with caplog.at_level(logging.DEBUG):
        assert Sender(apprise).send(url, MESSAGE) == why
    assert (apprise.sent, caplog.text, capsys.readouterr()) == ([], "", ("", ""))
    logging.getLogger("apprise").error("apprise's own lines are shown again")
    assert "shown again" in caplog.text


def test_checking_sends_nothing() -> None:
    apprise = Apprise()
    assert Sender(apprise).check(NTFY) == ""
    assert Sender(apprise).check("ntfys://x/wrong") == NOT_USABLE
    assert apprise.sent == []


def test_an_address_that_hangs_is_given_up_and_stays_silent(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    apprise = Apprise()
    monkeypatch.setattr(logging.root.manager, "disable", 0)  # restored after the test
    begun = time.monotonic()
    assert "has not answered within 0.2 s" in Sender(apprise, patience=0.2).send(f"ntfys://{SECRET}/hangs", MESSAGE)
    assert time.monotonic() - begun < 5
    apprise.released.set()
    (thread,) = [one for one in threading.enumerate() if one.name == "notification"]
    thread.join(10)
    assert (caplog.text, capsys.readouterr()) == ("", ("", "")), "its late line quotes the URL"


def test_all_messages_of_a_run_have_a_time_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The health check ends before the next one begins, however many addresses hang."""
    now = [100.0]
    monkeypatch.setattr(sender_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    apprise = Apprise()
    sender = Sender(apprise, total_s=45)
    assert sender.send(NTFY, MESSAGE) == ""
    now[0] += 44
    assert sender.send(NTFY, MESSAGE) == ""
    now[0] += 1
    assert sender.send(NTFY, MESSAGE) == NO_TIME
    assert len(apprise.sent) == 2


def test_a_missing_package_is_named() -> None:
    def missing() -> Any:
        raise ImportError("No module named 'apprise'")

    assert Sender(missing).send(NTFY, MESSAGE) == NOT_INSTALLED


def test_apprise_is_imported_only_for_a_message(tmp_path: Path) -> None:
    apprise = Apprise()
    box = Outbox(tmp_path / "notify.json", NotifySettings((NTFY,)), Sender(apprise))
    box.add("a", FILM, NOW)
    box.deliver(NOW)
    assert apprise.loads == 0
    assert "apprise" not in vars(sender_module)


# --- The outbox.


@pytest.fixture
def apprise() -> Apprise:
    return Apprise()


def outbox(root: Path, apprise: Apprise, *urls: str, titles: bool = False) -> Outbox:
    """A new one each time, as after a restart."""
    return Outbox(root / "notify.json", NotifySettings(urls or (NTFY,), titles), Sender(apprise))


@pytest.mark.parametrize(
    ("ages", "due"),
    [
        ([0], False),
        ([119], False),
        ([120], True),
        ([500, 60], False),
        ([600, 1], True),
        ([-1], True),  # the clock was set back
    ],
)
def test_when_arrivals_are_due(ages: list[float], due: bool) -> None:
    assert is_due([NOW - age for age in ages], NOW) is due


def test_arrivals_within_minutes_are_one_message(tmp_path: Path, apprise: Apprise) -> None:
    outbox(tmp_path, apprise).add("a", FILM, NOW)
    outbox(tmp_path, apprise).deliver(NOW + 60)
    outbox(tmp_path, apprise).add("b", FILM, NOW + 100)
    outbox(tmp_path, apprise).add("c", EPISODE, NOW + 110)
    outbox(tmp_path, apprise).deliver(NOW + 200)
    assert apprise.sent == []
    outbox(tmp_path, apprise).deliver(NOW + 230)
    assert [body for _url, _title, body in apprise.sent] == ["2 new films and 1 new episode"]
    outbox(tmp_path, apprise).deliver(NOW + 9000)
    assert len(apprise.sent) == 1, "it is sent once"
    outbox(tmp_path, apprise).add("d", FILM, NOW + 9000)
    outbox(tmp_path, apprise).deliver(NOW + 9120)
    assert [body for _url, _title, body in apprise.sent][1:] == ["1 new film"]


def test_an_arrival_that_is_added_again_is_counted_once(tmp_path: Path, apprise: Apprise) -> None:
    for _time in range(2):
        outbox(tmp_path, apprise).add("a", FILM, NOW)
    outbox(tmp_path, apprise).deliver(NOW + 120)
    assert [body for _url, _title, body in apprise.sent] == ["1 new film"]


@pytest.mark.parametrize("titles", [False, True])
def test_titles_are_kept_and_sent_only_where_wanted(tmp_path: Path, apprise: Apprise, titles: bool) -> None:
    box = outbox(tmp_path, apprise, titles=titles)
    box.add("a", FILM, NOW)
    assert ("Dune" in box.path.read_text()) is titles
    box.deliver(NOW + 120)
    assert ("Dune (2021)" in apprise.sent[0][2]) is titles


def test_the_file_has_no_url_and_is_private(tmp_path: Path, apprise: Apprise) -> None:
    apprise.down = {"ntfys"}
    box = outbox(tmp_path, apprise, NTFY, TGRAM)
    box.add("a", FILM, NOW)
    box.deliver(NOW + 120)
    assert "pending" in box.path.read_text() and SECRET not in box.path.read_text()
    assert box.path.stat().st_mode & 0o777 == 0o600


def test_an_address_that_fails_is_tried_again_and_the_other_has_it_once(
    tmp_path: Path, apprise: Apprise, capsys: pytest.CaptureFixture[str]
) -> None:
    apprise.down = {"ntfys"}
    outbox(tmp_path, apprise, NTFY, TGRAM).add("a", FILM, NOW)
    outbox(tmp_path, apprise, NTFY, TGRAM).deliver(NOW + 120)
    assert [url for url, *_rest in apprise.sent] == [TGRAM]
    said = capsys.readouterr().out
    assert "a notification was not sent: entry 1 (ntfys://…) of mediaserver_notify: apprise could not" in said
    assert SECRET not in said
    apprise.down = set()
    outbox(tmp_path, apprise, NTFY, TGRAM).deliver(NOW + 150)
    assert len(apprise.sent) == 1, "its pause has not passed"
    outbox(tmp_path, apprise, NTFY, TGRAM).deliver(NOW + 181)
    assert [url for url, *_rest in apprise.sent] == [TGRAM, NTFY]


def test_the_pause_grows_and_a_day_is_the_end(
    tmp_path: Path, apprise: Apprise, capsys: pytest.CaptureFixture[str]
) -> None:
    apprise.down = {"ntfys"}
    box = outbox(tmp_path, apprise)
    box.add("a", FILM, NOW)
    pauses = []
    now = NOW + 120
    while box.deliver(now) is None and box.path.exists():
        (pending,) = json.loads(box.path.read_text())["pending"]
        pauses.append(pending["not_before"] - now)
        now = pending["not_before"]
    assert pauses[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert 86400 < now - NOW < 86400 + 3 * 3600
    assert "could not be sent for a day is given up" in capsys.readouterr().out


def test_an_address_that_fails_is_tried_once_in_a_delivery(tmp_path: Path, apprise: Apprise) -> None:
    """Each try of one that hangs takes half a minute, in which no download is imported."""
    apprise.down = {"ntfys"}
    box = outbox(tmp_path, apprise, NTFY, TGRAM)
    for number in range(3):
        box.say(f"check {number}", MESSAGE, NOW)
    box.deliver(NOW)
    assert (apprise.tries, len(apprise.sent)) == (4, 3)
    assert len(json.loads(box.path.read_text())["pending"]) == 3


# --- Messages of other programs than the import, for example in a household without it.


def test_a_message_is_sent_by_the_program_that_adds_it(tmp_path: Path, apprise: Apprise) -> None:
    box = outbox(tmp_path, apprise)
    box.say("disk", MESSAGE, NOW)
    box.deliver(NOW)
    assert apprise.sent == [(NTFY, "Media server", "1 new film")]
    assert not box.path.exists(), "programs see by the file whether something waits"
    box.deliver(NOW + 9000)
    assert len(apprise.sent) == 1


def test_a_newer_message_of_a_check_replaces_one_that_is_not_sent(tmp_path: Path, apprise: Apprise) -> None:
    apprise.down = {"ntfys"}
    box = outbox(tmp_path, apprise)
    box.say("disk", Message("Media server", "the disk is full"), NOW)
    box.say("vpn", Message("Media server", "the tunnel is down"), NOW)
    box.deliver(NOW)
    apprise.down = set()
    box.say("disk", Message("Media server", "the disk has space again"), NOW + 100)
    box.deliver(NOW + 100)
    assert [body for _url, _title, body in apprise.sent] == ["the tunnel is down", "the disk has space again"]


def test_what_another_program_has_left_is_delivered(tmp_path: Path, apprise: Apprise) -> None:
    """As after the import was switched off."""
    outbox(tmp_path, apprise).add("a", FILM, NOW)
    outbox(tmp_path, apprise).say("disk", MESSAGE, NOW + 500)
    outbox(tmp_path, apprise).deliver(NOW + 500)
    assert len(apprise.sent) == 2


def test_two_programs_do_not_send_a_message_twice(tmp_path: Path, apprise: Apprise) -> None:
    box, other = outbox(tmp_path, apprise), outbox(tmp_path, apprise)
    box.say("disk", MESSAGE, NOW)
    with box._sending() as alone:
        assert alone
        other.deliver(NOW)
        other.say("vpn", MESSAGE, NOW)
    assert apprise.sent == []
    other.deliver(NOW)
    assert len(apprise.sent) == 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_account_of_the_folder_owns_what_root_writes(tmp_path: Path, apprise: Apprise) -> None:
    os.chown(tmp_path, 2000, 2001)
    box = outbox(tmp_path, apprise)
    apprise.down = {"ntfys"}
    box.say("disk", MESSAGE, NOW)
    box.deliver(NOW)
    found = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in tmp_path.iterdir()}
    assert found == {"notify.json": (2000, 2001), "sending.lock": (2000, 2001)}


def test_a_missing_folder_is_named_with_a_remedy(tmp_path: Path, apprise: Apprise) -> None:
    box = outbox(tmp_path / "missing", apprise)
    with pytest.raises(FileProblem, match=r"missing cannot be used: .*; run the playbook again"):
        box.say("disk", MESSAGE, NOW)
    box.deliver(NOW)


def test_an_address_that_was_removed_is_not_waited_for(tmp_path: Path, apprise: Apprise) -> None:
    apprise.down = {"ntfys"}
    outbox(tmp_path, apprise, NTFY).add("a", FILM, NOW)
    outbox(tmp_path, apprise, NTFY).deliver(NOW + 120)
    outbox(tmp_path, apprise, TGRAM).deliver(NOW + 300)
    assert apprise.sent == [], "the new address does not get old messages"
    assert not (tmp_path / "notify.json").exists(), "nothing waits"


def test_a_clock_that_was_set_back_does_not_hold_a_message(tmp_path: Path, apprise: Apprise) -> None:
    apprise.down = {"ntfys"}
    outbox(tmp_path, apprise).add("a", FILM, NOW)
    outbox(tmp_path, apprise).deliver(NOW + 120)
    apprise.down = set()
    outbox(tmp_path, apprise).deliver(NOW - 10**8)
    assert len(apprise.sent) == 1


def test_it_is_off_by_default(tmp_path: Path, apprise: Apprise) -> None:
    box = Outbox(tmp_path / "notify.json", NotifySettings(), Sender(apprise))
    box.add("a", FILM, NOW)
    box.deliver(NOW + 9000)
    assert (list(tmp_path.iterdir()), apprise.loads) == ([], 0)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"arrived": [{}]}', '{"pending": 3}', '{"arrived": 3}'])
def test_a_damaged_file_counts_as_empty(tmp_path: Path, apprise: Apprise, text: str) -> None:
    (tmp_path / "notify.json").write_text(text)
    box = outbox(tmp_path, apprise)
    assert box._read() == Content()
    box.add("a", FILM, NOW)
    box.deliver(NOW + 120)
    assert len(apprise.sent) == 1


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, apprise: Apprise) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileProblem, match="cannot be written"):
        outbox(tmp_path, apprise).add("a", FILM, NOW)

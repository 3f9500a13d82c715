# SPDX-License-Identifier: GPL-3.0-or-later
"""The import notifies of what has arrived, and no trouble with that stops it."""

from __future__ import annotations

from pathlib import Path

import pytest
from apprise_double import Apprise
from command_host import make_context
from import_home import Household
from mediaserver.notify import household
from mediaserver.notify.outbox import Outbox
from mediaserver.notify.sender import Sender
from mediaserver.notify.settings import NotifySettings

URL = "ntfys://ntfy.example.org/s3cr3t"


class Notified:
    """A household without Jellyfin; each ``run`` is a new process with the same files."""

    def __init__(self, folder: Path) -> None:
        self.home, self.apprise = Household(folder, with_jellyfin=False), Apprise()
        self.settings = NotifySettings((URL,), titles=True)
        self.home.run()  # the first run, which finds no torrent

    def run(self, *, pass_s: float = 0.0) -> list[str]:
        """Return the messages that have been sent so far."""
        self.home.clock.sleep(pass_s)
        runner = self.home.runner()
        runner.outbox = Outbox(self.home.state / "notify.json", self.settings, Sender(self.apprise))
        runner.run()
        return [body for _url, _title, body in self.apprise.sent]


@pytest.fixture
def notified(tmp_path: Path) -> Notified:
    return Notified(tmp_path)


def test_films_that_arrive_within_minutes_are_one_message(notified: Notified) -> None:
    notified.home.film(1)
    assert notified.run() == []
    notified.home.film(2, "Coco", 2017)
    assert notified.run(pass_s=60) == []
    assert notified.run(pass_s=300) == ["2 new films\n- Dune (2021)\n- Coco (2017)"]
    assert len(notified.run(pass_s=9000)) == 1


def test_what_brings_nothing_new_is_not_announced(notified: Notified) -> None:
    torrent = notified.home.film(1)
    notified.run()
    assert len(notified.run(pass_s=300)) == 1
    notified.home.done(torrent)
    notified.run()
    assert len(notified.run(pass_s=300)) == 1


def test_a_file_that_cannot_be_written_does_not_stop_the_import(
    notified: Notified, capsys: pytest.CaptureFixture[str]
) -> None:
    (notified.home.state / "notify.json").mkdir()
    notified.home.film(1)
    assert notified.run() == []
    assert list(notified.home.library()) == ["movies/Dune (2021)/Dune (2021).mkv"]
    assert "notify.json cannot be " in capsys.readouterr().out


@pytest.mark.parametrize("damaged", ["secrets/notify.json", "command.json"])
def test_settings_that_cannot_be_read_switch_notifications_off_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], damaged: str
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    make_context(tmp_path)
    found = household.outbox(tmp_path)
    assert found is not None and found.settings == NotifySettings()
    assert found.path == tmp_path / "state" / "notify" / "outbox.json"
    (tmp_path / "secrets").mkdir()
    (tmp_path / damaged).write_text("{")
    assert household.outbox(tmp_path) is None
    assert "no notifications are sent: " in capsys.readouterr().out

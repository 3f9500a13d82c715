# SPDX-License-Identifier: GPL-3.0-or-later
"""The round of vpn-monitor: what goes wrong in one look does not end it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from mediaserver import docker, monitor
from mediaserver.tunnel import GatewayError

ROUNDS = 3


class Blind:
    """Eyes that fail in every look."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.looks = 0

    def look(self) -> None:
        self.looks += 1
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        GatewayError("gateway.json is missing"),
        docker.DockerError("Docker does not answer"),
        OSError("no space left"),
        KeyError("State"),
        ValueError("not JSON"),
        subprocess.TimeoutExpired(["wg", "show"], 10),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_look_that_fails_is_told_and_the_next_one_comes(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    eyes = Blind(error)

    def wait(events: None, seconds: float) -> None:
        assert (events, seconds) == (None, monitor.CALM_S)
        if eyes.looks == ROUNDS:
            raise KeyboardInterrupt

    monkeypatch.setattr(monitor, "Watch", lambda root: eyes)
    monkeypatch.setattr(monitor, "_listen", lambda: None)
    monkeypatch.setattr(monitor, "_tell_hold", lambda before: before)
    monkeypatch.setattr(monitor, "_wait", wait)
    assert monitor.main(Path("/nowhere")) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"that did not work, it is tried again: {error}"] * ROUNDS

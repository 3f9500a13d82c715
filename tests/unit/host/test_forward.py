# SPDX-License-Identifier: GPL-3.0-or-later
"""The forwarded port: how long a lease counts, and that what answers in Transmission's place can do no harm."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mediaserver import forward

GOOD = json.dumps({"result": "success", "arguments": {"peer-port": 40000}}).encode()


@contextmanager
def answering(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn, the last one again and again; and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/transmission/rpc", asked
    finally:
        server.shutdown()
        server.server_close()


def ask(url: str) -> int:
    return forward.Transmission(url, "family", "secret").peer_port()


def test_the_session_id_is_taken_once() -> None:
    with answering((409, {forward.SESSION: "abc"}, b""), (200, {}, GOOD)) as (url, asked):
        assert ask(url) == 40000
    assert len(asked) == 2


def test_nobody_is_led_elsewhere() -> None:
    with answering((200, {}, GOOD)) as (elsewhere, visited):
        with (
            answering((302, {"Location": elsewhere}, b"")) as (url, _unused),
            pytest.raises(forward.TransmissionError, match="status 302"),
        ):
            ask(url)
        assert visited == []
        assert ask(elsewhere) == 40000, "the other place would have answered"


@pytest.mark.parametrize(
    "answer",
    [
        (409, {}, b""),
        (401, {}, b""),
        (200, {}, b"[]"),
        (200, {}, b"no json"),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"result": "no"}'),
        (200, {"Content-Length": "5000"}, b"cut"),
    ],
    ids=["no session id", "wrong password", "a list", "no JSON", "nested", "refused", "cut off"],
)
def test_a_bad_answer_is_one_kind_of_error(answer: tuple[int, dict[str, str], bytes]) -> None:
    with answering(answer) as (url, _unused), pytest.raises((forward.TransmissionError, OSError)):
        ask(url)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ('{"port": 40000, "until": 100}', 40000),
        ('{"port": 40000, "until": 50}', 0),
        ('{"port": 40000}', 0),
        ('{"port": 70000, "until": 100}', 0),
        ("nonsense", 0),
        ("[]", 0),
        (None, 0),
    ],
)
def test_only_a_lease_that_lasts_counts(tmp_path: Path, text: str | None, port: int) -> None:
    path = tmp_path / "lease"
    if text is not None:
        path.write_text(text)
    assert forward.leased_port(path, now=50) == port


def test_a_port_that_could_not_be_closed_is_closed_later(tmp_path: Path) -> None:
    path = tmp_path / "lease"
    path.write_text('{"port": 40000, "until": 10}')
    failing = [OSError("Docker is away")]
    closed: list[bool] = []

    def changed() -> None:
        if failing:
            raise failing.pop()
        closed.append(True)

    kept = forward.Forwarding("10.66.0.1", (), lambda: forward.Transmission("http://x", "", ""), changed, path=path)
    with pytest.raises(OSError, match="away"):
        kept.expire(20)
    assert kept.expire(25) == "the forwarded port is closed, because nobody prolongs it"
    assert closed == [True]
    assert kept.expire(30) is None

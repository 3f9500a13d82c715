# SPDX-License-Identifier: GPL-3.0-or-later
"""``mediaserver logs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from command_host import Docker, Programs, container, make_context, run
from mediaserver._core.errors import AccessDenied, DockerError, ServiceProblem
from mediaserver.command import logs
from mediaserver.command.frame import WrongArgument

SILENT = "Docker does not answer at /run/docker.sock: Permission denied"


def two() -> Docker:
    # A container of "docker compose run", and one of the same name in another project, are no services.
    once = container("once")
    once["Labels"]["com.docker.compose.oneoff"] = "True"
    foreign = container("jackett")
    foreign["Labels"]["com.docker.compose.project"] = "other"
    return Docker(container("vpn"), container("jellyfin"), once, foreign)


def test_names_are_listed(tmp_path: Path) -> None:
    found = run(logs, make_context(tmp_path, docker=two))
    assert found.lines == [
        "services: jellyfin, vpn",
        "programs: vpn-monitor, barrier, barrier-keeper, stack, import, health, backup, updates, discovery, docker",
    ]


def test_without_root_the_programs_are_listed(tmp_path: Path) -> None:
    found = run(logs, make_context(tmp_path, docker=lambda: Docker(silent=SILENT), uid=lambda: 1000))
    assert found.data["services"] is None
    assert found.lines[0].startswith("services: the services are known to root only. Run it with sudo")


def test_a_program_s_journal_is_shown(tmp_path: Path) -> None:
    programs = Programs({"journalctl": (0, "one\ntwo\n")})
    found = run(logs, make_context(tmp_path, run=programs), "vpn-monitor", "--lines", "7")
    assert programs.calls == ["journalctl --no-pager --quiet --unit vpn-monitor.service --lines 7"]
    assert (found.data, found.lines) == ({"source": "vpn-monitor.service", "lines": ["one", "two"]}, ["one", "two"])


def test_a_service_s_log_is_shown_by_its_container_s_id(tmp_path: Path) -> None:
    programs = Programs({"docker logs": (0, "started\n")})
    found = run(logs, make_context(tmp_path, run=programs, docker=two), "vpn")
    assert programs.calls == ["docker logs --tail 100 id-vpn"]
    assert found.data == {"source": "mediaserver-vpn-1", "lines": ["started"]}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("vpn", ["docker", "logs", "--tail", "5", "--follow", "id-vpn"]),
        (
            "stack",
            ["journalctl", "--no-pager", "--quiet", "--unit", "mediaserver.service", "--lines", "5", "--follow"],
        ),
        # cron starts it, so it has no unit.
        (
            "health",
            ["journalctl", "--no-pager", "--quiet", "--identifier", "mediaserver-health", "--lines", "5", "--follow"],
        ),
    ],
)
def test_following_becomes_the_program(tmp_path: Path, name: str, command: list[str]) -> None:
    became: list[Sequence[str]] = []

    class Became(Exception):
        pass

    def replace(given: Sequence[str]) -> None:
        became.append(given)
        raise Became

    with pytest.raises(Became):
        run(logs, make_context(tmp_path, docker=two, replace_process=replace), name, "-n", "5", "-f")
    assert became == [command]


def test_following_has_no_json(tmp_path: Path) -> None:
    with pytest.raises(WrongArgument, match="leave out one of the two"):
        run(logs, make_context(tmp_path, docker=two), "vpn", "--follow", "--json")


@pytest.mark.parametrize(("uid", "words"), [(0, "has written nothing"), (1000, "or only root may read it: try sudo")])
def test_an_empty_log_is_explained(tmp_path: Path, uid: int, words: str) -> None:
    found = run(logs, make_context(tmp_path, uid=lambda: uid), "stack")
    assert found.data["lines"] == []
    assert found.lines[0].endswith(words)


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(WrongArgument, match=r"^'sonarr' is neither .* there are: jellyfin, vpn, vpn-monitor, "):
        run(logs, make_context(tmp_path, docker=two), "sonarr")


def test_a_negative_number_of_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongArgument, match="--lines -1 is not possible"):
        run(logs, make_context(tmp_path), "stack", "--lines", "-1")


@pytest.mark.parametrize(("uid", "error"), [(0, DockerError), (1000, AccessDenied)])
def test_a_docker_that_does_not_answer(tmp_path: Path, uid: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        run(logs, make_context(tmp_path, docker=lambda: Docker(silent=SILENT), uid=lambda: uid), "vpn")


def test_a_failed_program_is_quoted(tmp_path: Path) -> None:
    programs = Programs({"docker logs": (1, "configured logging driver does not support reading\n")})
    with pytest.raises(ServiceProblem, match=r"log of mediaserver-vpn-1 cannot be read: configured logging driver"):
        run(logs, make_context(tmp_path, run=programs, docker=two), "vpn")

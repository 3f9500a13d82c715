# SPDX-License-Identifier: GPL-3.0-or-later
"""jellyfin_setup and jellyfin_settings, whole, over a socket, against the double of the server in both versions."""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest
from ansible.module_utils import urls
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.module_utils._errors import AccessDenied, Unreachable
from ansible_collections.household.mediaserver.plugins.module_utils._http import Response, UrlHttp
from ansible_collections.household.mediaserver.plugins.module_utils._jellyfin_client import JellyfinClient
from ansible_collections.household.mediaserver.plugins.modules import (
    jellyfin_library,
    jellyfin_settings,
    jellyfin_setup,
    jellyfin_user,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "doubles"))

from jellyfin_double import ManualClock, Server, Timing

PASSWORD = "first-Pass-1 ä\"'\\"
PROXY_PASSWORD = "certificate-Pass-9"
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
START = Timing(down_s=0.5, degraded_s=3, gap_s=1, loading_s=3)


class House:
    """A server in simulated time, and the two modules run against it."""

    def __init__(self, folder: Path, version: str, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
        self.clock = ManualClock()
        self.config = folder / "config"
        self.config.mkdir()
        self.version = version
        self.key_file = folder / "api-key"
        self.capfd = capfd
        self.server = Server(self.config, version=version, clock=self.clock)
        for module in (jellyfin_setup, jellyfin_settings, jellyfin_library, jellyfin_user):
            monkeypatch.setattr(module, "time", self)
        # Ansible reads all certificates of the machine before each call, of plain HTTP too.
        monkeypatch.setattr(urls, "make_context", lambda *_, **__: NO_CERTIFICATES)

    # the two functions of the module time
    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float, /) -> None:
        self.clock.advance(seconds)
        self.server.sync()

    def boot(self, timing: Timing | None = None) -> None:
        self.server.stop()
        self.server = Server(
            self.config, version=self.version, clock=self.clock, timing=timing or Timing(), port=self.server.port
        )
        self.server.start()

    def client(self, token: str = "") -> JellyfinClient:
        return JellyfinClient(
            UrlHttp(), self.server.url, client="tests", device_id="tests", clock=self, token=token, timeout=20
        )

    def administrator(self) -> JellyfinClient:
        client = self.client()
        client.login("anna", PASSWORD)
        return client

    def setup(self, **options: Any) -> dict[str, Any]:
        defaults = {"username": "anna", "password": PASSWORD, "server_name": "Home", "metadata_language": "de"}
        return self._run(jellyfin_setup, **{**defaults, "api_key_file": str(self.key_file), **options})

    def settings(self, **options: Any) -> dict[str, Any]:
        return self._run(jellyfin_settings, **{"api_key_file": str(self.key_file), **options})

    def with_key(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        return self._run(module, **{"api_key_file": str(self.key_file), **options})

    def _run(self, module: ModuleType, **options: Any) -> dict[str, Any]:
        with patch_module_args({"url": self.server.url, "timeout": 60, **options}), pytest.raises(SystemExit):
            module.main()
        output, self.warnings = self.capfd.readouterr()
        answer: dict[str, Any] = json.loads(output)
        # The invocation is echoed with no_log options masked; nothing else may hold a secret either.
        key = self.key_file.read_text().strip() if self.key_file.exists() else ""
        for secret in (PASSWORD, json.dumps(PASSWORD)[1:-1], PROXY_PASSWORD, key):
            assert not secret or secret not in output + self.warnings
        return answer


@pytest.fixture(params=["10.11", "12.0"])
def house(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[House]:
    house = House(tmp_path, request.param, monkeypatch, capfd)
    yield house
    house.server.stop()


@pytest.fixture
def claimed(house: House) -> House:
    house.boot()
    assert house.setup()["wizard_run"]
    return house


# --- jellyfin_setup ---------------------------------------------------------------------------------------------------


def test_a_new_server_is_claimed_through_its_whole_start(house: House) -> None:
    house.boot(START)
    foretold = house.setup(_ansible_check_mode=True)
    assert foretold["changed"]
    assert not house.key_file.exists()
    done = house.setup()
    assert done["diff"] == foretold["diff"]
    assert (done["wizard_run"], done["wizard_completed"], done["api_key_created"]) == (True, True, True)
    assert done["server_version"] == {"10.11": "10.11.11", "12.0": "12.0.0"}[house.version]
    assert re.fullmatch("[0-9a-f]{32}", house.key_file.read_text().strip())
    assert house.key_file.stat().st_mode & 0o777 == 0o600
    system = house.administrator().get("/System/Configuration")
    assert [system[name] for name in ("ServerName", "PreferredMetadataLanguage", "MetadataCountryCode")] == [
        *("Home", "de", "US")
    ]
    for path in ("/Startup/User", "/Startup/Configuration", "/Library/VirtualFolders"):
        with pytest.raises(AccessDenied):
            house.client().get(path, token=False)


def test_again_nothing_changes_and_nobody_logs_in(claimed: House) -> None:
    state = json.dumps(claimed.server.application.state["devices"])
    for check in (True, False):
        again = claimed.setup(password="not looked at", _ansible_check_mode=check)
        assert (again["changed"], again["api_key_created"], again["wizard_run"]) == (False, False, False)
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    assert json.dumps(claimed.server.application.state["devices"]) == state


def test_runs_leave_one_key_and_no_session(claimed: House) -> None:
    for _ in range(3):
        claimed.key_file.unlink()
        done = claimed.setup()
        assert (done["changed"], done["api_key_created"], done["wizard_run"]) == (True, False, False)
    assert claimed.server.application.state["devices"] == []
    assert len(claimed.server.application.state["keys"]) == 1


STEPS: list[Callable[[JellyfinClient], Any]] = [
    lambda client: client.get("/Startup/Configuration"),
    lambda client: client.post("/Startup/Configuration", {"ServerName": "Half", "UICulture": "en-US"}),
    lambda client: client.get("/Startup/User"),
    lambda client: client.post("/Startup/User", {"Name": "anna", "Password": PASSWORD}),
    lambda client: client.post("/Startup/RemoteAccess", {"EnableRemoteAccess": True}),
    lambda client: client.post("/Startup/Complete"),
    lambda client: client.login("anna", PASSWORD) and client.post("/Auth/Keys", query={"app": "household.mediaserver"}),
]


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
@pytest.mark.parametrize("power_cut", [False, True])
def test_it_goes_on_from_every_step(house: House, done: int, power_cut: bool) -> None:
    house.boot()
    client = house.client()
    for step in STEPS[:done]:
        step(client)
    if power_cut:
        house.boot(START)
    result = house.setup()
    assert result["changed"]
    assert (result["wizard_run"], result["api_key_created"]) == (done < 6, done < 7)
    users = house.administrator().get("/Users")
    assert [user["Name"] for user in users] == ["anna"]
    assert not house.setup()["changed"]
    assert len(house.administrator().get("/Auth/Keys")["Items"]) == 1


def test_a_half_finished_wizard_with_another_password(house: House) -> None:
    """12.0 keeps the first password; 10.11 takes the new one, as it takes anybody's until the wizard is completed."""
    house.boot()
    for step in STEPS[:4]:
        step(house.client())
    refused = house.setup(password="second-Pass-2")
    if house.version == "12.0":
        assert "password: the wizard was left half-finished" in refused["msg"]
        assert house.setup()["wizard_run"]
    else:
        assert refused["wizard_run"]


def test_a_reopened_wizard_is_closed_by_the_administrator_and_nobody_else(claimed: House) -> None:
    client = claimed.administrator()
    options = {"LibraryOptions": {"PathInfos": []}}
    client.post("/Library/VirtualFolders", options, query={"name": "Films", "collectionType": "movies"})
    client.post("/System/Configuration", {"ServerName": "careless"})
    claimed.key_file.unlink()
    refused = claimed.setup(username="intruder", password="intruder-Pass-1")
    assert "it was in use before" in refused["msg"]
    assert claimed.setup(username="anna")["wizard_run"]
    assert [user["Name"] for user in claimed.administrator().get("/Users")] == ["anna"]


def test_a_wrong_password(claimed: House) -> None:
    claimed.key_file.write_text("")
    refused = claimed.setup(password="second-Pass-2")
    assert refused["failed"]
    assert "username and password are not those of an administrator" in refused["msg"]
    assert "second-Pass-2" not in json.dumps(refused)
    assert claimed.key_file.read_text() == ""


def test_a_dead_key_is_replaced(claimed: House) -> None:
    client = claimed.administrator()
    client.delete(f"/Auth/Keys/{claimed.key_file.read_text().strip()}")
    refused = claimed.settings(system={"LibraryMonitorDelay": 1})
    assert "jellyfin_setup repairs a file with a dead key" in refused["msg"]
    assert claimed.setup(_ansible_check_mode=True)["changed"]
    done = claimed.setup()
    assert (done["api_key_created"], done["api_key_written"]) == (True, True)
    assert claimed.settings(system={"LibraryMonitorDelay": 1})["changed"]


def test_an_account_that_is_no_administrator(claimed: House) -> None:
    claimed.administrator().post("/Users/New", {"Name": "guest", "Password": "guest-Pass-1"})
    claimed.key_file.unlink()
    refused = claimed.setup(username="guest", password="guest-Pass-1")
    assert "username must be that of an administrator" in refused["msg"]
    assert not claimed.key_file.exists()


@pytest.mark.parametrize("username", ["a/b", "x:y"])
def test_a_name_that_the_server_refuses(house: House, username: str) -> None:
    house.boot()
    assert "username" in house.setup(username=username)["msg"]
    assert house.setup()["wizard_run"]


def test_check_mode_where_nothing_listens(house: House) -> None:
    foretold = house.setup(_ansible_check_mode=True)
    assert foretold["changed"]
    assert "foretold as for a new server" in " ".join(house.warnings.split())
    foretold = house.settings(_ansible_check_mode=True, system={"LibraryMonitorDelay": 1})
    assert (foretold["changed"], list(foretold["changes"])) == (True, ["system.LibraryMonitorDelay"])
    house.server.stop()
    assert "nobody listens" in house.setup()["msg"]


def test_a_start_that_hangs_names_the_remedy(house: House) -> None:
    house.boot(Timing(degraded_s=10_000))
    assert "__EFMigrationsLock" in house.setup()["msg"]
    # The temporary server's word on the wizard is believed by nobody.
    assert not house.key_file.exists()


def test_each_program_is_a_device_of_its_own(claimed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second login of a device ends the first one's session, so no two may be one, and none a new one each time."""
    sent: set[str] = set()
    send = UrlHttp.request

    def request(own: UrlHttp, method: str, url: str, *, headers: dict[str, str], **more: Any) -> Response:
        sent.update(re.findall('DeviceId="([^"]+)"', headers.get("Authorization", "")))
        return send(own, method, url, headers=headers, **more)

    def devices(run: Callable[[], dict[str, Any]]) -> list[str]:
        sent.clear()
        assert "failed" not in run()
        return sorted(sent)

    def setup() -> dict[str, Any]:
        claimed.key_file.unlink()
        return claimed.setup()

    others = [claimed.administrator()]
    monkeypatch.setattr(UrlHttp, "request", request)
    programs: list[Callable[[], dict[str, Any]]] = [
        setup,
        lambda: claimed.settings(system={"LibraryMonitorDelay": 1}),
        lambda: claimed.with_key(jellyfin_library, libraries=[{"name": "Gone", "state": "absent"}]),
        lambda: claimed.with_key(jellyfin_user, users=[{"name": "anna"}]),
    ]
    first, second = ([devices(program) for program in programs] for _ in range(2))
    assert [len(found) for found in first] == [1] * 4
    assert len({found[0] for found in first}) == 4
    assert second == first
    assert others[0].get("/Users/Me")["Name"] == "anna"


@pytest.mark.parametrize("house", ["10.11"], indirect=True)
def test_an_upgrade_costs_nothing_and_the_way_back_is_noticed(claimed: House) -> None:
    claimed.version = "12.0"
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    absent = [{"name": "Gone", "state": "absent"}]
    assert claimed.with_key(jellyfin_library, libraries=absent)["changed"] is False
    # 10.11 on a database that 12.0 has migrated says Healthy, and logs in; only a look at the libraries tells.
    claimed.version = "10.11"
    claimed.boot(START)
    assert not claimed.setup()["changed"]
    refused = claimed.with_key(jellyfin_library, libraries=absent)
    assert "GET " in refused["msg"] and "/Library/VirtualFolders: status 500" in refused["msg"]


# --- jellyfin_settings ------------------------------------------------------------------------------------------------

WANTED: dict[str, Any] = {
    "system": {"LibraryMonitorDelay": 1, "TrickplayOptions": {"ProcessThreads": 2}, "SortRemoveWords": ["the"]},
    "encoding": {"EncodingThreadCount": 2, "TranscodingTempPath": "/cache/cook", "DownMixAudioBoost": 1.5},
    "network": {"CertificatePassword": PROXY_PASSWORD, "KnownProxies": ["198.18.0.1"]},
}


def configuration(house: House) -> dict[str, Any]:
    client = house.administrator()
    paths = {"system": "", "encoding": "/encoding", "network": "/network"}
    return {section: client.get(f"/System/Configuration{path}") for section, path in paths.items()}


def test_settings_four_times(claimed: House) -> None:
    before = configuration(claimed)
    foretold = claimed.settings(**WANTED, _ansible_check_mode=True)
    assert configuration(claimed) == before
    done = claimed.settings(**WANTED)
    assert {name: done[name] for name in foretold if name != "invocation"} == {
        name: value for name, value in foretold.items() if name != "invocation"
    }
    assert done["changes"]["system.TrickplayOptions.ProcessThreads"] == {"before": 1, "after": 2}
    assert done["changes"]["network.CertificatePassword"]["after"] == "(hidden, changed)"
    assert len(done["changes"]) == 8
    assert (done["restart_needed"], done["restarted"]) == (True, False)
    after = configuration(claimed)
    assert after["system"]["TrickplayOptions"] == {**before["system"]["TrickplayOptions"], "ProcessThreads": 2}
    assert after["network"] == {**before["network"], **WANTED["network"]}
    assert after["encoding"] == {**before["encoding"], **WANTED["encoding"]}
    assert after["system"]["PluginRepositories"] == before["system"]["PluginRepositories"] != []
    assert after["system"]["IsStartupWizardCompleted"] is True
    for check in (True, False):
        again = claimed.settings(**WANTED, _ansible_check_mode=check)
        assert (again["changed"], again["changes"]) == (False, {})


def test_metrics_and_the_restart(claimed: House) -> None:
    told = claimed.settings(system={"EnableMetrics": True})
    assert (told["changed"], told["restart_needed"], told["restarted"]) == (True, True, False)
    claimed.boot(START)
    claimed.sleep(30)
    # A restart by other means has paid the debt.
    told = claimed.settings(system={"EnableMetrics": True}, restart="when_needed")
    assert (told["changed"], told["restart_needed"]) == (False, False)
    options = {"system": {"EnableMetrics": False}, "restart": "when_needed"}
    foretold = claimed.settings(**options, _ansible_check_mode=True)
    done = claimed.settings(**options)
    for result in (foretold, done):
        assert (result["changed"], result["restart_needed"], result["restarted"]) == (True, False, True)
    assert not claimed.client().exists("/metrics")
    assert not claimed.settings(**options)["changed"]


def test_a_restart_that_is_owed_is_made_up(claimed: House) -> None:
    claimed.boot(START)
    claimed.settings(system={"EnableMetrics": True})
    done = claimed.settings(system={"EnableMetrics": True}, restart="when_needed")
    assert (done["changed"], done["changes"], done["restarted"]) == (True, {}, True)
    assert claimed.client().exists("/metrics")


REFUSED = {
    "misspelt": ({"system": {"libraryMonitorDelay": 1}}, "is written LibraryMonitorDelay"),
    "unknown": ({"encoding": {"Turbo": True}}, "this server has no Turbo"),
    "unknown, forced": ({"system": {"Turbo": True}, "allow_unknown": True}, "accepted, and then system.Turbo is None"),
    "wrong type": ({"system": {"LibraryMonitorDelay": "soon"}}, "takes a number"),
    "bad choice": ({"encoding": {"HardwareAccelerationType": "omx"}}, "the server refuses the new values"),
    "wizard": ({"system": {"IsStartupWizardCompleted": False}}, "not for you to set"),
    "two keys": ({"api_key": "x" * 32}, "mutually exclusive"),
    "bad key": ({"api_key_file": None, "api_key": "a b"}, "api_key is no API key"),
    "no key": ({"api_key_file": None}, "one of the following is required"),
    "bad address": ({"url": "ftp://x"}, "url must be like"),
    "bad time": ({"timeout": 0}, "timeout must be at least one second"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_change_nothing(claimed: House, options: dict[str, Any], message: str) -> None:
    before = configuration(claimed)
    answer = claimed.settings(**{name: value for name, value in options.items() if value is not None})
    if options.get("api_key_file", "") is None:
        answer = claimed._run(jellyfin_settings, **{k: v for k, v in options.items() if v is not None})
    assert answer["failed"]
    assert message in answer["msg"]
    assert configuration(claimed) == before


def test_a_reopened_wizard_stops_the_settings(claimed: House) -> None:
    claimed.administrator().post("/System/Configuration", {"ServerName": "careless"})
    refused = claimed.settings(system={"LibraryMonitorDelay": 1})
    assert "Run jellyfin_setup first" in refused["msg"]
    assert claimed.setup()["wizard_run"]
    assert claimed.settings(system={"LibraryMonitorDelay": 1})["changed"]


def test_a_key_given_directly(claimed: House) -> None:
    key = claimed.key_file.read_text().strip()
    options = {"api_key": key, "system": {"LibraryMonitorDelay": 1}}
    assert claimed._run(jellyfin_settings, **options)["changed"]
    claimed.key_file.unlink()
    assert key not in json.dumps(claimed._run(jellyfin_settings, **options))


# --- connections that end in the middle -------------------------------------------------------------------------------


class Cut:
    """Loses the answer to one call, whose deed is done; with `for_good`, nothing is heard of the server after that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, for_good: bool) -> None:
        self.for_good = for_good
        self.left: int | None = None
        self.lost = ""
        send = UrlHttp.request

        def request(own: UrlHttp, method: str, url: str, **more: Any) -> Response:
            if self.left is not None and self.left < 0 and self.for_good:
                raise Unreachable(f"{url}: the connection was cut")
            answer = send(own, method, url, **more)
            if self.left is not None:
                self.left -= 1
                if self.left == -1:
                    self.lost = urlsplit(url).path
                    raise Unreachable(f"{url}: the connection was cut in the middle of the answer")
            return answer

        monkeypatch.setattr(UrlHttp, "request", request)

    def run(self, calls: int, run: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
        """The module's answer, and whether its call of this number came about."""
        self.left = calls
        answer = run()
        hit, self.left = self.left < 0, None
        return answer, hit


def renewed(house: House, number: int, media: Path) -> dict[str, Any]:
    house.key_file.unlink()
    return {"username": "anna", "password": PASSWORD, "app_name": f"program {number}"}


WORK: dict[str, tuple[ModuleType, Callable[[House, int, Path], dict[str, Any]]]] = {
    "setup": (jellyfin_setup, renewed),
    "settings": (
        jellyfin_settings,
        lambda house, number, media: {
            "system": {"LibraryMonitorDelay": number + 2},
            "encoding": {"EncodingThreadCount": number + 2},
        },
    ),
    "library": (
        jellyfin_library,
        lambda house, number, media: {
            "libraries": [{"name": f"Library {number}", "type": "movies", "paths": [str(media / str(number))]}]
        },
    ),
    "user": (
        jellyfin_user,
        lambda house, number, media: {"users": [{"name": f"user{number}", "password": PASSWORD, "libraries": []}]},
    ),
}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("work", WORK.values(), ids=list(WORK))
def test_whichever_answer_is_lost_it_fails_and_the_next_run_finishes(
    claimed: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, work: Any, for_good: bool
) -> None:
    module, options_of = work
    cut = Cut(monkeypatch, for_good=for_good)
    for number in range(40):
        (tmp_path / "media" / str(number)).mkdir(parents=True)
        options = options_of(claimed, number, tmp_path / "media")

        def run(options: dict[str, Any] = options) -> dict[str, Any]:
            return claimed.with_key(module, **options)

        answer, hit = cut.run(number, run)
        if not hit:
            assert "failed" not in answer
            break
        # Health is asked for again, and a session that could not be ended is a warning.
        harmless = cut.lost == "/Sessions/Logout" or (cut.lost == "/health" and not for_good)
        assert bool(answer.get("failed")) is not harmless, (cut.lost, answer)
        if module is jellyfin_user:
            policies = {user["Name"]: user["Policy"] for user in claimed.administrator().get("/Users")}
            seen = policies.get(f"user{number}", {}).get("EnableAllFolders", False)
            assert not seen or for_good, "a half-made account sees everything"
        again = run()
        assert "failed" not in again, again
        assert not run()["changed"]
    assert number > 3, "too few calls were cut to mean anything"


# --- both, against the official documents -----------------------------------------------------------------------------

SHARED = Path(os.environ.get("MEDIASERVER_SHARED", Path(__file__).resolve().parents[4].parent / "shared"))
# Not part of the documented API, but of the server.
UNDOCUMENTED = {"/health", "/metrics"}


def test_every_request_is_one_that_the_official_documents_know(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path = SHARED / "jellyfin" / f"openapi-{house.version}.json"
    if not path.exists():
        pytest.skip(f"{path.parent} is not there: the official documents are not part of this project")
    made: list[tuple[str, SplitResult, dict[str, str], bytes | None]] = []
    send = UrlHttp.request

    def request(
        self: UrlHttp, method: str, url: str, *, headers: dict[str, str], body: Any, timeout: float
    ) -> Response:
        made.append((method, urlsplit(url), headers, body))
        return send(self, method, url, headers=headers, body=body, timeout=timeout)

    monkeypatch.setattr(UrlHttp, "request", request)
    house.boot(START)
    assert house.setup()["wizard_run"]
    assert house.settings(**WANTED, restart="when_needed")["restarted"]
    official = json.loads(path.read_text(encoding="utf-8"))
    seen = {(method, url.path) for method, url, _, _ in made}
    assert {("POST", "/Startup/User"), ("POST", "/System/Configuration/network"), ("POST", "/System/Restart")} <= seen
    for method, url, headers, body in made:
        if url.path in UNDOCUMENTED:
            continue
        pattern = url.path if url.path in official["paths"] else "/System/Configuration/{key}"
        operation = official["paths"][pattern][method.lower()]
        query = [item for item in operation.get("parameters", []) if item["in"] == "query"]
        needed = {item["name"] for item in query if item.get("required")}
        assert needed <= set(parse_qs(url.query)) <= {item["name"] for item in query}
        assert ("requestBody" in operation) == (body is not None)
        if body is None or pattern.endswith("{key}"):
            continue
        content = operation["requestBody"]["content"]
        assert headers["Content-Type"] in content
        schema = content["application/json"]["schema"]
        name = (schema.get("allOf") or [schema])[0]["$ref"].rpartition("/")[2]
        assert set(json.loads(body)) <= set(official["components"]["schemas"][name]["properties"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The module wireguard_keys: options, check mode and return values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.values import public_key
from ansible_collections.household.mediaserver.plugins.modules import wireguard_keys
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import (
    PRESHARED,
    PRIVATE,
    sample_key,
)


def call(capfd: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        wireguard_keys.main()
    output = capfd.readouterr().out
    for secret in (PRIVATE, PRESHARED, sample_key(9)):
        # The returned invocation has its no_log options masked; nothing else may contain a key.
        assert secret not in output
    answer: dict[str, Any] = json.loads(output)
    return answer


def test_generates_a_pair_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "key")
    predicted = call(capfd, path=path, _ansible_check_mode=True)
    assert (predicted["changed"], predicted["generated"], predicted["public_key"]) == (True, True, None)
    assert list(tmp_path.iterdir()) == []
    made = call(capfd, path=path)
    assert (made["changed"], made["generated"]) == (True, True)
    assert made["diff"] == predicted["diff"]
    assert made["paths"] == predicted["paths"] == [path, f"{path}.pub"]
    private = Path(path).read_text().strip()
    assert made["public_key"] == public_key(private) == Path(f"{path}.pub").read_text().strip()
    assert private not in json.dumps(made)
    for check in (True, False):
        again = call(capfd, path=path, _ansible_check_mode=check)
        assert (again["changed"], again["public_key"], again["paths"]) == (False, made["public_key"], [])
        assert again["generated"] is False


def test_writes_given_keys_and_keeps_the_old_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, psk = str(tmp_path / "key"), str(tmp_path / "psk")
    Path(path).write_text(sample_key(9))
    options = {"path": path, "private_key": f"{PRIVATE}\n", "preshared_path": psk, "preshared_key": PRESHARED}
    predicted = call(capfd, **options, _ansible_check_mode=True)
    assert (predicted["generated"], predicted["public_key"]) == (False, public_key(PRIVATE))
    done = call(capfd, **options)
    assert done["diff"] == predicted["diff"]
    assert done["kept"] == [f"{path}.replaced.1"]
    assert Path(f"{path}.replaced.1").read_text() == sample_key(9)
    assert (Path(path).read_text(), Path(psk).read_text()) == (f"{PRIVATE}\n", f"{PRESHARED}\n")
    assert not call(capfd, **options)["changed"]


def test_repairs_the_mode(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key"
    call(capfd, path=str(path))
    path.chmod(0o644)
    assert call(capfd, path=str(path), _ansible_check_mode=True)["paths"] == [str(path)]
    repaired = call(capfd, path=str(path))
    assert (repaired["changed"], repaired["generated"], repaired["paths"]) == (True, False, [str(path)])
    assert [repaired["diff"][side][str(path)]["mode"] for side in ("before", "after")] == ["0644", "0600"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_check_mode_passes_on_a_blank_host(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = {"path": str(tmp_path / "missing" / "key"), "owner": "no-such-account"}
    assert call(capfd, **options, _ansible_check_mode=True)["changed"]
    refused = call(capfd, **options)
    assert refused["failed"]
    assert "missing does not exist" in refused["msg"]


REFUSED = {
    "broken file": ({}, "does not contain a valid WireGuard key and was not changed"),
    "mode not octal": ({"mode": "rw"}, "mode is not octal"),
    "mode for all accounts": ({"mode": "0644"}, "gives other accounts access to the private key"),
    "preshared key without a file": ({"preshared_key": PRESHARED}, "preshared_path"),
    "malformed key": ({"private_key": PRIVATE[:-4]}, "private_key: the key"),
    "unknown policy": ({"regenerate": "sometimes"}, "regenerate"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_failure_has_message_and_changes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "key"
    path.write_text("broken")
    answer = call(capfd, path=str(path), **options)
    assert answer["failed"]
    assert message in answer["msg"]
    assert path.read_text() == "broken"

# SPDX-License-Identifier: GPL-3.0-or-later
"""The module wireguard_keys under faults of a host: no key is lost or shown, and the message has the remedy."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import values
from ansible_collections.household.mediaserver.plugins.modules import wireguard_keys
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import sample_key
from hypothesis import given, settings
from hypothesis import strategies as st

COLLECTIONS = next(path for path in map(Path, sys.path) if path.parts[-2:] == ("build", "collections"))
OLD = sample_key(9)
UNPRIVILEGED_UID = 65534
RUN = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.household.mediaserver.plugins.modules import wireguard_keys
with patch_module_args(json.loads(sys.argv[1])):
    wireguard_keys.main()
"""


def call(**options: Any) -> dict[str, Any]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), patch_module_args(options), pytest.raises(SystemExit):
        wireguard_keys.main()
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def refused(**options: Any) -> str:
    answer = call(**options)
    assert answer.get("failed") is True, answer
    return str(answer["msg"])


def start(*wrapper: str, **options: Any) -> subprocess.Popen[str]:
    command = [*wrapper, sys.executable, "-c", RUN, json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=60)
    assert output, errors
    answer: dict[str, Any] = json.loads(output)
    return answer


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def held(path: Path) -> dict[str, str]:
    """Write a valid pair; return the content of its folder."""
    path.write_text(f"{OLD}\n")
    path.chmod(0o600)
    Path(f"{path}.pub").write_text(f"{values.public_key(OLD)}\n")
    return content(path.parent)


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[Path]:
    """A folder that an unprivileged account can read and not write; the test runs as that account."""
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        yield tmp_path
        tmp_path.chmod(0o700)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.seteuid(UNPRIVILEGED_UID)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_unwritable_folder_is_reported(unprivileged: Path) -> None:
    message = refused(path=str(unprivileged / "key"))
    assert message.startswith(f"{unprivileged}/key cannot be written: Permission denied.")
    assert content(unprivileged) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the account may not read")
def test_unreadable_key_is_reported_and_kept(unprivileged: Path) -> None:
    os.seteuid(0)
    before = held(unprivileged / "key")
    os.seteuid(UNPRIVILEGED_UID)
    assert "cannot be read: Permission denied. Run this as root" in refused(path=str(unprivileged / "key"))
    os.seteuid(0)
    assert content(unprivileged) == before


def in_small_filesystem(folder: Path, prepare: str, **options: Any) -> dict[str, Any]:
    """Run the module in a mount namespace where ``folder`` is a filesystem of one page (4 KiB)."""
    script = f'mount -t tmpfs -o size=4k,mode=0700 tmpfs "$0" && {prepare} && exec "$@"'
    wrapper = ("unshare", "--mount", "--propagation", "private", "sh", "-ec", script, str(folder))
    trial = subprocess.run([*wrapper, "true"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        pytest.skip(f"a filesystem cannot be mounted here: {trial.stderr.strip()}")
    return answer_of(start(*wrapper, path=str(folder / "key"), **options))


def test_full_disk_is_reported(tmp_path: Path) -> None:
    fill = 'head -c 4096 /dev/zero >"$0/full"'
    answer = in_small_filesystem(tmp_path, fill)
    assert answer["failed"] is True
    assert answer["msg"].startswith(f"{tmp_path}/key cannot be written: No space left on device.")


def test_read_only_filesystem_is_reported(tmp_path: Path) -> None:
    answer = in_small_filesystem(tmp_path, 'mount -o remount,ro "$0"')
    assert answer["failed"] is True
    assert answer["msg"].startswith(f"{tmp_path}/key cannot be written: Read-only file system.")


@pytest.mark.parametrize("failing", [1, 2, 3], ids=["at the first file", "at the second", "at the third"])
def test_failed_write_loses_no_key_and_next_run_completes(tmp_path: Path, failing: int) -> None:
    path = tmp_path / "key"
    held(path)
    options = {"path": str(path), "preshared_path": str(tmp_path / "psk"), "regenerate": "always"}
    sound = os.replace
    calls = iter(range(1, 10))

    def replace(source: str, target: str) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        sound(source, target)

    with patch.object(os, "replace", replace):
        assert "No space left on device" in refused(**options)
    assert OLD in {text.strip() for text in content(tmp_path).values()}
    assert [name for name in content(tmp_path) if name.startswith(".")] == []
    answer = call(**{**options, "regenerate": "if_missing"})
    assert (
        Path(f"{path}.pub").read_text().strip() == values.public_key(path.read_text().strip()) == answer["public_key"]
    )
    assert OLD in {text.strip() for text in content(tmp_path).values()}


@pytest.mark.parametrize("name", ["key", "key.pub", "psk"])
@pytest.mark.parametrize("target", ["elsewhere", "missing", "loop"])
def test_symbolic_link_is_rejected(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / "elsewhere").write_text("another program's\n")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / name).symlink_to(target)
    before = sorted(os.listdir(tmp_path))
    message = refused(path=str(tmp_path / "key"), preshared_path=str(tmp_path / "psk"), regenerate="always")
    assert message == f"{tmp_path / name} is a symbolic link. Give the path of the file itself"
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "elsewhere").read_text() == "another program's\n"


def test_folder_in_place_of_a_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "key.pub").mkdir()
    assert "key.pub is not a plain file" in refused(path=str(tmp_path / "key"))
    assert os.listdir(tmp_path) == ["key.pub"]


@pytest.mark.parametrize("length", [0, 1, 20, 43])
def test_truncated_key_is_replaced_only_by_if_invalid(tmp_path: Path, length: int) -> None:
    path = tmp_path / "key"
    held(path)
    path.write_text(OLD[:length])
    for policy in ("never", "if_missing"):
        message = refused(path=str(path), regenerate=policy)
        assert "Restore it from a backup, or set regenerate to if_invalid" in message
        assert path.read_text() == OLD[:length]
    answer = call(path=str(path), regenerate="if_invalid")
    assert answer["public_key"] == values.public_key(path.read_text().strip())
    assert OLD[:length] in {Path(name).read_text() for name in [*answer["kept"], os.devnull]}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change a file's owner")
def test_owner_and_mode_are_repaired_and_the_key_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "key"
    before = held(path)
    os.chown(path, 1234, 2345)
    path.chmod(0o666)
    options = {"path": str(path), "owner": "0", "group": "0"}
    predicted, done = call(**options, _ansible_check_mode=True), call(**options)
    assert predicted["diff"] == done["diff"]
    assert [done["diff"][side][str(path)] for side in ("before", "after")] == [
        {"state": "file", "mode": mode, "content": f"private key of public key {values.public_key(OLD)}", **ids}
        for mode, ids in (("0666", {"uid": 1234, "gid": 2345}), ("0600", {"uid": 0, "gid": 0}))
    ]
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, 0, 0o600)
    assert content(tmp_path) == before
    assert not call(**options)["changed"]


def test_concurrent_runs_generate_one_key(tmp_path: Path) -> None:
    options = {"path": str(tmp_path / "key"), "preshared_path": str(tmp_path / "psk")}
    answers = [answer_of(process) for process in [start(**options) for _round in range(4)]]
    assert sorted(answer["changed"] for answer in answers) == [False, False, False, True]
    (public,) = {answer["public_key"] for answer in answers}
    found = content(tmp_path)
    assert sorted(found) == ["key", "key.pub", "psk"]
    assert public == found["key.pub"].strip() == values.public_key(found["key"].strip())


def test_concurrent_replacing_runs_keep_every_old_key(tmp_path: Path) -> None:
    held(tmp_path / "key")
    options = {"path": str(tmp_path / "key"), "regenerate": "always"}
    answers = [answer_of(process) for process in [start(**options) for _round in range(3)]]
    found = content(tmp_path)
    publics = {name: values.public_key(text.strip()) for name, text in found.items() if name != "key.pub"}
    assert sorted(publics.values()) == sorted([values.public_key(OLD), *(answer["public_key"] for answer in answers)])
    assert publics["key"] == found["key.pub"].strip()


random_keys = st.binary(min_size=32, max_size=32).filter(any).map(values.encode)
# Whole, with a newline, truncated, duplicated, or empty.
files = st.one_of(
    random_keys,
    random_keys.map(lambda key: f"{key}\n"),
    random_keys.map(lambda key: key[:30]),
    random_keys.map(lambda key: f"{key}\n{key}\n"),
    st.just(""),
)
states = st.dictionaries(st.sampled_from(["key", "key.pub", "psk"]), files)
wishes = st.fixed_dictionaries(
    {
        "regenerate": st.sampled_from(["never", "if_missing", "if_invalid", "always"]),
        "mode": st.sampled_from(["0600", "0640", "0666"]),
    },
    optional={"private_key": random_keys | random_keys.map(lambda key: key[:40]), "preshared_key": random_keys},
)


@settings(max_examples=60, deadline=None)
@given(states, wishes)
def test_check_equals_run_second_run_is_empty_and_no_secret_is_shown(
    state: dict[str, str], wish: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in state.items():
            (folder / file).write_text(text)
        options = {"path": f"{folder}/key", "preshared_path": f"{folder}/psk", **wish}
        shown = io.StringIO()

        def unmasked(module: Any) -> dict[str, Any]:
            # Ansible masks a given key, and so would hide a fault of the module.
            result = run(module)
            print(json.dumps(result), file=shown)
            return result

        run = wireguard_keys.run
        with patch.object(wireguard_keys, "run", unmasked):
            predicted = call(**options, _ansible_check_mode=True)
            assert content(folder) == state
            done = call(**options)
            same = ("failed", "msg", "changed", "paths", "diff")
            assert {key: predicted.get(key) for key in same} == {key: done.get(key) for key in same}
            again = done if "failed" in done or wish["regenerate"] == "always" else call(**options)
            assert "failed" in done or again is done or not again["changed"]
        texts = [*state.values(), *content(folder).values(), *wish.values()]
        told = shown.getvalue() + json.dumps([predicted, done, again])
        public = str(done.get("public_key"))
        secrets = {line for text in texts for line in text.split() if len(line) > 25 and line != public}
        assert [secret for secret in secrets if secret in told] == []

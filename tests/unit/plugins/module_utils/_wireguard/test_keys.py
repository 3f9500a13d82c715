# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for the files of a key pair: the policy by a table, and no diff shows a secret."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.household.mediaserver.plugins.module_utils._core.errors import KeyFileError
from ansible_collections.household.mediaserver.plugins.module_utils._core.secret_file import SecretFile
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard import keys
from ansible_collections.household.mediaserver.plugins.module_utils._wireguard.values import public_key
from ansible_collections.household.mediaserver.tests.unit.plugins.module_utils._wireguard.samples import (
    PRESHARED,
    sample_key,
)
from hypothesis import given
from hypothesis import strategies as st

PATH, PUBLIC_PATH, PSK_PATH = "/keys/private.key", "/keys/private.key.pub", "/keys/psk"
HELD, GIVEN, NEW, NEW_PSK = (sample_key(number) for number in (5, 6, 7, 9))
WANTED = keys.WantedKeys(PATH, PUBLIC_PATH)
Files = dict[str, SecretFile]


def found(text: str, mode: int = 0o600) -> SecretFile:
    return SecretFile(text, mode, 0, 0)


def pair(key: str) -> Files:
    return {PATH: found(f"{key}\n"), PUBLIC_PATH: found(f"{public_key(key)}\n", 0o644)}


def plan(wanted: keys.WantedKeys, files: Files) -> keys.KeyPlan:
    return keys.plan(wanted, files, new_private_key=lambda: NEW, new_preshared_key=lambda: NEW_PSK)


def applied(made: keys.KeyPlan, files: Files) -> Files:
    """Return the files after the plan is applied."""
    after = dict(files)
    for step in made.changes:
        uid = step.owner.uid if step.owner.uid is not None else 0
        gid = step.owner.gid if step.owner.gid is not None else 0
        after[step.path] = SecretFile(step.text, step.mode, uid, gid)
    return after


MISSING: Files = {}
VALID = pair(HELD)
BROKEN = {PATH: found("not a key\n")}

# policy, files, given key -> the key afterwards, or a part of the error message
POLICY = {
    "if_missing: missing": ("if_missing", MISSING, None, NEW),
    "if_missing: valid": ("if_missing", VALID, None, HELD),
    "if_missing: broken": ("if_missing", BROKEN, None, "does not contain a valid WireGuard key and was not changed"),
    "if_missing: missing, given": ("if_missing", MISSING, GIVEN, GIVEN),
    "if_missing: other, given": ("if_missing", VALID, GIVEN, GIVEN),
    "if_missing: same, given": ("if_missing", VALID, HELD, HELD),
    "if_missing: broken, given": ("if_missing", BROKEN, GIVEN, "does not contain a valid WireGuard key"),
    "if_invalid: missing": ("if_invalid", MISSING, None, NEW),
    "if_invalid: valid": ("if_invalid", VALID, None, HELD),
    "if_invalid: broken": ("if_invalid", BROKEN, None, NEW),
    "if_invalid: broken, given": ("if_invalid", BROKEN, GIVEN, GIVEN),
    "always: valid": ("always", VALID, None, NEW),
    "always: missing": ("always", MISSING, None, NEW),
    "always: broken": ("always", BROKEN, None, NEW),
    "always: same, given": ("always", VALID, HELD, HELD),
    "never: valid": ("never", VALID, None, HELD),
    "never: missing": ("never", MISSING, None, "does not exist, and regenerate=never creates no key"),
    "never: missing, given": ("never", MISSING, GIVEN, "does not exist, and regenerate=never creates no key"),
    "never: broken": ("never", BROKEN, None, "does not contain a valid WireGuard key"),
    "never: same, given": ("never", VALID, HELD, HELD),
    "never: other, given": ("never", VALID, GIVEN, "contains another key than private_key"),
}


@pytest.mark.parametrize(("policy", "files", "given_key", "outcome"), POLICY.values(), ids=POLICY.keys())
def test_policy_decides_about_the_key(policy: str, files: Files, given_key: str | None, outcome: str) -> None:
    wanted = dataclasses.replace(WANTED, regenerate=policy, private_key=given_key)
    if outcome not in (HELD, GIVEN, NEW):
        with pytest.raises(KeyFileError) as caught:
            plan(wanted, files)
        assert outcome in str(caught.value)
        assert not any(key in str(caught.value) for key in (HELD, GIVEN, NEW))
        return
    made = plan(wanted, files)
    after = applied(made, files)
    assert after[PATH].text.strip() == outcome
    assert after[PUBLIC_PATH].text == public_key(outcome) + "\n"
    assert made.public_key == public_key(outcome)
    assert made.generated == (outcome == NEW)
    # A replaced file is always kept.
    private = next(step for step in made.steps if step.path == PATH)
    assert private.aside == (PATH in files)


def test_plan_is_empty_without_a_difference() -> None:
    assert plan(WANTED, VALID).changes == ()
    assert plan(WANTED, VALID).diff() == {"before": {}, "after": {}}


DRIFT = {
    "private key readable by others": (PATH, {"mode": 0o644}),
    "public key not readable": (PUBLIC_PATH, {"mode": 0o600}),
    "another public key": (PUBLIC_PATH, {"text": public_key(GIVEN) + "\n"}),
    "truncated public key": (PUBLIC_PATH, {"text": "abc"}),
    "wrong owner": (PATH, {"uid": 1000}),
    "wrong group": (PUBLIC_PATH, {"gid": 1000}),
}


@pytest.mark.parametrize(("path", "change"), DRIFT.values(), ids=DRIFT.keys())
def test_only_the_drifted_file_is_repaired(path: str, change: dict[str, object]) -> None:
    wanted = dataclasses.replace(WANTED, owner=keys.Owner(0, 0))
    files = VALID | {path: dataclasses.replace(VALID[path], **change)}  # type: ignore[arg-type]
    made = plan(wanted, files)
    assert [step.path for step in made.changes] == [path]
    assert list(made.diff()["before"]) == list(made.diff()["after"]) == [path]
    assert plan(wanted, applied(made, files)).changes == ()


def test_removed_public_key_is_recreated() -> None:
    made = plan(WANTED, {PATH: VALID[PATH]})
    assert [step.path for step in made.changes] == [PUBLIC_PATH]
    assert made.steps[1].text == public_key(HELD) + "\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (public_key(HELD), False),
        (" \n", False),
        (GIVEN, True),
        ("[Interface]\n", True),
    ],
    ids=["own public key", "blank", "misplaced key", "another file"],
)
def test_replaced_public_key_file_is_kept_unless_derivable(text: str, kept: bool) -> None:
    files = VALID | {PUBLIC_PATH: found(text)}
    adopted = dataclasses.replace(WANTED, private_key=GIVEN)
    assert [step.aside for step in plan(adopted, files).steps] == [True, kept]


def test_owner_is_not_managed_by_default() -> None:
    files = {path: dataclasses.replace(state, uid=1000, gid=1000) for path, state in VALID.items()}
    assert plan(WANTED, files).changes == ()


def test_missing_account_counts_as_change() -> None:
    wanted = dataclasses.replace(WANTED, owner=keys.Owner(uid=-1))
    assert [step.path for step in plan(wanted, VALID).changes] == [PATH, PUBLIC_PATH]


@pytest.mark.parametrize("text", [HELD, f"{HELD}\r\n", f"  {HELD}\n\n"], ids=["no newline", "CRLF", "spaces"])
def test_white_space_around_a_valid_key_is_kept(text: str) -> None:
    assert plan(WANTED, VALID | {PATH: found(text)}).changes == ()


def test_preshared_key_is_managed_only_with_its_path() -> None:
    assert PSK_PATH not in {step.path for step in plan(WANTED, MISSING).steps}
    wanted = dataclasses.replace(WANTED, preshared_path=PSK_PATH)
    assert applied(plan(wanted, VALID), VALID)[PSK_PATH].text == NEW_PSK + "\n"
    wanted = dataclasses.replace(wanted, preshared_key=PRESHARED)
    after = applied(plan(wanted, VALID), VALID)
    assert after[PSK_PATH].text == PRESHARED + "\n"
    assert plan(wanted, after).changes == ()


WRONG = {
    "mode for all accounts": ({"mode": 0o644}, "gives other accounts access to the private key"),
    "mode with set-id bit": ({"mode": 0o4600}, "mode 4600 is not valid for a key file"),
    "negative mode": ({"mode": -0o600}, "is not valid for a key file"),
    "one path twice": ({"public_path": PATH}, "must have different values"),
    "given key malformed": ({"private_key": "secret"}, "private_key: the key is not base64"),
    "given preshared key malformed": (
        {"preshared_path": PSK_PATH, "preshared_key": "c2VjcmV0"},
        "preshared_key: the key has 6",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG.keys())
def test_invalid_options_are_rejected(change: dict[str, object], message: str) -> None:
    with pytest.raises(KeyFileError, match=message) as caught:
        plan(dataclasses.replace(WANTED, **change), VALID)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


key_texts = st.integers(1, 15).map(lambda number: sample_key(number) + "\n")
states = st.builds(
    SecretFile,
    key_texts | st.sampled_from(["", "junk"]),
    st.sampled_from([0o600, 0o644]),
    st.just(0),
    st.just(0),
)
situations = st.dictionaries(st.sampled_from([PATH, PUBLIC_PATH, PSK_PATH]), states)
wishes = st.builds(
    keys.WantedKeys,
    st.just(PATH),
    st.just(PUBLIC_PATH),
    st.none() | st.just(PSK_PATH),
    st.none() | key_texts,
    preshared_key=st.none() | key_texts,
    regenerate=st.sampled_from(["never", "if_missing", "if_invalid"]),
    mode=st.sampled_from([0o600, 0o640]),
)


@given(wishes, situations)
def test_second_plan_is_empty_and_no_diff_shows_a_secret(wanted: keys.WantedKeys, files: Files) -> None:
    try:
        made = plan(wanted, files)
    except KeyFileError as error:
        shown = str(error)
    else:
        shown = str(made.diff()) + repr(made) + repr(wanted)
        assert plan(wanted, applied(made, files)).changes == ()
    # The public key's file may contain a misplaced private key, so its content counts as a secret too.
    given = {wanted.private_key or NEW, wanted.preshared_key or NEW_PSK}
    secrets = {text.strip() for text in {state.text for state in files.values()} | given}
    assert not any(secret in shown for secret in secrets if len(secret) > 8)

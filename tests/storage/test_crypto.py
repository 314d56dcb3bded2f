"""Keys, sealed values and blind indexes."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from nobs_bot.storage.crypto import KeyProblem, MasterKey, Vault, load_keys, parse_keys

OLD, NEW = MasterKey(1, b"o" * 32), MasterKey(2, b"n" * 32)


def as_text(*keys: MasterKey) -> str:
    return ",".join(f"{key.key_id}:{base64.b64encode(key.secret).decode()}" for key in keys)


def test_a_sealed_value_opens_where_it_was_written() -> None:
    vault = Vault([OLD])
    sealed = vault.seal("persons.name", 7, b"Ibu Sari")
    assert vault.open("persons.name", 7, sealed) == b"Ibu Sari"
    assert b"Sari" not in sealed


@pytest.mark.parametrize(("where", "row_id"), [("persons.name", 8), ("persons.phone", 7)])
def test_a_value_moved_to_another_row_or_column_does_not_open(where: str, row_id: int) -> None:
    vault = Vault([OLD])
    sealed = vault.seal("persons.name", 7, b"Ibu Sari")
    with pytest.raises(KeyProblem, match="does not open"):
        vault.open(where, row_id, sealed)


def test_row_and_column_cannot_run_into_each_other() -> None:
    vault = Vault([OLD])
    sealed = vault.seal("a.b", 12, b"x")
    for where, row_id in (("a.b\x001", 2), ("a.b1", 2)):
        with pytest.raises(KeyProblem):
            vault.open(where, row_id, sealed)


def test_every_changed_byte_is_noticed() -> None:
    vault = Vault([OLD])
    sealed = vault.seal("persons.name", 7, b"Ibu Sari")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(KeyProblem):
            vault.open("persons.name", 7, bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 2, 13, 14, 29])
def test_a_value_that_was_cut_off_is_noticed(length: int) -> None:
    vault = Vault([OLD])
    sealed = vault.seal("persons.name", 7, b"Ibu Sari")
    with pytest.raises(KeyProblem):
        vault.open("persons.name", 7, sealed[:length])


def test_the_same_value_is_sealed_differently_each_time() -> None:
    vault = Vault([OLD])
    assert vault.seal("a.b", 1, b"x") != vault.seal("a.b", 1, b"x")


def test_another_key_of_the_same_number_does_not_open() -> None:
    sealed = Vault([OLD]).seal("a.b", 1, b"x")
    with pytest.raises(KeyProblem, match="does not open with key 1"):
        Vault([MasterKey(1, b"z" * 32)]).open("a.b", 1, sealed)


def test_a_missing_key_is_named() -> None:
    sealed = Vault([OLD]).seal("a.b", 1, b"x")
    with pytest.raises(KeyProblem, match="key 1, which is not among the keys"):
        Vault([NEW]).open("a.b", 1, sealed)


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() -> None:
    before, after = Vault([OLD]), Vault([NEW, OLD])
    assert after.open("a.b", 1, before.seal("a.b", 1, b"x")) == b"x"
    fresh = after.seal("a.b", 1, b"y")
    assert fresh[1] == 2
    with pytest.raises(KeyProblem, match="key 2"):
        before.open("a.b", 1, fresh)


def test_an_index_stays_findable_after_a_rotation() -> None:
    before, after = Vault([OLD]), Vault([NEW, OLD])
    assert before.blind_index("stream", "cam") == after.blind_index("stream", "cam")
    assert before.derive("nobs/webhook/1") == after.derive("nobs/webhook/1")


def test_indexes_of_different_things_differ() -> None:
    vault = Vault([OLD])
    assert vault.blind_index("stream", "x") != vault.blind_index("address", "x")
    assert vault.blind_index("ab", "c") != vault.blind_index("a", "bc")
    assert vault.blind_index("stream", "x") != Vault([NEW]).blind_index("stream", "x")


def test_json_comes_back_as_it_was() -> None:
    vault = Vault([OLD])
    value = {"name": "Ünïcode ✅", "list": [1, 2.5, None, True]}
    assert vault.open_json("a.b", 3, vault.seal_json("a.b", 3, value)) == value


def test_keys_read_from_lines_or_commas() -> None:
    assert parse_keys(as_text(NEW, OLD)) == [NEW, OLD]
    assert parse_keys(as_text(NEW) + "\n" + as_text(OLD) + "\n") == [NEW, OLD]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1:",
        "1:not base64!",
        "1:" + base64.b64encode(b"short").decode(),
        "0:" + base64.b64encode(b"o" * 32).decode(),
        "256:" + base64.b64encode(b"o" * 32).decode(),
        "x:" + base64.b64encode(b"o" * 32).decode(),
        as_text(OLD, OLD),
    ],
)
def test_wrong_keys_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KeyProblem) as problem:
        parse_keys(text)
    assert "bzz" not in str(problem.value)
    assert base64.b64encode(b"o" * 32).decode() not in str(problem.value)


def test_the_first_start_makes_a_key_that_only_the_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys"
    made = load_keys(path)
    assert load_keys(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["keys"]


def test_two_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "keys"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_keys(path), range(8)))
    assert all(keys == load_keys(path) for keys in made)


def test_keys_of_the_environment_win_and_make_no_file(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "keys", as_text(NEW)) == [NEW]
    assert not (tmp_path / "keys").exists()


def test_a_key_does_not_print_its_secret() -> None:
    secret = os.urandom(32)
    assert repr(MasterKey(3, secret)) == "MasterKey(3)"
    assert str([MasterKey(3, secret)]) == "[MasterKey(3)]"

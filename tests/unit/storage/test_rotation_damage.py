"""A change of keys in a vault in which something is damaged: it goes on, and who was shut out has
no way in to what is added; what is damaged stays as damaged as it was, and the rest whole."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace

import pytest
from sqlcipher3 import dbapi2

from app.domain import CallQuery, PersonState
from app.errors import AppError, StorageError, VaultDamaged
from app.storage import database, files, header, pages, rescue, rotation, vault
from app.storage.around import Around
from app.storage.clock import utc_now
from app.storage.database import Database
from app.storage.keys import LOWEST_COST, KeyPurpose, VaultKey
from app.storage.pages import PAGE_BYTES, PageSeal, encrypted_anew
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_backup import WAY, add, contents
from tests.unit.storage.test_old_ways import change_passphrase, reads

CALLS = 130  # so many that what is kept of them takes more than one page

pytestmark = pytest.mark.usefixtures("real_stretching")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A closed vault with calls, and bea in it."""
    folder = tmp_path_factory.mktemp("rotation") / "full"
    with vault.create(folder, PASSPHRASE, cost=LOWEST_COST) as opened:
        added(opened, "bea")
        for number in range(CALLS):
            add(opened, b"%d" % number, analysed=number < 3)
        opened._database.checkpoint()
    return folder


@pytest.fixture
def whole(full, tmp_path):
    return shutil.copytree(full, tmp_path / "vault")


def _open(folder):
    return vault.open_vault(folder, PASSPHRASE, name="owner")


def _shut(folder):
    """Shut bea out, and end the program before the keys are changed; returns the key of before."""
    with _open(folder) as opened:
        opened.people.change(
            replace(opened.people.get("bea"), state=PersonState.REMOVED), actor="owner"
        )
        opened._header.shut = False
        opened._database.checkpoint()
        return VaultKey(opened.info.id, opened._key.secret_bytes())


def _secret(found, key):
    return key.derive(KeyPurpose.DATABASE, found.database_salt)


def _pages_of(folder, key, *names, leaves=False):
    """The numbers of pages of tables and indexes: their roots, or a leaf below each."""
    found = header.read(folder)
    opened = Database(folder / "vault.db", _secret(found, key))
    with opened.reader() as reading:
        roots = [
            reading.number("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
            for name in names
        ]
    opened.close()
    if not leaves:
        return roots
    content = (folder / "vault.db").read_bytes()
    seal = PageSeal(_secret(found, key), content[:16])
    below = []
    for root in roots:
        page = seal.opened(content[(root - 1) * PAGE_BYTES : root * PAGE_BYTES], root)
        assert page[0] in {2, 5}, "it has one page only"
        cell = int.from_bytes(page[12:14], "big")
        below.append(int.from_bytes(page[cell : cell + 4], "big"))
    return below


def _flip(folder, *numbers, at=100):
    path = folder / "vault.db"
    content = bytearray(path.read_bytes())
    for number in numbers:
        content[(number - 1) * PAGE_BYTES + at] ^= 1
    path.write_bytes(content)


def _expect_changed(folder, old, before=None):
    """The keys are changed, and the log says around what; returns that, and what is damaged."""
    _expect_no_old_key(folder, old, before)
    with _open(folder) as opened:
        told = next(one for one in opened.audit.entries() if one.act == "key.rotate")
        return told.outcome, opened.check()


def _expect_no_old_key(folder, old, before=None):
    """The keys are changed, nobody waits, and the old key opens no page."""
    with _open(folder) as opened:
        assert opened._header.now.rotation is None
        assert opened.ways_in.hindrance == ""
        assert opened._key.secret_bytes() != old.secret_bytes()
        opened._database.checkpoint()
    secret = _secret(before or header.read(folder), old)
    content = (folder / "vault.db").read_bytes()
    for salt in (content[:16], pages.page_salt(secret)):
        seal = PageSeal(secret, salt)
        numbers = range(1, len(content) // PAGE_BYTES + 1)
        assert not [n for n in numbers if seal.proves(_page(content, n), n)]


def _page(content, number):
    return content[(number - 1) * PAGE_BYTES : number * PAGE_BYTES]


# ------------------------------------------------------------------- one flipped bit, anywhere


def test_a_bit_that_is_flipped_anywhere_keeps_no_old_way_in(full, tmp_path):
    """By somebody without keys, who was shut out: the vault opens no more, or under new keys."""
    shut = shutil.copytree(full, tmp_path / "shut")
    old = _shut(shut)
    before, chance = header.read(shut), random.Random(7)
    count = (shut / "vault.db").stat().st_size // PAGE_BYTES
    seen = {"refused": 0, "changed": 0}
    numbers = chance.sample(range(2, count + 1), 12)
    for number in (*numbers, *_pages_of(shut, old, "calls", "call_keys", leaves=True)):
        folder = shutil.copytree(shut, tmp_path / "hurt")
        _flip(folder, number, at=chance.randrange(PAGE_BYTES))
        try:
            _open(folder).close()
            _expect_no_old_key(folder, old, before)
        except VaultDamaged:
            seen["refused"] += 1  # nothing can be added either
        else:
            seen["changed"] += 1
        shutil.rmtree(folder)
    assert seen["changed"] > seen["refused"] > 0


def test_where_a_way_in_is_shut_in_a_damaged_vault_closing_it_changes_the_keys(whole, tmp_path):
    with _open(whole) as opened:
        state = contents(opened)
        key = VaultKey(opened.info.id, opened._key.secret_bytes())
    _flip(whole, *_pages_of(whole, key, "flags_by_label", "turns_text_idx"))
    older = (whole / "vault.json").read_bytes()
    with _open(whole) as opened:
        change_passphrase(opened)
        add(opened, b"of afterwards", analysed=False)
    with pytest.raises(dbapi2.DatabaseError):
        reads(whole, older, "bea", OTHER)
    outcome, problems = _expect_changed(whole, key)
    assert outcome == "ended, 2 pages damaged as before"
    assert problems
    with _open(whole) as opened:
        found = contents(opened)
        assert {call: found[call] for call in state} == state
        assert len(found) == CALLS + 1


# --------------------------------------------------------------------------- keys of calls


def _broken(opened, number):
    with opened._database.transaction() as writing:
        (kept,) = writing.one("SELECT sealed FROM call_keys WHERE call = ?", (number,))
        sealed = kept[:-1] + bytes([kept[-1] ^ 1])
        writing.change("UPDATE call_keys SET sealed = ? WHERE call = ?", (sealed, number))
        return writing.one("SELECT id FROM calls WHERE number = ?", (number,))[0], sealed


def test_a_key_of_a_call_that_does_not_open_comes_along_and_is_named(whole):
    with _open(whole) as opened:
        state = contents(opened)
        call, sealed = _broken(opened, 2)
        opened.ways_in.rotate(actor="owner")
        old = VaultKey(opened.info.id, opened._key.secret_bytes())
    outcome, problems = _expect_changed(whole, old)
    assert outcome == "ended, 1 key of a call damaged as before"
    assert problems == (f"the key of call {call} is missing or broken",)
    with _open(whole) as opened:
        assert opened.audit.verify().ok
        with opened._database.reader() as reading:
            assert reading.one("SELECT sealed FROM call_keys WHERE call = 2") == (sealed,)
        for other in state.keys() - {call}:
            assert opened.calls.detail(other) == state[other][1]
            assert opened.audio.read(other, "original") == state[other][2]


def test_keys_of_calls_on_a_damaged_page_are_lost_and_the_others_are_not(whole):
    with _open(whole) as opened:
        state = contents(opened)
    old = _shut(whole)
    before = header.read(whole)
    (leaf,) = _pages_of(whole, old, "call_keys", leaves=True)
    _flip(whole, leaf)
    outcome, problems = _expect_changed(whole, old, before)
    with _open(whole) as opened:
        good = [call for call in state if _opens(opened, call)]
        lost = len(state) - len(good)
        assert 0 < lost < CALLS
        assert all(opened.calls.detail(call) == state[call][1] for call in good)
    assert outcome == f"ended, {lost} keys of calls and 1 page damaged as before"
    named = [call for call in state if call in " ".join(problems)]
    assert sorted(named) == sorted(set(state) - set(good))


def _opens(opened, call):
    try:
        opened.audio.read(call, "original")
    except AppError:
        return False
    return True


KEYS = "SELECT id, sealed FROM calls NOT INDEXED JOIN call_keys ON call = number"


def test_damage_in_the_list_of_calls_costs_no_key(whole):
    """The ids that the keys are bound to stand in a table and in its index."""
    with _open(whole) as opened:
        state = set(contents(opened))
    old = _shut(whole)
    before = header.read(whole)
    index, table = _pages_of(whole, old, "sqlite_autoindex_calls_1", "calls", leaves=True)
    for pages_hurt, name in (((index,), "index"), ((table,), "table"), ((index, table), "both")):
        folder = shutil.copytree(whole, whole.with_name(name))
        _flip(folder, *pages_hurt)
        outcome, _ = _expect_changed(folder, old, before)
        assert ("key" in outcome) == (name == "both")
        if name == "index":
            with _open(folder) as opened:
                with opened._database.reader() as reading:
                    rows = reading.all(KEYS)
                assert {
                    call for call, sealed in rows if opened._call_keys.opened(call, sealed)
                } == state


# ------------------------------------------------------------- what still lets a change wait


def _expect_waits(folder, old):
    with _open(folder) as opened:
        assert opened.ways_in.hindrance.startswith("A change of keys waits")
        assert "`autoinsights vault check`" in opened.ways_in.hindrance
        assert opened._key.secret_bytes() == old.secret_bytes()
        assert opened.check()[-1] == opened.ways_in.hindrance
        told = [one for one in opened.audit.entries() if one.act == "key.rotate"]
        assert [one.outcome for one in told].count("waits: vault-damaged") == 1


def test_where_no_key_of_any_call_can_be_read_it_waits_and_no_call_can_be_added(whole):
    old = _shut(whole)
    _flip(whole, *_pages_of(whole, old, "call_keys"))
    _expect_waits(whole, old)
    with _open(whole) as opened, pytest.raises(VaultDamaged):
        add(opened, b"new", analysed=False)


def test_what_the_last_step_writes_is_tried_before_the_first_is_taken(whole, monkeypatch):
    old = _shut(whole)
    expect_next = header.expect_next

    def damaged(writing, following):
        expect_next(writing, following)
        raise VaultDamaged("The vault's database is damaged.")

    with monkeypatch.context() as hurt:
        hurt.setattr(header, "expect_next", damaged)
        hurt.setattr(rotation, "rekey", lambda *_: pytest.fail("a step was taken"))
        with pytest.raises(VaultDamaged):
            rotation._encrypted_anew(
                whole,
                whole / "vault.db",
                header.read(whole),
                VaultKey(old._vault_id, old.secret_bytes()),
                header.following_key(header.read(whole), old),
                utc_now,
            )
    _expect_changed(whole, old)


def test_trying_the_last_step_leaves_nothing_behind(whole):
    old = _shut(whole)
    found = header.read(whole)
    opened = Database(whole / "vault.db", _secret(found, old))
    try:
        before = _everything(opened)
        rotation._expect_last_step(opened, found, old)
        assert _everything(opened) == before
    finally:
        opened.close()


def _everything(opened):
    with opened.reader() as reading:
        names = reading.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        plain = [name for (name,) in names if not name.startswith("turns_")]
        return {name: reading.all(f"SELECT * FROM {name}") for name in plain}


@pytest.mark.parametrize(
    ("signed", "said"), [(False, "the key of the index"), (True, "What the change of keys needs")]
)
def test_an_index_key_that_does_not_open_lets_it_wait(whole, signed, said):
    with _open(whole) as opened:
        opened.ways_in.rotate(actor="owner")
        key = VaultKey(opened.info.id, opened._key.secret_bytes())
        if signed:  # as if the program itself had written it
            with opened._database.transaction() as writing:
                writing.change("UPDATE sealed_keys SET sealed = x'00'")
    found = header.read(whole)
    if not signed:
        with _planted(whole, found, key) as writing:
            writing.change("UPDATE sealed_keys SET sealed = x'00'")
    with pytest.raises(VaultDamaged, match=said):
        rotation._encrypted_anew(
            whole, whole / "vault.db", found, key, header.following_key(found, key), utc_now
        )


class _planted:  # noqa: N801
    def __init__(self, folder, found, key):
        self.opened = Database(folder / "vault.db", _secret(found, key))

    def __enter__(self):
        self.held = self.opened.transaction()
        return self.held.__enter__()

    def __exit__(self, *error):
        self.held.__exit__(*error)
        self.opened.close()


# ----------------------------------------------------------------- the pages, one by one


@pytest.fixture
def small(tmp_path):
    """A database of some pages, closed, and its key."""
    (tmp_path / "alone").mkdir()
    path, key = tmp_path / "alone" / "small.db", bytes(range(32))
    made = Database.created(path, key)
    with made.transaction() as writing:
        writing.change("CREATE TABLE things (number INTEGER PRIMARY KEY, text TEXT)")
        writing.many("INSERT INTO things VALUES (?, ?)", [(n, "x" * 900) for n in range(1, 60)])
    made.close()
    return path, key


NEW = bytes(range(32, 64))


def _hurt(path, number, how):
    content = bytearray(path.read_bytes())
    begin = (number - 1) * PAGE_BYTES
    content[begin : begin + PAGE_BYTES] = how(bytes(content[begin : begin + PAGE_BYTES]))
    path.write_bytes(content)


HARM = {
    "content": lambda page: page[:50] + bytes([page[50] ^ 1]) + page[51:],
    "proof": lambda page: page[:-1] + bytes([page[-1] ^ 1]),
    "zeros": lambda page: bytes(len(page)),
    "noise": lambda page: random.Random(3).randbytes(len(page)),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_page_comes_along_as_damaged_as_it_was(small, harm):
    path, key = small
    _hurt(path, 5, HARM[harm])
    hurt = path.read_bytes()
    assert database.rekey(path, key, NEW) == 1
    assert [one.name for one in path.parent.iterdir()] == ["small.db"]
    old, new = PageSeal(key, hurt[:16]), PageSeal(NEW, pages.page_salt(NEW))
    moved = path.read_bytes()
    for number in range(1, len(hurt) // PAGE_BYTES + 1):
        before, after = _page(hurt, number), _page(moved, number)
        assert new.opened(after, number) == old.opened(before, number)
        assert new.proves(after, number) == (number != 5) == old.proves(before, number)
    around = Around(Database(path, NEW))
    numbers = [
        one if isinstance(one, int) else one[0] for one in around.each("things", "number", 59)
    ]
    lost = [one for one in around.each("things", "number", 59) if isinstance(one, int)]
    assert (numbers, 0 < len(lost) < 8) == (list(range(1, 60)), True)
    around.database.close()
    with pytest.raises(VaultDamaged):
        Database(path, key)


def test_several_changes_of_keys_one_after_the_other_leave_the_damage_as_it_is(small):
    path, key = small
    _hurt(path, 5, HARM["content"])
    first = PageSeal(key, path.read_bytes()[:16]).opened(_page(path.read_bytes(), 5), 5)
    for one, other in ((key, NEW), (NEW, key), (key, NEW)):
        assert database.rekey(path, one, other) == 1
    last = PageSeal(NEW, path.read_bytes()[:16]).opened(_page(path.read_bytes(), 5), 5)
    assert last == first


def test_work_in_the_log_is_put_in_its_place_first(small):
    path, key = small
    _hurt(path, 5, HARM["content"])
    writer = database._keyed(path, key)
    writer.execute("INSERT INTO things VALUES (1000, 'new')")
    beside = path.with_name("copy")
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{beside}{end}")
    writer.close()
    assert (beside.with_name("copy-wal")).stat().st_size
    assert database.rekey(beside, key, NEW) == 1
    opened = Database(beside, NEW)
    with opened.reader() as reading:
        assert reading.one("SELECT text FROM things WHERE number = 1000") == ("new",)
    opened.close()


def test_a_log_that_cannot_be_emptied_keeps_the_old_key(small, monkeypatch):
    path, key = small
    _hurt(path, 5, HARM["content"])
    before = path.read_bytes()
    log = path.with_name("small.db-wal")
    proven = database._proven_at_rest

    def left(*args):
        found = proven(*args)
        log.write_bytes(b"frames")
        return found

    monkeypatch.setattr(database, "_proven_at_rest", left)
    with pytest.raises(StorageError, match="old one still counts"):
        database.rekey(path, key, NEW)
    log.unlink()
    assert path.read_bytes() == before


def test_a_disk_that_writes_something_else_keeps_the_old_key(small, monkeypatch):
    path, key = small
    _hurt(path, 5, HARM["content"])
    before = path.read_bytes()

    def wrong(file, old, new):
        for number, page in enumerate(encrypted_anew(file, old, new)):
            yield page if number != 7 else bytes(PAGE_BYTES)

    monkeypatch.setattr(database, "encrypted_anew", wrong)
    with pytest.raises(StorageError, match="old one still counts"):
        database.rekey(path, key, NEW)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["small.db"]


def test_the_page_that_no_database_writes_stays_as_it_is(small, monkeypatch):
    path, key = small
    monkeypatch.setattr(pages, "_LOCK_PAGE", 5)
    _hurt(path, 5, HARM["zeros"])
    with path.open("rb") as file:
        moved = b"".join(encrypted_anew(file, key, NEW))
    assert _page(moved, 5) == bytes(PAGE_BYTES)


def test_a_page_that_is_cut_off_is_a_damaged_one(small):
    path, key = small
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with path.open("rb") as file:
        moved = b"".join(encrypted_anew(file, key, NEW))
    last = len(content) // PAGE_BYTES
    assert len(moved) == len(content)
    assert not PageSeal(NEW, moved[:16]).proves(_page(moved, last), last)


# ------------------------------------------------------------------------ and a rescue afterwards


def test_a_rescue_afterwards_saves_what_one_before_would_have_saved(whole, tmp_path):
    old = _shut(whole)
    _flip(whole, *_pages_of(whole, old, "call_keys", "calls", leaves=True))
    way = replace(WAY, name="owner")
    before = rescue.rescue(whole, tmp_path / "before", way)
    _open(whole).close()
    after = rescue.rescue(whole, tmp_path / "after", way)
    assert (after.saved, after.lost, after.incomplete) == (
        before.saved,
        before.lost,
        before.incomplete,
    )
    states = []
    for name in ("before", "after"):
        with _open(tmp_path / name) as opened:
            states.append(contents(opened))
            assert opened.calls.count(CallQuery()) == len(before.saved)
    assert states[0] == states[1]


def test_what_an_interrupted_change_left_beside_the_database_goes_at_the_next_opening(whole):
    old = _shut(whole)
    (leaf,) = _pages_of(whole, old, "call_keys", leaves=True)
    _flip(whole, leaf)
    (whole / f"{files.TEMPORARY}vault.db").write_bytes(b"begun")
    _expect_changed(whole, old)
    assert not list(whole.glob(f"{files.TEMPORARY}*"))

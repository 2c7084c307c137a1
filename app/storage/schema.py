"""The tables of the database, as numbered steps that lead from nothing to today.

Each step is self-contained and runs in one transaction together with its number (`user_version`),
so that an interrupted upgrade is as if it had not begun. Before the first step on a vault that
holds something, the caller's backup is made. Steps that have been released are never edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import VaultDamaged, VaultNewer
from app.storage import schema_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.storage.database import Database, Reading, Writing

Step = tuple[str, ...]
"""The statements of one step, in order."""

TURN_BITS = 20
"""A turn's row number is its call's number shifted left by this many bits, plus its index."""

# The list of calls sorts 100,000 rows by any of these without touching the rows themselves: the
# columns behind the first two are those by which the list is narrowed.
_ORDERS = ("started", "duration_ms", "agent", "sentiment", "score", "severity", "source_name")

_CALLS: Step = (
    """CREATE TABLE vault (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,
        created_at TEXT NOT NULL,
        generation INTEGER NOT NULL
    ) STRICT""",
    # `generation` is the newest header's, for the day on which the next table cannot be read.
    # The headers that count: the newest, and while it is being replaced also the next.
    "CREATE TABLE headers (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    # The header that counts where the program ended before its file was in place.
    """CREATE TABLE next_header (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        content BLOB NOT NULL
    ) STRICT""",
    # Keys that outlive a rotation of the vault key, sealed under it.
    "CREATE TABLE sealed_keys (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        source_name TEXT NOT NULL COLLATE NOCASE,
        size_bytes INTEGER NOT NULL,
        imported_at TEXT NOT NULL,
        started_at TEXT,
        started TEXT NOT NULL,
        agent TEXT COLLATE NOCASE,
        queue TEXT COLLATE NOCASE,
        direction TEXT NOT NULL,
        customer_reference TEXT,
        channel_roles TEXT NOT NULL,
        duration_ms INTEGER,
        channels INTEGER,
        sentiment REAL,
        score REAL,
        severity INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL
            CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        place INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        deaths INTEGER NOT NULL DEFAULT 0,
        queued_at TEXT NOT NULL,
        finished_at TEXT,
        lease_owner TEXT,
        lease_token TEXT,
        lease_until INTEGER,
        failure_code TEXT,
        failure_sentence TEXT,
        failure_hint TEXT,
        CHECK ((state = 'running') = (lease_token IS NOT NULL)),
        CHECK ((state = 'failed') = (failure_code IS NOT NULL))
    ) STRICT""",
    *(
        f"CREATE INDEX calls_by_{column} ON calls ({column}, number, state, agent, queue, severity)"
        for column in _ORDERS
    ),
    # Not unique: who sees only some queues must not learn that a recording is in another one.
    "CREATE INDEX calls_by_digest ON calls (digest)",
    "CREATE INDEX calls_by_state ON calls (state, number, agent, queue, severity)",
    "CREATE INDEX calls_by_queue ON calls (queue, number, state, agent, severity)",
    "CREATE INDEX calls_by_place ON calls (place)",
    "CREATE INDEX calls_waiting ON calls (attempts, place) WHERE state = 'queued'",
    "CREATE INDEX calls_leased ON calls (lease_until) WHERE state = 'running'",
    # Destroying this row destroys all that is sealed for the call, wherever copies of it are.
    """CREATE TABLE call_keys (
        call INTEGER PRIMARY KEY REFERENCES calls (number) ON DELETE CASCADE,
        sealed BLOB NOT NULL
    ) STRICT""",
    # The mark of the one sealed file that counts: an older file of the same call does not.
    """CREATE TABLE audio (
        call INTEGER NOT NULL REFERENCES calls (number) ON DELETE CASCADE,
        purpose TEXT NOT NULL CHECK (purpose IN ('original', 'muted')),
        mark BLOB NOT NULL CHECK (length(mark) = 32),
        size_bytes INTEGER NOT NULL,
        PRIMARY KEY (call, purpose)
    ) STRICT, WITHOUT ROWID""",
)

_RESULTS: Step = (
    # Both bodies are sealed under the call's key: see formats.md.
    """CREATE TABLE analyses (
        call INTEGER PRIMARY KEY REFERENCES calls (number) ON DELETE CASCADE,
        at TEXT NOT NULL,
        format INTEGER NOT NULL,
        analysis BLOB NOT NULL,
        waveform BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE flags (
        call INTEGER NOT NULL REFERENCES calls (number) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        label TEXT NOT NULL,
        title TEXT NOT NULL,
        severity INTEGER NOT NULL,
        PRIMARY KEY (call, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX flags_by_label ON flags (label, call, title)",
    """CREATE TABLE redacted_values (
        blind BLOB NOT NULL CHECK (length(blind) = 32),
        call INTEGER NOT NULL REFERENCES calls (number) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        value INTEGER NOT NULL,
        PRIMARY KEY (blind, call, kind, value)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX redacted_values_by_call ON redacted_values (call)",
    """CREATE TABLE turns (
        id INTEGER PRIMARY KEY,
        role TEXT NOT NULL,
        start_ms INTEGER NOT NULL,
        text TEXT NOT NULL
    ) STRICT""",
    """CREATE VIRTUAL TABLE turns_text USING fts5 (
        text, content = 'turns', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
    )""",
    # Without this, words of removed turns would stay in the index until it is merged.
    "INSERT INTO turns_text (turns_text, rank) VALUES ('secure-delete', 1)",
    # The words of the index, read only: by them erasing finds a word that the index still names.
    "CREATE VIRTUAL TABLE turns_words USING fts5vocab (turns_text, instance)",
    """CREATE TRIGGER turns_added AFTER INSERT ON turns BEGIN
        INSERT INTO turns_text (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER turns_removed AFTER DELETE ON turns BEGIN
        INSERT INTO turns_text (turns_text, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    """CREATE TRIGGER turns_fixed BEFORE UPDATE ON turns BEGIN
        SELECT RAISE (ABORT, 'a turn is never changed');
    END""",
    """CREATE TRIGGER calls_removed AFTER DELETE ON calls BEGIN
        DELETE FROM turns
        WHERE id >= old.number << 20 AND id < (old.number + 1) << 20;
    END""",
)

_AUDIT: Step = (
    """CREATE TABLE audit (
        number INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        act TEXT NOT NULL,
        subject TEXT NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL,
        root BLOB NOT NULL,
        next_key BLOB NOT NULL,
        signature BLOB NOT NULL
    ) STRICT""",
    # What the next entry needs; `seed` is the only private key there is, sealed, and each entry
    # overwrites it. The last three columns are what the clocks said: see `app.storage.audit_clock`.
    """CREATE TABLE audit_head (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        number INTEGER NOT NULL,
        first_key BLOB NOT NULL,
        frontier BLOB NOT NULL,
        seed BLOB NOT NULL,
        mac BLOB NOT NULL,
        session BLOB NOT NULL,
        offset_ms INTEGER NOT NULL,
        behind_ms INTEGER NOT NULL
    ) STRICT""",
    """CREATE TRIGGER audit_appended BEFORE INSERT ON audit
    WHEN new.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM audit) BEGIN
        SELECT RAISE (ABORT, 'the audit log only grows at its end');
    END""",
    """CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN
        SELECT RAISE (ABORT, 'an audit entry is never changed');
    END""",
    """CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN
        SELECT RAISE (ABORT, 'an audit entry is never removed');
    END""",
)

_PEOPLE: Step = (
    """CREATE TABLE people (
        name TEXT PRIMARY KEY COLLATE NOCASE,
        roles TEXT NOT NULL,
        granted TEXT NOT NULL,
        scope TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'removed')),
        added_at TEXT NOT NULL,
        totp BLOB,
        totp_step INTEGER NOT NULL DEFAULT 0,
        totp_drift INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        failed_at INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER people_kept BEFORE DELETE ON people BEGIN
        SELECT RAISE (ABORT, 'a name is never given to another person');
    END""",
    """CREATE TABLE backup_codes (
        person TEXT NOT NULL COLLATE NOCASE REFERENCES people (name),
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        PRIMARY KEY (person, digest)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE teams (
        name TEXT NOT NULL COLLATE NOCASE,
        agent TEXT NOT NULL COLLATE NOCASE,
        PRIMARY KEY (name, agent)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE policy (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        body TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE requests (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        act TEXT NOT NULL,
        subject TEXT NOT NULL,
        value TEXT NOT NULL,
        reason TEXT NOT NULL,
        asked_by TEXT NOT NULL REFERENCES people (name),
        asked_at TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'refused', 'withdrawn')),
        decided_by TEXT REFERENCES people (name) CHECK (decided_by IS NOT asked_by
            OR state = 'withdrawn'),
        decided_at TEXT,
        used_at TEXT
    ) STRICT""",
    """CREATE TABLE holds (
        call INTEGER PRIMARY KEY REFERENCES calls (number) ON DELETE RESTRICT,
        reason TEXT NOT NULL,
        placed_by TEXT NOT NULL,
        placed_at TEXT NOT NULL
    ) STRICT""",
    # What was erased, so that it does not come back with a backup or an import unnoticed: `digest`
    # is the keyed form of the recording's digest; `removed` once the sealed files are gone too.
    """CREATE TABLE erased (
        call TEXT PRIMARY KEY,
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        at TEXT NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX erased_by_digest ON erased (digest)",
)

# The client's word list as it was written; no row is no list.
_WORD_LIST: Step = (
    """CREATE TABLE vocabulary (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        body TEXT NOT NULL
    ) STRICT""",
)

# Which language a call is in: null until it is analysed, and after an upgrade until it is again.
_LANGUAGE: Step = (
    "ALTER TABLE calls ADD COLUMN language TEXT",
    "CREATE INDEX calls_by_language ON calls (language)",
)

# Calls in which a person corrected who speaks, and what follows from that, beside the program's own
# analysis; both bodies are sealed under the call's key, as in `analyses`.
_SPEAKERS: Step = (
    """CREATE TABLE corrected_analyses (
        call INTEGER PRIMARY KEY REFERENCES calls (number) ON DELETE CASCADE,
        corrected_by TEXT NOT NULL,
        corrected_at TEXT NOT NULL,
        format INTEGER NOT NULL,
        analysis BLOB NOT NULL,
        waveform BLOB NOT NULL
    ) STRICT""",
)

# Which calls wait for a person after their muted audio was heard again; the proof itself stands in
# the sealed analysis, and that decides.
_HELD_BACK: Step = (
    "ALTER TABLE calls ADD COLUMN held_back INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX calls_held_back ON calls (number) WHERE held_back",
)

# Turns that were drawn to be judged, and what was judged of them, as kinds and numbers. Their
# call is named by its id, as in `requests`: when it is erased the name goes and the count stays,
# or erasing calls in which something was missed would make the share look better. `result` tells
# the analysis that the turn was drawn from; `nth` is the order in which turns were judged.
_ELUSION: Step = (
    """CREATE TABLE samples (
        number INTEGER PRIMARY KEY,
        drawn_by TEXT NOT NULL,
        drawn_at TEXT NOT NULL,
        scope TEXT NOT NULL,
        population TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE sampled_turns (
        sample INTEGER NOT NULL REFERENCES samples (number),
        place INTEGER NOT NULL,
        call TEXT NOT NULL,
        turn INTEGER NOT NULL,
        result TEXT NOT NULL,
        channel TEXT NOT NULL,
        missed TEXT,
        judged_by TEXT,
        judged_at TEXT,
        nth INTEGER,
        PRIMARY KEY (sample, place),
        CHECK ((missed IS NULL) = (judged_by IS NULL))
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sampled_turns_by_call ON sampled_turns (call)",
)

# Whose recording as it was imported is to be destroyed once that may be, and whose is; `removed`
# once its sealed file is gone and the log of pages was emptied.
_ORIGINALS: Step = (
    """CREATE TABLE originals (
        call INTEGER PRIMARY KEY REFERENCES calls (number) ON DELETE CASCADE,
        due_at TEXT NOT NULL,
        destroyed_at TEXT,
        removed INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
)

SEALED_FROM = 2
"""The step from which on there are seals."""

SEALED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "people": ("name", "roles", "granted", "scope", "state", "added_at", "totp"),
    "backup_codes": ("person", "digest"),
    "teams": ("name", "agent"),
    "policy": ("one", "body"),
    "vocabulary": ("one", "body"),
    "requests": (
        "number", "act", "subject", "value", "reason", "asked_by", "asked_at", "state",
        "decided_by", "decided_at", "used_at",
    ),
    "holds": ("call", "reason", "placed_by", "placed_at"),
    "erased": ("call", "digest", "at"),
    "calls": (
        "number", "id", "digest", "source_name", "size_bytes", "imported_at", "started_at",
        "started", "agent", "queue", "direction", "customer_reference", "channel_roles",
    ),
    "contents": ("call", "what", "digest"),
    "corrected_analyses": ("call", "corrected_by", "corrected_at"),
    "samples": ("number", "drawn_by", "drawn_at", "scope", "population"),
    "sampled_turns": (
        "sample", "place", "call", "turn", "result", "channel", "missed", "judged_by", "judged_at",
        "nth",
    ),
    "originals": ("call", "due_at", "destroyed_at"),
    "sealed_keys": ("name", "sealed"),
}  # fmt: skip
"""The tables whose rows are sealed (see `seals`), and the columns of them that are: counters, the
place in the queue and what follows from an analysis are not."""


def row_text(columns: Iterable[str], prefix: str = "") -> str:
    """Return the expression of SQL that writes a row as text, no two different rows alike."""
    return "||'.'||".join(f"typeof({prefix}{name})||hex({prefix}{name})" for name in columns)


def _seals() -> Step:
    """Return the step that gives a vault its seals: what its entries sign, and the notes of what
    changes."""
    return (
        # What the entry signs of the vault's state; entries from before this step sign nothing.
        "ALTER TABLE audit ADD COLUMN state BLOB NOT NULL DEFAULT x''",
        "CREATE TABLE seals (part TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
        # Rows that changed in a transaction; empty outside of one.
        """CREATE TABLE unsealed (
            number INTEGER PRIMARY KEY,
            part TEXT NOT NULL,
            row TEXT NOT NULL,
            added INTEGER NOT NULL
        ) STRICT""",
        # Digests of what is sealed for a call, beside that of its recording in `calls`.
        """CREATE TABLE contents (
            call INTEGER NOT NULL REFERENCES calls (number) ON DELETE CASCADE,
            what TEXT NOT NULL CHECK (what IN ('analysis', 'muted', 'corrected', 'values')),
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            PRIMARY KEY (call, what)
        ) STRICT, WITHOUT ROWID""",
        *(one for table, columns in SEALED_COLUMNS.items() for one in _noting(table, columns)),
        *(one for table in ("vault", "headers", "next_header") for one in _noting(table, ())),
    )


def _noting(table: str, columns: tuple[str, ...]) -> Step:
    """Return the triggers that note which rows of a table come and go; without columns, that it
    changed."""
    part = table if columns else "header"
    of = f" OF {', '.join(columns)}" if columns else ""

    def note(prefix: str, added: int) -> str:
        row = row_text(columns, prefix) if columns else "''"
        values = f"VALUES ('{part}', {row}, {added})"
        return f"INSERT INTO unsealed (part, row, added) {values};"

    come, gone = note("new.", 1), note("old.", 0)
    return (
        f"CREATE TRIGGER {table}_sealed_new AFTER INSERT ON {table} BEGIN {come} END",
        f"CREATE TRIGGER {table}_sealed_gone AFTER DELETE ON {table} BEGIN {gone} END",
        f"CREATE TRIGGER {table}_sealed_other AFTER UPDATE{of} ON {table} BEGIN {gone} {come} END",
    )


STEPS: tuple[Step, ...] = (
    _CALLS + _RESULTS + _AUDIT + _PEOPLE,
    _WORD_LIST + _LANGUAGE + _SPEAKERS + _HELD_BACK + _ELUSION + _ORIGINALS + _seals(),
)

SINCE = {
    "vocabulary": 2, "corrected_analyses": 2, "samples": 2, "sampled_turns": 2, "originals": 2,
}  # fmt: skip
"""The step with which a table came that older vaults do not have."""


def version(reading: Reading) -> int:
    """Return the number of the last step that the database has been through."""
    return reading.number("PRAGMA user_version")


def foreign(reading: Reading, steps: Sequence[Step] = STEPS) -> tuple[str, ...]:
    """Return what in the database is not as the steps made it that it has been through."""
    return schema_check.foreign(reading, tuple(steps[: max(0, version(reading))]))


def expect_own(reading: Reading, steps: Sequence[Step] = STEPS) -> None:
    """Raise `VaultDamaged` where `foreign` finds something."""
    changed = foreign(reading, steps)
    if changed:
        raise VaultDamaged(f"{schema_check.sentence(changed)}.", hint=schema_check.HINT)


def upgrade(
    database: Database,
    *,
    fresh: bool,
    backup: Callable[[int], None],
    taken: Callable[[Writing, int], None] = lambda *_: None,
    steps: Sequence[Step] = STEPS,
) -> int:
    """Lead the database to today, and hold it to the tables of today while it is open; returns how
    many steps that took.

    `backup` is called with the old version before the first step on a vault that is not `fresh`,
    `taken` with the new one at the end of each step, in its transaction.
    Raises `VaultNewer` for a database that is ahead of the program and `VaultDamaged` for an empty
    one in place of a vault, and for one with what none of the steps made.
    """
    with database.reader() as reading:
        reached = version(reading)
        if reached <= len(steps):
            expect_own(reading, steps)
    if reached > len(steps):
        raise VaultNewer("This vault was written by a newer version of AutoInsights.")
    if reached == 0 and not fresh:
        raise VaultDamaged("The vault's database is empty.")
    if not fresh and reached < len(steps):
        backup(reached)
    for number in range(reached + 1, len(steps) + 1):
        with database.transaction() as writing:
            for statement in steps[number - 1]:
                writing.change(statement)
            writing.change(f"PRAGMA user_version = {number}")
            taken(writing, number)
    database.hold_schema(lambda reading: expect_own(reading, steps))
    return len(steps) - reached

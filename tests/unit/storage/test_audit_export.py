"""What auditors are given, and the verifier that stands alone, run as they run it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain import AuditEntry, AuditProof, Checkpoint, Sha256
from app.errors import UsageError
from app.storage import audit_export, merkle
from app.storage.audit import Audit
from app.storage.audit_format import checkpoint_encoded, first_hash, hashed
from app.storage.database import Database
from app.storage.witness import Seen
from tests.unit.storage.audit_logs import KEY, ROOT, VAULTS, begun, verifier

SCRIPT = ROOT / "resources" / "verifier" / "verify_audit.py"
verify = verifier()


class Auditor:
    """A folder with what was exported, and what the verifier says of it."""

    def __init__(self, folder, capsys):
        self.folder = folder
        self.capsys = capsys
        folder.mkdir()
        database, log = begun(folder / "vault.db")
        self.kept = []
        for number in range(9):
            log.record(actor="ann\u202e", act="call.view", subject=f"{number}\n", reason="\x1b[2J")
            self.kept.append(log.checkpoint())
            self.put(f"kept{number + 1}.json", audit_export.checkpoint_file(self.kept[-1]))
            if number == 4:
                for path in folder.glob("vault.db*"):
                    shutil.copy(path, folder / path.name.replace("vault", "copy-at-5"))
        with log.export() as (checkpoint, entries):
            self.put("audit.jsonl", b"".join(audit_export.log_lines(checkpoint, entries)))
        self.put("entry.json", audit_export.proof_file(log.inclusion(4)))
        self.put("entry-in-5.json", audit_export.proof_file(log.inclusion(4, self.kept[4])))
        self.put("since.json", audit_export.proof_file(log.consistency(self.kept[4])))
        self.key = log.verification_key()
        database.close()

    def put(self, name, body):
        (self.folder / name).write_bytes(body)

    def change(self, name, change):
        """Put a changed copy of a file that is one JSON object beside it."""
        found = json.loads((self.folder / name).read_text())
        change(found)
        self.put("changed.json", json.dumps(found).encode())

    def runs(self, name, *options):
        """The exit status and all that is said."""
        given = [str(self.folder / one) if "." in one else one for one in options]
        status = verify.main([str(self.folder / name), *given])
        said = self.capsys.readouterr()
        return status, said.out + said.err


@pytest.fixture
def auditor(tmp_path, capsys):
    return Auditor(tmp_path / "auditor", capsys)


def test_a_log_is_verified_with_the_key_and_the_checkpoints_that_were_kept(auditor):
    options = ["--checkpoint", "kept5.json", "--checkpoint", "kept9.json"]
    status, said = auditor.runs("audit.jsonl", "--key", auditor.key, *options)
    assert status == 0
    assert "All 9 audit entries of vault" in said
    assert said.count("It extends the checkpoint of 2026-03-01T09:") == 2
    assert "NOTE" not in said


def test_a_checkpoint_on_paper_does_as_well(auditor):
    text = audit_export.short_form(auditor.kept[4])
    status, said = auditor.runs("audit.jsonl", "--key", auditor.key, "--checkpoint", text)
    assert (status, "It extends the checkpoint of 5 entries." in said) == (0, True)
    wrong = audit_export.short_form(replace(auditor.kept[4], size=6))
    status, said = auditor.runs("audit.jsonl", "--checkpoint", wrong)
    assert (status, "Entry 6, or one before it" in said) == (1, True)


def test_without_a_key_it_says_what_it_believed(auditor):
    status, said = auditor.runs("audit.jsonl")
    assert status == 0
    assert said.startswith("NOTE: no key was given")
    assert "No checkpoint was given" in said


def test_another_key_is_not_believed(auditor):
    other = "AIKEY2-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAO-ITTY"
    status, said = auditor.runs("audit.jsonl", "--key", other)
    assert (status, "another verification key than yours" in said) == (1, True)


def test_a_log_that_is_cut_short_or_changed_is_convicted_by_number(auditor):
    lines = (auditor.folder / "audit.jsonl").read_bytes().splitlines(keepends=True)
    auditor.put("short.jsonl", b"".join(lines[:5]))
    status, said = auditor.runs("short.jsonl", "--key", auditor.key)
    assert (status, "the first bad entry is number 5" in said) == (1, True)
    lines[3] = lines[3].replace(b'"ok"', b'"no"')
    auditor.put("changed.jsonl", b"".join(lines))
    status, said = auditor.runs("changed.jsonl", "--key", auditor.key)
    assert (status, said) == (
        1,
        "NOT AS IT WAS WRITTEN: Audit entry 3 is not as it was written.\n",
    )


def test_an_older_export_does_not_extend_a_newer_checkpoint(auditor, tmp_path):
    lines = (auditor.folder / "audit.jsonl").read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    older = json.loads((auditor.folder / "kept4.json").read_text())
    auditor.put(
        "old.jsonl",
        "".join([json.dumps(header | {"checkpoint": older}) + "\n", *lines[1:5]]).encode(),
    )
    assert auditor.runs("old.jsonl", "--key", auditor.key)[0] == 0
    status, said = auditor.runs("old.jsonl", "--key", auditor.key, "--checkpoint", "kept6.json")
    assert (status, "covers 6 entries and the log has 4" in said) == (1, True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("entry.json", ["--checkpoint", "kept9.json"]),
        ("entry-in-5.json", ["--checkpoint", "kept5.json"]),
        ("entry.json", ["--log", "audit.jsonl", "--key"]),
        ("entry-in-5.json", ["--log", "audit.jsonl", "--checkpoint", "kept9.json", "--key"]),
        ("entry.json", ["--log", "audit.jsonl"]),
        ("since.json", ["--checkpoint", "kept5.json", "--checkpoint", "kept9.json"]),
        ("since.json", ["--log", "audit.jsonl", "--key"]),
        ("since.json", ["--log", "audit.jsonl", "--checkpoint", "kept5.json"]),
    ],
)
def test_proofs_are_verified_against_what_is_known(auditor, name, options):
    given = [*options, auditor.key] if options[-1:] == ["--key"] else options
    status, said = auditor.runs(name, *given)
    assert status == 0, said
    assert ("was believed" in said) == (options == ["--log", "audit.jsonl"])
    assert "Entry 4 is in the log" in said or "begins with the 5 entries" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("entry.json", ["--checkpoint", "kept5.json"], "another checkpoint than the one you gave"),
        ("entry.json", ["--key"], "A key alone does not show"),
        ("entry.json", [], "Nothing shows that the checkpoint in the proof is genuine"),
        ("since.json", [], "Nothing shows that the checkpoint in the proof is genuine"),
        ("absent.json", [], "cannot be read"),
        ("kept5.json", [], "neither an exported audit log nor a proof"),
        ("audit.jsonl", ["--key", "AIKEY2-AAAA"], "There is a slip in the verification key"),
        ("audit.jsonl", ["--checkpoint", "audit.jsonl"], "is no checkpoint"),
        ("entry.json", ["--log", "kept5.json"], "is no exported audit log"),
    ],
)
def test_what_cannot_be_checked_is_told_apart_from_what_is_wrong(auditor, name, options, reason):
    given = [*options, auditor.key] if options[-1:] == ["--key"] else options
    status, said = auditor.runs(name, *given)
    assert (status, reason in said) == (2, True), said


@pytest.mark.parametrize(
    ("kept", "missing"), [("kept5.json", "newer checkpoint, of 9"), ("kept9.json", "older")]
)
def test_one_of_two_checkpoints_proves_nothing_of_the_other(auditor, kept, missing):
    for options in ([], ["--key", auditor.key]):
        status, said = auditor.runs("since.json", "--checkpoint", kept, *options)
        assert status == 2
        proven, open_ones = said.split("NOT PROVEN: ")
        assert "which you kept" in proven
        assert "begins with the 5 entries" in proven
        assert missing in open_ones


def test_a_log_that_was_made_up_from_a_kept_checkpoint_on_is_not_found_good(auditor):
    """Who has a copy of the vault of then goes on from there as they like, and proves that."""
    database = Database(auditor.folder / "copy-at-5.db", KEY)
    log = Audit(database, KEY, VAULTS[0], lambda: datetime(2026, 3, 2, tzinfo=UTC))
    for number in range(4):
        log.record(actor="ann", act="call.view", subject=f"made up {number}")
    auditor.put("changed.json", audit_export.proof_file(log.consistency(auditor.kept[4])))
    database.close()
    status, said = auditor.runs("changed.json", "--checkpoint", "kept5.json")
    assert (status, "NOT PROVEN: that the newer checkpoint, of 9 entries" in said) == (2, True)
    both = ["--checkpoint", "kept5.json", "--checkpoint", "kept9.json"]
    assert auditor.runs("changed.json", *both)[0] == 1
    assert auditor.runs("changed.json", "--log", "audit.jsonl", "--key", auditor.key)[0] == 1


def spoilers(proof, part):
    """Every way to spoil one part of a proof a little."""
    before = proof[part]
    if part == "path":
        yield lambda found: found["path"].pop()
        yield lambda found: found["path"].reverse()
        yield lambda found: found["path"].append("00" * 32)
        yield lambda found: found.update(path="x")
        yield lambda found: found.update(path=["x"])
    else:
        for name in before:
            if name in ("text", "format"):
                continue
            value = before[name]
            other = (
                value + 1
                if isinstance(value, int)
                else value[:-1] + ("0" if value[-1:] != "0" else "1")
            )
            yield lambda found, name=name, other=other: found[part].update({name: other})
            yield lambda found, name=name: found[part].pop(name)
            yield lambda found, name=name: found[part].update({name: None})
        yield lambda found: found.update({part: None})
    yield lambda found: found.pop(part)
    yield lambda found: found.update(more=1)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(("entry.json", part) for part in ("entry", "path", "checkpoint")),
        *(("since.json", part) for part in ("since", "path", "checkpoint")),
    ],
)
def test_a_spoilt_proof_proves_nothing(auditor, name, part):
    kept = ["--checkpoint", "kept5.json"] if name == "since.json" else []
    for spoil in spoilers(json.loads((auditor.folder / name).read_text()), part):
        auditor.change(name, spoil)
        status, said = auditor.runs("changed.json", *kept)
        assert status == 1, said


def test_a_proof_of_another_log_is_not_one_of_this_log(auditor, tmp_path, capsys):
    other = Auditor(tmp_path / "other", capsys)
    options = ["--log", str(auditor.folder / "audit.jsonl")]
    assert other.runs("entry.json", *options)[0] == 1
    assert other.runs("since.json", "--checkpoint", str(auditor.folder / "kept5.json"))[0] == 1
    assert other.runs("entry.json", "--key", auditor.key)[0] == 1
    status, said = auditor.runs("audit.jsonl", "--checkpoint", str(other.folder / "kept5.json"))
    assert (status, "number 1" in said) == (1, True)


def test_a_proof_that_somebody_made_up_is_not_found_good(auditor):
    """Whoever makes a log up can make a proof up that is right in itself."""
    signs = Ed25519PrivateKey.generate()
    public, vault = signs.public_key().public_bytes_raw(), "0" * 32
    entry = AuditEntry(
        number=1, at="2026-01-01T00:00:00.000Z", actor="Amal", act="call.export-original",
        subject="f" * 32, outcome="ok", reason="made up", previous=first_hash(vault, public),
        hash=Sha256(""),
    )  # fmt: skip
    entry = replace(entry, hash=hashed(entry))
    root = Sha256(merkle.root_of([bytes.fromhex(entry.hash)]).hex())
    claimed = Checkpoint(
        vault=vault, key=public.hex(), size=1, root=root, hash=entry.hash, at=entry.at,
        signer=public.hex(), signature="",
    )  # fmt: skip
    claimed = replace(claimed, signature=signs.sign(checkpoint_encoded(claimed)).hex())
    made_up = audit_export.proof_file(AuditProof(checkpoint=claimed, path=(), entry=entry))
    auditor.put("changed.json", made_up)
    assert auditor.runs("changed.json")[0] == 2
    for options in (
        ["--key", auditor.key],
        ["--checkpoint", "kept5.json"],
        ["--log", "audit.jsonl"],
    ):
        assert auditor.runs("changed.json", *options)[0] in (1, 2)


def test_it_runs_by_itself_and_needs_nothing_of_the_program(auditor, tmp_path):
    source = SCRIPT.read_text(encoding="utf-8")
    assert "import app" not in source
    assert "from app" not in source
    (tmp_path / "alone").mkdir()
    alone = tmp_path / "alone" / "verify.py"
    alone.write_text(source, encoding="utf-8")
    command = [sys.executable, "-I", alone, auditor.folder / "audit.jsonl", "--key", auditor.key]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "All 9 audit entries" in done.stdout
    usage = subprocess.run([*command[:3]], cwd=tmp_path, check=False, capture_output=True)
    assert usage.returncode == 2


def test_checkpoints_come_back_from_their_files(auditor):
    for made in auditor.kept:
        assert audit_export.read_checkpoint(audit_export.checkpoint_file(made)) == made
    made = auditor.kept[2]
    assert audit_export.read_checkpoint(audit_export.short_form(made).encode()) == Seen(
        key="", size=3, root=made.root
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"size": -1},
        {"size": 1 << 60},
        {"root": "x"},
        {"key": "AB" * 32},
        {"signer": ""},
        {"hash": "00"},
        {"signature": "00" * 63},
    ],
)
def test_what_has_not_the_form_of_a_checkpoint_is_refused(auditor, changes):
    body = json.loads(audit_export.checkpoint_file(auditor.kept[0])) | changes
    with pytest.raises(UsageError):
        audit_export.read_checkpoint(json.dumps(body).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b"\xff", b'{"format":1}', b"{\xff}"])
def test_what_is_no_checkpoint_is_refused(body):
    with pytest.raises(UsageError):
        audit_export.read_checkpoint(body)


def test_a_checkpoint_of_another_format_is_refused(auditor):
    body = json.loads(audit_export.checkpoint_file(auditor.kept[0])) | {"format": "other"}
    with pytest.raises(UsageError):
        audit_export.read_checkpoint(json.dumps(body).encode())
    assert isinstance(auditor.kept[0], Checkpoint)

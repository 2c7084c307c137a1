"""The commands for auditors."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.cli.test_main import every
from tests.unit.storage.audit_logs import verifier

VERIFIER = verifier()


@pytest.fixture
def verify(capsysbinary):
    """Runs the stand-alone verifier; returns its exit status."""

    def running(*options):
        status = VERIFIER.main([str(option) for option in options])
        capsysbinary.readouterr()
        return status

    return running


@pytest.fixture
def vaulted(vaulted, run):
    """A vault whose maker may export its audit log."""
    given = ["people", "change", "owner", "--grant", "export-audit"]
    for role in ("administrator", "supervisor", "privacy-officer"):
        given += ["--role", role]
    assert run(*given, *vaulted)[0] == 0
    return vaulted


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "handed out"


def test_the_log_is_exported_and_verified_elsewhere(records, run, vaulted, folder, verify):
    key = every(records("audit", "key", *vaulted)[1], "audit-key")[0]
    made = ["--out", folder / "cp.json", "--page", folder / "cp.html"]
    status, printed = records("audit", "checkpoint", *made, *vaulted)
    checkpoint = every(printed, "audit-checkpoint")[0]
    assert (status, checkpoint["vault"]) == (0, key["vault"])
    assert json.loads((folder / "cp.json").read_text())["text"] == checkpoint["text"]
    assert checkpoint["root"] in (folder / "cp.html").read_text()

    status, printed = records("audit", "export", folder / "pack", *vaulted)
    exported = every(printed, "audit-export")[0]
    assert (status, exported["entries"] > checkpoint["size"]) == (0, True)
    names = {path.name for path in (folder / "pack").iterdir()}
    assert names == {"audit.jsonl", "checkpoint.json", "verify_audit.py", "README.txt"}
    log = folder / "pack" / "audit.jsonl"
    options = ["--key", key["key"], "--checkpoint", folder / "cp.json"]
    assert verify(log, *options, "--checkpoint", exported["checkpoint"]) == 0
    assert (folder / "pack" / "audit.jsonl").stat().st_mode & 0o777 == 0o600

    for number in ("2", "--since"):
        what = [number] if number == "2" else [number, folder / "cp.json"]
        proof = folder / f"proof{number}.json"
        status, printed = records("audit", "prove", *what, "--out", proof, *vaulted)
        assert status == 0
        assert every(printed, "audit-proof")[0]["file"] == str(proof)
        if number == "2":
            assert verify(proof) == 2, "nothing that the auditor holds speaks for it"
            assert run("audit", "export", folder / "later", *vaulted)[0] == 0
            held = ["--log", folder / "later" / "audit.jsonl", "--key", key["key"]]
        else:
            older = ["--checkpoint", checkpoint["text"]]
            assert verify(proof, *older) == 2, "of the newer checkpoint the auditor knows nothing"
            newer = json.loads(proof.read_text())["checkpoint"]["text"]
            held = [*older, "--checkpoint", newer]
        assert verify(proof, *held) == 0
    proof = folder / "old.json"
    given = ["audit", "prove", "2", "--since", folder / "cp.json", "--out", proof]
    assert run(*given, *vaulted)[0] == 0
    assert verify(proof, "--checkpoint", folder / "cp.json") == 0
    acts = [entry["act"] for entry in records("audit", "list", *vaulted)[1]]
    assert {"audit.export", "audit.checkpoint", "audit.prove"} <= set(acts)


def test_people_get_sentences(run, records, vaulted, folder):
    _, said, _ = run("audit", "key", "--page", folder / "key.html", *vaulted)
    assert said.startswith("AIKEY2-")
    assert "AIKEY2-" in (folder / "key.html").read_text()
    _, said, _ = run("audit", "checkpoint", *vaulted)
    short = said.splitlines()[1]
    assert short.startswith("AIROOT2-")
    status, said, _ = run("audit", "verify", "--checkpoint", short, *vaulted)
    assert (status, "are as they were written" in said) == (0, True)
    assert re.search(r"given, of \d+ entries.\nNot proven by that: .* \(now \d+ entr", said)
    status, said, _ = run("audit", "verify", *vaulted)
    assert (status, "Not proven: that the whole vault was not put back" in said) == (0, True)
    assert every(records("audit", "verify", *vaulted)[1], "audit-check")[0]["covered"] == 0
    given = ["audit", "verify", "--checkpoint", short]
    assert f"-{every(records(*given, *vaulted)[1], 'audit-check')[0]['covered']}-" in short
    _, said, _ = run("audit", "prove", "1", "--out", folder / "p.json", *vaulted)
    assert "proves that entry 1 is in the log" in said
    given = ["audit", "prove", "--since", short, "--out", folder / "s.json"]
    assert "begins with the first" in run(*given, *vaulted)[1]
    assert "with a checkpoint and the verifier" in run("audit", "export", folder, *vaulted)[1]


def test_a_checkpoint_that_the_log_does_not_extend_is_told(run, vaulted, folder):
    run("audit", "checkpoint", "--out", folder / "cp.json", *vaulted)
    changed = json.loads((folder / "cp.json").read_text()) | {"size": 1}
    (folder / "other.json").write_text(json.dumps(changed))
    status, said, _ = run("audit", "verify", "--checkpoint", folder / "other.json", *vaulted)
    assert (status, said.splitlines()[0]) == (3, "The checkpoint itself is not as it was written.")
    assert "Keep a copy" in said
    assert "audit accept" not in said, "accepting would not end that"
    given = ["audit", "prove", "--since", folder / "other.json", "--out", folder / "p.json"]
    status, _, said = run(*given, *vaulted)
    assert (status, "There is no such proof" in said) == (2, True)


def test_what_is_there_is_overwritten_only_when_that_is_asked(run, vaulted, folder):
    for extra, status in (((), 0), ((), 2), (("--force",), 0)):
        assert run("audit", "export", folder, *extra, *vaulted)[0] == status
        given = ["audit", "checkpoint", "--page", folder / "x.html", *extra]
        assert run(*given, *vaulted)[0] == status


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["prove", "--out", "x"], 2, "What shall be proven?"),
        (["prove", "999", "--out", "x"], 2, "no audit entry 999"),
        (["prove", "1"], 2, "--out"),
        (["verify", "--checkpoint", "absent"], 2, "cannot be read"),
        (["verify", "--checkpoint", "AIROOT2-1-AAAA"], 2, "There is a slip"),
        (["checkpoint", "--out", "/dev/null/x"], 5, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(run, vaulted, words, status, reason):
    found, _, said = run("audit", *words, *vaulted)
    assert (found, reason in said) == (status, True)


def test_one_entry_is_not_proven_for_a_short_form(run, vaulted, folder):
    short = run("audit", "checkpoint", *vaulted)[1].splitlines()[1]
    given = ["audit", "prove", "1", "--since", short, "--out", folder / "x"]
    status, _, said = run(*given, *vaulted)
    assert (status, "not to its short form" in said) == (2, True)


def test_two_checkpoints_that_were_kept_are_proven_to_be_of_one_log(run, vaulted, folder, verify):
    for name in ("older", "newer", "newest"):
        assert run("audit", "checkpoint", "--out", folder / f"{name}.json", *vaulted)[0] == 0
    proof = folder / "between.json"
    given = ["audit", "prove", "--since", folder / "older.json", "--to", folder / "newer.json"]
    assert run(*given, "--out", proof, *vaulted)[0] == 0
    both = ["--checkpoint", folder / "older.json", "--checkpoint", folder / "newer.json"]
    assert verify(proof, *both) == 0
    assert verify(proof, *both[:2]) == 2
    assert verify(proof, *both[:2], "--checkpoint", folder / "newest.json") == 1
    other = ["--since", folder / "newer.json", "--to", folder / "older.json"]
    assert run("audit", "prove", *other, "--out", folder / "x", *vaulted)[0] == 2
    for wrong in (["1", "--to", folder / "newer.json"], ["--to", folder / "newer.json"]):
        assert run("audit", "prove", *wrong, "--out", folder / "x", *vaulted)[0] == 2


def test_a_terminal_shows_the_key_as_a_picture(run, vaulted, monkeypatch, tmp_path):
    from app.cli.output import Output

    made = Output.standard(json=False)
    monkeypatch.setattr(type(made.stdout), "isatty", lambda _: True, raising=False)
    assert "█▀" in run("audit", "key", *vaulted)[1]
    new = ["--vault", tmp_path / "new", *vaulted[2:]]
    assert "█▀" in run("init", *new)[1], "and when a vault is made"


def test_a_vault_that_was_put_back_is_told_until_somebody_accepts_it(records, run, vaulted):
    folder = vaulted[vaulted.index("--vault") + 1]
    older = {path.name: path.read_bytes() for path in folder.glob("vault.*")}
    run("audit", "checkpoint", *vaulted)
    for name, body in older.items():
        (folder / name).write_bytes(body)
    status, said, _ = run("audit", "verify", *vaulted)
    assert (status, "This computer saw" in said, "audit accept" in said) == (3, True, True)
    status, _, said = run("list", *vaulted)
    assert (status, "an older state was put back" in said) == (0, True)
    status, _, said = run("policy", "set", "session_hours", "12", *vaulted)
    assert (status, said.count("`autoinsights audit accept --reason TEXT`")) == (3, 2)
    given = ["audit", "accept", "--reason", "restored after a fire"]
    entry = every(records(*given, *vaulted)[1], "audit-entry")[0]
    assert (entry["act"], entry["reason"]) == ("audit.accept", "restored after a fire")
    assert run("audit", "verify", *vaulted)[0] == 0
    status, _, said = run("policy", "set", "session_hours", "12", *vaulted)
    assert (status, "older state" in said) == (0, False)

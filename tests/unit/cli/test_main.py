"""Commands on real vaults, with workers that answer at once."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from app import bootstrap, cli
from app.cli import passphrases
from app.engine.client import ask
from app.engine.models import ModelLibrary
from app.errors import WindowMissing
from app.storage import recovery_sheet, remembered
from app.storage.remembered import Keyring
from tests import workers
from tests.unit.cli.conftest import PASSPHRASE
from tests.unit.engine.test_heads import pack

DOCUMENTS = Path(__file__).parents[3] / "resources" / "documents"
RECORDS = json.loads((DOCUMENTS / "records.schema.json").read_text(encoding="utf-8"))


def every(printed, schema):
    """Return the printed objects of one schema, each of them as documented."""
    for one in printed:
        jsonschema.validate(one, RECORDS)
    return [one for one in printed if one["schema"] == f"autoinsights.{schema}/1"]


def test_a_vault_is_made_once(records, secret, tmp_path):
    options = ["--vault", tmp_path / "vault", "--passphrase-file", secret]
    status, printed = records("init", *options)
    assert status == 0
    made = every(printed, "vault")[0]
    assert (made["demo"], Path(made["folder"])) == (False, tmp_path / "vault")
    status, printed = records("init", *options)
    assert (status, printed[0]["error"]["code"]) == (3, "vault-exists")


def sit_down(monkeypatch, *, typed, answers=()):
    """Let a person sit at the terminal: what they type unseen, and what they answer."""
    lines, unseen = iter(answers), iter(typed)
    terminal = SimpleNamespace(isatty=lambda: True, readline=lambda: next(lines))
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("getpass.getpass", lambda _: next(unseen))


def test_a_recovery_sheet_is_offered_tested_and_opens_the_vault(
    run, records, secret, tmp_path, monkeypatch
):
    monkeypatch.setattr(recovery_sheet, "new_secret", lambda: bytes(range(20)))
    sheet = recovery_sheet.written(bytes(range(20)))
    place = ["--vault", tmp_path / "vault"]
    sit_down(monkeypatch, typed=[PASSPHRASE, PASSPHRASE, sheet.lower()], answers=["\n"])
    status, said, shown = run(*place, "init", "--person", "Maria")
    assert (status, "AIKEY2-" in said, sheet in shown) == (0, True, True)
    for name, text in (("sheet", sheet), ("new", "seven tall ships in a bottle")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = ["--sheet-file", tmp_path / "sheet", "--new-passphrase-file", tmp_path / "new"]
    status, printed = records(*place, "key", "recover", "maria", *files)
    assert (status, every(printed, "keys")[0]["recovery_sheet"]) == (0, True)
    assert records("list", *place, "--passphrase-file", tmp_path / "new")[0] == 0
    assert records("list", *place, "--passphrase-file", secret)[0] == 4


@pytest.mark.parametrize("how", [[], ["--quiet"], ["--quiet", "--json"]])
def test_a_passphrase_is_made_for_who_wants_none_of_their_own(run, tmp_path, monkeypatch, how):
    sit_down(monkeypatch, typed=[""], answers=["n\n"])
    status, _, said = run("--vault", tmp_path / "vault", "init", *how)
    assert status == 0
    shown = said.split("The passphrase is:")[1].split()[0]
    (tmp_path / "shown").write_text(shown, encoding="utf-8")
    options = ["--vault", tmp_path / "vault", "--passphrase-file", tmp_path / "shown"]
    assert run("list", *options)[0] == 0


def test_calls_are_imported_analysed_listed_shown_and_found(records, vaulted, recordings):
    status, printed = records("import", recordings, "--agent", "Sam", *vaulted)
    assert status == 0
    taken, done = every(printed, "import")[0], every(printed, "processing")[0]
    assert (len(taken["imported"]), taken["passed_over"], taken["queued"]) == (2, 1, 2)
    assert (done["done"], done["failed"]) == (2, 0)

    _, printed = records("list", *vaulted)
    calls = every(printed, "call")
    assert {call["id"] for call in calls} == set(taken["imported"])
    assert {(call["state"], call["agent"]) for call in calls} == {("done", "Sam")}

    _, printed = records("show", calls[0]["id"][:10], *vaulted)
    detail = every(printed, "call-detail")[0]
    assert detail["id"] == detail["analysis"]["id"] == calls[0]["id"]
    assert detail["analysis"]["turns"][1]["role"] == "customer"
    assert detail["analysis"]["seconds"] == {}

    _, printed = records("search", "complaint", "bill", *vaulted)
    assert {hit["call"] for hit in every(printed, "hit")} == set(taken["imported"])
    status, printed = records("audit", "verify", *vaulted)
    assert (status, every(printed, "audit-check")[0]["ok"]) == (0, True)
    _, printed = records("audit", "list", "--limit", "3", *vaulted)
    assert every(printed, "audit-entry")[0]["act"] == "vault.open"
    assert len(printed) == 3


def test_people_get_the_same_as_text(run, vaulted, recordings):
    status, said, beside = run("import", recordings, *vaulted)
    assert status == 0
    assert "2 calls imported, 1 file passed over" in said
    assert "2 calls (0:26 of audio) analysed" in said
    assert "Complaint" in said
    assert beside == ""
    call = said.split("ID ")[1].splitlines()[1].split()[0]
    assert "[CARD-1]" in run("show", call, *vaulted)[1]
    assert "\u2039complaint\u203a" in run("search", "complaint", *vaulted)[1]
    assert "Nothing was found" in run("search", "zeppelin", *vaulted)[1]
    assert "No call fits" in run("list", "--queue", "none", *vaulted)[1]
    assert "1 of 2 calls" in run("list", "--limit", "1", *vaulted)[1]
    assert "call.view" in run("audit", "list", *vaulted)[1]


def test_an_import_can_leave_the_calls_for_later(records, vaulted, recordings):
    status, printed = records("import", recordings, "--no-process", *vaulted)
    assert (status, printed[0]["queued"], len(printed)) == (0, 2, 1)
    assert records("list", "--state", "queued", *vaulted)[1][0]["state"] == "queued"
    assert records("process", *vaulted)[1][0]["done"] == 2
    assert records("process", "--retry-failed", *vaulted)[1][0]["done"] == 0


def test_a_file_that_cannot_be_taken_is_named_and_the_rest_goes_on(
    records, run, vaulted, recordings
):
    given = ["import", recordings / "absent.wav", recordings / "a.wav", *vaulted]
    status, printed = records(*given)
    assert status == 7
    taken = every(printed, "import")[0]
    assert [(one["name"], len(taken["imported"])) for one in taken["refused"]] == [
        ("absent.wav", 1)
    ]
    status, said, _ = run(*given)
    assert status == 7
    assert "Not taken: absent.wav: The file cannot be read." in said
    assert "1 already in the vault" in said


def test_without_a_vault_nothing_is_made_unasked(records, recordings, secret):
    status, printed = records("import", recordings, "--passphrase-file", secret)
    assert (status, printed[0]["error"]["code"]) == (3, "vault-missing")
    assert not bootstrap.standard_folders().vault.exists()


def test_a_person_is_offered_a_vault(run, recordings, monkeypatch, secret):
    monkeypatch.setattr(passphrases, "can_ask", lambda: True)
    status, _, said = run("import", recordings, "--no-process", "--passphrase-file", secret)
    assert status == 0
    assert "it is made now" in said
    assert bootstrap.standard_folders().vault.is_dir()


def test_a_wrong_passphrase_and_a_wrong_id_are_errors_of_their_own(records, run, vaulted, tmp_path):
    (tmp_path / "wrong").write_text("not the passphrase at all", encoding="utf-8")
    status, printed = records("list", *vaulted[:2], "--passphrase-file", tmp_path / "wrong")
    assert (status, printed[0]["error"]["code"]) == (4, "wrong-passphrase")
    for call in ("0" * 32, "0", "../x"):
        status, printed = records("show", call, *vaulted)
        assert (status, printed[0]["error"]["code"]) == (6, "call-not-found")
    status, _, said = run("list", *vaulted[:2])
    assert status == 2
    assert "nobody can be asked" in said


def test_the_passphrase_stays_out_of_output_and_log(run, vaulted, recordings):
    run("--verbose", "import", recordings, *vaulted)
    for command in (["list"], ["show", "0"], ["init"], ["doctor", "--passphrase", PASSPHRASE]):
        _, out, err = run(*command, *vaulted)
        assert PASSPHRASE not in out + err, command


def test_a_settings_file_must_be_there_and_right(records, tmp_path):
    status, printed = records("models", "--settings", tmp_path / "absent.toml")
    assert (status, printed[0]["error"]["code"]) == (2, "usage")
    (tmp_path / "wrong.toml").write_text("[speech]\ncolour = 1\n", encoding="utf-8")
    status, printed = records("models", "--settings", tmp_path / "wrong.toml")
    assert (status, printed[0]["error"]["code"]) == (2, "usage")
    assert "speech.colour" in printed[0]["error"]["sentence"]


def test_a_customers_calls_are_found_by_the_whole_reference(records, vaulted, recordings):
    (recordings / "calls.csv").write_text("file,customer_reference\na.wav,KL-88412 john smith\n")
    records("import", recordings, *vaulted, "--no-process")
    _, (found,) = records("list", *vaulted, "--customer", "kl-88412 John Smith")
    assert found["source_name"] == "a.wav"
    assert records("list", *vaulted, "--customer", "KL-88412") == (0, [])
    _, (shown,) = records("show", found["id"], *vaulted)
    assert shown["metadata"]["customer_reference"] == "KL-88412 [PERSON-1]"


def test_models_are_listed_and_checked(records, run):
    status, printed = records("models")
    names = {model["name"] for model in every(printed, "model")}
    assert (status, {"whisper-base", "minilm"} <= names) == (0, True)
    assert "whisper-base" in run("models", "list")[1]
    status, printed = records("models", "check")
    assert {check["name"] for check in every(printed, "check")} == names
    assert (status, all(check["ok"] for check in printed)) == (0, True)


WRONG = [
    (["--model", "nope"], 8, "model-missing"),
    (["--model", "minilm"], 8, "model-missing"),
    (["--heads", "nope"], 8, "model-missing"),
    (["--heads", "whisper-base"], 8, "model-missing"),
    (["--pack", "zzz"], 2, "usage"),
    (["--device", "cuda"], 8, "device-missing"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: " ".join(wrong[0]))
def test_a_wrong_model_pack_or_device_is_told_once_before_anything_is_done(
    records, vaulted, recordings, wrong, monkeypatch
):
    monkeypatch.setattr(ModelLibrary.__init__, "__kwdefaults__", {"gpu": frozenset})
    option, status, code = wrong
    files = [recordings / "a.wav", recordings / "b.mp3"]
    for command in (["import", *files, *vaulted], ["process", *vaulted], ["analyse", *files]):
        ended, printed = records(*command, *option)
        assert (ended, [one["error"]["code"] for one in printed]) == (status, [code]), command
    assert records("list", *vaulted) == (0, [])
    assert records("import", *files, *vaulted, *option, "--no-process")[0] == 0


@pytest.mark.parametrize("command", ["analyse", "redact"])
def test_a_policy_that_is_not_there_is_told_before_anything_is_done(command, records, tmp_path):
    (tmp_path / "call.json").write_text('{"turns": [{"text": "hello"}]}', encoding="utf-8")
    ended, (told,) = records(command, tmp_path / "call.json", "--redact", "zzz")
    assert (ended, told["error"]["code"]) == (2, "usage")
    assert "standard" in told["error"]["hint"]


def test_a_transcript_needs_no_speech_model(records, tmp_path):
    (tmp_path / "call.json").write_text('{"turns": [{"text": "hello"}]}', encoding="utf-8")
    options = ["--model", "nope", "--device", "cuda"]
    assert records("analyse", tmp_path / "call.json", *options)[0] == 0


def test_heads_are_imported_listed_chosen_and_refused_when_they_were_changed(
    records, run, recordings, tmp_path, monkeypatch
):
    monkeypatch.setattr(bootstrap, "ask", ask)  # a worker of its own tries the graph
    status, said, _ = run("models", "import", pack(tmp_path / "pack"))
    assert status == 0
    assert "`--heads my-heads`, or as `analysis.heads`" in said
    listed = every(records("models")[1], "model")
    assert "my-heads" in {one["name"] for one in listed}
    (tmp_path / "set.toml").write_text('[analysis]\nheads = "my-heads"\n', encoding="utf-8")
    for option in (["--heads", "my-heads"], ["--settings", tmp_path / "set.toml"]):
        assert records("analyse", recordings / "a.wav", *option)[0] == 0
    status, printed = records("models", "import", pack(tmp_path / "bad", b"garbage" * 100))
    assert (status, printed[0]["error"]["code"]) == (8, "pack-invalid")
    assert "no ONNX graph" in printed[0]["error"]["sentence"]
    folder = bootstrap.standard_folders().data / "model-packs" / "my-heads"
    (folder / "head.onnx").write_bytes(b"changed")
    status, printed = records("analyse", recordings / "a.wav", "--heads", "my-heads")
    assert (status, [one["error"]["code"] for one in printed]) == (8, ["model-mismatch"])


def test_a_graph_that_ends_the_process_is_not_kept(records, tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ask", partial(ask, serve=workers.ends))
    status, printed = records("models", "import", pack(tmp_path / "pack"))
    assert (status, printed[0]["error"]["code"]) == (8, "pack-invalid")
    assert "could not be tried out" in printed[0]["error"]["sentence"]


def test_a_folder_that_is_no_model_pack_is_refused(records, tmp_path):
    status, printed = records("models", "import", tmp_path)
    assert (status, printed[0]["error"]["code"]) == (8, "pack-invalid")


def test_doctor_tells_line_by_line(records, run, network_attempts, expected_logs):
    status, printed = records("doctor")
    checks = {check["name"]: check["ok"] for check in every(printed, "check")}
    assert checks["disk"]
    assert checks["sample"]
    status, said, _ = run("doctor")
    assert status == (0 if "All is well" in said else 1)


def test_the_window_opens_when_nothing_else_is_asked(run, tmp_path):
    asked = []

    def window(program, vault, _passphrase):
        asked.append((program.folders.data.name, vault))
        return 5

    assert run(window=window)[0] == 5
    assert run("--vault", tmp_path, window=window)[0] == 5
    assert asked == [("AutoInsights", None), ("AutoInsights", tmp_path)]
    status, _, said = run()
    assert status == WindowMissing.status
    assert "no window" in said


def test_a_fault_of_the_program_is_told_without_content(run, records, expected_logs, monkeypatch):
    def faulty(*_):
        raise RuntimeError("my card number is 4929 4212 3460 0821")

    status, out, said = run(window=faulty)
    assert (status, out) == (70, "")
    assert "RuntimeError" in said
    assert "faulty" in said
    assert "4929" not in said
    status, printed = records(window=faulty)
    assert (status, every(printed, "error")[0]["error"]["code"]) == (70, "fault")
    assert [record.getMessage() for record in expected_logs] == [
        "a command met a fault in the program"
    ] * 2


def test_an_interruption_is_no_fault(run):
    def interrupted(*_):
        raise KeyboardInterrupt

    status, printed, said = run("--json", window=interrupted)
    assert status == 130
    assert [one["error"]["code"] for one in every([json.loads(printed)], "error")] == [
        "interrupted"
    ]
    assert "wait in the queue" in said
    assert "Stopped" in said


@pytest.mark.parametrize("command", [["models"], ["models", "--json"]])
def test_a_reader_that_has_gone_is_no_fault(command):
    child = subprocess.Popen(
        [sys.executable, "-m", "app", *command],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert (child.wait(60), said) == (cli.READER_GONE, b"")


class _Drawer:
    """A keyring in memory that can be locked."""

    def __init__(self):
        self.kept = {}
        self.locked = False

    def get_password(self, service, name):
        if self.locked:
            raise RuntimeError
        return self.kept.get((service, name))

    def set_password(self, service, name, password):
        self.kept[service, name] = password


def test_a_remembered_key_opens_the_vault_and_a_locked_keyring_does_not_stop(
    run, vaulted, monkeypatch
):
    drawer = _Drawer()
    monkeypatch.setattr(remembered, "system_keyring", lambda: Keyring(drawer))
    with bootstrap.program().open(vaulted[1], PASSPHRASE) as workspace:
        workspace.keys.remember(confirmed=workspace.take_confirmed())
    assert run("list", "--vault", vaulted[1])[0] == 0
    # what lets somebody in takes the passphrase all the same
    status, _, said = run("key", "rotate", "--vault", vaulted[1])
    assert (status, "passphrase is needed" in said) == (2, True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda _: "not the right one at all")
    assert run("key", "rotate", "--vault", vaulted[1])[0] == 4
    monkeypatch.setattr("getpass.getpass", lambda _: PASSPHRASE)
    assert run("key", "rotate", "--vault", vaulted[1])[0] == 0
    drawer.locked = True
    monkeypatch.setattr("getpass.getpass", lambda _: PASSPHRASE)
    status, _, said = run("list", "--vault", vaulted[1])
    assert status == 0
    assert "keyring is locked" in said

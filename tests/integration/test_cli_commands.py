"""The real program on real input: the demonstration, what it leaves, transcripts, interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"
DOCUMENTS = ROOT / "resources" / "documents"
PASSPHRASE = "grumpy walrus juggles lanterns"
RECORDINGS = {
    *("finance.mp3", "insurance.flac", "public-service.wav", "retail.opus", "utilities.wav"),
}

pytestmark = pytest.mark.models


def schema(name):
    return json.loads((DOCUMENTS / name).read_text(encoding="utf-8"))


def surroundings(home):
    """A home of its own, without a screen."""
    mine = {name: str(home / name) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    mine |= {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return {**os.environ, **mine, "QT_QPA_PLATFORM": "offscreen"}


def autoinsights(home, *arguments, given=b""):
    return subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        cwd=ROOT,
        env=surroundings(home),
        input=given,
        check=False,
        capture_output=True,
    )


def objects(done):
    """Return what was printed with `--json`, each object as documented."""
    documented = schema("records.schema.json")
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    for one in printed:
        jsonschema.validate(one, documented)
    return printed


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    """The first run of the demonstration, and the home in which it was made."""
    home = tmp_path_factory.mktemp("demonstration")
    done = autoinsights(home, "demo")
    assert done.returncode == 0, done.stderr.decode()
    return home, done


@pytest.fixture
def demo_vault(demonstration):
    home, _ = demonstration
    folder = next(home.rglob("demo-vault"))
    return home, ["--vault", folder]


def test_the_demonstration_prints_what_it_found_in_each_sample(demonstration):
    _, done = demonstration
    said = done.stdout.decode()
    parts = said.split("--- DEMO ---")[1:]
    names = {part.splitlines()[1].split("  |")[0] for part in parts[:-1]}
    assert names == RECORDINGS
    for part in parts[:-1]:
        for label in ("  Findings  ", "  Redacted  ", "  Summary   ", "  Score     "):
            assert label in part
    assert "5 calls imported" in said
    assert "times as fast as it was spoken" in said
    assert done.stderr == b""


def test_the_demonstration_leaves_nothing_but_its_own_behind(demonstration):
    home, _ = demonstration
    left = [file.relative_to(home) for file in home.rglob("*") if file.is_file()]
    assert left
    assert [file for file in left if "AutoInsights" not in file.parts] == []


def test_the_passphrase_of_the_demonstration_is_shown_and_kept(demonstration):
    home, done = demonstration
    kept = next(home.rglob("demo-vault.passphrase"))
    assert kept.read_text(encoding="utf-8").strip() in done.stdout.decode()
    if os.name == "posix":
        assert kept.stat().st_mode & 0o077 == 0


def test_the_second_demonstration_finds_nothing_to_do(demonstration):
    home, _ = demonstration
    done = autoinsights(home, "demo", "--no-window", "--json")
    printed = objects(done)
    assert done.returncode == 0
    assert printed[0]["duplicates"] == 5
    assert printed[1]["done"] == 0
    assert {one["source_name"] for one in printed[2:]} == RECORDINGS


def test_the_calls_of_the_demonstration_are_listed_shown_and_found(demo_vault):
    home, vault = demo_vault
    calls = objects(autoinsights(home, "list", "--json", "--sort", "name", "--ascending", *vault))
    assert [call["source_name"] for call in calls] == sorted(RECORDINGS)
    assert {call["state"] for call in calls} == {"done"}
    flagged = objects(autoinsights(home, "list", "--json", "--flag", "complaint", *vault))
    assert "utilities.wav" in {call["source_name"] for call in flagged}
    detail = objects(autoinsights(home, "show", calls[0]["id"], "--json", *vault))[0]
    assert detail["analysis"]["turns"]
    made = detail["analysis"]["provenance"]
    assert [model["name"] for model in made["models"]] == [
        *("whisper-base", "silero-vad", "spacy-en", "tagger", "minilm", "call-heads")
    ]
    assert len([pack for pack in made["packs"] if pack.startswith("recognisers-")]) == 1
    hits = objects(autoinsights(home, "search", "formal complaint", "--json", *vault))
    assert {hit["call"] for hit in hits} <= {call["id"] for call in calls}
    assert hits
    check = objects(autoinsights(home, "audit", "verify", "--json", *vault))[0]
    assert check["ok"]
    assert check["entries"] > 10


def test_nobody_puts_real_calls_into_the_demonstration(demo_vault):
    home, vault = demo_vault
    done = autoinsights(home, "import", SAMPLES, "--json", *vault)
    assert done.returncode == 2
    assert "demonstration" in objects(done)[0]["error"]["sentence"]


def test_a_demonstration_without_its_passphrase_says_how_to_start_again(demo_vault, tmp_path):
    _, (_, folder) = demo_vault
    copy = tmp_path / "demo-vault"
    shutil.copytree(folder, copy)
    done = autoinsights(tmp_path, "demo", "--vault", copy, "--json")
    assert (done.returncode, objects(done)[0]["error"]["code"]) == (2, "usage")
    assert "Delete" in objects(done)[0]["error"]["hint"]
    copy.with_name("demo-vault.passphrase").write_text(PASSPHRASE, encoding="utf-8")
    done = autoinsights(tmp_path, "demo", "--vault", copy, "--json")
    assert (done.returncode, objects(done)[0]["error"]["code"]) == (4, "wrong-passphrase")


def test_transcripts_are_redacted_and_analysed_and_can_be_analysed_again(tmp_path):
    given = b"".join(sorted(file.read_bytes() for file in SAMPLES.glob("*.json")))
    first = autoinsights(tmp_path, "analyse", "-", "--json", given=given)
    assert first.returncode == 0
    found = objects(first)
    assert {one["id"] for one in found} == {Path(name).stem for name in RECORDINGS}
    assert [one["line"] for one in found] == [1, 2, 3, 4, 5]
    for one, gold in zip(found, map(json.loads, given.splitlines()), strict=True):
        jsonschema.validate(one, schema("analysis.schema.json"))
        jsonschema.validate(one, schema("transcript.schema.json"))
        assert len(one["turns"]) == len(gold["turns"])
        for redaction in one["redactions"]:
            spoken = gold["turns"][redaction["turn"]]["text"]
            kept = one["turns"][redaction["turn"]]["text"]
            placeholder = kept[redaction["safe_start"] : redaction["safe_end"]]
            assert placeholder == f"[{redaction['kind']}-{redaction['value']}]"
            assert spoken[redaction["start"] : redaction["end"]].strip()
    again = objects(autoinsights(tmp_path, "analyse", "-", "--json", given=first.stdout))
    for one, more in zip(found, again, strict=True):
        assert len(one["turns"]) == len(more["turns"])
        for redaction in one["redactions"]:
            kept = one["turns"][redaction["turn"]]["text"]
            placeholder = kept[redaction["safe_start"] : redaction["safe_end"]]
            assert placeholder in more["turns"][redaction["turn"]]["text"]


def replaced(texts, redactions):
    """Return what was said with each redaction's placeholder in its place."""
    for one in reversed(redactions):
        text, placeholder = texts[one["turn"]], f"[{one['kind']}-{one['value']}]"
        texts[one["turn"]] = text[: one["start"]] + placeholder + text[one["end"] :]
    return texts


def test_transcripts_are_redacted_alone_as_they_are_with_an_analysis(tmp_path):
    files = sorted(SAMPLES.glob("*.json"))
    secret = "4929421234600821"
    broken = f'{{"turns": [{{"text": "{secret}"}}]'
    texts = {"role": "customer", "text": f"my card is {secret}"}
    calls = [*(file.read_text("utf-8").strip() for file in files), broken]
    calls.append(json.dumps({"id": "\N{SNOWMAN}", "turns": [texts, {"text": "thank you"}]}))
    done = autoinsights(tmp_path, "redact", "--json", given="\n".join(calls).encode())
    found = objects(done)
    assert (done.returncode, done.stderr) == (7, b"")
    assert [one["line"] for one in found] == list(range(1, len(calls) + 1))
    assert found.pop(-2)["error"]["code"] == "transcript-invalid"
    del calls[-2]
    for one, given in zip(found, map(json.loads, calls), strict=True):
        jsonschema.validate(one, schema("transcript.schema.json"))
        assert one["id"] == given.get("id")
        assert one["redactions"]
        said = [turn["text"] for turn in given["turns"]]
        assert replaced(said, one["redactions"]) == [turn["text"] for turn in one["turns"]]
    assert secret.encode() not in done.stdout
    assert [one["kind"] for one in found[-1]["redactions"]] == ["CARD"]
    analysed = objects(autoinsights(tmp_path, "analyse", files[0], "--json"))[0]
    assert analysed["redactions"] == found[0]["redactions"]
    assert analysed["turns"] == found[0]["turns"]
    written = [file.name for file in tmp_path.rglob("*") if file.is_file()]
    assert written in ([], ["autoinsights.log"])


def test_a_program_can_ask_line_by_line_what_is_safe(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "app", "redact", "--json"],
        cwd=ROOT,
        env=surroundings(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as asked:
        for text in ("my email is bob.brown@example.com", "nothing else"):
            asked.stdin.write(json.dumps({"turns": [{"text": text}]}).encode() + b"\n")
            asked.stdin.flush()
            answer = json.loads(asked.stdout.readline())
            assert answer["turns"][0]["text"] == text.replace("bob.brown@example.com", "[EMAIL-1]")
        asked.stdin.close()
        assert asked.wait() == 0


def test_only_what_nobody_may_keep_is_redacted_where_nothing_is_wanted(tmp_path):
    done = autoinsights(tmp_path, "analyse", SAMPLES / "retail.json", "--redact", "none", "--json")
    assert done.returncode == 0
    assert {redaction["kind"] for redaction in objects(done)[0]["redactions"]} == {"CARD_CODE"}


def test_a_wrong_transcript_names_its_field_and_quotes_nothing(tmp_path):
    lines = b'{"turns": [{"text": 4929421234600821}]}\n{"turns": [{"text": "good morning"}]}\nno\n'
    done = autoinsights(tmp_path, "analyse", "-", "--json", given=lines)
    wrong, right, broken = objects(done)
    assert done.returncode == 7
    assert (wrong["line"], wrong["error"]["code"]) == (1, "transcript-invalid")
    assert "turns[0].text" in wrong["error"]["sentence"]
    assert right["turns"][0]["text"] == "good morning"
    assert broken["error"]["code"] == "transcript-invalid"
    assert b"4929" not in done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no signals of this kind")
def test_an_interrupted_import_loses_nothing(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(PASSPHRASE, encoding="utf-8")
    options = ["--vault", tmp_path / "vault", "--passphrase-file", secret]
    assert autoinsights(tmp_path, "init", *options).returncode == 0
    command = [sys.executable, "-m", "app", "--json", "import", SAMPLES / "retail.opus", *options]
    child = subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env=surroundings(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    taken = json.loads(child.stdout.readline())  # printed before the analysis begins
    child.send_signal(signal.SIGINT)
    printed, said = child.communicate(timeout=120)
    assert child.returncode == 130, said
    assert b"Stopped" in said
    *done, ended = map(json.loads, printed.splitlines())
    assert [one["done"] for one in done] in ([], [0])
    assert (ended["schema"], ended["error"]["code"]) == ("autoinsights.error/1", "interrupted")
    waiting = objects(autoinsights(tmp_path, "list", "--json", *options))
    assert [(call["id"], call["state"]) for call in waiting] == [(taken["imported"][0], "queued")]

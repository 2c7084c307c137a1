"""Nothing of a call, no key and no passphrase stands anywhere on disk in the clear.

The real program imports and analyses a real recording, is killed in the middle once, and then every
byte below its data, temporary, cache, log and home folders is searched: for words that were spoken,
for stretches of the recording and of its sound, for the passphrase and for the keys. What a worker
keeps of a long call in temporary files is searched while the call is being analysed.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.config import Settings
from app.domain import AnalysedCall, CallId, CallQuery, Failure, JobState, Stage
from app.engine.client import Finished, Workers
from app.engine.wire import Places, Request
from app.engine.worker import main as real_worker
from app.storage import vault
from tests import workers
from tests.arrays import decoded

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "resources" / "samples" / "finance.mp3"
PASSPHRASE = "grumpy walrus juggles lanterns"
SPOKEN_RUN_BYTES = 64
DONE = CallQuery(states=frozenset({JobState.DONE}))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A person's home folder in which everything that a program writes has to end up."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        folder = tmp_path / "everything" / name.lower()
        folder.mkdir(parents=True)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "everything" / "tmp"))
    (tmp_path / "everything" / "tmp").mkdir()
    return tmp_path / "everything"


def _run(tmp_path, *arguments, kill_when=None):
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE, encoding="utf-8")
    command = [sys.executable, "-m", "app", "--passphrase-file", str(secret), "--verbose"]
    child = subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    if kill_when is not None:
        kill_when(child)
        os.killpg(child.pid, signal.SIGKILL)
    said, _ = child.communicate(timeout=300)
    return child.returncode, said


def _needles(folder):
    """Return what must not be found, by name."""
    sound = decoded(SAMPLE.read_bytes(), longest_minutes=5).samples
    loud = int(abs(sound[0]).argmax())
    recording = SAMPLE.read_bytes()
    middle = len(recording) // 2
    with vault.open_vault(folder, PASSPHRASE) as opened:
        found = opened.calls.page(DONE, offset=0, limit=1)[0]
        said = opened.calls.detail(found.id).analysis.transcript
        keys = secrets_of(opened)
    words = [turn.text.encode() for turn in said.turns if len(turn.text) > 20]
    assert words
    stretches = [text[start : start + 18] for text in words for start in (0, len(text) // 2)]
    needles = {f"words {number}": words for number, words in enumerate(stretches)}
    needles |= {
        f"words {number} in UTF-16": words.decode().encode("utf-16-le")
        for number, words in enumerate(stretches)
    }
    needles["the recording"] = recording[middle : middle + SPOKEN_RUN_BYTES]
    needles["its sound"] = sound[0, loud : loud + SPOKEN_RUN_BYTES // 2].tobytes()
    needles["the passphrase"] = PASSPHRASE.encode()
    return needles | keys


def secrets_of(opened):
    """Return every 32-byte secret that the open vault holds, raw and as hexadecimal digits."""
    import gc

    found = {}
    seen = set()
    queue = [opened]
    while queue:
        one = queue.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray):
            if len(one) == 32 and len(set(one)) > 8:
                found[f"key {len(found)}"] = bytes(one)
        elif type(one).__module__.startswith(("app.storage", "builtins")):
            queue += [held for held in gc.get_referents(one) if not callable(held)]
    assert found, "the search for keys found none: it does not look in the right place"
    return found | {f"{name} in hex": key.hex().encode() for name, key in found.items()}


def _search(place, needles):
    found = []
    for file in place.rglob("*"):
        if file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            found += [(name, file.name) for name, needle in needles.items() if needle in content]
    return found


@pytest.mark.models
@pytest.mark.usefixtures("real_stretching")
def test_every_byte_on_disk_is_free_of_what_was_said(tmp_path, home):
    folder = home / "vault"
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    shutil.copy(SAMPLE, recordings)
    assert _run(tmp_path, "--vault", folder, "init")[0] == 0
    _run(tmp_path, "--vault", folder, "import", recordings, kill_when=_while_it_listens(folder))
    status, said = _run(tmp_path, "--vault", folder, "process")
    assert status == 0, said
    status, _ = _run(tmp_path, "--vault", folder, "import", ROOT / "README.md")
    assert status != 0  # a failed call writes nothing of what it read either
    needles = _needles(folder)
    (tmp_path / "control").mkdir()
    for name, needle in needles.items():
        (tmp_path / "control" / name).write_bytes(b"before" + needle + b"after")
    assert len(_search(tmp_path / "control", needles)) >= len(needles)  # the search can find
    assert _search(home, needles) == []


def _while_it_listens(folder):
    """Return what waits until the recording is sealed and its analysis has begun."""

    def wait(child):
        while child.poll() is None:
            if any(folder.glob("audio/*/*.sealed")):
                _until_it_works_hard(child.pid)
                return

    return wait


def _until_it_works_hard(pid):
    """Wait until a child process of the program has worked for two seconds of processor time."""
    import psutil

    parent = psutil.Process(pid)
    while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        times = [child.cpu_times() for child in parent.children(recursive=True)]
        if any(one.user + one.system > 2 for one in times):
            return


@pytest.fixture
def long_call():
    """Eleven minutes at 16 kHz, whose samples are those of the file: somebody speaks at the end."""
    said = decoded(SAMPLE.read_bytes(), longest_minutes=5).samples[0][: 16_000 * 20]
    sound = np.zeros((16_000 * 60 * 11, 2), np.int16)
    sound[-len(said) :, 1] = said
    file = io.BytesIO()
    soundfile.write(file, sound, 16_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _analysing(recording, serve):
    """Yield at everything that a worker says of a call, its outcome last."""
    places = Places(resources=str(ROOT / "resources"), packs=str(ROOT / "none"))
    request = Request(content="audio", payload=recording, suffix=".wav", settings=Settings())
    with closing(Workers(1, places, threads=2, stuck_after_seconds=300, serve=serve)) as running:
        running.submit(CallId("long"), request)
        while True:
            for told in running.events(10):
                yield running, told
                if isinstance(told, Finished):
                    return


def _temporary_files(folder):
    """Return what lies there but the speech model, which is public."""
    found = {}
    for file in folder.iterdir():
        if not file.name.startswith("autoinsights-model-"):
            with suppress(FileNotFoundError):  # it may be closed just now
                found[file.name] = file.read_bytes()
    return found


@pytest.mark.models
def test_what_a_worker_keeps_of_a_long_call_in_temporary_files_tells_nothing(tmp_path, long_call):
    interleaved = np.frombuffer(long_call[44:], np.int16).reshape(-1, 2)
    channel = interleaved[:, 1]
    places = [at for at in range(0, len(channel) - 32, 8000) if channel[at : at + 32].any()]
    needles = [channel[at : at + 32].tobytes() for at in places]
    needles += [interleaved[at : at + 32].tobytes() for at in places]
    assert len(needles) > 50
    assert all(needle in long_call or needle in channel.tobytes() for needle in needles)
    seen, searched, told = {}, set(), None
    for _, told in _analysing(long_call, workers.naming_its_files):
        for name, content in _temporary_files(tmp_path / "tmp").items():
            seen[name] = max(seen.get(name, 0), len(content))
            if hash(content) not in searched:
                searched.add(hash(content))
                assert not any(needle in content for needle in needles), told
                assert bytes(64) not in content  # silence does not show either
    assert isinstance(told.outcome, AnalysedCall)
    assert any(size > 2_000_000 for size in seen.values())
    assert _temporary_files(tmp_path / "tmp") == {}


@pytest.mark.models
@pytest.mark.skipif(os.name == "nt", reason="there the system deletes the file when it is closed")
def test_the_temporary_file_of_a_long_call_has_no_name_and_goes_with_its_worker(
    tmp_path, long_call
):
    told = None
    for running, told in _analysing(long_call, real_worker):
        assert _temporary_files(tmp_path / "tmp") == {}
        if not isinstance(told, Finished) and told.stage is Stage.TRANSCRIBE:
            running.cancel(told.call)
    assert isinstance(told.outcome, Failure)
    assert _temporary_files(tmp_path / "tmp") == {}

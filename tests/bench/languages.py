"""Which language a recording is taken for: English ones and others, with and without the rule.

    python -m tests.bench.languages --data FOLDER [--unlike 1 5]

Every recording of the manifest with five seconds of sound or more, as the product listens: each
channel's fullest window. `--unlike` lists how many times as likely as English another language has
to be: 1 is the likeliest one whatever it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.config import ExecutionSettings, SpeechSettings
from app.engine.models import ModelLibrary
from app.engine.transcription import CLEARLY, Transcriber, decided, telling
from app.engine.windows import pack
from tests.arrays import decoded
from tests.bench.wer import ROOT

OTHERS = {  # by how the file's name begins
    "leopard_test_de": "de",
    "leopard_test_es": "es",
    "leopard_test_fr": "fr",
    "leopard_test_it": "it",
    "de-DE": "de",
    "es-ES": "es",
    "fr-FR": "fr",
    "it-IT": "it",
    "new_single2": "nl",
}
SHORTEST_S = 5
LEFT_OUT = ("pyannote_ami_debug/",)  # many voices at once, from afar


class Listening(Transcriber):
    """What the product hears before it decides."""

    def heard(self, sound: bytes) -> list[tuple[str, float]]:
        """Return the languages of a recording, likeliest first."""
        audio = decoded(sound, longest_minutes=60)
        detected = self._detect(audio)
        windows = [w for channel, found in enumerate(detected) for w in pack(channel, found)]
        recogniser = self._recogniser(())
        return recogniser.languages(telling(windows), recogniser.encoder(audio.samples))


def main() -> int:
    """Measure and print both counts."""
    parser = argparse.ArgumentParser(description="Which language a recording is taken for")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "audio")
    parser.add_argument("--unlike", type=float, nargs="*", default=[1, CLEARLY])
    options = parser.parse_args()
    entries = json.loads((options.data / "manifest.json").read_text(encoding="utf-8"))
    models = ModelLibrary(ROOT / "resources", None)
    listening = Listening(models, SpeechSettings(), ExecutionSettings(threads_per_worker=2))
    counts = {(kind, unlike): [0, 0] for kind in ("en", "other") for unlike in options.unlike}
    for entry in entries:
        if (entry["duration_s"] or 0) < SHORTEST_S or entry["file"].startswith(LEFT_OUT):
            continue
        name = Path(entry["file"]).name
        spoken = next((code for begins, code in OTHERS.items() if name.startswith(begins)), "en")
        found = listening.heard((options.data / entry["file"]).read_bytes())
        if found[0][0] != spoken:
            print(f"{name}: {found[0][0]} {found[0][1]:.2f}, {dict(found)[spoken]:.2f} {spoken}")
        for unlike in options.unlike:
            count = counts["en" if spoken == "en" else "other", unlike]
            count[0] += 1
            count[1] += decided(found, unlike)[0] == spoken
    for (kind, unlike), (number, right) in counts.items():
        print(f"{kind:6} {unlike:4.0f} times as likely: {right} of {number} right")
    return 0


if __name__ == "__main__":
    sys.exit(main())

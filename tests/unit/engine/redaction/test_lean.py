"""Loading redaction brings in no web client and no recogniser that is not in use."""

from __future__ import annotations

import subprocess
import sys

from app.engine.redaction.lean import UNUSED, without_unused_parts
from tests.unit.engine.redaction.calls import ROOT

_LOADS = """
import sys
import app.engine.redaction.frame
unwanted = {"spacy.cli", "requests", "httpx", "urllib3", "phonenumbers", "weasel"}
print(sorted(unwanted & set(sys.modules)))
import presidio_analyzer.predefined_recognizers as real
print(real.PhoneRecognizer.__name__, "phonenumbers" in sys.modules)
"""


def test_only_what_is_used_is_imported_and_the_real_parts_can_still_be() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "PhoneRecognizer True"]


def test_what_is_loaded_already_stays() -> None:
    name = next(iter(UNUSED))
    real = sys.modules.setdefault(name, sys)
    try:
        with without_unused_parts():
            assert sys.modules[name] is real
        assert sys.modules[name] is real
    finally:
        if real is sys:
            del sys.modules[name]

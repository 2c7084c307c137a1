"""Imports spaCy and Presidio without what nobody asks of them here.

spaCy brings its command line, and with it web clients; Presidio brings some seventy recognisers and
the telephone numbers of the world. Both take longer to import than everything that is used. While
they are imported, empty modules stand in for these parts; afterwards the stand-ins are gone again,
and whoever wants the real ones gets them. Where the real ones are loaded already, they stay.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Modules that are not used, and the names that others import from them.
UNUSED = {
    "spacy.cli": (),
    "spacy.cli.info": ("info",),
    "presidio_analyzer.predefined_recognizers": (
        "SpacyRecognizer",
        "StanzaRecognizer",
        "TransformersRecognizer",
    ),
}


@contextmanager
def without_unused_parts() -> Iterator[None]:
    """Let empty modules stand in for the unused ones while libraries are imported."""
    placed = [name for name in UNUSED if name not in sys.modules]
    for name in placed:
        module = ModuleType(name)
        module.__path__ = []
        for wanted in UNUSED[name]:
            setattr(module, wanted, type(wanted, (), {}))
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]

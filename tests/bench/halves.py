"""Which half of a public set is held back: looked at and trained on by nobody, only measured."""

from __future__ import annotations

import hashlib


def held_back(key: str) -> bool:
    """Say to which half a template, a dialogue or a sentence belongs, by a seeded hash."""
    return hashlib.sha256(f"autoinsights:{key}".encode()).digest()[0] % 2 == 1

"""What every object that `--json` prints has in common."""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema"):
    """One line of output."""

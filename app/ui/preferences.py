"""What the window remembers between two starts: the folder of the last vault, nothing else."""

from __future__ import annotations

import json
from pathlib import Path

_FILE = "window.json"


class Preferences:
    """Small choices of a person, kept as JSON beside the settings file."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when it is first needed."""
        self._file = folder / _FILE

    @property
    def vault(self) -> Path | None:
        """The folder of the vault that was opened last, if it is known."""
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        folder = kept.get("vault") if isinstance(kept, dict) else None
        return Path(folder) if isinstance(folder, str) and folder else None

    @vault.setter
    def vault(self, folder: Path) -> None:
        if folder == self.vault:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"vault": str(folder)}), encoding="utf-8")
        except OSError:
            # a convenience: where it cannot be kept, the standard folder is offered next time
            return

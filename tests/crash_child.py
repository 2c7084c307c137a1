"""A program that imports a folder and processes the queue, made to be killed at any moment.

It says `open`, then `imported` and `done`; the test that runs it kills it somewhere in between.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.config import Settings
from app.engine.client import Workers
from app.engine.wire import Places
from app.processing import QueueRun
from app.storage import vault
from app.workspace import Workspace
from tests import stretching
from tests.builders import session_of
from tests.workers import ready_made

PASSPHRASE = "a passphrase for crashing"


def main(folder: Path, recordings: Path) -> None:
    """Import, process, end."""
    opened = vault.open_vault(folder, PASSPHRASE)
    print("open", flush=True)
    places = Places(resources=str(Path(__file__).parents[1] / "resources"), packs="")
    with Workspace(opened, session_of(opened.person), Settings(), places) as workspace:
        workspace.intake.import_paths([recordings])
        print("imported", flush=True)
        run = QueueRun(
            vault=opened,
            workers=Workers(1, places, threads=1, stuck_after_seconds=60, serve=ready_made),
            settings=Settings(),
            actor="owner",
            cancelled=frozenset,
            progress=lambda _: None,
            stop=lambda: False,
        )
        run.run()
    print("done", flush=True)


if __name__ == "__main__":
    stretching.make_quick()
    main(Path(sys.argv[1]), Path(sys.argv[2]))

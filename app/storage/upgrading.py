"""Leading the database of an older vault to today.

Promises that a copy of what was before lies in the vault's folder until its keys are changed or a
call is erased, that the audit log signs each step, and that what is kept of each call has its
digest from the first step on that knows of digests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.storage import files, results, schema

if TYPE_CHECKING:
    from pathlib import Path

    from app.storage.audit import Audit
    from app.storage.database import Database, Writing

OLDER_COPIES = "backups"
"""The folder, in the vault's, of the copies."""


def upgrade(database: Database, folder: Path, log: Audit) -> None:
    """Take the steps that are left; raises as `schema.upgrade` does."""

    def keep_copy(version: int) -> None:
        files.make_private(folder / OLDER_COPIES)
        database.copy_to(folder / OLDER_COPIES / f"before-step-{version + 1}.db")

    def taken(writing: Writing, step: int) -> None:
        if step == schema.SEALED_FROM:
            results.keep_digests_of_all(writing)
        log.upgraded(writing, step)

    schema.upgrade(database, fresh=False, backup=keep_copy, taken=taken)


def forget_older_copies(folder: Path) -> None:
    """Remove the copies: they open by the keys of before."""
    for copy in sorted((folder / OLDER_COPIES).glob("*")):
        files.remove(copy)

"""The one door: an open vault and all that may be done with it.

The window and the command line do everything through a `Workspace`. It may be used from several
threads at once; closing it ends all of them with the vault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from app.domain import Changes, Subject
from app.workspace.control import Processing
from app.workspace.intake import Intake
from app.workspace.reading import Calls

if TYPE_CHECKING:
    from types import TracebackType

    from app.config import Settings
    from app.domain import AuditCheck, AuditEntry, VaultInfo
    from app.engine.wire import Places
    from app.storage.vault import Vault

_OWNER = "owner"


class Workspace:
    """An open vault, by its parts: `calls`, `intake`, `processing`, `audit`."""

    def __init__(self, vault: Vault, settings: Settings, places: Places) -> None:
        """Take over an open vault; closing the workspace closes it."""
        self._vault = vault
        self.calls = Calls(vault, _OWNER)
        self.intake = Intake(vault, _OWNER)
        self.processing = Processing(vault, _OWNER, settings, places)
        self.audit = Audit(vault)

    @property
    def info(self) -> VaultInfo:
        """What the vault is: its id, its folder, whether it is a demonstration."""
        return self._vault.info

    def remember_key(self) -> Changes:
        """Keep a key of this vault in the system's keyring; raises `KeyringRefused`."""
        self._vault.ways_in.remember(self._vault.person)
        return frozenset({Subject.SETTINGS})

    def forget_key(self) -> Changes:
        """Take the key out of the system's keyring; raises `KeyringRefused`."""
        self._vault.ways_in.forget(self._vault.person)
        return frozenset({Subject.SETTINGS})

    def check(self) -> tuple[str, ...]:
        """Read everything that is kept and name what is damaged; nothing is healthy."""
        return self._vault.check()

    def close(self) -> None:
        """Close the vault and forget its keys."""
        self._vault.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Audit:
    """The audit log as an auditor reads it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def verify(self) -> AuditCheck:
        """Check every link of the chain and name the first bad entry."""
        return self._vault.audit.verify()

    def entries(self, *, offset: int = 0, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Return entries, newest first."""
        return self._vault.audit.entries(offset=offset, limit=limit)

    def count(self) -> int:
        """Return how many entries there are."""
        return self._vault.audit.count()

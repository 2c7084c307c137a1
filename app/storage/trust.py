"""Whether what governs an open vault can be relied on, before what cannot be taken back is done.

Promises that nobody erases, hands out, changes who may do what, or puts a backup in the place of a
better one, on the word of an older state that somebody put back: while this computer saw a newer
log than this one, or the log does not end as it was written, such acts are refused until a person
accepts that in the audit log; where rows are not as the log signed them, they are refused for good.
Few rows are compared each time. Those that grow with the calls are compared once for each opening:
at once where they are few, and else when somebody asks.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from app.errors import VaultDamaged, VaultInDoubt
from app.storage import seals
from app.storage.audit import not_as_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.errors import VaultError
    from app.storage.audit import Audit
    from app.storage.database import Database

_FEW_CALLS = 4000
"""Up to so many calls, comparing them takes no time that anybody notices (see threat-model.md)."""
_OLDER = "This computer saw a newer audit log of this vault: an older state was put back."
_NO_END = "The audit log of this vault does not end as it was written."
_SIZE = "SELECT (SELECT coalesce(max(number), 0) FROM calls) + (SELECT count(*) FROM erased)"


class Trust:
    """What an open vault is compared with: its log, and what this computer remembers of that."""

    def __init__(self, database: Database, audit: Audit) -> None:
        """Look at a database through its audit log."""
        self._database = database
        self._audit = audit
        self._comparing = threading.Lock()
        self._compared = False
        self._found: VaultDamaged | None = None
        self._unreadable = False

    def compare_few(self) -> None:
        """Compare what grows with the calls, where there are few; see `compare`."""
        few = False
        with suppress(VaultDamaged), self._database.reader() as reading:
            few = reading.number(_SIZE) <= _FEW_CALLS
        if few:
            self.compare()

    def compare(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Compare what grows with the calls, once for each opening unless `stop` ends it, and write
        down which parts are not as the log signed them."""
        with self._comparing, suppress(seals.Stopped):
            if not self._compared:
                self._found = self._compared_with_log(stop)
                self._compared = True

    def doubt(self, *, readable: bool = True) -> VaultError | None:
        """Return what speaks against relying on the vault, as far as it is known by now; that
        something cannot be read only where it has to be `readable`."""
        if self._found is not None and (readable or not self._unreadable):
            return self._found
        if self._audit.missed:
            return VaultInDoubt(_OLDER)
        return None if self._audit.ends_well() else VaultInDoubt(_NO_END)

    def expect(self, *, readable: bool = True) -> None:
        """Raise what `doubt` returns once all is compared: `VaultInDoubt` until a person accepts
        it, or `VaultDamaged`."""
        self._audit.expect_own_state()
        self.compare()
        doubt = self.doubt(readable=readable)
        if doubt is not None:
            raise doubt

    def _compared_with_log(self, stop: Callable[[], bool]) -> VaultDamaged | None:
        try:
            changed = self._audit.changed(seals.LATER, stop)
        except VaultDamaged as error:
            self._unreadable = True
            return error
        if not changed:
            return None
        outcome = ", ".join(changed)
        self._audit.record(actor="system", act="vault.changed", outcome=outcome)
        return not_as_signed(changed)

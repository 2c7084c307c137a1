"""The gate before every act: the person who is signed in, and whether they may.

Promises that an attempt without the right is an audit entry, and that its answer is the same
whether or not the thing that was asked about exists: the gate knows the right only.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.access import TYPED_AGAIN
from app.errors import NotAllowed, OnHold, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from app.access import Moment, Session
    from app.domain import PersonName, Right, Scope
    from app.storage.vault import Vault


_AGAIN = "Begin this once more, and type it when you are asked for it."


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That a person typed their passphrase, and their code, in a session, and when."""

    session: Session
    at: Moment

    def counts(self, lasting: timedelta | None) -> bool:
        """Return whether it counts still, where it does so long; `None`: as long as the session."""
        return lasting is None or self.session.is_within(lasting, self.at)


@dataclass(frozen=True, slots=True)
class Gate:
    """Stands before every part of the workspace."""

    vault: Vault
    session: Session

    @property
    def actor(self) -> PersonName:
        """Who acts."""
        return self.session.name

    @property
    def scope(self) -> Scope:
        """Which calls are there for this person."""
        return self.session.scope

    def known(self) -> None:
        """Let every person pass who is signed in, for what is their own; raises `SessionEnded`."""
        self.session.expect_alive()

    def present(self) -> None:
        """Let every person pass who lacks nothing that signing in wants of them.

        Raises `SessionEnded` or `SecondFactorMissing`.
        """
        self.session.expect_whole()

    def require(self, *rights: Right) -> None:
        """Let pass who has all of the rights; raises `NotAllowed` or `SessionEnded`."""
        for right in rights:
            with self.watched(right):
                self.session.require(right)

    def expect_trust(self) -> None:
        """Let pass what cannot be taken back only while the vault is as its log, and what this
        computer remembers of that, say; raises `VaultInDoubt` or `VaultDamaged`."""
        self.vault.trust.expect()

    def expect_confirmed(self, act: str, confirmed: Confirmed | None) -> None:
        """Let pass who typed their passphrase in this session, for an act as `TYPED_AGAIN` names
        it and in the time that it says: an unlocked screen is nobody's consent.

        Raises `NotAllowed`.
        """
        own = confirmed is not None and confirmed.session is self.session
        if confirmed is None or not own or not confirmed.counts(TYPED_AGAIN[act]):
            raise NotAllowed("For this your passphrase has to be typed again.", hint=_AGAIN)

    def allows(self, right: Right) -> bool:
        """Return whether the person has a right, for showing less; raises `SessionEnded`."""
        return self.session.allows(right)

    @contextmanager
    def watched(self, right: Right) -> Iterator[None]:
        """Keep an audit entry of a `NotAllowed` that is raised for want of a right."""
        try:
            yield
        except OnHold:
            raise
        except NotAllowed as error:
            outcome = "denied" if error.code == NotAllowed.code else error.code
            self.vault.audit.record(
                actor=self.actor, act="denied", subject=right.value, outcome=outcome
            )
            raise


def given_reason(reason: str) -> str:
    """Return a reason that somebody can read later; raises `UsageError` where none is given."""
    given = reason.strip()
    if not given:
        raise UsageError(
            "A reason is needed.",
            hint="Say in a few words why (`--reason TEXT` on the command line); it is kept.",
        )
    return given

"""The one door: an open vault and all that may be done with it.

The window and the command line do everything through a `Workspace`. It may be used from several
threads at once; closing it ends all of them with the vault.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.access import A_WHILE, Session
from app.domain import Right
from app.engine.redaction.labels import LabelRedactor
from app.workspace.backups import Backups
from app.workspace.control import Processing
from app.workspace.elusion import Elusion
from app.workspace.gate import Confirmed, Gate
from app.workspace.governing import Retention, Rules, Teams
from app.workspace.intake import Intake
from app.workspace.keys import Keys
from app.workspace.originals import Originals
from app.workspace.people import People
from app.workspace.reading import Calls
from app.workspace.requests import Requests
from app.workspace.speakers import Speakers
from app.workspace.trail import AuditTrail
from app.workspace.vocabulary import WordList

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from app.config import Settings
    from app.domain import CallId, Progress, VaultInfo
    from app.engine.wire import Places
    from app.storage.vault import Vault


class Workspace:
    """An open vault and the person who is signed in, by its parts: `calls`, `speakers`, `elusion`,
    `intake`, `processing`, `requests`, `policy`, `vocabulary`, `teams`, `retention`, `originals`,
    `people`, `keys`, `backups`, `audit`.

    Every part asks the gate first: what no right allows is not done, and is an audit entry.
    """

    def __init__(
        self,
        vault: Vault,
        session: Session,
        settings: Settings,
        places: Places,
        *,
        typed: bool = False,
    ) -> None:
        """Take over an open vault; closing the workspace closes it. `typed`: the person typed their
        passphrase to get in."""
        self._confirmed = Confirmed(session, session.now()) if typed else None
        self._vault = vault
        self._settings, self._places = settings, places
        self._gate = gate = Gate(vault, session)
        self.session = session
        self.calls = Calls(gate)
        self.speakers = Speakers(gate, settings, places)
        self.elusion = Elusion(gate)
        recognisers = Path(places.resources) / "recognisers"
        self.intake = Intake(gate, LabelRedactor(recognisers, settings.redaction))
        # calls whose analysis is to end: what cancels and what erases adds to it
        ended: set[CallId] = set()
        self.processing = Processing(gate, settings, places, ended)
        self.requests = Requests(gate, ended)
        self.policy = Rules(gate, self.requests)
        self.vocabulary = WordList(gate)
        self.teams = Teams(gate)
        self.retention = Retention(gate, ended, self.requests)
        self.originals = Originals(gate, self.requests)
        self.people = People(gate)
        self.keys = Keys(gate)
        self.backups = Backups(gate)
        self.audit = AuditTrail(gate, Path(places.resources))

    @property
    def info(self) -> VaultInfo:
        """What the vault is: its id, its folder, whether it is a demonstration."""
        return self._vault.info

    def sign_in(self, passphrase: str, *, name: str = "", code: str = "") -> Workspace:
        """Sign a person in to the vault while it is open; raises `SignInError`.

        What this workspace runs goes on; closing either one closes the vault.
        """
        person = self._vault.sign_in(name, passphrase, code=code)
        clock, steady = self.session.clock, self.session.steady
        session = Session.begun(person, self._vault.policy.get(), clock, steady)
        beside = Workspace(self._vault, session, self._settings, self._places, typed=True)
        # what this person cancels ends in a run that goes on, too
        beside.processing = replace(self.processing, _gate=beside._gate)
        beside.requests = replace(self.requests, _gate=beside._gate)
        beside.policy = Rules(beside._gate, beside.requests)
        beside.retention = replace(self.retention, _gate=beside._gate, _requests=beside.requests)
        beside.originals = Originals(beside._gate, beside.requests)
        return beside

    def confirm(self, passphrase: str, *, code: str = "") -> Confirmed:
        """Return that the person typed their passphrase, and their code where they have a second
        factor; raises `SignInError` or `SessionEnded`."""
        self._gate.known()
        self._vault.confirm(self._gate.actor, passphrase, code=code)
        return Confirmed(self.session, self.session.now())

    def take_confirmed(self) -> Confirmed | None:
        """Return once that the person typed their passphrase to get in, a while ago at most, for
        what they asked for with it."""
        confirmed, self._confirmed = self._confirmed, None
        return confirmed if confirmed is not None and confirmed.counts(A_WHILE) else None

    def check(self, progress: Callable[[Progress], None] = lambda _: None) -> tuple[str, ...]:
        """Read everything that is kept and name what is damaged; nothing is healthy."""
        self._gate.require(Right.MANAGE_VAULT)
        return self._vault.check(progress)

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

"""People: who may sign in, what they may do, and what takes two of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from app.domain.calls import Sha256

PersonName = NewType("PersonName", str)
"""The name under which a person signs in; it is never given to another person."""


class PersonRole(StrEnum):
    """What a person is in the organisation; a role is a named set of rights."""

    ADMINISTRATOR = "administrator"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy-officer"


class Right(StrEnum):
    """One thing that a person may do; which role holds which stands in `app.access`."""

    SEE_CALLS = "see-calls"  # the list: names, times, states, flags
    SEE_EVIDENCE = "see-evidence"  # what was found in a call and how, without its words
    SEE_TRANSCRIPT = "see-transcript"  # the redacted words, and searching in them
    HEAR_MUTED = "hear-muted"
    CORRECT_SPEAKERS = "correct-speakers"  # say who speaks where the program has it wrong
    JUDGE_REDACTION = "judge-redaction"  # draw turns and say whether something was missed in them
    HEAR_ORIGINAL = "hear-original"  # and all of calls that are held back, and release them
    EXPORT_ORIGINAL = "export-original"
    IMPORT = "import"
    PROCESS = "process"  # run, cancel and repeat analyses
    HOLD = "hold"  # place and end legal holds
    ERASE = "erase"
    APPROVE = "approve"  # decide on what another person asked for
    READ_AUDIT = "read-audit"
    EXPORT_AUDIT = "export-audit"
    CONFIGURE = "configure"
    MANAGE_PEOPLE = "manage-people"
    MANAGE_VAULT = "manage-vault"  # backups, keys, checks


class PersonState(StrEnum):
    """Whether a person may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"  # the name stays, because the audit log names it


class GuardedAct(StrEnum):
    """What one person asks for and another one approves, as far as the policy says so."""

    ERASE_CALL = "erase-call"
    EXPORT_ORIGINAL = "export-original"
    END_HOLD = "end-hold"
    LOWER_RETENTION = "lower-retention"  # of calls, or of their originals
    ALLOW_ACOUSTICS = "allow-acoustics"
    RELAX_POLICY = "relax-policy"  # taking an act off this list, or a second factor off a role


class OriginalsRule(StrEnum):
    """What becomes of the recording as it was imported, once its muted one stands."""

    KEEP_SEALED = "keep-sealed"  # to be heard by who has the right to
    DESTROY = "destroy-after-verification"  # when the muted one was heard again and nothing found


EARLIER_ORIGINALS = "earlier-originals"
"""What a request names in place of a call that is for the originals of earlier calls."""


class RequestState(StrEnum):
    """What became of something that a person asked for."""

    OPEN = "open"
    APPROVED = "approved"  # and done
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which calls a person sees: all, or those of some queues and of some teams' agents."""

    limited: bool = False
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """The queues and teams that there are: of calls, of other people's scopes, of the vault."""

    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownName:
    """A queue or a team (`kind`) in a scope that nothing is known of, such as a misspelt one, and
    the known names that are most like it."""

    kind: str
    name: str
    nearest: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What a person is told, who may have mistyped it."""
        known = f"the nearest known: {', '.join(self.nearest)}" if self.nearest else "nor any other"
        return f"No {self.kind} is known by the name {self.name} yet; {known}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in; `granted` are rights beside those of the roles."""

    name: PersonName
    roles: frozenset[PersonRole]
    granted: frozenset[Right] = frozenset()
    scope: Scope = EVERYTHING
    state: PersonState = PersonState.ACTIVE
    second_factor: bool = False
    added_at: str = ""  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class PassphraseStrength:
    """How hard a passphrase is to guess: good enough or not, a share of that from 0 to 1, and what
    would make it better."""

    good: bool
    share: float
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecondFactor:
    """The secret of a second factor that is being set up, and what an authenticator reads."""

    secret: bytes = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysState:
    """What a vault asks for beside a passphrase, whether there is a sheet for the day on which it
    is lost, and whether a change of keys was begun that the next opening ends; `hindrance` says why
    the last one did not."""

    asks_for_computer: bool
    has_recovery_sheet: bool
    change_waits: bool = False
    hindrance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a vault, which the client decides.

    `two_persons` are the acts that need a second person; `second_factor` the roles that need a
    code; `retention_days` of 0 keeps calls until somebody erases them.
    """

    two_persons: frozenset[GuardedAct] = frozenset(GuardedAct)
    second_factor: frozenset[PersonRole] = frozenset()
    lock_after_minutes: int = 10
    session_hours: int = 12
    retention_days: int = 0
    acoustic_analysis: bool = False
    originals: OriginalsRule = OriginalsRule.KEEP_SEALED


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalsState:
    """How it stands with the originals of the calls that a person sees: how many are `destroyed`,
    how many are to be as soon as that may be, and how many more there are in calls that were
    analysed and heard again before the rule (`earlier`)."""

    rule: OriginalsRule
    destroyed: int
    due: int
    earlier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A guarded act that a person asked for: on what, why, and what became of it.

    `subject` is a call's id, `retention` with the moment before which the calls took place as its
    `value`, `earlier-originals` with the moment before which they were analysed, or the name of a
    setting with its wanted `value`. An act that needs no second person is approved at once and
    `decided_by` nobody; `used_at` is when an approved export was made.
    """

    number: int
    act: GuardedAct
    subject: str
    value: str
    reason: str
    asked_by: PersonName
    asked_at: str
    state: RequestState
    decided_by: PersonName | None = None
    decided_at: str | None = None
    used_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordListState:
    """The client's word list as it was written, how many entries it has, and its digest; `None`
    where there are none."""

    text: str = field(repr=False)
    entries: int
    sha256: Sha256 | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A named list of agents, by which a person's view can be limited."""

    name: str
    agents: tuple[str, ...]

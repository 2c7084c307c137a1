"""Roles, rights and the rules between them: pure, and the only table of who may do what.

Deny by default: a right that neither a role nor a grant names is not there, and a guarded act that
no rule allows is not done. The same tables stand in the manual, where a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import SequenceMatcher
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Final

from app.domain import GuardedAct, OriginalsRule, PersonRole, PersonState, Right, UnknownName
from app.errors import NotAllowed, SecondFactorMissing, SessionEnded, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from app.domain import CallAnalysis, KnownNames, Person, PersonName, Policy, Scope

_READER = frozenset({Right.SEE_CALLS, Right.SEE_EVIDENCE, Right.SEE_TRANSCRIPT, Right.HEAR_MUTED})
_REVIEWER = _READER | {Right.CORRECT_SPEAKERS}

ROLES: Final[Mapping[PersonRole, frozenset[Right]]] = {
    PersonRole.ADMINISTRATOR: frozenset(
        {
            Right.SEE_CALLS,
            Right.IMPORT,
            Right.PROCESS,
            Right.APPROVE,
            Right.READ_AUDIT,
            Right.CONFIGURE,
            Right.MANAGE_PEOPLE,
            Right.MANAGE_VAULT,
        }
    ),
    PersonRole.REVIEWER: _REVIEWER,
    PersonRole.SUPERVISOR: _REVIEWER
    | {
        Right.JUDGE_REDACTION,
        Right.HEAR_ORIGINAL,
        Right.EXPORT_ORIGINAL,
        Right.IMPORT,
        Right.PROCESS,
    },
    PersonRole.AUDITOR: frozenset(
        {Right.SEE_CALLS, Right.SEE_EVIDENCE, Right.READ_AUDIT, Right.EXPORT_AUDIT}
    ),
    PersonRole.PRIVACY_OFFICER: _READER
    | {
        Right.JUDGE_REDACTION,
        Right.HOLD,
        Right.ERASE,
        Right.APPROVE,
        Right.EXPORT_ORIGINAL,
        Right.READ_AUDIT,
    },
}
"""The rights of each role. The administrator sees no content, the auditor evidence only."""

FOUNDER: Final = frozenset(
    {
        PersonRole.ADMINISTRATOR,
        PersonRole.SUPERVISOR,
        PersonRole.AUDITOR,
        PersonRole.PRIVACY_OFFICER,
    }
)
"""The roles of the person who makes a vault, until others share them."""


def rights_of(person: Person) -> frozenset[Right]:
    """Return all that a person may do: nothing unless they are active."""
    if person.state is not PersonState.ACTIVE:
        return frozenset()
    return frozenset(person.granted).union(*(ROLES[role] for role in person.roles))


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by both clocks: the computer's, and the seconds of one that nobody can set."""

    at: datetime
    steady_s: float


@dataclass(frozen=True, slots=True)
class Session:
    """A person from their signing in to the end that the policy sets; `clock` tells the time,
    and `steady` the seconds since a start of its own."""

    person: Person
    started_at: datetime
    policy: Policy
    clock: Callable[[], datetime]
    steady: Callable[[], float] | None = None
    started_s: float = 0.0

    @classmethod
    def begun(
        cls,
        person: Person,
        policy: Policy,
        clock: Callable[[], datetime],
        steady: Callable[[], float] | None,
    ) -> Session:
        """Return the session that begins now; `steady` is a clock that nobody can set."""
        return cls(person, clock(), policy, clock, steady, steady() if steady else 0.0)

    @property
    def name(self) -> PersonName:
        """The name under which the person acts."""
        return self.person.name

    @property
    def lacks_second_factor(self) -> bool:
        """Whether the policy wants a second factor of the person, who has none yet.

        Rights that were granted beside the roles want it as soon as any role does.
        """
        roles = self.policy.second_factor
        wanted = not roles.isdisjoint(self.person.roles) or bool(roles and self.person.granted)
        return wanted and not self.person.second_factor

    @property
    def rights(self) -> frozenset[Right]:
        """All that the person may do: nothing while a second factor is lacking."""
        return frozenset() if self.lacks_second_factor else rights_of(self.person)

    @property
    def scope(self) -> Scope:
        """The calls that are there for this person."""
        return self.person.scope

    def now(self) -> Moment:
        """Return this moment."""
        return Moment(self.clock(), self.steady() if self.steady else 0.0)

    def is_within(self, longest: timedelta, since: Moment) -> bool:
        """Return whether less time has passed since a moment.

        A clock that was put back to before it ends that as well, and one that was put back within
        these bounds gains nothing: the steady clock has gone on.
        """
        now = self.now()
        gone_s = now.steady_s - since.steady_s
        return -_CLOCKS_DRIFT <= now.at - since.at < longest and gone_s < longest.total_seconds()

    def expect_alive(self) -> None:
        """Raise `SessionEnded` when the person has been signed in for too long."""
        longest = timedelta(hours=self.policy.session_hours)
        if not self.is_within(longest, Moment(self.started_at, self.started_s)):
            raise SessionEnded("You have been signed in for too long.")

    def expect_whole(self) -> None:
        """Raise `SecondFactorMissing` while the person lacks one, and what `expect_alive` does."""
        self.expect_alive()
        if self.lacks_second_factor:
            raise SecondFactorMissing("This vault wants a second factor of you.")

    def require(self, right: Right) -> None:
        """Raise `NotAllowed` without the right, in words that are the same for every subject."""
        self.expect_whole()
        if right not in self.rights:
            raise NotAllowed(f"You may not do this: the right `{right.value}` is needed.")

    def allows(self, right: Right) -> bool:
        """Return whether the person has a right; raises `SessionEnded`."""
        self.expect_alive()
        return right in self.rights


_CLOCKS_DRIFT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """Who may ask for a guarded act and what who approves must hold; `on_call`: subject a call."""

    asks: Right
    approves: frozenset[Right]
    on_call: bool


_ON_CALL = frozenset({Right.APPROVE, Right.SEE_CALLS})
_ON_POLICY = frozenset({Right.APPROVE})

ACTS: Final[Mapping[GuardedAct, ActRule]] = {
    GuardedAct.ERASE_CALL: ActRule(asks=Right.ERASE, approves=_ON_CALL, on_call=True),
    GuardedAct.EXPORT_ORIGINAL: ActRule(
        asks=Right.EXPORT_ORIGINAL, approves=_ON_CALL, on_call=True
    ),
    GuardedAct.END_HOLD: ActRule(asks=Right.HOLD, approves=_ON_CALL, on_call=True),
    GuardedAct.LOWER_RETENTION: ActRule(asks=Right.CONFIGURE, approves=_ON_POLICY, on_call=False),
    GuardedAct.ALLOW_ACOUSTICS: ActRule(asks=Right.CONFIGURE, approves=_ON_POLICY, on_call=False),
    GuardedAct.RELAX_POLICY: ActRule(asks=Right.CONFIGURE, approves=_ON_POLICY, on_call=False),
}
"""The rules of the guarded acts. Whoever approves never asked, and sees that the call is there."""

A_WHILE: Final = timedelta(minutes=5)
"""How long a passphrase that was typed again counts for acts that come in numbers."""

TYPED_AGAIN: Final[Mapping[str, timedelta | None]] = {
    "people.add": A_WHILE,
    "people.change": A_WHILE,
    "people.set_state": A_WHILE,
    "people.set_passphrase of others": A_WHILE,
    "people.take_second_factor of others": A_WHILE,
    "people.release": A_WHILE,
    "teams.keep": A_WHILE,
    "policy.change": A_WHILE,
    **{f"requests.ask of {act}": A_WHILE for act, rule in ACTS.items() if not rule.on_call},
    "requests.approve": A_WHILE,
    "audit.accept": A_WHILE,
    "people.set_passphrase of oneself": None,
    "people.set_second_factor": None,
    "people.take_second_factor of oneself": None,
    "keys.remember": None,
    "keys.ask_for_computer": None,
    "keys.keep_sheet": None,
    "keys.rotate": None,
}
"""What lets people in, decides what they may do, or loosens a rule: for that the passphrase is
typed again. How long one typing counts for all of it; `None`: it counts for one act, however long
that takes."""


def same_person(one: str | None, other: str) -> bool:
    """Return whether two sign-in names mean the same person: case does not tell people apart."""
    return one is not None and one.casefold() == other.casefold()


def unknown_names(scope: Scope, known: KnownNames) -> tuple[UnknownName, ...]:
    """Return the queues and teams of a scope that nothing is known of, each with those that are.

    They may come later, so nothing is wrong yet; case does not tell them apart.
    """
    parts = (("queue", scope.queues, known.queues), ("team", scope.teams, known.teams))
    return tuple(
        UnknownName(kind=kind, name=name, nearest=_nearest(name, there))
        for kind, named, there in parts
        for name in named
        if _folded(name) not in set(map(_folded, there))
    )


_MOST_LIKE = 3
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def _folded(name: str) -> str:
    """Return a name as the vault compares it: only letters of ASCII have no case."""
    return name.translate(_LOWER)


def _nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    def likeness(other: str) -> float:
        return SequenceMatcher(None, name.casefold(), other.casefold()).ratio()

    return tuple(sorted(known, key=lambda other: (-likeness(other), other))[:_MOST_LIKE])


def lowers_retention(days: int, wanted: int) -> bool:
    """Return whether calls would be kept for less time than now; 0 keeps them for ever."""
    return wanted != 0 and (days == 0 or wanted < days)


def lets_go_of_originals(policy: Policy, wanted: Policy) -> bool:
    """Return whether originals would be destroyed that are kept now."""
    return OriginalsRule.DESTROY is wanted.originals is not policy.originals


def relaxes(policy: Policy, wanted: Policy) -> bool:
    """Return whether an act would need one person less, or a role no second factor any more."""
    return bool(
        policy.two_persons - wanted.two_persons or policy.second_factor - wanted.second_factor
    )


def guarded_in(policy: Policy, wanted: Policy) -> frozenset[GuardedAct]:
    """Return the guarded acts that lie in going from one policy to another."""
    found = {
        GuardedAct.LOWER_RETENTION: lowers_retention(policy.retention_days, wanted.retention_days)
        or lets_go_of_originals(policy, wanted),
        GuardedAct.ALLOW_ACOUSTICS: wanted.acoustic_analysis and not policy.acoustic_analysis,
        GuardedAct.RELAX_POLICY: relaxes(policy, wanted),
    }
    return frozenset(act for act, lies_in_it in found.items() if lies_in_it)


WHOLE_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "lock_after_minutes": (1, 480),
    "session_hours": (1, 168),
    "retention_days": (0, 36_500),
}
"""The settings of the policy that are numbers, with the least and the most of each."""

SETTINGS: Final = ("two_persons", "second_factor", *WHOLE_NUMBERS, "originals", "acoustic_analysis")
"""The settings of the policy that are changed by name."""

_YES_OR_NO: Final = {"true": True, "on": True, "false": False, "off": False}
_NOTHING: Final = "none"


def setting_text(policy: Policy, name: str) -> str:
    """Return a setting's value as `with_setting` reads it; raises `UsageError`."""
    if name == "two_persons":
        return _listed(policy.two_persons)
    if name == "second_factor":
        return _listed(policy.second_factor)
    if name == "acoustic_analysis":
        return "true" if policy.acoustic_analysis else "false"
    if name == "originals":
        return policy.originals.value
    if name in WHOLE_NUMBERS:
        return str(getattr(policy, name))
    raise _no_setting()


def with_setting(policy: Policy, name: str, text: str) -> Policy:
    """Return the policy with one setting as the text says; raises `UsageError`."""
    text = text.strip().lower()
    try:
        if name == "two_persons":
            return replace(policy, two_persons=frozenset(map(GuardedAct, _words(text))))
        if name == "second_factor":
            return replace(policy, second_factor=frozenset(map(PersonRole, _words(text))))
        if name == "acoustic_analysis":
            return replace(policy, acoustic_analysis=_YES_OR_NO[text])
        if name == "originals":
            return replace(policy, originals=OriginalsRule(text))
        if name in WHOLE_NUMBERS:
            return _with_number(policy, name, _number(name, text))
    except (ValueError, KeyError) as error:
        raise UsageError(
            f"The setting `{name}` cannot have this value.", hint=_values_of(name)
        ) from error
    raise _no_setting()


def without_words(analysis: CallAnalysis) -> CallAnalysis:
    """Return an analysis without anything that was said: evidence stays as places and times."""
    said = analysis.transcript
    turns = tuple(replace(turn, text="", words=()) for turn in said.turns)
    return replace(
        analysis,
        transcript=replace(said, turns=turns),
        summary=tuple(replace(sentence, text="") for sentence in analysis.summary),
    )


def _listed(values: frozenset[GuardedAct] | frozenset[PersonRole]) -> str:
    return ",".join(sorted(values)) or _NOTHING


def _words(text: str) -> list[str]:
    return [] if text == _NOTHING else [word.strip() for word in text.split(",")]


def _with_number(policy: Policy, name: str, number: int) -> Policy:
    if name == "lock_after_minutes":
        return replace(policy, lock_after_minutes=number)
    if name == "session_hours":
        return replace(policy, session_hours=number)
    return replace(policy, retention_days=number)


def _number(name: str, text: str) -> int:
    least, most = WHOLE_NUMBERS[name]
    number = int(text)
    if not least <= number <= most:
        raise ValueError("out of bounds")
    return number


def _values_of(name: str) -> str:
    if name in WHOLE_NUMBERS:
        least, most = WHOLE_NUMBERS[name]
        return f"It is a whole number from {least} to {most}."
    if name == "acoustic_analysis":
        return "It is true or false."
    if name == "originals":
        return f"It is {' or '.join(OriginalsRule)}."
    words = GuardedAct if name == "two_persons" else PersonRole
    return f"Name none or some, with commas between: {', '.join(words)}; or `{_NOTHING}`."


def _no_setting() -> UsageError:
    return UsageError(
        "The policy has no such setting.", hint=f"The settings are: {', '.join(SETTINGS)}."
    )

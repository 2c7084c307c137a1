"""What a person says of who speaks: roles of a safe transcript put right.

Pure: transcripts in, transcripts out. Promises that a correction changes roles and how surely they
are known, and no word; and that it is carried over to another analysis of the same recording by the
time at which each turn was said, because the turns may be cut otherwise there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain import Role
from app.engine.speakers import surest
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from app.domain import SafeTranscript, Turn

_OTHER = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT, Role.UNKNOWN: Role.UNKNOWN}


def swapped(said: SafeTranscript) -> SafeTranscript:
    """Return the transcript with agent and customer in each other's place; raises `UsageError`
    where neither is known."""
    if all(turn.role is Role.UNKNOWN for turn in said.turns):
        raise UsageError(
            "It is not known which side is the agent, so that nothing can be swapped.",
            hint="Say which side the agent is (`--agent-is SIDE` on the command line).",
        )
    return _sides(said, (_OTHER[turn.role] for turn in said.turns))


def with_agent(said: SafeTranscript, side: int) -> SafeTranscript:
    """Return the transcript with a side as the agent and the others as the customer; raises
    `UsageError` where no turn is of that side."""
    if all(turn.side != side for turn in said.turns):
        known = sorted({turn.side + 1 for turn in said.turns})
        raise UsageError(
            "The call has no such side.", hint=f"Its sides are: {', '.join(map(str, known))}."
        )
    roles = (Role.AGENT if turn.side == side else Role.CUSTOMER for turn in said.turns)
    return _sides(said, roles)


def with_turns(
    said: SafeTranscript, turns: Collection[int], role: Role | None = None
) -> SafeTranscript:
    """Return the transcript with some turns as said by `role`, or by the other side.

    Raises `UsageError` for a turn that is not there, or whose other side is not known.
    """
    last = len(said.turns) - 1
    if not turns or not all(0 <= one <= last for one in turns):
        raise UsageError("The call has no such turn.", hint=f"Its turns are 0 to {last}.")
    if role is None and any(said.turns[one].role is Role.UNKNOWN for one in turns):
        raise UsageError(
            "It is not known who says this turn, so that there is no other side.",
            hint="Say who does (`--are agent` or `--are customer` on the command line).",
        )
    return _with_roles(
        said,
        ((role or _OTHER[turn.role]) if turn.index in turns else turn.role for turn in said.turns),
    )


def carried_over(said: SafeTranscript, earlier: SafeTranscript) -> SafeTranscript:
    """Return a new transcript with the roles that a person gave the same stretches of an earlier
    one; a turn of which nothing was there before keeps its own."""
    roles = (_role_in(earlier.turns, turn) or turn.role for turn in said.turns)
    sure = max(said.role_confidence, earlier.role_confidence)
    return replace(_with_roles(said, roles), role_confidence=min(sure, surest(said.role_basis)))


def with_roles_of(said: SafeTranscript, other: SafeTranscript) -> SafeTranscript:
    """Return a transcript with the roles of another one of the same turns."""
    roles = (turn.role for turn in other.turns)
    return replace(_with_roles(said, roles), role_confidence=other.role_confidence)


def differing(said: SafeTranscript, other: SafeTranscript) -> tuple[int, ...]:
    """Return the turns that somebody else says in another transcript of the same turns."""
    both = zip(said.turns, other.turns, strict=True)
    return tuple(turn.index for turn, one in both if turn.role is not one.role)


def _sides(said: SafeTranscript, roles: Iterable[Role]) -> SafeTranscript:
    """Return the transcript with what a person says of whole sides: nothing of that is guessed."""
    return replace(_with_roles(said, roles), role_confidence=surest(said.role_basis))


def _with_roles(said: SafeTranscript, roles: Iterable[Role]) -> SafeTranscript:
    turns = zip(said.turns, roles, strict=True)
    return replace(said, turns=tuple(replace(turn, role=role) for turn, role in turns))


def _role_in(turns: Iterable[Turn], of: Turn) -> Role | None:
    """Return who speaks for most of a turn's time, on its channel, in other turns."""
    shares: dict[Role, int] = {}
    for turn in turns:
        shared_ms = min(turn.end_ms, of.end_ms) - max(turn.start_ms, of.start_ms)
        if turn.channel == of.channel and shared_ms > 0:
            shares[turn.role] = shares.get(turn.role, 0) + shared_ms
    return max(shares, key=lambda role: shares[role], default=None)

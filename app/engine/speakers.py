"""Who speaks: roles from the channel map where there is one, else guessed from what is said.

Promises that a guess is never dressed up as knowledge: the basis and a confidence go with it. On
one channel the roles are those of the voices that were told apart; where none were, they stay
unknown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain import Role, RoleBasis
from app.errors import ChannelMapWrong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.transcription import RawTranscript, RawTurn

# What the one or the other says, with the weight of each hit. The agent's phrases come with the
# job; the customer's are what people ring up with.
_AGENT = (
    (r"thank(s| you) for (calling|contacting|ringing|your call|holding|waiting)", 3.0),
    (r"(how|what) (can|may|could) (i|we) (help|do for|assist)", 3.0),
    (r"(you're|you are) (speaking|through) (with|to)", 2.5),
    (r"welcome to\b", 1.5),
    (r"(call|calls|line) (is|are|may be|will be) (being )?(recorded|monitored)", 3.0),
    (r"(security|verification|data protection) (question|check)", 2.0),
    (r"(can|could|may) i (please )?(take|have|get|confirm|grab|just)\b", 1.5),
    (r"(can|could) you (please )?(confirm|spell|verify|provide|tell me your|give me your)", 1.5),
    (r"(is there|was there) anything else", 3.0),
    (r"(let me|i'll|i will|i can) (just )?(check|look|pull|see|transfer|put you|bring up)", 1.0),
    (r"\b(on|for) (your|the) account\b", 0.5),
    (r"bear with me|one moment|may i (place|put) you on hold", 1.0),
    (r"have a (great|good|nice|lovely|wonderful) (day|evening|afternoon|weekend|one)", 1.0),
    (r"i (do )?apologi[sz]e|sorry (for|about) (the|that|any) (inconvenience|delay|wait)", 1.5),
    (r"(good (morning|afternoon|evening)|hello|hi)[,. ]+(and )?(welcome|thank|this is|you)", 1.5),
)
_CUSTOMER = (
    (r"i('m| am) (calling|ringing|phoning) (about|because|to|regarding|for|in)", 3.0),
    (r"i('d| would) like to (speak|talk|cancel|make|change|book|order|know|complain|pay)", 1.5),
    (r"i (want|need) to (speak|cancel|make|change|book|order|know|complain|pay|talk)", 1.5),
    (r"\bmy (account|card|bill|order|policy|payment|phone|car|internet|password|claim)\b", 1.0),
    (r"\bmy (name|number|address|postcode|date of birth|e-?mail)('s| is)\b", 1.0),
    (r"i (was|have been|'ve been) (charged|told|waiting|trying)", 1.5),
    (r"i (got|received|have) (a|an|your) (letter|e-?mail|bill|text|problem|question)", 1.5),
    (r"(can|could) you help me|i('m| am) having (trouble|a problem|an issue)", 2.0),
)
_FIRST_WORD = 1.0  # most calls are inbound: who picks up speaks first
_QUESTION = 0.15
_SURE = 6.0  # this much more evidence on one side is as sure as a guess gets
# some turns of voices on one channel are the other side's
_SUREST = {RoleBasis.GUESSED: 0.95, RoleBasis.ESTIMATED: 0.85}


def surest(basis: RoleBasis) -> float:
    """Return how surely roles can be known at most."""
    return _SUREST.get(basis, 1.0)


def fitting_map(
    channel_roles: tuple[Role, ...], channels: int, *, of_sound: bool = True
) -> tuple[Role, ...]:
    """Return the channel map where it fits the recording, nothing where it does not apply.

    A map of several channels says nothing of a recording with one. A transcript (not `of_sound`)
    may know fewer channels than there were: nobody spoke on the others. Raises `ChannelMapWrong`.
    """
    named = len(channel_roles)
    if not named or named == channels or (not of_sound and named > channels):
        return channel_roles
    if channels == 1:
        return ()
    raise ChannelMapWrong(
        f"The channel map names {named} {'channel' if named == 1 else 'channels'}, and the call has"
        f" {channels}."
    )


def assign_roles(
    raw: RawTranscript, channel_roles: tuple[Role, ...], channels: int
) -> RawTranscript:
    """Return the transcript with a role for each turn, how the roles are known, and how surely."""
    if channel_roles:
        return _with(raw, dict(enumerate(channel_roles)), RoleBasis.CHANNEL_MAP, 1.0)
    told_apart = any(turn.speaker is not None for turn in raw.turns)
    basis = RoleBasis.ESTIMATED if channels == 1 else RoleBasis.GUESSED
    if channels > 2 or (channels == 1 and not told_apart):
        return _with(raw, {}, basis, 0.0)
    scores = [_agent_score(raw.turns, side) for side in (0, 1)]
    lead = scores[0] - scores[1]
    if lead == 0:
        return _with(raw, {}, basis, 0.0)
    agent = 0 if lead > 0 else 1
    confidence = 0.5 + (surest(basis) - 0.5) * min(1.0, abs(lead) / _SURE)
    roles = {agent: Role.AGENT, 1 - agent: Role.CUSTOMER}
    return _with(raw, roles, basis, round(confidence, 3))


def roles_of_text(raw: RawTranscript, channel_roles: tuple[Role, ...]) -> RawTranscript:
    """Return a transcript that was given, with a role for each turn: those that came with it stay.

    Raises `ChannelMapWrong`.
    """
    if raw.role_basis is RoleBasis.GIVEN:
        return raw
    channels = 1 + max(turn.channel for turn in raw.turns)
    return assign_roles(raw, fitting_map(channel_roles, channels, of_sound=False), channels)


def _with(
    raw: RawTranscript, roles: dict[int, Role], basis: RoleBasis, confidence: float
) -> RawTranscript:
    turns = tuple(replace(turn, role=roles.get(turn.side, Role.UNKNOWN)) for turn in raw.turns)
    return replace(raw, turns=turns, role_basis=basis, role_confidence=confidence)


def _agent_score(turns: Sequence[RawTurn], side: int) -> float:
    """Return how much a side sounds like the agent; negative like the customer."""
    text = " ".join(turn.text for turn in turns if turn.side == side).lower()
    score = _hits(text, _AGENT) - _hits(text, _CUSTOMER)
    score += _QUESTION * min(text.count("?"), 10)
    if text and turns[0].side == side:
        score += _FIRST_WORD
    return score


def _hits(text: str, phrases: Sequence[tuple[str, float]]) -> float:
    """Add up the weights; a phrase counts twice at most, so that a habit does not outvote the
    rest."""
    return sum(weight * min(2, len(re.findall(phrase, text))) for phrase, weight in phrases)

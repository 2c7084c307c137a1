"""Who speaks, as a person corrects it: everything that follows from it is found out once more.

Promises that a correction is kept whole, with what follows from it, or not at all; that the
program's own result stays beside it, to be shown again when it is undone; and that nobody is shown
more of what was said for it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import Right, Subject
from app.engine.said_by import differing, swapped, with_agent, with_roles_of, with_turns
from app.engine.wire import SpeakersRequest
from app.errors import CallNotFound
from app.processing import correct, lone_worker
from app.storage.audio import Purpose
from app.workspace.control import by_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from app.config import Settings
    from app.domain import CallId, Changes, CorrectedCall, Role, SafeTranscript
    from app.engine.wire import Places
    from app.storage.speakers import Correctable
    from app.workspace.gate import Gate

_CHANGED: Changes = frozenset({Subject.CALLS})
_NOTHING: Changes = frozenset()


@dataclass(frozen=True, slots=True)
class Speakers:
    """The speakers of calls. Each act takes as long as a worker needs to analyse the call's text.

    Every one of them raises `CallNotFound`, `UsageError` where the call cannot be corrected so,
    and `CallFailed` or `ModelError` where it cannot be analysed again: nothing is changed then.
    """

    _gate: Gate
    _settings: Settings
    _places: Places

    def swap(self, call: CallId) -> Changes:
        """Let agent and customer change places in the whole call."""
        return self._correct(call, swapped, "swapped")

    def set_agent(self, call: CallId, side: int) -> Changes:
        """Say which side the agent is, counted from 0; the others are the customer."""
        named = f"side {side + 1} is the agent"
        return self._correct(call, lambda said: with_agent(said, side), named)

    def set_turns(self, call: CallId, turns: Collection[int], role: Role | None = None) -> Changes:
        """Say that turns are the other side's, or who says them."""
        chosen = frozenset(turns)
        outcome = counted(len(chosen), "turn")
        return self._correct(call, lambda said: with_turns(said, chosen, role), outcome)

    def undo(self, call: CallId) -> Changes:
        """Show again what the program found, as if nobody had corrected the call."""
        self._gate.require(Right.CORRECT_SPEAKERS)
        return self._undo(self._gate.vault.speakers.of(call, scope=self._gate.scope))

    def _correct(
        self, call: CallId, how: Callable[[SafeTranscript], SafeTranscript], outcome: str
    ) -> Changes:
        self._gate.require(Right.CORRECT_SPEAKERS)
        speakers, scope = self._gate.vault.speakers, self._gate.scope
        of = speakers.of(call, scope=scope)
        found = of.kept.found.transcript
        said = with_roles_of(found, how(of.kept.shown.transcript))
        if not differing(said, found):
            return self._undo(of)
        made = self._followed(of, said)
        speakers.keep(of, made, actor=self._gate.actor, scope=scope, outcome=outcome)
        return _CHANGED

    def _undo(self, of: Correctable) -> Changes:
        if of.kept.speakers is None:
            return _NOTHING
        self._gate.vault.speakers.undo(of, actor=self._gate.actor, scope=self._gate.scope)
        return _CHANGED

    def _followed(self, of: Correctable, said: SafeTranscript) -> CorrectedCall:
        """Return what a worker makes of a call in which other people speak."""
        execution, vault = self._settings.execution, self._gate.vault
        request = SpeakersRequest(
            analysis=of.kept.found,
            said=said,
            muted_audio=self._muted(of.call.id),
            settings=by_policy(self._settings, vault.policy.get()),
            metadata=of.call.metadata,
        )
        with closing(lone_worker(execution, self._places)) as lone:
            return correct(request, lone, seconds=execution.stuck_after_seconds)

    def _muted(self, call: CallId) -> bytes:
        """Return the muted audio, which a call without sound has not."""
        try:
            return self._gate.vault.audio.read(call, Purpose.MUTED, scope=self._gate.scope)
        except CallNotFound:
            return b""

"""The recordings as they were imported: how many are destroyed, and destroying earlier ones.

The rule itself is a setting of the policy; whoever destroys those of calls from before the rule
asks for that, as for erasing calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import Right
from app.errors import UsageError
from app.storage.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import ApprovalRequest, CallId, OriginalsState, Progress
    from app.workspace.gate import Gate
    from app.workspace.requests import Requests


@dataclass(frozen=True, slots=True)
class Originals:
    """The originals of the calls that a person sees."""

    _gate: Gate
    _requests: Requests

    def state(self) -> OriginalsState:
        """Return the rule, and how many originals are destroyed and will be."""
        self._gate.require(Right.SEE_CALLS)
        return self._state()

    def ask(self, reason: str) -> ApprovalRequest:
        """Ask to destroy the originals of calls that were analysed before the rule; where the
        policy wants no second person, that is approved at once, and `destroy` does it.

        Raises `UsageError` where the rule is to keep originals, or there are none.
        """
        self._gate.require(Right.ERASE)
        if not self._state().earlier:
            raise UsageError(
                "There is no original of an earlier call.", hint="`originals show` tells of them."
            )
        return self._requests.ask_originals(stamp(self._gate.session.clock()), reason=reason)

    def destroy(
        self,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> tuple[CallId, ...]:
        """Destroy now what is decided on and what each run would destroy; returns whose originals
        those were. Raises `VaultInDoubt` while the vault is."""
        self._gate.require(Right.APPROVE)
        self._gate.expect_trust()
        return self._gate.vault.originals.destroy_due(progress=progress, stop=stop)

    def _state(self) -> OriginalsState:
        return self._gate.vault.originals.state(scope=self._gate.scope)

"""The two-person rule: what one person asks for and another one approves.

Promises that a guarded act is done by two different people or, where the policy says so, by one,
and never twice; that it is done in the transaction of the decision; and that whoever may neither
ask nor decide learns nothing of what was asked for. While the vault is in doubt, nothing is asked
for or approved: see `Gate.expect_trust`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.access import ACTS, guarded_in, same_person, with_setting
from app.domain import EARLIER_ORIGINALS, CallId, GuardedAct, RequestState, Right
from app.errors import NotAllowed, UsageError
from app.storage import holds, originals, policy, retention
from app.storage.erasure import Erasing
from app.storage.requests import Asked, View, person
from app.storage.scopes import number_of
from app.workspace.gate import given_reason

if TYPE_CHECKING:
    from app.domain import ApprovalRequest
    from app.storage.database import Reading, Writing
    from app.workspace.gate import Confirmed, Gate


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of the vault, as far as the person has to do with them."""

    _gate: Gate
    _ended: set[CallId]

    def ask(
        self,
        act: GuardedAct,
        subject: str,
        *,
        value: str = "",
        reason: str,
        confirmed: Confirmed | None = None,
    ) -> ApprovalRequest:
        """Ask for an act on a call, or for a setting of the policy with its value, for which the
        passphrase was typed again.

        It is done at once where the policy wants no second person for it: then the request comes
        back approved. Raises `CallNotFound`, `OnHold` or `UsageError` where it cannot be done.
        """
        self._gate.require(ACTS[act].asks)
        if not ACTS[act].on_call:
            self._gate.expect_confirmed(f"requests.ask of {act}", confirmed)
        self._gate.expect_trust()
        asked = Asked(act=act, subject=subject, value=value, reason=given_reason(reason))
        request = self._gate.vault.requests.ask(
            asked,
            by=self._gate.actor,
            check=lambda reading: self._check(reading, asked),
            do=self._do,
        )
        self._settle(request)
        return request

    def ask_retention(self, before: str, *, reason: str) -> ApprovalRequest:
        """Ask for the erasing of all calls that took place before a moment, as `ask` does."""
        self._gate.require(Right.ERASE)
        self._gate.expect_trust()
        asked = Asked(
            act=GuardedAct.ERASE_CALL,
            subject=retention.SUBJECT,
            value=before,
            reason=given_reason(reason),
        )
        by = self._gate.actor
        request = self._gate.vault.requests.ask(asked, by=by, check=lambda _: None, do=self._do)
        self._settle(request)
        return request

    def ask_originals(self, before: str, *, reason: str) -> ApprovalRequest:
        """Ask to destroy the originals of calls that were analysed before a moment, as `ask`
        does; `Originals.destroy` does it then."""
        self._gate.require(Right.ERASE)
        self._gate.expect_trust()
        asked = Asked(
            act=GuardedAct.ERASE_CALL,
            subject=EARLIER_ORIGINALS,
            value=before,
            reason=given_reason(reason),
        )
        return self._gate.vault.requests.ask(
            asked, by=self._gate.actor, check=originals.expect_destroying, do=self._do
        )

    def approve(self, number: int, *, confirmed: Confirmed | None) -> ApprovalRequest:
        """Approve what another person asked for, which does it.

        Raises `RequestNotFound`, `NotAllowed` for one's own and unless the passphrase was typed
        again, and what keeps it from being done.
        """
        self._gate.require(Right.APPROVE)
        self._gate.expect_confirmed("requests.approve", confirmed)
        self._gate.expect_trust()
        with self._gate.watched(Right.APPROVE):
            request = self._gate.vault.requests.approve(
                number, view=self._view(), check=self._expect_second_person, do=self._do
            )
        self._settle(request)
        return request

    def refuse(self, number: int, reason: str) -> ApprovalRequest:
        """Refuse what another person asked for; raises `RequestNotFound` or `NotAllowed`."""
        self._gate.require(Right.APPROVE)
        given = given_reason(reason)
        with self._gate.watched(Right.APPROVE):
            return self._gate.vault.requests.refuse(
                number, given, view=self._view(), check=self._expect_second_person
            )

    def withdraw(self, number: int) -> ApprovalRequest:
        """Take back what one asked for oneself; raises `RequestNotFound`."""
        self._gate.present()
        return self._gate.vault.requests.withdraw(number, by=self._view())

    def list(self, *, open_only: bool = True) -> tuple[ApprovalRequest, ...]:
        """Return one's own requests, and all of them to who decides or audits, newest first."""
        self._gate.present()
        return self._gate.vault.requests.list(self._view(), open_only=open_only)

    def _view(self) -> View:
        sees_all = self._gate.allows(Right.APPROVE) or self._gate.allows(Right.READ_AUDIT)
        return View(person=self._gate.actor, scope=self._gate.scope, all=sees_all)

    def _expect_second_person(self, request: ApprovalRequest) -> None:
        if same_person(request.asked_by, self._gate.actor):
            raise NotAllowed(
                "You asked for this yourself: it takes a second person.",
                hint="Another person who may approve decides; you can withdraw it.",
            )
        for right in ACTS[request.act].approves:
            self._gate.session.require(right)

    def _check(self, reading: Reading, asked: Asked) -> None:
        """Raise what keeps the act from being done, so that nobody is asked in vain."""
        if ACTS[asked.act].on_call:
            number = number_of(reading, CallId(asked.subject), self._gate.scope)
            if asked.act is GuardedAct.ERASE_CALL:
                holds.expect_free(reading, number)
            if asked.act is GuardedAct.END_HOLD:
                holds.expect_held(reading, number)
            if asked.act is GuardedAct.EXPORT_ORIGINAL:
                originals.expect_there(reading, number)
            return
        rules = policy.current(reading)
        wanted = with_setting(rules, asked.subject, asked.value)
        if guarded_in(rules, wanted) != {asked.act}:
            raise UsageError(
                f"This value of `{asked.subject}` is no case of `{asked.act.value}`.",
                hint="`autoinsights policy set` finds out what a change needs.",
            )

    def _do(self, writing: Writing, request: ApprovalRequest) -> None:
        """Do what was asked for, in the transaction of the decision.

        An export is not done here: the approval lets the person make it, once.
        """
        vault, actor, reason = self._gate.vault, request.asked_by, request.reason
        alone = request.decided_by is None
        outcome = "by one person" if alone else f"approved by {request.decided_by}"
        if request.subject == EARLIER_ORIGINALS:
            self._let_originals_go(writing, request)
        elif request.act is GuardedAct.ERASE_CALL:
            how = Erasing(actor=actor, scope=self._gate.scope, reason=reason, outcome=outcome)
            for call in self._to_erase(writing, request):
                vault.calls.erasure.within(writing, call, how)
                self._ended.add(call)
        elif request.act is GuardedAct.END_HOLD:
            vault.holds.end_within(
                writing,
                CallId(request.subject),
                actor=actor,
                scope=self._gate.scope,
                reason=reason,
                outcome=outcome,
            )
        elif not ACTS[request.act].on_call:
            vault.policy.change_within(
                writing,
                request.subject,
                request.value,
                actor=actor,
                outcome=outcome,
                allowed=frozenset({request.act}),
                reason=reason,
            )

    def _to_erase(self, reading: Reading, request: ApprovalRequest) -> tuple[CallId, ...]:
        if request.subject != retention.SUBJECT:
            return (CallId(request.subject),)
        asker = person(reading, request.asked_by)
        return retention.older_than(reading, request.value, asker.scope) if asker else ()

    def _let_originals_go(self, writing: Writing, request: ApprovalRequest) -> None:
        asker = person(writing, request.asked_by)
        if asker is not None:
            vault, before = self._gate.vault, request.value
            vault.originals.earlier_within(writing, before, scope=asker.scope)

    def _settle(self, request: ApprovalRequest) -> None:
        if request.act is GuardedAct.END_HOLD and request.state is RequestState.APPROVED:
            self._gate.vault.originals.destroy(CallId(request.subject))
        if request.act is GuardedAct.ERASE_CALL and request.state is RequestState.APPROVED:
            self._gate.vault.calls.erasure.finish()

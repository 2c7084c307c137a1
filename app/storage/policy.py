"""The vault's rules, kept as one JSON object; a vault that has none yet goes by the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.access import guarded_in, setting_text, with_setting
from app.domain import OriginalsRule, Policy
from app.errors import UsageError, VaultDamaged

if TYPE_CHECKING:
    from app.domain import GuardedAct
    from app.storage.audit import Audit
    from app.storage.database import Database, Reading, Writing


class Policies:
    """The policy of an open vault."""

    def __init__(self, database: Database, audit: Audit) -> None:
        """Work on a database."""
        self._database = database
        self._audit = audit

    def get(self) -> Policy:
        """Return the rules as they are now."""
        with self._database.reader() as reading:
            return current(reading)

    def change(
        self, name: str, value: str, *, actor: str, reason: str = ""
    ) -> frozenset[GuardedAct]:
        """Change a setting, unless guarded acts lie in that: then return them and do nothing.

        Raises `UsageError` for an unknown setting and a value that it cannot have.
        """
        with self._database.transaction() as writing:
            rules = current(writing)
            acts = guarded_in(rules, with_setting(rules, name, value))
            if acts:
                return acts
            self.change_within(
                writing,
                name,
                value,
                actor=actor,
                outcome="",
                allowed=frozenset(),
                reason=reason,
            )
        return acts

    def change_within(  # noqa: PLR0913 (the fields of the audit entry)
        self,
        writing: Writing,
        name: str,
        value: str,
        *,
        actor: str,
        outcome: str,
        allowed: frozenset[GuardedAct],
        reason: str,
    ) -> None:
        """Change a setting in the transaction of what decided so.

        The rules may have changed since that was asked for: raises `UsageError` where going from
        today's to the wanted ones is more than the `allowed` acts.
        """
        rules = current(writing)
        wanted = with_setting(rules, name, value)
        if not guarded_in(rules, wanted) <= allowed:
            raise UsageError(
                "The policy has changed since this was asked for.", hint="Ask for it anew."
            )
        keep(writing, wanted)
        if wanted.originals is OriginalsRule.KEEP_SEALED:
            writing.change("DELETE FROM originals WHERE destroyed_at IS NULL")
        step = f"{setting_text(rules, name)} -> {setting_text(wanted, name)}"
        self._audit.append(
            writing,
            actor=actor,
            act="policy.change",
            subject=name,
            outcome=f"{step}; {outcome}" if outcome else step,
            reason=reason,
        )


def current(reading: Reading) -> Policy:
    """Return the rules as a transaction sees them; raises `VaultDamaged`."""
    row = reading.one("SELECT body FROM policy")
    if row is None:
        return Policy()
    try:
        return msgspec.json.decode(row[0], type=Policy)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise VaultDamaged("The vault's policy cannot be read.") from error


def keep(writing: Writing, policy: Policy) -> None:
    """Make these the rules, in the transaction of the act that changes them."""
    body = msgspec.json.encode(policy, order="deterministic").decode()
    writing.change("INSERT OR REPLACE INTO policy (one, body) VALUES (1, ?)", (body,))

"""Roles, rights and the rules between them: pure, and the only table of who may do what.

Deny by default: a right that neither a role nor a grant names is not there. The same table stands
in the manual, where a test compares it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain import PersonRole, PersonState, Right

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain import Person

_REVIEWER = frozenset({Right.SEE_CALLS, Right.SEE_EVIDENCE, Right.SEE_TRANSCRIPT, Right.HEAR_MUTED})

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
    | {Right.HEAR_ORIGINAL, Right.EXPORT_ORIGINAL, Right.IMPORT, Right.PROCESS},
    PersonRole.AUDITOR: frozenset(
        {Right.SEE_CALLS, Right.SEE_EVIDENCE, Right.READ_AUDIT, Right.EXPORT_AUDIT}
    ),
    PersonRole.PRIVACY_OFFICER: _REVIEWER
    | {Right.HOLD, Right.ERASE, Right.APPROVE, Right.EXPORT_ORIGINAL, Right.READ_AUDIT},
}
"""The rights of each role. The administrator sees no content, the auditor evidence only."""

FOUNDER: Final = frozenset(
    {PersonRole.ADMINISTRATOR, PersonRole.SUPERVISOR, PersonRole.PRIVACY_OFFICER}
)
"""The roles of the person who makes a vault, until others share them."""


def rights_of(person: Person) -> frozenset[Right]:
    """Return all that a person may do: nothing unless they are active."""
    if person.state is not PersonState.ACTIVE:
        return frozenset()
    return frozenset(person.granted).union(*(ROLES[role] for role in person.roles))

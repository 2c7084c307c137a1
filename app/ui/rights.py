"""What is offered to the person who is signed in: plain functions over their rights.

The workspace refuses what is not allowed in any case; here it is only not shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.access import ACTS, same_person
from app.domain import RequestState, Right

if TYPE_CHECKING:
    from app.access import Session
    from app.domain import ApprovalRequest
    from app.workspace import Workspace


class Page(StrEnum):
    """The pages of the window, in the order of the side bar."""

    CALLS = "calls"
    QUEUE = "queue"
    JUDGING = "judging"
    PEOPLE = "people"
    AUDIT = "audit"
    ACCOUNT = "account"


class Tab(StrEnum):
    """The parts of the page about people and rules."""

    REQUESTS = "Requests"
    PEOPLE = "People"
    TEAMS = "Teams"
    RULES = "Rules"
    RETENTION = "Retention"
    WORDS = "Word list"


def may(workspace: Workspace | None, *rights: Right) -> bool:
    """Return whether a vault is open and the person has all of the rights."""
    return workspace is not None and workspace.session.rights.issuperset(rights)


def tabs(rights: frozenset[Right]) -> tuple[Tab, ...]:
    """Return the parts of the page about people and rules that a person has to do with."""
    asks = {rule.asks for rule in ACTS.values()}
    offered = {
        Tab.REQUESTS: bool(rights & (asks | {Right.APPROVE})),
        Tab.PEOPLE: Right.MANAGE_PEOPLE in rights,
        Tab.TEAMS: Right.MANAGE_PEOPLE in rights,
        Tab.RULES: Right.CONFIGURE in rights,
        Tab.RETENTION: Right.ERASE in rights,
        Tab.WORDS: Right.CONFIGURE in rights,
    }
    return tuple(tab for tab, there in offered.items() if there)


def may_decide(session: Session, request: ApprovalRequest) -> bool:
    """Return whether a person may approve or refuse an open request: never their own."""
    open_still = request.state is RequestState.OPEN
    own = same_person(request.asked_by, session.name)
    return open_still and not own and ACTS[request.act].approves <= session.rights


def may_withdraw(session: Session, request: ApprovalRequest) -> bool:
    """Return whether a person may take back an open request: their own only."""
    return request.state is RequestState.OPEN and same_person(request.asked_by, session.name)


def pages(rights: frozenset[Right]) -> tuple[Page, ...]:
    """Return the pages that a person can use; their own account is always one."""
    offered = {
        Page.CALLS: Right.SEE_CALLS in rights,
        Page.QUEUE: Right.SEE_CALLS in rights,
        Page.JUDGING: rights.issuperset({Right.JUDGE_REDACTION, Right.SEE_TRANSCRIPT}),
        Page.PEOPLE: bool(tabs(rights)),
        Page.AUDIT: Right.READ_AUDIT in rights,
        Page.ACCOUNT: True,
    }
    return tuple(page for page, there in offered.items() if there)


def first_page(session: Session) -> Page:
    """Return the page that a person sees first: one's own account while a code is lacking."""
    return pages(session.rights)[0]

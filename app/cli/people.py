"""The commands about people: who is in the vault, passphrases, and codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.access import unknown_names
from app.cli import passphrases, records, text
from app.domain import Person, PersonName, PersonRole, PersonState, Right, Scope
from app.errors import UsageError
from app.reports import qr

if TYPE_CHECKING:
    from argparse import Namespace

    from app.cli.run import Run
    from app.workspace import Workspace

_STATES = {
    "suspend": PersonState.SUSPENDED,
    "restore": PersonState.ACTIVE,
    "remove": PersonState.REMOVED,
}
_DONE = {
    "suspend": "may sign in no more",
    "restore": "may sign in again",
    "remove": "is taken out of the vault",
}


def people(run: Run) -> int:
    """List who is in the vault, or change that."""
    act = run.args.act or "list"
    with run.workspace() as workspace:
        if act == "list":
            _list(run, workspace)
        elif act == "add":
            _add(run, workspace)
        elif act == "change":
            _change(run, workspace)
        elif act == "release":
            workspace.people.release(run.args.name, confirmed=run.confirmed(workspace))
            _tell(run, workspace, f"{run.args.name} may try to sign in again at once.")
        else:
            confirmed = run.confirmed(workspace)
            workspace.people.set_state(run.args.name, _STATES[act], confirmed=confirmed)
            _tell(run, workspace, f"{run.args.name} {_DONE[act]}.")
    return 0


def passphrase(run: Run) -> int:
    """Change one's own passphrase, or give somebody else a new one."""
    with run.workspace() as workspace:
        name = run.args.name or workspace.people.me.name
        new = run.new_passphrase(name, run.args.new_passphrase_file)
        confirmed = run.confirmed(workspace)
        workspace.people.set_passphrase(name, new, confirmed=confirmed)
        run.out.note(f"The passphrase of {name} is changed; the old one opens nothing any more.")
    return 0


def code(run: Run) -> int:
    """Set one's second factor up, or take one away."""
    with run.workspace() as workspace:
        if run.args.act == "off":
            name = run.args.name or workspace.people.me.name
            workspace.people.take_second_factor(name, confirmed=run.confirmed(workspace))
            run.out.note(f"{name} needs no code any more.")
            return 0
        if not passphrases.can_ask():
            raise UsageError(
                "A code has to be typed, and nobody can be asked for it here.",
                hint="Run this on a terminal, with the authenticator at hand.",
            )
        confirmed = run.confirmed(workspace)
        new = workspace.people.new_second_factor()
        run.out.note("Read this with your authenticator, then type the code that it shows:")
        for line in (*qr.terminal(new.uri), f"Or give it this:  {new.uri}"):
            run.out.warn(line)
        code = passphrases.read_code(None)
        codes = workspace.people.set_second_factor(new, code, confirmed=confirmed)
        lines = ["From now on a code is needed to sign in.", "Backup codes, good once each:"]
        record = records.SecretRecord(kind="backup-codes", values=codes)
        run.out.give(record, [*lines, *(f"  {one}" for one in codes)])
    return 0


def _list(run: Run, workspace: Workspace) -> None:
    everybody, waits = workspace.people.list(), workspace.people.waits()
    if run.out.json:
        for person in everybody:
            run.out.give(records.of_person(person, waits.get(person.name)), ())
        return
    header = ("NAME", "ROLES", "ALSO MAY", "SEES", "CODE", "STATE")
    run.out.say(text.table(header, map(_row, everybody), run.out.width))
    run.out.say(_waiting(name, until) for name, until in waits.items())


def _waiting(name: str, until: str) -> str:
    """Return who has to wait for how long, and what ends it."""
    waits = text.wait(until, datetime.now(UTC))
    return f"{name} {waits} after failed sign-ins; `people release {name}` ends it."


def _row(person: Person) -> tuple[str, ...]:
    limits = [f"queue {one}" for one in person.scope.queues]
    limits += [f"team {one}" for one in person.scope.teams]
    return (
        person.name,
        ", ".join(sorted(person.roles)),
        ", ".join(sorted(person.granted)) or "-",
        ", ".join(limits) or ("nothing" if person.scope.limited else "all calls"),
        "yes" if person.second_factor else "no",
        person.state.value,
    )


def _add(run: Run, workspace: Workspace) -> None:
    person = _as_asked(Person(name=PersonName(run.args.name), roles=frozenset()), run.args)
    _remark_on_unknown(run, workspace, person)
    new = run.new_passphrase(run.args.name, run.args.new_passphrase_file)
    workspace.people.add(person, new, confirmed=run.confirmed(workspace))
    _tell(run, workspace, f"{run.args.name} is in the vault.")


def _change(run: Run, workspace: Workspace) -> None:
    if not any((run.args.role, run.args.grant, run.args.queue, run.args.team, run.args.everything)):
        raise UsageError(
            "Nothing is said of what to change.",
            hint="Use --role, --grant, --queue, --team or --everything.",
        )
    wanted = run.args.name.strip().casefold()
    found = [one for one in workspace.people.list() if one.name.casefold() == wanted]
    person = found[0] if found else Person(name=PersonName(run.args.name), roles=frozenset())
    changed = _as_asked(person, run.args)
    if run.args.everything:
        changed = replace(changed, scope=Scope())
    _remark_on_unknown(run, workspace, changed)
    workspace.people.change(changed, confirmed=run.confirmed(workspace))
    _tell(run, workspace, f"{changed.name} is changed.")


def _remark_on_unknown(run: Run, workspace: Workspace, person: Person) -> None:
    """Say which of the queues and teams that were named now nothing is known of."""
    if run.args.queue or run.args.team:
        for unknown in unknown_names(person.scope, workspace.people.known_names()):
            run.out.note(unknown.sentence)


def _as_asked(person: Person, args: Namespace) -> Person:
    """Return the person with what the options say in place of what was."""
    roles = frozenset(map(PersonRole, args.role or ())) or person.roles
    granted = frozenset(map(Right, args.grant)) if args.grant else person.granted
    scope = person.scope
    if args.queue or args.team:
        scope = Scope(limited=True, queues=tuple(args.queue or ()), teams=tuple(args.team or ()))
    return replace(person, roles=roles, granted=granted, scope=scope)


def _tell(run: Run, workspace: Workspace, sentence: str) -> None:
    wanted = run.args.name.strip().casefold()
    for person in workspace.people.list():
        if person.name.casefold() == wanted:
            waits = workspace.people.waits().get(person.name)
            lines = [sentence, _summary(person), *([_waiting(person.name, waits)] if waits else ())]
            run.out.give(records.of_person(person, waits), lines)


def _summary(person: Person) -> str:
    """Return what a person may do and see, so that a slip is seen at once."""
    _, roles, granted, sees, _, state = _row(person)
    also = "" if granted == "-" else f"; also: {granted}"
    return f"  {state}; {roles or 'no role'}{also}; sees {sees}"

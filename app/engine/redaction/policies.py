"""What is done with what is found, kind by kind, by a policy that is data.

A policy is one TOML file of resources/recognisers/policies; the settings choose one and may change
single kinds for a client. Promises that a policy that loads is whole (unknown keys and kinds are
refused with the line), that a kind which no policy names is masked, and that no policy, whatever
the data says, lets through what nobody may keep: `NEVER_KEPT` is code and no data.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import msgspec

from app.config import Action
from app.engine.redaction.checks import card
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from app.config import RedactionSettings, Region
    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.found import Found

POLICY = "redaction-"
"""Begins the name of a policy in the provenance."""
NEVER_KEPT = frozenset({"CARD_CODE", "PIN", "PASSWORD", "SECURITY_ANSWER"})
"""Kinds that are masked whatever a policy says: PCI DSS 3.3.1 forbids to keep sensitive
authentication data after authorisation, and what opens an account is kept by nobody."""
WITH_TAIL = frozenset({"CARD", "BANK_ACCOUNT", "ACCOUNT_NUMBER", "IBAN", "PHONE"})
"""Kinds of which the last four digits may be shown."""
_NO_SECRET = frozenset({"AGE", "DATE", "LOCATION", "MEDICAL", "ORGANISATION", "OTHER_NUMBER"})
"""Kinds that say of a number what it is by itself: a secret is found beside them as one."""
_TAIL = 4
_SHORTEST, _LONGEST = 8, 34  # characters of a value of which four are shown
_LONGEST_CARD = 16  # a longer one may be a card and the code that was said after it
_SECRETS_OPEN = 2  # turns after a question in which a number may be what was asked for
_DEEPEST = 5


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    title: str
    extends: str | None = None
    others: Action | None = None  # as the policy that it extends says; else "mask"
    actions: dict[str, Action] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is done with each kind: `actions` holds every kind that is known."""

    name: str
    version: int
    actions: Mapping[str, Action]
    regions: tuple[Region, ...]
    agent_names: bool

    @property
    def lineage(self) -> str:
        """The policy by its name, version and a digest over all that it decides."""
        decides = (sorted(self.actions.items()), sorted(self.regions), self.agent_names)
        digest = hashlib.sha256(msgspec.json.encode(decides)).hexdigest()
        return f"{POLICY}{self.name}-{self.version}-{digest[:16]}"

    def masks(self, kind: str) -> bool:
        """Say whether values of a kind are taken out, at least in part."""
        return kind in NEVER_KEPT or self.actions.get(kind, "mask") != "keep"

    def applied(self, found: Iterable[Found], call: SaidCall) -> list[Found]:
        """Return what is to be taken out of a call, and of which values the tail is shown."""
        return [
            replace(one, tail=self._tail(one, secrets))
            for one in found
            if not self._keeps(one, secrets := secrets_open(call.turns[one.turn]))
        ]

    def _keeps(self, one: Found, secrets: bool) -> bool:
        """Say whether a value stays: a number does not where a secret is talked about, but for a
        card that proves itself and can hold no code."""
        if self.masks(one.kind):
            return False
        doubtful = one.kind == "CARD" or (secrets and one.kind not in _NO_SECRET)
        holds_digits = any(char.isdigit() for char in one.value)
        return not (doubtful and holds_digits) or _is_card_alone(one)

    def _tail(self, one: Found, secrets: bool) -> str:
        """Return the last digits that are shown: none where they may be something else."""
        if one.kind not in WITH_TAIL or self.actions.get(one.kind) != "last-four":
            return ""
        if one.kind == "CARD":
            return one.value[-_TAIL:] if _is_card_alone(one) else ""
        tail = one.value[-_TAIL:]
        whole = _SHORTEST <= len(one.value) <= _LONGEST and tail.isascii() and tail.isdigit()
        return tail if whole and not secrets else ""


def secrets_open(turn: SaidTurn) -> bool:
    """Say whether a number of a turn may be one that nobody may keep: it is asked for or named."""
    asked = {one.kind for one in turn.asked if one.turns_ago <= _SECRETS_OPEN}
    return not NEVER_KEPT.isdisjoint(asked | {cue.kind for cue in turn.cues})


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of the policies in a folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load(folder: Path, settings: RedactionSettings, kinds: Collection[str]) -> Policy:
    """Return the policy of the settings for all `kinds`; raises `UsageError` with the file and the
    line, or the setting, that is wrong."""
    chain = list(_chain(folder, settings.policy, kinds))[::-1]
    others = [file.others for file in chain if file.others is not None]
    actions: dict[str, Action] = dict.fromkeys(kinds, others[-1] if others else "mask")
    for file in chain:
        actions |= file.actions
    for kind, action in settings.actions.items():
        _check_action(kind, action, kinds, "The setting redaction.actions")
        actions[kind] = action
    newest = chain[-1]
    return Policy(
        name=newest.name,
        version=newest.version,
        actions=actions,
        regions=settings.regions,
        agent_names=settings.agent_names,
    )


def _chain(folder: Path, name: str, kinds: Collection[str]) -> Iterator[_File]:
    """Yield the policy, what it extends, and so on."""
    following: str | None = name
    for _ in range(_DEEPEST):
        file = _read(folder, following or "", kinds)
        yield file
        following = file.extends
        if following is None:
            return
    raise UsageError(f"The redaction policy {name} extends too many policies, or itself.")


def _read(folder: Path, name: str, kinds: Collection[str]) -> _File:
    path = folder / f"{name}.toml"
    if name not in names(folder):
        known = ", ".join(names(folder)) or "none"
        raise UsageError(
            f"There is no redaction policy called {name}.", hint=f"Policies here: {known}."
        )
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The policy {path.name} is not readable TOML: {error}.") from error
    try:
        file = msgspec.convert(content, _File)
    except msgspec.ValidationError as error:
        where = _line(text, _key_in(error, content))
        raise UsageError(f"The policy {path.name} is wrong: {error}{where}.") from error
    if file.name != name:
        raise UsageError(f"The policy {path.name} calls itself {file.name}; both must be the same.")
    for kind, action in file.actions.items():
        _check_action(kind, action, kinds, f"The policy {path.name}{_line(text, kind)}")
    return file


def _check_action(kind: str, action: Action, kinds: Collection[str], owner: str) -> None:
    """Refuse what cannot be done with a kind, so that nobody believes that it is."""
    if kind not in kinds:
        hint = f"The kinds are: {', '.join(sorted(kinds))}."
        raise UsageError(f"{owner} names an unknown kind {kind}.", hint=hint)
    if kind in NEVER_KEPT and action != "mask":
        raise UsageError(f"{owner} says {action} of {kind}, which nobody may keep.")
    if action == "last-four" and kind not in WITH_TAIL:
        hint = f"Kinds with a part that can be shown: {', '.join(sorted(WITH_TAIL))}."
        raise UsageError(f"{owner} says last-four of {kind}.", hint=hint)


def _key_in(error: Exception, content: Mapping[str, object]) -> str:
    """Return the key that an error speaks of."""
    unknown = re.search(r"unknown field `(\w[\w-]*)`", str(error))
    if unknown:
        return unknown[1]
    place = re.search(r"at `\$\.(\w+)", str(error))
    if place is None:
        return ""
    actions = content.get("actions")
    if place[1] != "actions" or not isinstance(actions, dict):
        return place[1]
    return next((kind for kind, action in actions.items() if action not in _ACTIONS), "actions")


_ACTIONS = frozenset({"mask", "last-four", "keep"})


def _line(text: str, key: str) -> str:
    """Return where a key stands: `, line 12`."""
    start = re.compile(rf'\s*\[?["\']?{re.escape(key)}["\']?\s*[=\]]')
    lines = [number for number, line in enumerate(text.splitlines(), 1) if start.match(line)]
    return f", line {lines[0]}" if key and lines else ""


def _is_card_alone(one: Found) -> bool:
    return one.kind == "CARD" and len(one.value) <= _LONGEST_CARD and card(one.value)

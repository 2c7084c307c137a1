"""Finds e-mail addresses and web addresses as they are said: "j dot smith at gmail dot com"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.engine.redaction.found import Found

if TYPE_CHECKING:
    from app.engine.redaction.call import SaidCall, SaidTurn

_SIGNS = {
    "dot": ".",
    ".": ".",
    "point": ".",
    "underscore": "_",
    "_": "_",
    "dash": "-",
    "hyphen": "-",
    "-": "-",
    "minus": "-",
    "plus": "+",
    "full": "",
    "stop": ".",
}
_ENDS = {
    *("com", "co", "uk", "org", "net", "io", "au", "za", "gov", "edu", "info", "biz", "me", "ie"),
    *("de", "fr", "es", "it", "nl", "eu", "us", "ca", "nz", "in", "tv", "ac", "nhs", "ai", "app"),
    *("email", "online", "dev", "ch", "at", "be", "se", "no", "dk", "pl", "pt"),
}
_STOPS = {
    *("it's", "is", "to", "email", "mail", "address", "on", "the", "my", "yes", "yeah", "yep"),
    *("sure", "okay", "ok", "um", "uh", "er", "so", "that's", "and", "its", "e", "was", "would"),
    *("be", "send", "use", "have", "got", "as", "right", "well", "of", "course", "it", "please"),
    *("i", "i'm", "you", "we", "him", "her", "them", "me", "us", "contact", "reach", "through"),
    *("for", "have", "under", "or", "no", "sorry", "correct", "looking", "are", "a", "just"),
}
_SENTENCE_ENDS = {"?", "!", ":", ";", '"'}
_LONGEST_LOCAL = 40  # tokens before "at": spelled names are long
_LONGEST_DOMAIN = 24


@dataclass(frozen=True, slots=True)
class ContactFinder:
    """Finds spoken e-mail addresses, asked for or not."""

    def find(self, call: SaidCall) -> list[Found]:
        """Return the addresses of every turn."""
        return [one for turn in call.turns for one in self._in_turn(turn)]

    def _in_turn(self, turn: SaidTurn) -> list[Found]:
        found: list[Found] = []
        edge = 0  # tokens before it belong to an address already
        asked = any(one.kind == "EMAIL" for one in turn.asked)
        asked |= any(cue.kind == "EMAIL" for cue in turn.cues)
        for index, word in enumerate(turn.words):
            if word not in {"at", "@"} or index < edge + 1:
                continue
            last = _domain_end(turn, index, asked=asked)
            if last is None:
                continue
            first = _local_start(turn, index, edge, asked=asked)
            if first < index:
                edge = last + 1
                found.append(_address(turn, first, index, last))
        return found


def _domain_end(turn: SaidTurn, at: int, *, asked: bool) -> int | None:
    """Return the last token of a domain after "at", `None` where there is none."""
    words = turn.words
    last, has_dot, place = None, False, at + 1
    end = min(len(words), at + _LONGEST_DOMAIN)
    while place < end:
        word = words[place]
        if word == "." and not _is_tight(turn, place):
            break
        if word in {"dot", ".", "point"}:
            if place + 1 < end and words[place + 1] in _ENDS:
                last, has_dot = place + 1, True
                place += 2
                continue
            if place + 1 >= end or not words[place + 1][0].isalnum():
                break
        elif not (word[0].isalnum() or word in _SIGNS) or (has_dot and word not in _ENDS):
            break
        place += 1
    if last is None and asked and at + 1 < len(words) and words[at + 1] in _PROVIDERS:
        return at + 1
    return last


_PROVIDERS = {"gmail", "hotmail", "yahoo", "outlook", "icloud", "aol", "btinternet", "proton"}


def _local_start(turn: SaidTurn, at: int, edge: int, *, asked: bool) -> int:
    """Return the first token of what stands before "at"."""
    words = turn.words
    in_runs = turn.in_runs
    first, place, plain = at, at - 1, 0
    while place >= max(edge, at - _LONGEST_LOCAL):
        word = words[place]
        joined = word in _SIGNS and word != "."
        tight = word == "." and _is_tight(turn, place)
        if joined or tight or place in in_runs or (len(word) == 1 and word.isalnum()):
            plain = 0 if (joined or tight) else plain
            if word in {"a", "i"} and place + 1 < at and words[place + 1] not in _SIGNS:
                single = place + 1 in in_runs or len(words[place + 1]) == 1
                if not single:
                    break
        elif word == ",":
            if not asked:
                break
        elif not word[0].isalnum() or word in _STOPS or word in _SENTENCE_ENDS:
            break
        else:
            plain += 1
            if plain > (3 if asked else 1):
                break
        first, place = place, place - 1
    while first < at and not words[first][0].isalnum():
        first += 1
    return first


def _is_tight(turn: SaidTurn, place: int) -> bool:
    """Say whether a dot stands between two characters without a blank."""
    tokens = turn.tokens
    return (
        0 < place < len(tokens) - 1
        and tokens[place - 1].end == tokens[place].start
        and tokens[place].end == tokens[place + 1].start
    )


def _address(turn: SaidTurn, first: int, at: int, last: int) -> Found:
    start, end = turn.span(first, last)
    chars: list[str] = []
    place = first
    while place <= last:
        run = turn.run_at.get(place)
        word = turn.words[place]
        if place == at:
            chars.append("@")
        elif run is not None and run.last <= last and not first <= at <= run.last:
            chars.append(run.chars.lower())
            place = run.last
        else:
            chars.append(_SIGNS.get(word, word if word[0].isalnum() else ""))
        place += 1
    return Found(
        kind="EMAIL",
        turn=turn.index,
        start=start,
        end=end,
        score=0.95,
        rule="email.spoken",
        value="".join(chars),
    )

"""Finds street addresses as they are said: "flat two, seventeen Mulberry Lane"."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.spoken import Form

if TYPE_CHECKING:
    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon
    from app.engine.redaction.spoken import Run

_LONGEST_NAME = 4  # words of a street's name
_LONGEST_TOWN = 3  # words of a place after the street
_LONGEST_ANSWER = 14  # tokens taken from an answer without a street word
_STREET, _LIKELY = 0.85, 0.6  # how sure with a street word, and without
_ANNOUNCED = 3  # tokens from "my address is" to a number that begins one
_OPEN = 3  # turns after the question
_SHORT_CODE, _CODE = 4, 6  # digits of a postal code
_SHORT_STREETS = {"st", "rd", "ave", "dr", "ln", "blvd", "ct", "pl", "sq", "pde", "cres", "str"}
_STATE = 2  # letters of a state before it
_SURE_UNITS = {"suite", "apt", "apartment", "unit", "flat"}
_PARTS_BACK = 4  # tokens between a flat's number and the house's


class AddressFinder:
    """Finds addresses by a number, a name and a street word, or as an answer."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Keep the words of addresses."""
        self._words = lexicon.address
        self._streets = lexicon.address.streets - lexicon.address.stops
        self._units = Phrases(lexicon.address.units)
        self._common = lexicon.common

    def find(self, call: SaidCall) -> list[Found]:
        """Return the addresses of every turn."""
        return [one for turn in call.turns for one in self._in_turn(turn)]

    def _in_turn(self, turn: SaidTurn) -> list[Found]:
        asked = any(one.kind == "ADDRESS" and one.turns_ago <= _OPEN for one in turn.asked)
        asked |= any(cue.kind == "ADDRESS" for cue in turn.cues)
        announced = {cue.last for cue in turn.cues if cue.kind == "ADDRESS"}
        pieces: list[tuple[int, int, float]] = []
        previous: Run | None = None
        for run in turn.runs:
            before, previous = previous, run
            edge = pieces[-1][1] + 1 if pieces else 0
            if run.first < edge or not any(char.isdigit() for char in run.chars):
                continue
            piece = self._piece(turn, run, announced, asked=asked, edge=edge)
            if piece:
                last, score = piece
                pieces.append((self._unit_start(turn, run, before, edge), last, score))
        return [_found(turn, *piece) for piece in _joined(pieces)]

    def _piece(
        self, turn: SaidTurn, run: Run, announced: set[int], *, asked: bool, edge: int
    ) -> tuple[int, float] | None:
        """Return where the address that begins with a number ends, and how sure it is one."""
        last, sure = self._street_end(turn, run, asked=asked)
        if last is None:
            last = self._between_numbers(turn, run)
        if last is not None:
            return self._town_end(turn, last), _STREET if sure else _LIKELY
        if edge and run.first - edge <= _LONGEST_ANSWER and _is_postal(run):
            return run.last, _LIKELY
        if any(place in announced for place in range(run.first - _ANNOUNCED, run.first)):
            return run.last, _LIKELY
        unit = self._unit_end(turn, run, asked=asked or edge > 0)
        return (unit, _LIKELY) if unit is not None else None

    def _street_end(self, turn: SaidTurn, run: Run, *, asked: bool) -> tuple[int | None, bool]:
        """Return the street word after a house number, or the end of an answer without one."""
        words = turn.words
        place, names = run.last + 1, 0
        if place < len(words) and words[place] == ",":
            place += 1
        start = place
        while place < len(words) and names <= _LONGEST_NAME:
            word = words[place]
            street = word in self._words.streets and names > 0
            if street and self._counts(turn, place, asked=asked):
                following = place + 1
                if following < len(words) and words[following] in self._streets:
                    place = following
                return place, True
            if not word[0].isalpha() or word in self._words.stops:
                break
            names += 1
            place += 1
        ordinal = run.symbols[-1].form is Form.ORDINAL
        if not asked or place == start or names == 0 or (ordinal and len(run.symbols) == 1):
            return None, False
        named = any(
            turn.tokens[one].text[0].isupper() or (turn.lower and words[one] not in self._common)
            for one in range(start, min(place, len(words)))
        )
        starts_named = turn.tokens[start].text[0].isupper() or (
            turn.lower and words[start] not in self._common
        )
        return (place - 1, False) if named and starts_named else (None, False)

    def _between_numbers(self, turn: SaidTurn, run: Run) -> int | None:
        """Return the second number of "52 Ibirapita 8057", as much of the world writes it."""
        if turn.lower or len(run.chars) > _CODE or not run.chars.isdigit():
            return None
        place = run.last + 1
        while place < len(turn.words) and place - run.last <= _LONGEST_NAME:
            token = turn.tokens[place]
            if not token.text[0].isupper() or token.word in self._common:
                break
            place += 1
        other = turn.run_at.get(place)
        if other is None or place == run.last + 1 or not other.chars.isdigit():
            return None
        return other.last if len(other.chars) <= _CODE else None

    def _unit_end(self, turn: SaidTurn, run: Run, *, asked: bool) -> int | None:
        """Return the end of "Suite 286", "Apt. 12"."""
        before = run.first - 1
        before -= before > 0 and turn.words[before] == "."
        if before < 0 or turn.words[before] not in _SURE_UNITS:
            return None
        written = turn.tokens[run.first].text.isdigit()
        return run.last if asked or (written and turn.tokens[before].text[0].isupper()) else None

    def _counts(self, turn: SaidTurn, place: int, *, asked: bool) -> bool:
        """Say whether a street word is one here: "Mulberry Lane", not "all the way"."""
        word = turn.words[place]
        if word not in self._words.shy_streets:
            return True
        return asked or (turn.tokens[place].text[0].isupper() and not turn.lower)

    def _unit_start(self, turn: SaidTurn, run: Run, before: Run | None, edge: int) -> int:
        """Return where the address starts: "flat two," before the house number, too."""
        first = run.first
        if before and before.first >= edge and run.first - before.last <= _PARTS_BACK:
            between = turn.words[before.last + 1 : run.first]
            unit = self._unit_before(turn, before.first, edge)
            if unit is not None and all(word == "," or word[0].isalpha() for word in between):
                return unit
        unit = self._unit_before(turn, first, edge)
        return first if unit is None else unit

    def _unit_before(self, turn: SaidTurn, place: int, edge: int) -> int | None:
        place -= place > 0 and turn.words[place - 1] == "."
        for length in (3, 2, 1):
            start = place - length
            if start >= edge and self._units.at(turn.words, start) == length:
                return start
        return None

    def _town_end(self, turn: SaidTurn, last: int) -> int:
        """Return the last token of the places named after a street: ", Ballarat"."""
        end, place, words_left = last, last + 1, _LONGEST_TOWN
        while place < len(turn.words) and words_left:
            token = turn.tokens[place]
            short = token.text == "." and turn.words[place - 1] in _SHORT_STREETS
            if token.text == "," or short:
                place += 1
                continue
            capital = token.text[0].isupper() and token.word not in self._words.stops
            unknown = turn.lower and token.word not in self._common and token.text[0].isalpha()
            if not (capital or unknown) or token.word in self._words.stops:
                break
            if place in turn.in_cues or place in turn.in_runs:
                break
            end, place, words_left = place, place + 1, words_left - 1
        return end


def _is_postal(run: Run) -> bool:
    digits = run.chars.lstrip(ascii_uppercase)  # CA 94110
    short = len(run.chars) - len(digits) <= _STATE
    return short and digits.isdigit() and _SHORT_CODE <= len(digits) <= _CODE


def _joined(pieces: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Return the pieces with those that are next to each other made one."""
    joined: list[tuple[int, int, float]] = []
    for first, last, score in pieces:
        if joined and first - joined[-1][1] <= _PARTS_BACK:
            before = joined.pop()
            joined.append((before[0], last, max(before[2], score)))
        else:
            joined.append((first, last, score))
    return joined


def _found(turn: SaidTurn, first: int, last: int, score: float) -> Found:
    start, end = turn.span(first, last)
    parts: list[str] = []
    place = first
    while place <= last:
        run = turn.run_at.get(place)
        if run is not None and run.last <= last:
            parts.append(run.chars.lower())
            place = run.last
        elif turn.words[place][0].isalnum():
            parts.append(turn.words[place])
        place += 1
    return Found(
        kind="ADDRESS",
        turn=turn.index,
        start=start,
        end=end,
        score=score,
        rule="address.street" if score == _STREET else "address.likely",
        value=" ".join(parts),
    )

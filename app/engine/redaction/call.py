"""A call as the finders see it: every turn with its tokens, numbers, cues, and what was asked
before it.

Cues are phrases that ask for or announce a value ("sort code", "your name"). What was asked stays
open over acknowledgements until something else is asked or six turns have passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain import Role
from app.engine.redaction.dates import Calendar, SaidDate
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.spoken import Normaliser, Run, Token, tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.engine.redaction.lexicon import Kind, Lexicon
    from app.engine.transcription import RawTranscript, RawTurn

OPEN_TURNS = 6  # so many turns later a question is still open
SHORT_QUESTION = 7  # words: "and your password"
ASKING_WORDS = frozenset(
    (
        *("what", "what's", "which", "who", "whom", "can", "could", "may", "please", "confirm"),
        *("tell", "give", "verify", "spell", "read", "provide"),
    )
)
FEW_WORDS = 4  # a turn with so few other words is just a number
REMEMBERED_QUESTIONS = 2  # the latest turns with cues that count


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase over tokens `first` to `last` that asks for or announces a value of `kind`."""

    kind: str
    first: int
    last: int
    weak: bool = False
    follows: bool = False  # it comes after the value: "on the back"


@dataclass(frozen=True, slots=True)
class Asked:
    """A kind that was asked for or announced `turns_ago` turns before."""

    kind: str
    turns_ago: int
    weak: bool
    question: bool  # the other side asks for it, rather than talks about it


@dataclass(frozen=True, slots=True)
class SaidTurn:
    """A turn with everything that the finders look at."""

    index: int
    role: Role
    channel: int
    text: str = field(repr=False)
    tokens: tuple[Token, ...] = field(repr=False)
    words: tuple[str, ...] = field(repr=False)
    runs: tuple[Run, ...] = field(repr=False)
    dates: tuple[SaidDate, ...] = field(repr=False)
    cues: tuple[Cue, ...]
    asked: tuple[Asked, ...]
    lower: bool  # printed without capitals, as some recognisers do
    run_at: dict[int, Run] = field(repr=False)  # by first token
    in_runs: frozenset[int] = field(repr=False)  # tokens
    in_cues: frozenset[int] = field(repr=False)  # tokens
    few_words: bool  # little else than numbers is said

    @property
    def answers_unknown(self) -> bool:
        """Whether a customer may answer a question that is not known, or was misheard: nothing was
        asked for a turn ago, and nothing is announced."""
        asked = any(one.turns_ago <= 1 and one.question for one in self.asked)
        return not (asked or self.cues or self.role is Role.AGENT)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the characters of tokens `first` to `last`."""
        return self.tokens[first].start, self.tokens[last].end


@dataclass(frozen=True, slots=True)
class SaidCall:
    """All turns of a call."""

    turns: tuple[SaidTurn, ...]

    def asks_for(self, kind: str) -> bool:
        """Say whether anybody but a customer asks for or announces a value of a kind."""
        return any(cue.kind == kind for cue in self._strong(self.turns))

    def asks_near(self, turn: SaidTurn) -> bool:
        """Say whether anybody but a customer asks for or announces a value a few turns before or
        after a turn: somebody is being verified there."""
        near = self.turns[max(0, turn.index - OPEN_TURNS) : turn.index + OPEN_TURNS + 1]
        return any(True for _ in self._strong(near))

    @staticmethod
    def _strong(turns: Sequence[SaidTurn]) -> Iterator[Cue]:
        for turn in turns:
            if turn.role is not Role.CUSTOMER:
                yield from (cue for cue in turn.cues if not cue.weak)


class Reader:
    """Prepares calls for the finders."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index the cues."""
        self._normaliser = Normaliser(lexicon.spoken)
        self._calendar = Calendar(lexicon.spoken)
        self._cues = Phrases(_cue_phrases(lexicon.kinds.values()))
        self._kinds = lexicon.kinds

    def read(self, raw: RawTranscript) -> SaidCall:
        """Return the call's turns with tokens, runs, dates, cues and open questions."""
        heard: list[SaidTurn] = []
        lower = _all_lower(raw.turns)
        questions: list[SaidTurn] = []
        for index, turn in enumerate(raw.turns):
            said = self._turn(index, turn, questions, lower=lower)
            heard.append(said)
            if said.cues:
                questions.append(said)
        return SaidCall(tuple(heard))

    def _turn(
        self, index: int, turn: RawTurn, questions: Sequence[SaidTurn], *, lower: bool
    ) -> SaidTurn:
        tokens = tokenise(turn.text)
        words = tuple(token.word for token in tokens)
        runs = self._normaliser.runs(tokens)
        cues = self._cues_in(words)
        in_runs = frozenset(place for run in runs for place in range(run.first, run.last + 1))
        spoken = sum(1 for word in words if word[0].isalnum())
        return SaidTurn(
            index=index,
            role=turn.role,
            channel=turn.channel,
            text=turn.text,
            tokens=tokens,
            words=words,
            runs=runs,
            dates=self._calendar.dates(tokens, words, self._normaliser.symbols(tokens)),
            cues=cues,
            asked=_asked(index, turn, questions),
            lower=lower or not any(char.isupper() for char in turn.text),
            run_at={run.first: run for run in runs},
            in_runs=in_runs,
            in_cues=frozenset(p for cue in cues for p in range(cue.first, cue.last + 1)),
            few_words=spoken - len(in_runs) <= FEW_WORDS,
        )

    def _cues_in(self, words: Sequence[str]) -> tuple[Cue, ...]:
        cues: list[Cue] = []
        index = 0
        while index < len(words):
            length, meanings = self._meaning_at(words, index)
            if clearer := self._clearer_within(words, index, length, meanings):
                index = clearer
                continue
            for kind, sort in meanings:
                last = index + length - 1
                cues.append(Cue(kind, index, last, sort == "weak", sort == "after"))
            index += max(1, length)
        return tuple(cues)

    def _meaning_at(self, words: Sequence[str], index: int) -> tuple[int, list[tuple[str, str]]]:
        length, meanings = self._cues.meaning_at(words, index)
        return length, meanings if isinstance(meanings, list) else []

    def _clearer_within(
        self, words: Sequence[str], index: int, length: int, meanings: list[tuple[str, str]]
    ) -> int:
        """Return where a strong phrase begins in a weak one and goes on behind it, as in "the card
        number"; 0 where none does."""
        if any(sort != "weak" for _, sort in meanings):
            return 0
        for place in range(index + 1, index + length):
            reach, inner = self._meaning_at(words, place)
            if place + reach > index + length and any(sort == "strong" for _, sort in inner):
                return place
        return 0


def _cue_phrases(kinds: Iterable[Kind]) -> dict[str, list[tuple[str, str]]]:
    """Return what each phrase may mean: kinds, and whether it is weak or follows the value."""
    phrases: dict[str, list[tuple[str, str]]] = {}
    for kind in kinds:
        for sort, group in (("strong", kind.phrases), ("weak", kind.weak), ("after", kind.after)):
            for phrase in group:
                split = " ".join(token.word for token in tokenise(phrase))
                phrases.setdefault(split, []).append((kind.name, sort))
    return phrases


def _asked(index: int, turn: RawTurn, questions: Sequence[SaidTurn]) -> tuple[Asked, ...]:
    """Return what is open when a turn starts, the latest question first."""
    asked: dict[str, Asked] = {}
    for question in reversed(questions[-REMEMBERED_QUESTIONS:]):
        turns_ago = index - question.index
        if turns_ago > OPEN_TURNS:
            break
        same = question.channel == turn.channel and question.role == turn.role
        asks = not same and question.role is not Role.CUSTOMER and _is_question(question)
        for cue in question.cues:
            if not cue.follows:
                asked.setdefault(cue.kind, Asked(cue.kind, turns_ago, cue.weak, asks))
    return tuple(asked.values())


def _is_question(turn: SaidTurn) -> bool:
    """Say whether a turn asks for something: by its sign, its words, or its shortness."""
    return (
        "?" in turn.words
        or sum(word[0].isalnum() for word in turn.words) <= SHORT_QUESTION
        or not ASKING_WORDS.isdisjoint(turn.words)
    )


def _all_lower(turns: Sequence[RawTurn]) -> bool:
    """Say whether a transcript comes from a recogniser that prints no capitals."""
    letters = sum(char.isalpha() for turn in turns for char in turn.text)
    capitals = sum(char.isupper() for turn in turns for char in turn.text)
    return letters > 0 and capitals * 200 < letters

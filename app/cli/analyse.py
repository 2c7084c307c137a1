"""`analyse`: recordings and transcripts to findings, without keeping anything.

Results come in the order of the input, each as soon as it and those before it are there.
"""

from __future__ import annotations

import errno
import os
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.bootstrap import Source
from app.cli import records, text
from app.cli.output import printable
from app.cli.progress import Bar, Interruption
from app.cli.vocabulary import read_list
from app.domain import AnalysedCall, CallMetadata, Failure, Progress
from app.errors import CallFailed, DiskFull, FolderReadOnly, StorageError, UsageError
from app.workspace.intake import parse_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.cli.record import Record
    from app.cli.run import Run
    from app.domain import Outcome

_LINES = frozenset({".jsonl", ".ndjson"})
_TRANSCRIPTS = _LINES | {".json"}
_KINDS: dict[int | None, type[StorageError]] = {
    errno.ENOSPC: DiskFull,
    errno.EACCES: FolderReadOnly,
    errno.EROFS: FolderReadOnly,
}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Named(msgspec.Struct):
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """One call to analyse: `line` tells where it stands in a file of several."""

    source: Source
    line: int | None = None
    id: str | None = None

    @property
    def label(self) -> str:
        """What a person calls it."""
        at = "" if self.line is None else f", line {self.line}"
        return self.source.name + at + (f" ({self.id})" if self.id else "")


def analyse(run: Run, stdin: Callable[[], bytes]) -> int:
    """Analyse what is named; return 7 if a call failed."""
    vocabulary = "" if run.args.vocabulary is None else read_list(run.args.vocabulary)
    inputs = list(_inputs(run, stdin))
    sound = any(one.source.content == "audio" for one in inputs)
    run.program.check_settings(sound=sound)
    sink = _Sink.of(run.args.audio_out, inputs, force=run.args.force)
    shown = _InOrder(run, inputs, sink)
    sources = [one.source for one in inputs]
    with Interruption() as stop, Bar(run.out, "Analysing", "call") as bar:
        bar.tell(Progress(done=0, total=len(inputs)))
        outcomes = run.program.analyse(
            sources, progress=lambda _, step: bar.tell(step), stop=stop, vocabulary=vocabulary
        )
        with closing(outcomes):  # type: ignore[type-var]
            for number, (source, outcome) in enumerate(outcomes, 1):
                with bar.aside():
                    shown.take(source, outcome)
                bar.tell(Progress(done=number, total=len(inputs)))
    return CallFailed.status if shown.failed else 0


@dataclass(slots=True)
class _InOrder:
    """Shows outcomes in the order of the input."""

    run: Run
    inputs: list[Input]
    sink: _Sink
    failed: bool = False
    _next: int = 0
    _waiting: dict[int, tuple[Record, list[str]]] = field(default_factory=dict)

    def take(self, source: Source, outcome: Outcome) -> None:
        place = next(n for n, one in enumerate(self.inputs) if one.source is source)
        self._waiting[place] = self._result(self.inputs[place], outcome)
        while self._next in self._waiting:
            self.run.out.give(*self._waiting.pop(self._next))
            self._next += 1

    def _result(self, one: Input, outcome: Outcome) -> tuple[Record, list[str]]:
        name = one.source.name
        if isinstance(outcome, Failure):
            self.failed = True
            wrong = records.ErrorRecord(source=name, line=one.line, id=one.id, error=outcome)
            return wrong, [*text.failure(one.label, outcome), ""]
        self.sink.write(one.source, outcome)
        found = outcome.analysis
        record = records.of_analysis(
            found, source=name, line=one.line, call=one.id, seconds=outcome.seconds
        )
        width = self.run.out.width
        lines = [*text.report(one.label, found, width), ""]
        return record, [*lines, *text.transcript(found.transcript.turns, width), ""]


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where the muted audio goes."""

    targets: dict[int, Path] = field(default_factory=dict)  # by the source's id()

    @classmethod
    def of(cls, place: Path | None, inputs: list[Input], *, force: bool) -> _Sink:
        """Choose a file for each recording; raises `UsageError` before anything is done."""
        sources = [one.source for one in inputs if one.source.content == "audio"]
        if place is None:
            return cls()
        if not sources:
            raise UsageError("A transcript has no sound that --audio-out could write.")
        if place.suffix.lower() == ".flac" and not place.is_dir():
            if len(sources) > 1:
                hint = "Name a folder; each recording gets a file in it."
                raise UsageError(f"{place} is one file for {len(sources)} recordings.", hint=hint)
            targets = [place]
        else:
            targets = list(_named_after(sources, place))
        there = [target for target in targets if target.exists()]
        if there and not force:
            raise UsageError(f"{there[0]} is already there.", hint="Add --force to overwrite it.")
        return cls({id(source): target for source, target in zip(sources, targets, strict=True)})

    def write(self, source: Source, outcome: AnalysedCall) -> None:
        """Write one call's muted audio as a whole or not at all; raises `StorageError`.

        Of a call that is held back there is none.
        """
        target = self.targets.get(id(source))
        if target is None or outcome.analysis.held_back:
            return
        unfinished = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(outcome.muted_audio)
            unfinished.replace(target)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise _cannot_write(target, error) from error


def _named_after(sources: list[Source], folder: Path) -> Iterator[Path]:
    if folder.suffix and not folder.is_dir():
        raise UsageError(
            f"{folder} is neither a .flac file nor a folder.",
            hint="The muted audio is written as FLAC: name a .flac file, or a folder.",
        )
    used: set[str] = set()
    for source in sources:
        stem = Path(source.name).stem
        name, number = stem, 1
        while name in used:
            number += 1
            name = f"{stem}-{number}"
        used.add(name)
        yield folder / f"{name}.muted.flac"


def _cannot_write(target: Path, error: OSError) -> StorageError:
    reason = os.strerror(error.errno or 0)
    sentence = f"{target} cannot be written ({reason})."
    return _KINDS.get(error.errno, StorageError)(
        sentence, hint="Choose another place with --audio-out."
    )


def _inputs(run: Run, stdin: Callable[[], bytes]) -> Iterator[Input]:
    metadata = CallMetadata(channel_roles=parse_channels(run.args.channels or ""))
    for name in run.args.files:
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        path = Path(name)
        if name == "-":
            yield from _transcripts(shown, stdin(), metadata, lines=True)
        elif path.is_dir():
            hint = "Name the recordings in it, or take them into a vault with `import`."
            raise UsageError(f"{printable(shown)} is a folder.", hint=hint)
        elif path.suffix.lower() in _TRANSCRIPTS:
            yield from _of_file(path, shown, metadata)
        else:
            yield Input(Source(name=shown, content="audio", path=path, metadata=metadata))


def _of_file(path: Path, name: str, metadata: CallMetadata) -> Iterator[Input]:
    try:
        content = path.read_bytes()
    except OSError:  # said by the program, as for a recording; the other files go on
        yield Input(Source(name=name, content="transcript", path=path))
        return
    lines = path.suffix.lower() in _LINES
    yield from _transcripts(name, content, metadata, lines=lines)


def _transcripts(
    name: str, content: bytes, metadata: CallMetadata, *, lines: bool
) -> Iterator[Input]:
    """Give the calls of a file of transcripts: one object, or one object per line."""
    content = content.removeprefix(BYTE_ORDER_MARK)
    numbered = list(enumerate(content.splitlines(), 1))
    several = [(number, line) for number, line in numbered if line.strip()]
    if not several:
        raise UsageError(f"There is no transcript in {name}.", hint="See transcript.schema.json.")
    if not lines and not _each_an_object(several):
        several = [(1, content)]
    for number, line in several:
        source = Source(name=name, content="transcript", payload=line, metadata=metadata)
        yield Input(source, number if len(several) > 1 else None, id_of(line))


def _each_an_object(lines: list[tuple[int, bytes]]) -> bool:
    return all(line.strip().startswith(b"{") and line.strip().endswith(b"}") for _, line in lines)


def id_of(line: bytes) -> str | None:
    """Return the id that a transcript gives itself, where it can be read."""
    try:
        return msgspec.json.decode(line, type=_Named).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

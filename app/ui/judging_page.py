"""The page on which drawn turns are judged: one turn at a time, heard and read, by keys alone."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.domain import KINDS, Missed, Right, SampleReport, Subject, TurnToJudge
from app.limits import progress_of, recall_line
from app.ui import words
from app.ui.playback import Playback
from app.ui.rights import may
from app.ui.widgets import EmptyState, button, card, label, set_kind, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import Progress, Turn
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.tasks import Act
    from app.workspace import Workspace

_JUDGES = (Right.JUDGE_REDACTION, Right.SEE_TRANSCRIPT)
_COLUMNS = 5
KEYS = "123456789QWERTYIOPASDFGHJKLZXCVBM"
"""The keys of the kinds, in their order; N and U do something else."""
_AROUND_MS = 400  # a turn is heard from a moment before its first word, and after its last
_FEWEST, _USUAL, _MOST = 1, 300, 10_000
NONE_DRAWN = "No turns are drawn yet"
ALL_JUDGED = "All drawn turns are judged"
OTHERS_LEFT = "The turns that are left wait for somebody who hears originals"
_DRAW_HINT = "Choose how many turns you will judge before you see any, then draw them."
_SILENT = "Nothing of this call can be heard."


def kinds_of(report: SampleReport | None) -> tuple[str, ...]:
    """Return the kinds that can be missed: those that are redacted most often first."""
    often: Counter[str] = Counter()
    for one in report.sample.found if report else ():
        often[one.kind] += one.values
    by_number = [kind for kind, _ in often.most_common() if kind != KINDS[-1]]
    return (*by_number, *(kind for kind in KINDS if kind not in by_number))


def said(turns: Sequence[Turn]) -> str:
    """Return turns with who says them."""
    return "\n".join(f"{words.role(one.role, one.side)}: {one.text}" for one in turns)


def place_line(turn: TurnToJudge, report: SampleReport) -> str:
    """Return which turn it is: how many are judged, when it is said, and on which channel."""
    place = f"Turn {report.judged + 1:,} of {report.sample.drawn:,}"
    at = words.duration(turn.turn.start_ms)
    return f"{place} \N{MIDDLE DOT} at {at} \N{MIDDLE DOT} {turn.channel.value} channel"


class JudgingPage(QWidget):
    """Draws turns, shows one after the other, and keeps what a person says of each."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self._report: SampleReport | None = None
        self._turn: TurnToJudge | None = None
        self._drawing: Act | None = None
        self._missed: Counter[str] = Counter()
        self.playback = Playback(self)
        self.kinds: dict[str, QPushButton] = {}
        self._build()
        self._connect()
        self._make_shortcuts()
        self._draw_icons()

    def open(self, workspace: Workspace | None) -> None:
        """Use another workspace; without one everything shown is forgotten."""
        self._workspace = workspace if may(workspace, *_JUDGES) else None
        self._report = None
        self._drawing = None
        self.draw.setEnabled(True)
        self._forget_turn()
        self._show_report(None)

    def come(self) -> None:
        """Come into view: only then a turn is read, because that is an audit entry."""
        self._read()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Stop playing: the page is no longer seen."""
        self.playback.pause()
        super().hideEvent(event)

    def judge_nothing(self) -> None:
        """Keep that nothing was missed in the turn, unless something is counted already."""
        if not self._missed:
            self._judge()

    def judge_missed(self) -> None:
        """Keep what is counted as missed."""
        if self._missed:
            self._judge()

    def count_missed(self, kind: str) -> None:
        """Count a value of a kind as missed."""
        if self._turn is not None:
            self._missed[kind] += 1
            self._show_missed()

    def clear_missed(self) -> None:
        """Count nothing as missed again."""
        self._missed.clear()
        self._show_missed()

    def undo(self) -> None:
        """Take back the last judgement."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.change(workspace.elusion.undo, self._read)

    def draw_turns(self) -> None:
        """Draw turns, which takes a while where there are many calls."""
        workspace, number = self._workspace, self.number.value()
        if workspace is None or self._drawing is not None:
            return

        def draw(act: Act) -> object:
            return workspace.elusion.draw(number, progress=act.progress, stop=act.stopped)

        def done(_: object) -> None:
            self._drawing = None
            self.draw.setEnabled(True)
            self._desk.tasks.announced.emit(frozenset({Subject.SAMPLES}))
            self._read()

        def failed(error: AppError) -> None:
            self._drawing = None
            self.draw.setEnabled(True)
            self._desk.messages.problem(error)

        self.draw.setEnabled(False)
        self._drawing = self._desk.tasks.run(draw, done, progress=self._drawn, failed=failed)

    def _drawn(self, state: Progress) -> None:
        self.progress.setText(f"Reading the calls: {state.done:,.0f} of {state.total:,.0f}")

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 18, 24, 18)
        whole.setSpacing(12)
        whole.addLayout(self._build_head())
        self.line, self.progress = label("", "heading", wrap=True), label("", "quiet", wrap=True)
        whole.addWidget(self.line)
        whole.addWidget(self.progress)
        self.stack = QStackedWidget()
        self.empty, self._waiting = EmptyState(self._desk.theme, "eye-off"), QWidget()
        self.content = QWidget()
        for page in (self._waiting, self.empty, self.content):
            self.stack.addWidget(page)
        whole.addWidget(self.stack, 1)
        inside = QVBoxLayout(self.content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        inside.addWidget(self._build_turn())
        inside.addWidget(self._build_verdict())
        inside.addStretch(1)
        self.content.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.addWidget(label("How much is redacted", "page-title"))
        head.addStretch(1)
        self.number = QSpinBox()
        self.number.setRange(_FEWEST, _MOST)
        self.number.setValue(_USUAL)
        self.number.setSuffix(" turns")
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.number.setAccessibleName("How many turns to draw")
        self.draw = button("Draw turns", self.draw_turns, "", _DRAW_HINT)
        head.addWidget(self.number)
        head.addWidget(self.draw)
        return head

    def _build_turn(self) -> QWidget:
        shown = card()
        inside = QVBoxLayout(shown)
        inside.setContentsMargins(18, 14, 18, 14)
        inside.setSpacing(8)
        bar = QHBoxLayout()
        self.play = tool("Play the turn (Space)", self.hear, "round")
        self.where, self.trouble = label("", "quiet"), label("", "quiet")
        bar.addWidget(self.play)
        bar.addWidget(self.where)
        bar.addWidget(self.trouble, 1)
        inside.addLayout(bar)
        self.before, self.after = label("", "quiet", wrap=True), label("", "quiet", wrap=True)
        self.text = label("", "heading", wrap=True)
        self.text.setAccessibleName("The turn to be judged")
        for part in (self.before, self.text, self.after):
            part.setTextFormat(Qt.TextFormat.PlainText)
            inside.addWidget(part)
        return shown

    def _build_verdict(self) -> QWidget:
        shown = card()
        inside = QVBoxLayout(shown)
        inside.setContentsMargins(18, 14, 18, 14)
        inside.setSpacing(10)
        self.nothing = button("Nothing is missed (N)", self.judge_nothing, "primary")
        self.keep = button("Keep what is missed (Enter)", self.judge_missed, "primary")
        self.clear = button("Count again (Backspace)", self.clear_missed)
        self.back = button("Take the last one back (U)", self.undo, "link")
        bar = QHBoxLayout()
        for part in (self.nothing, self.keep, self.clear):
            bar.addWidget(part)
        bar.addStretch(1)
        bar.addWidget(self.back)
        inside.addLayout(bar)
        inside.addWidget(label("Missed: heard or read, and not redacted", "quiet"))
        self._grid = QGridLayout()
        self._grid.setSpacing(6)
        inside.addLayout(self._grid)
        return shown

    def _connect(self) -> None:
        self.playback.wanted.connect(self._fetch)
        self.playback.moved.connect(self._moved)
        self.playback.switched.connect(self._draw_icons)
        self.playback.troubled.connect(self.trouble.setText)
        self._desk.theme.changed.connect(self._draw_icons)

    def _make_shortcuts(self) -> None:
        keys = {
            "Space": self.hear,
            "N": self.judge_nothing,
            "Return": self.judge_missed,
            "Enter": self.judge_missed,
            "Backspace": self.clear_missed,
            "U": self.undo,
            **{key: partial(self._count_nth, at) for at, key in enumerate(KEYS)},
        }
        for key, act in keys.items():
            shortcut = QShortcut(QKeySequence(key), self.content)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda act=act: act())

    def _count_nth(self, at: int) -> None:
        kinds = list(self.kinds)
        if at < len(kinds):
            self.count_missed(kinds[at])

    def _draw_icons(self) -> None:
        playing = self.playback.playing
        self.play.setIcon(self._desk.theme.icon("pause" if playing else "play", "accent_text", 24))

    def _read(self) -> None:
        workspace = self._workspace
        if workspace is not None and self.isVisible():
            elusion = workspace.elusion
            self._desk.tasks.query(elusion.report, self._take_report, key="elusion.report")

    def _take_report(self, report: SampleReport | None) -> None:
        self._show_report(report)
        workspace = self._workspace
        if workspace is not None and report is not None and report.waiting:
            self._desk.tasks.query(workspace.elusion.next, self._take_turn, key="elusion.next")
        else:
            self._take_turn(None)

    def _show_report(self, report: SampleReport | None) -> None:
        self._report = report
        self.line.setText(recall_line(report))
        self.progress.setText(progress_of(report) if report else _DRAW_HINT)
        self.stack.setCurrentWidget(self._waiting)
        self._make_kinds()

    def _take_turn(self, turn: TurnToJudge | None) -> None:
        report = self._report
        if turn is None or report is None:
            self._forget_turn()
            self._show_none(report)
            return
        heard = self.playback.playing
        if self._turn is None or turn.call != self._turn.call:
            self.playback.reset(turn.duration_ms)
        self._turn = turn
        self.clear_missed()
        self.trouble.clear()
        self.where.setText(place_line(turn, report))
        self.before.setText(said(turn.before))
        self.text.setText(said([turn.turn]))
        self.after.setText(said(turn.after))
        self.play.setVisible(may(self._workspace, Right.HEAR_MUTED))
        self.stack.setCurrentWidget(self.content)
        self.content.setFocus()
        self.playback.seek(max(0, turn.turn.start_ms - _AROUND_MS))
        if heard:
            self.hear()

    def _show_none(self, report: SampleReport | None) -> None:
        if report is None:
            self.empty.say(NONE_DRAWN, _DRAW_HINT)
        elif report.waiting:
            self.empty.say(OTHERS_LEFT, "Something was missed in their calls already.")
        else:
            self.empty.say(ALL_JUDGED, "Draw others to look at calls that were analysed since.")
        self.stack.setCurrentWidget(self.empty)
        self.number.setFocus()

    def _forget_turn(self) -> None:
        self._turn = None
        self.playback.reset(0)
        self._missed.clear()
        for part in (self.where, self.trouble, self.before, self.text, self.after):
            part.clear()

    def _make_kinds(self) -> None:
        kinds = kinds_of(self._report)
        if tuple(self.kinds) == kinds:
            return
        for old in self.kinds.values():
            self._grid.removeWidget(old)
            old.deleteLater()
        self.kinds = {kind: button("", partial(self.count_missed, kind)) for kind in kinds}
        for at, one in enumerate(self.kinds.values()):
            self._grid.addWidget(one, at // _COLUMNS, at % _COLUMNS)
        self._show_missed()

    def _show_missed(self) -> None:
        for at, (kind, one) in enumerate(self.kinds.items()):
            times = f"  \N{MULTIPLICATION SIGN}{self._missed[kind]}" if self._missed[kind] else ""
            one.setText(f"{KEYS[at : at + 1]}  {words.kind_label(kind)}{times}")
            one.setAccessibleName(f"{words.kind_label(kind)}, missed: {self._missed[kind]}")
            set_kind(one, "primary" if self._missed[kind] else "")
        counted = bool(self._missed)
        self.nothing.setEnabled(not counted)
        self.keep.setEnabled(counted)
        self.clear.setEnabled(counted)

    def _judge(self) -> None:
        workspace, turn = self._workspace, self._turn
        if workspace is None or turn is None:
            return
        missed = tuple(Missed(kind=kind, values=of) for kind, of in self._missed.items())
        self._turn = None  # no key judges it twice
        judge = partial(workspace.elusion.judge, turn.sample, turn.place, missed)
        self._desk.tasks.change(judge, self._read, failed=self._not_kept)

    def _not_kept(self, error: AppError) -> None:
        self._desk.messages.problem(error)
        self._read()

    def hear(self) -> None:
        """Play the turn from its beginning, or pause."""
        turn = self._turn
        if turn is None or not may(self._workspace, Right.HEAR_MUTED):
            return
        if self.playback.playing:
            self.playback.pause()
            return
        self.playback.seek(max(0, turn.turn.start_ms - _AROUND_MS))
        self.playback.play()

    def _moved(self, position_ms: int) -> None:
        turn = self._turn
        if turn is not None and position_ms > turn.turn.end_ms + _AROUND_MS:
            self.playback.pause()

    def _fetch(self) -> None:
        workspace, turn = self._workspace, self._turn
        if workspace is None or turn is None:
            return

        def then(flac: bytes) -> None:
            if self._turn is not None and self._turn.call == turn.call:
                if flac:
                    self.playback.supply(flac)
                else:
                    self.playback.fail(_SILENT)

        def failed(_: AppError) -> None:
            self.playback.fail(_SILENT)

        fetch = partial(workspace.calls.muted_audio, turn.call)
        self._desk.tasks.query(fetch, then, key="elusion.audio", failed=failed)


def judging_keys() -> list[tuple[str, str]]:
    """Return the keys of this page and what they do."""
    return [
        ("Space", "Play the turn again, or pause"),
        ("N", "Nothing is missed in it"),
        ("1 to 9, Q to M", "Count one value of this kind as missed; twice for two"),
        ("Enter", "Keep what is counted as missed"),
        ("Backspace", "Count again from nothing"),
        ("U", "Take the last judgement back"),
    ]

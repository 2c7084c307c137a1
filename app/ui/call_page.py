"""The page of one call: sound above, transcript below, what was found beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.domain import CallDetail, CallId, JobState, Right, Severity, Subject
from app.limits import badge, judged_badge
from app.ui import timeline, words
from app.ui.call_acts import CallActs
from app.ui.call_side import CallSide
from app.ui.languages import language_doubt
from app.ui.playback import Playback
from app.ui.rights import may
from app.ui.speaker_strip import SpeakerStrip
from app.ui.transcript import TranscriptView
from app.ui.transport import STEP_MS, Transport
from app.ui.waveform import WaveformView
from app.ui.widgets import Chip, EmptyState, button, card, clear, label, tool

if TYPE_CHECKING:
    from app.domain import Changes, Evidence
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.workspace import Workspace

WORDS_HIDDEN = "The words of this call are not shown to you."
HELD_BACK = "This call is held back until a person has listened to it."
_RELEASING = "Who hears originals listens, and releases it with or without its sound."
_SHOWN = "Flags, scores and findings are, with their times."
_LEAD_MS = 400  # a claim is heard from a moment before its first word


class CallPage(QWidget):
    """Shows one call and plays it."""

    gone = Signal()
    """The call is there no more."""
    left = Signal()
    """A person wants back to the list."""
    next_flagged = Signal(str)
    """A person wants the next flagged call after the one with this id."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a call."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self._call: CallId | None = None
        self._detail: CallDetail | None = None
        self._searched = ""
        self._marks: tuple[timeline.Mark, ...] = ()
        self.playback = Playback(self)
        self._build()
        self._connect()
        self._make_shortcuts()
        self._draw_icons()

    def open(self, workspace: Workspace | None) -> None:
        """Use another workspace; without one everything shown is forgotten."""
        self._workspace = workspace
        self._call = self._detail = None
        self.playback.reset(0)
        self.acts.show_call(None, None)
        self.speakers.show_call(None, None)
        self._offer_sound()
        shown = self.transcript if may(workspace, Right.SEE_TRANSCRIPT) else self.no_words
        self.said.setCurrentWidget(shown)
        if workspace is None:
            self._marks = ()
            self.transcript.forget()
            self.side.forget()
            self.waveform.forget()
            self.trouble.clear()
            self.stack.setCurrentWidget(self._waiting)
            self.title.clear()
            self.subtitle.clear()
            clear(self._chips)

    def show_call(self, call: CallId, *, searched: str = "") -> None:
        """Read a call and show it; the words that were searched for are marked."""
        workspace = self._workspace
        if workspace is None:
            return
        if call != self._call:
            self._detail = None
            self.stack.setCurrentWidget(self._waiting)
        self._call, self._searched = call, searched
        self.playback.pause()
        take = partial(self._take, call)
        self._desk.tasks.query(lambda: workspace.calls.detail(call), take, key="detail")

    def leave(self) -> None:
        """Stop playing: the page is no longer seen."""
        self.playback.pause()

    def hear(self, evidence: tuple[Evidence, ...]) -> None:
        """Bring the words of a claim into view and play them."""
        if not evidence:
            return
        self.transcript.set_following(following=False)
        self.transcript.highlight(evidence)
        self.playback.seek(max(0, evidence[0].start_ms - _LEAD_MS))
        self._play()

    def hear_turn(self, turn: int) -> None:
        """Go to a turn and play it."""
        if self._detail is None or self._detail.analysis is None:
            return
        turns = self._detail.analysis.transcript.turns
        if turn < len(turns):
            self.transcript.highlight(())
            self.transcript.set_following(following=True)
            self.playback.seek(turns[turn].start_ms)
            self._play()

    def to_next_mark(self) -> None:
        """Go to the next flag or finding and play it."""
        mark = timeline.next_mark(self._marks, self.playback.position_ms + _LEAD_MS)
        if mark is not None:
            self.hear((mark.evidence,))

    def _play(self) -> None:
        if self._may_hear():
            self.playback.play()

    def _toggle(self) -> None:
        if self._may_hear():
            self.playback.toggle()

    def _may_hear(self) -> bool:
        """Whether the person may hear the call: one that is held back only who hears originals."""
        analysis = self._detail.analysis if self._detail else None
        held = analysis is not None and analysis.held_back
        original = may(self._workspace, Right.HEAR_ORIGINAL)
        return may(self._workspace, Right.HEAR_MUTED) and (original or not held)

    @property
    def _is_silenced(self) -> bool:
        analysis = self._detail.analysis if self._detail else None
        return analysis is not None and analysis.silenced

    def _offer_sound(self) -> None:
        original = may(self._workspace, Right.HEAR_ORIGINAL)
        at = self._detail.original_destroyed_at if self._detail else None
        self.transport.offer(hear=self._may_hear(), original=original, destroyed_at=at)

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 14, 24, 18)
        whole.setSpacing(12)
        whole.addLayout(self._build_head())
        self.stack = QStackedWidget()
        self._waiting = QWidget()
        self.empty = EmptyState(self._desk.theme, "queued")
        self._content = QWidget()
        for page in (self._waiting, self.empty, self._content):
            self.stack.addWidget(page)
        whole.addWidget(self.stack, 1)
        self._build_content()

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(10)
        self.back = tool("Back to the calls (Esc)", self.left.emit)
        self.title = label("", "page-title")
        self.subtitle = label("", "quiet")
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self.title)
        texts.addWidget(self.subtitle)
        self._chips = QHBoxLayout()
        self._chips.setSpacing(6)
        self.next = button(
            "Next flagged call",
            lambda: self.next_flagged.emit(self._call or ""),
            tip="The next call in the list that has a flag (N)",
        )
        head.addWidget(self.back, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(texts)
        head.addStretch(1)
        self.acts = CallActs(self._desk)
        head.addLayout(self._chips)
        head.addWidget(self.acts)
        head.addWidget(self.next)
        return head

    def _build_content(self) -> None:
        self.waveform = WaveformView(self._desk.theme)
        self.transcript = TranscriptView(self._desk.theme)
        self.side = CallSide(self._desk.theme)
        sound = card()
        inside = QVBoxLayout(sound)
        inside.setContentsMargins(4, 4, 4, 10)
        inside.setSpacing(4)
        inside.addWidget(self.waveform)
        self.transport = Transport(self._desk.theme, self.playback, self.to_next_mark)
        inside.addWidget(self.transport)
        self.play, self.speed = self.transport.play, self.transport.speed
        self.next_finding, self.trouble = self.transport.next_finding, self.transport.trouble
        self.follow = self.transport.follow
        self.follow.clicked.connect(lambda: self.transcript.set_following(following=True))
        text = card()
        text_inside = QVBoxLayout(text)
        text_inside.setContentsMargins(4, 8, 4, 8)
        self.no_words = EmptyState(self._desk.theme, "eye-off")
        self.no_words.say(WORDS_HIDDEN, _SHOWN)
        self.said = QStackedWidget()
        self.said.addWidget(self.transcript)
        self.said.addWidget(self.no_words)
        self.speakers = SpeakerStrip(self._desk, self.transcript.chosen)
        text_inside.addWidget(self.speakers)
        text_inside.addWidget(self.said)
        found = card()
        found_inside = QVBoxLayout(found)
        found_inside.setContentsMargins(1, 1, 1, 1)
        found_inside.addWidget(self.side)
        found.setMinimumWidth(330)
        found.setMaximumWidth(480)
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(text, 5)
        below.addWidget(found, 3)
        whole = QVBoxLayout(self._content)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(12)
        whole.addWidget(sound)
        whole.addLayout(below, 1)

    def _connect(self) -> None:
        self.playback.moved.connect(self._moved)
        self.playback.switched.connect(self.transport.draw)
        self.playback.wanted.connect(self._fetch_audio)
        self.playback.troubled.connect(self.trouble.setText)
        self.transport.original.toggled.connect(self._change_sound)
        self.acts.changed.connect(self._read_again)
        self.speakers.changed.connect(self._read_again)
        self.transcript.chosen_changed.connect(self.speakers.show_chosen)
        self.acts.erased.connect(self.gone)
        self.waveform.sought.connect(self.playback.seek)
        self.waveform.mark_chosen.connect(lambda mark: self.hear((mark.evidence,)))
        self.transcript.sought.connect(self.playback.seek)
        self.transcript.following_changed.connect(
            lambda following: self.follow.setVisible(not following)
        )
        self.side.chosen.connect(self.hear)
        self.side.turn_chosen.connect(self.hear_turn)
        self.empty.acted.connect(self._retry)
        self._desk.tasks.announced.connect(self._changed)
        self._desk.theme.changed.connect(self._draw_icons)

    def _make_shortcuts(self) -> None:
        keys = {
            "Space": self._toggle,
            "K": self._toggle,
            "J": lambda: self.playback.nudge(-STEP_MS),
            "L": lambda: self.playback.nudge(STEP_MS),
            "F": self.to_next_mark,
            "O": self.speakers.move_turns,
            "N": lambda: self.next_flagged.emit(self._call or ""),
            "Esc": self.left.emit,
            "Alt+Left": self.left.emit,
        }
        for key, act in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda act=act: act())

    def _draw_icons(self) -> None:
        self.back.setIcon(self._desk.theme.icon("back", "accent"))
        self.transport.draw()

    def _take(self, call: CallId, detail: CallDetail) -> None:
        if call != self._call:
            return
        before = self._detail.analysis if self._detail else None
        place = self.playback.position_ms, self.transcript.verticalScrollBar().value()
        self._detail = detail
        self.title.setText(words.call_title(detail.call))
        self.subtitle.setText(words.call_subtitle(detail.call))
        self.acts.show_call(self._workspace, detail)
        self._show_chips(detail)
        if detail.analysis is None:
            self._show_unfinished(detail)
        elif before is None:
            self._show_analysis(detail)
            (self.play if self._may_hear() else self.waveform).setFocus()
        elif before != detail.analysis:  # somebody corrected it: the place stays where it was
            self._show_analysis(detail)
            self.playback.seek(place[0])
            self.transcript.set_following(following=False)
            self.transcript.verticalScrollBar().setValue(place[1])
        self.speakers.show_call(self._workspace, detail)

    def _show_analysis(self, detail: CallDetail) -> None:
        analysis = detail.analysis
        if analysis is None:
            return
        self._marks = timeline.marks(analysis)
        self.playback.reset(analysis.duration_ms)
        self.waveform.show_call(analysis, detail.waveform, self._marks)
        words_shown = may(self._workspace, Right.SEE_TRANSCRIPT)
        if analysis.held_back:
            words_shown = words_shown and may(self._workspace, Right.HEAR_ORIGINAL)
            self.no_words.say(HELD_BACK, _RELEASING)
        else:
            self.no_words.say(WORDS_HIDDEN, _SHOWN)
        self.said.setCurrentWidget(self.transcript if words_shown else self.no_words)
        if words_shown:
            self.transcript.show_call(analysis)
        else:
            self.transcript.forget()
        self.side.show_call(analysis, words_shown=words_shown)
        self.next_finding.setVisible(bool(self._marks))
        self.trouble.clear()
        self._moved(0)
        self.stack.setCurrentWidget(self._content)
        self._offer_sound()
        if found := timeline.occurrences(analysis.transcript.turns, self._searched):
            self.transcript.set_following(following=False)
            self.transcript.highlight(found)

    def _show_chips(self, detail: CallDetail) -> None:
        clear(self._chips)
        if detail.on_hold:
            self._chips.addWidget(Chip("On legal hold", self._desk.theme, Severity.NOTICE))
        doubt = language_doubt(detail.analysis) if detail.analysis else ""
        if doubt:
            self._chips.addWidget(Chip(doubt, self._desk.theme, Severity.WARNING))
        proof = detail.analysis.proof if detail.analysis else None
        if proof is not None and proof.rounds:
            severity = Severity.ALERT if proof.held_back else None
            self._chips.addWidget(Chip(badge(proof), self._desk.theme, severity))
        judged = detail.analysis.judged if detail.analysis else None
        if judged is not None:
            severity = Severity.ALERT if judged.held_back else None
            self._chips.addWidget(Chip(judged_badge(judged), self._desk.theme, severity))
        flags = detail.analysis.flags if detail.analysis else ()
        # the panel beside the transcript names all of them
        shown = 1 if detail.on_hold or doubt or proof or judged else 2
        for flag in flags[:shown]:
            self._chips.addWidget(Chip(flag.title, self._desk.theme, flag.severity))
        if len(flags) > shown:
            self._chips.addWidget(Chip(f"+{len(flags) - shown}", self._desk.theme))

    def _show_unfinished(self, detail: CallDetail) -> None:
        self.playback.reset(0)
        job = detail.job
        if job.failure is not None and job.state is JobState.FAILED:
            again = "Try again" if may(self._workspace, Right.PROCESS) else ""
            self.empty.say(job.failure.sentence, job.failure.hint, again)
        elif job.state is JobState.CANCELLED:
            again = "Analyse it after all" if may(self._workspace, Right.PROCESS) else ""
            self.empty.say("This call was cancelled", "It was not analysed.", again)
        else:
            state = words.state(job.state).lower()
            self.empty.say(f"This call is {state}", "It opens here when it is done.")
        self.stack.setCurrentWidget(self.empty)
        self.back.setFocus()

    def _retry(self) -> None:
        workspace, call = self._workspace, self._call
        if workspace is not None and call is not None:
            self._desk.tasks.change(lambda: workspace.processing.retry(call))

    def _read_again(self) -> None:
        if self._call is not None and self.isVisible():
            self.show_call(self._call, searched=self._searched)

    def _change_sound(self) -> None:
        self.trouble.clear()
        self.playback.change_sound()

    def _changed(self, changes: Changes) -> None:
        unfinished = self._detail is None or self._detail.analysis is None
        if self.isVisible() and self._call and unfinished and changes & {Subject.CALLS}:
            self.show_call(self._call)

    def _fetch_audio(self) -> None:
        workspace, call = self._workspace, self._call
        if workspace is None or call is None:
            return

        def then(flac: bytes) -> None:
            if call != self._call or original != self.transport.original.isChecked():
                return
            if flac:
                self.playback.supply(flac)
            else:
                self.playback.fail("This call came as a transcript: there is no sound.")

        def failed(error: AppError) -> None:
            self.playback.fail()
            self._desk.messages.problem(error)

        original = self.transport.original.isChecked()
        if self._is_silenced and not original:
            self.playback.fail("This call was released without its sound.")
            return
        calls = workspace.calls
        fetch = partial(calls.original_audio if original else calls.muted_audio, call)
        self._desk.tasks.query(fetch, then, key="audio", failed=failed)

    def _moved(self, position_ms: int) -> None:
        self.waveform.set_position(position_ms)
        self.transcript.set_position(position_ms)
        self.transport.show_position(position_ms)


def page_keys() -> list[tuple[str, str]]:
    """Return the keys of this page and what they do."""
    return [
        ("Space or K", "Play or pause"),
        ("J / L", "Back or forward 5 seconds"),
        ("← / →", "The same, with the waveform selected"),
        ("F", "Play the next flag or finding"),
        ("N", "Open the next flagged call"),
        ("O", "This turn, or those that are selected, are the other side's"),
        ("Enter", "Hear the word at the text cursor of the transcript"),
        ("Esc", "Back to the list"),
    ]

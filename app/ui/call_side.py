"""The side panel of a call: flags, summary, findings, scorecard, measures, how it was made.

Every claim carries the words that show it: choosing one brings them into view and plays them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.counts import counted
from app.domain import FindingKind
from app.limits import heard_again, judged_missed, warning
from app.ui import words
from app.ui.languages import heard_language
from app.ui.widgets import RowButton, Section, SentimentBar, clear, label

if TYPE_CHECKING:
    from app.domain import CallAnalysis, Criterion, Evidence, Finding, Provenance, Voices
    from app.ui.theme import Theme

_KINDS = {
    FindingKind.TOPIC: "Topic",
    FindingKind.SENTIMENT: "Sentiment",
    FindingKind.COMPLIANCE: "Compliance",
    FindingKind.VULNERABILITY: "Vulnerability",
    FindingKind.CONDUCT: "Conduct",
}


def measures(analysis: CallAnalysis) -> list[tuple[str, str]]:
    """Return the measures of a call as title and value."""
    found = analysis.measures
    return [
        ("Agent's talk ratio", words.percent(found.agent_talk_ratio)),
        ("Agent talks", words.duration(found.agent_talk_ms)),
        ("Customer talks", words.duration(found.customer_talk_ms)),
        ("Silence", words.duration(found.silence_ms)),
        ("Longest silence", words.duration(found.longest_silence_ms)),
        ("Overtalk", words.duration(found.overtalk_ms)),
        ("Agent interrupts", counted(found.interruptions, "time")),
        ("Agent's pace", words.rounded(found.agent_words_per_minute, "words a minute")),
        ("Customer's pace", words.rounded(found.customer_words_per_minute, "words a minute")),
        ("Customer over the call", words.trend(found.customer_sentiment_trend)),
        *levels(analysis.voices),
    ]


def levels(found: Voices | None) -> list[tuple[str, str]]:
    """Return how loud each side speaks as title and value; nothing where that was not looked at."""
    if found is None:
        return []
    sides = (
        ("Agent's voice", found.agent_level_db, found.agent_level_change_db),
        ("Customer's voice", found.customer_level_db, found.customer_level_change_db),
    )
    return [
        (title, f"{level:.0f} dB" + ("" if change is None else f", {change:+.0f} dB at the end"))
        for title, level, change in sides
        if level is not None
    ]


def provenance(made: Provenance) -> list[tuple[str, str]]:
    """Return how a result was made as title and value."""
    lines = [("AutoInsights", made.app_version)]
    lines += [(model.name, f"{model.version} · {model.sha256[:12]}") for model in made.models]
    threads = counted(made.threads, "thread")
    lines.append(("Computed on", f"{made.device} ({made.compute_type}, {threads})"))
    lines += [("Pack", pack) for pack in made.packs]
    lines.append(("Settings", made.settings_sha256[:12]))
    if made.vocabulary_sha256:
        lines.append(("Word list", made.vocabulary_sha256[:12]))
    return lines


def criterion(line: Criterion) -> tuple[str, str]:
    """Return the result of a line of the scorecard: word and colour."""
    if line.met is None:
        return "does not apply", "quiet"
    return ("met", "positive") if line.met else ("not met", "negative")


class CallSide(QScrollArea):
    """Shows what was found in one call."""

    chosen = Signal(object)
    """The evidence (a tuple) of a claim that a person wants to see and hear."""
    turn_chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        """Begin without a call."""
        super().__init__()
        self._theme = theme
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("What was found")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        self._body = QVBoxLayout(body)
        self._body.setContentsMargins(14, 10, 14, 14)
        self._body.setSpacing(6)
        self.setWidget(body)

    def show_call(self, analysis: CallAnalysis, *, words_shown: bool = True) -> None:
        """Show what was found in a call; without its words there is no summary."""
        clear(self._body)
        for code in analysis.warnings:
            self._body.addWidget(label(warning(code), "problem", wrap=True))
        self._add_flags(analysis)
        if words_shown:
            self._add_summary(analysis)
        self._add_findings(analysis)
        self._add_scorecard(analysis)
        self._add_measures(analysis)
        self._add_provenance(analysis)
        self._body.addStretch(1)
        self.verticalScrollBar().setValue(0)

    def forget(self) -> None:
        """Show nothing."""
        clear(self._body)

    def _section(self, title: str, *, opened: bool = True) -> Section:
        section = Section(title, self._theme, opened=opened)
        self._body.addWidget(section)
        return section

    def _claim(
        self, section: Section, text: str, evidence: tuple[Evidence, ...], colour: str
    ) -> RowButton:
        times = words.evidence_time(evidence[0]) if evidence else ""
        if len(evidence) > 1:
            times += f"  +{len(evidence) - 1}"
        row = RowButton(text, times, self._theme, self._theme.colour(colour))
        row.clicked.connect(lambda: self.chosen.emit(evidence))
        section.content.addWidget(row)
        return row

    def _add_flags(self, analysis: CallAnalysis) -> None:
        section = self._section("Flags")
        for flag in analysis.flags:
            row = self._claim(section, flag.title, flag.evidence, flag.severity.value)
            row.setToolTip(f"{words.severity(flag.severity)}: choose to hear it")
        if not analysis.flags:
            section.content.addWidget(label("Nothing calls for attention.", "quiet"))

    def _add_summary(self, analysis: CallAnalysis) -> None:
        section = self._section("Summary")
        turns = analysis.transcript.turns
        for sentence in analysis.summary:
            first = sentence.turns[0] if sentence.turns else 0
            time = words.duration(turns[first].start_ms) if first < len(turns) else ""
            row = RowButton(sentence.text, time, self._theme, self._theme.colour("accent"))
            row.clicked.connect(lambda _=False, turn=first: self.turn_chosen.emit(turn))
            section.content.addWidget(row)
        if not analysis.summary:
            section.content.addWidget(label("The call is too short for a summary.", "quiet"))

    def _add_findings(self, analysis: CallAnalysis) -> None:
        section = self._section(f"Findings ({len(analysis.findings)})")
        for finding in analysis.findings:
            row = self._claim(section, finding.title, finding.evidence, "neutral")
            row.setToolTip(_about(finding))
        if not analysis.findings:
            section.content.addWidget(label("Nothing was found.", "quiet"))

    def _add_scorecard(self, analysis: CallAnalysis) -> None:
        score = analysis.score
        title = (
            "Scorecard" if score.value is None else f"Scorecard: {words.score(score.value)} of 100"
        )
        section = self._section(title)
        for line in score.criteria:
            word, colour = criterion(line)
            row = RowButton(line.title, word, self._theme, self._theme.colour(colour))
            row.setEnabled(True)
            if line.evidence:
                row.clicked.connect(lambda _=False, e=line.evidence: self.chosen.emit(e))
                row.setToolTip("Choose to hear it")
            section.content.addWidget(row)
        if not score.criteria:
            section.content.addWidget(label("No scorecard applies.", "quiet"))

    def _add_measures(self, analysis: CallAnalysis) -> None:
        section = self._section("Measures")
        mood = QWidget()
        lines = QGridLayout(mood)
        lines.setContentsMargins(12, 2, 8, 0)
        lines.addWidget(label("Customer sentiment", "quiet"), 0, 0)
        bar = SentimentBar(analysis.measures.customer_sentiment, self._theme)
        bar.setAccessibleName(
            f"Customer sentiment: {words.sentiment(analysis.measures.customer_sentiment)}"
        )
        bar.setToolTip("Indicative: how the words sound, never a judgement of a person")
        lines.addWidget(bar, 0, 1)
        section.content.addWidget(mood)
        section.content.addWidget(_table(measures(analysis)))

    def _add_provenance(self, analysis: CallAnalysis) -> None:
        section = self._section("How this was made", opened=False)
        lines = [("Language", heard_language(analysis.transcript))]
        if analysis.proof is not None:
            lines.append(("Proof", heard_again(analysis.proof)))
        if analysis.judged is not None:
            lines.append(("Judged", judged_missed(analysis.judged)))
        section.content.addWidget(_table([*lines, *provenance(analysis.provenance)]))


def _about(finding: Finding) -> str:
    return f"{_KINDS[finding.kind]}, {words.percent(finding.confidence)} sure: choose to hear it"


def _table(lines: list[tuple[str, str]]) -> QWidget:
    made = QWidget()
    grid = QGridLayout(made)
    grid.setContentsMargins(12, 0, 8, 4)
    grid.setVerticalSpacing(5)
    grid.setHorizontalSpacing(14)
    grid.setColumnStretch(1, 1)
    for number, (title, value) in enumerate(lines):
        grid.addWidget(label(title, "quiet"), number, 0)
        shown = label(value, wrap=True)
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(shown, number, 1)
    return made

"""How the language of a call reads in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale

if TYPE_CHECKING:
    from app.domain import CallAnalysis, SafeTranscript


def language_name(code: str) -> str:
    """Return the English name of the language with a code, or the code where none is known."""
    language = QLocale.codeToLanguage(code)
    if language in (QLocale.Language.AnyLanguage, QLocale.Language.C):
        return code
    return QLocale.languageToString(language)


def heard_language(said: SafeTranscript) -> str:
    """Return the language of a call, and how sure it is where it was listened for."""
    name, sure = language_name(said.language), said.language_confidence
    return name if sure is None else f"{name} ({sure:.0%} sure)"


def language_doubt(analysis: CallAnalysis) -> str:
    """Return in a few words why a call's language calls for care, or nothing."""
    if "language-not-supported" in analysis.warnings:
        doubt = ", uncertain" if "language-uncertain" in analysis.warnings else ""
        return f"In {language_name(analysis.transcript.language)}{doubt}"
    return "Language uncertain" if "language-uncertain" in analysis.warnings else ""

"""The commands that look after the installation: models and the self-test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli import records, text
from app.domain import Check
from app.errors import AppError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.cli.run import Run

_FAULT_FOUND = 1
_MEGABYTE = 1_000_000
# the option and the setting that choose a pack, by its kind
_CHOSEN_BY = {
    "whisper-ctranslate2": ("--model", "speech.model"),
    "onnx-heads": ("--heads", "analysis.heads"),
}


def models(run: Run) -> int:
    """List, import or check models."""
    if run.args.act == "import":
        card = run.program.import_model_pack(run.args.place)
        lines = [f"{card.name} {card.version} is verified and kept: {card.purpose}."]
        option, setting = _CHOSEN_BY[card.kind]
        lines.append(f"Use it with `{option} {card.name}`, or as `{setting}` in the settings.")
        run.out.give(records.of_model(card), lines)
        return 0
    cards = [records.of_model(card) for card in run.program.model_cards()]
    if run.args.act == "check":
        checks = (_checked(run, card.name) for card in cards)
        return ModelError.status if _show(run, checks) else 0
    if run.out.json:
        for one in cards:
            run.out.give(one, ())
        return 0
    header = ("NAME", "VERSION", "SIZE", "ORIGIN", "STATE", "LICENCE", "FOR")
    run.out.say(text.table(header, map(_row, cards), run.out.width))
    return 0


def doctor(run: Run) -> int:
    """Test the installation; return 1 if something is not as it should be."""
    return _FAULT_FOUND if _show(run, run.program.doctor()) else 0


def _show(run: Run, checks: Iterable[Check]) -> int:
    """Show each check as soon as it is made; return how many are not well."""
    wrong = 0
    for check in checks:
        wrong += not check.ok
        lines = [f"{'ok   ' if check.ok else 'FAULT'}  {check.name}: {check.sentence}"]
        run.out.give(
            records.of_check(check), [*lines, f"       {check.hint}"][: 1 + bool(check.hint)]
        )
    run.out.say(
        [
            f"{wrong} of these {'needs' if wrong == 1 else 'need'} attention."
            if wrong
            else "All is well."
        ]
    )
    return wrong


def _checked(run: Run, name: str) -> Check:
    try:
        run.program.check_model(name)
    except AppError as error:
        return Check(name=name, ok=False, sentence=error.sentence, hint=error.advice)
    return Check(name=name, ok=True, sentence="All files are the ones of the manifest.")


def _row(card: records.ModelRecord) -> tuple[str, ...]:
    size = f"{max(card.size_bytes / _MEGABYTE, 0.1):.1f} MB"
    return (card.name, card.version, size, card.origin, card.state, card.licence, card.purpose)

"""Vaults of any size for measuring: real ones, filled through the real store with made-up words."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain import AnalysedCall, CallMetadata, Role
from app.storage import keys, vault
from tests.builders import analysed_call, turn

if TYPE_CHECKING:
    from pathlib import Path

COMMON = tuple(
    "the and you to a i it that of is in for on my your have we can was with be so this are just "  # noqa: SIM905
    "what do not if yes okay right please thank call back time now know there help today".split()
)
RARE = tuple(
    "complaint refund bill meter policy claim direct debit pay payment broken delivery charge "  # noqa: SIM905
    "cancel contract premium excess engineer boiler parcel voucher mortgage overdraft".split()
)


def filled_vault(folder: Path, *, calls: int, turns: int) -> vault.Vault:
    """Return an open vault of so many analysed calls of so many turns; the caller closes it."""
    chance = random.Random(5)
    opened = vault.create(folder, "a passphrase for measuring", cost=keys.LOWEST_COST)
    for number in range(calls):
        metadata = CallMetadata(
            agent=f"Agent {number % 40}",
            queue=f"queue {number % 7}",
            started_at=f"2026-{1 + number % 12:02}-{1 + number % 28:02}T09:00:00+00:00",
        )
        opened.calls.add(chance.randbytes(200), name="x.wav", metadata=metadata, actor="bench")
        lease = opened.jobs.claim("bench")
        assert lease is not None
        opened.calls.save(lease, _outcome(chance, turns), actor="bench")
    return opened


def _outcome(chance: random.Random, turns: int) -> AnalysedCall:
    whole = analysed_call()
    roles = (Role.AGENT, Role.CUSTOMER)
    said = tuple(
        turn(number, roles[number % 2], _words(chance), 4000 * number) for number in range(turns)
    )
    transcript = replace(whole.analysis.transcript, turns=said)
    measures = replace(whole.analysis.measures, customer_sentiment=chance.uniform(-1, 1))
    flags = whole.analysis.flags if chance.random() < 0.2 else ()
    analysis = replace(
        whole.analysis,
        transcript=transcript,
        measures=measures,
        flags=flags,
        duration_ms=4000 * turns,
    )
    return replace(whole, analysis=analysis)


def _words(chance: random.Random) -> str:
    common = chance.choices(COMMON, k=chance.randint(3, 14))
    return " ".join([*common, *chance.choices(RARE, k=chance.randint(0, 2))])

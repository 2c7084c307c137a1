"""Keeps a small vault of this version for ever: `.venv/bin/python build/make_golden_vault.py`.

Run it once for each release. A test opens every one that was ever kept with the program of today.
What is in it is made up; its passphrases and its recovery sheet lie beside it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PLACE = ROOT / "tests" / "golden" / "vaults"
PASSPHRASES = {"Amal": "nine quiet herons by the lock", "Bea": "two tin drums under the stairs"}


def main() -> None:
    """Make the vault of this version, unless there is one."""
    from app import __version__
    from app.domain import CallMetadata, Person, PersonName, PersonRole, Scope
    from app.storage import keys, vault
    from tests.builders import analysed_call

    folder = PLACE / __version__ / "vault"
    cost = keys.LOWEST_COST
    with vault.create(folder, PASSPHRASES["Amal"], name="Amal", cost=cost) as opened:
        person = Person(
            name=PersonName("Bea"),
            roles=frozenset({PersonRole.REVIEWER}),
            scope=Scope(limited=True, queues=("Billing",)),
        )
        opened.people.add(person, PASSPHRASES["Bea"], cost=cost, actor="Amal")
        sheet = opened.ways_in.new_sheet()
        opened.ways_in.keep_sheet(sheet, sheet, actor="Amal")
        opened.teams.keep("blue", ["Sam", "Kim"], actor="Amal")
        given = CallMetadata(agent="Sam", queue="Billing")
        call = opened.calls.add(b"sound", name="one.wav", metadata=given, actor="Amal").call
        lease = opened.jobs.claim("Amal")
        if lease is None:
            raise SystemExit("the call does not wait")
        opened.calls.save(lease, analysed_call(), actor="Amal")
        opened.calls.add(b"more sound", name="two.wav", metadata=given, actor="Amal")
        facts = {
            "passphrases": PASSPHRASES,
            "sheet": sheet,
            "call": call.id,
            "verification_key": opened.audit.verification_key(),
            "entries": opened.audit.count(),
        }
    (folder / "lock").unlink()
    text = json.dumps(facts, indent=1) + "\n"
    (folder.parent / "facts.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

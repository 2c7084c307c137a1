"""One run of the command line: what was asked, the program, and the way into a vault."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli import passphrases
from app.errors import CodeNeeded, KeyringRefused, UsageError, VaultMissing

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.bootstrap import Program
    from app.cli.output import Output
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

    Window = Callable[[Program, Path | None, str], int]


DEFAULT_NAME = "owner"


@dataclass(frozen=True, slots=True)
class Run:
    """What a command is given."""

    program: Program
    args: Namespace
    out: Output
    window: Window

    @property
    def folder(self) -> Path:
        """The vault that is meant."""
        named: Path | None = self.args.vault
        return named or self.program.folders.vault

    @contextmanager
    def workspace(self, *, may_create: bool = False) -> Iterator[Workspace]:
        """Open the vault that is meant and close it afterwards.

        `may_create` offers to make it where there is none and a person can be asked.
        """
        with self._opened(may_create=may_create) as workspace:
            doubt = workspace.audit.doubt()
            if doubt is not None:
                self.out.warn(f"{doubt.sentence} {doubt.advice}")
            yield workspace

    def create(self, folder: Path) -> Workspace:
        """Make a vault with a passphrase that the person chooses or is given."""
        name = self.args.person or DEFAULT_NAME
        return self.program.create(folder, self._for_new_vault(), name=name)

    def confirmed(self, workspace: Workspace) -> Confirmed:
        """Return that the person typed their passphrase for this command: to open the vault, or
        now, where the keyring opened it."""
        confirmed = workspace.take_confirmed()
        if confirmed is not None:
            return confirmed
        named = self.args.passphrase_file
        passphrase = passphrases.read(named, prompt="Your passphrase again: ")
        code = passphrases.read_code(named) if workspace.people.me.second_factor else ""
        return workspace.confirm(passphrase, code=code)

    def _for_new_vault(self) -> str:
        return self.new_passphrase("the new vault", self.args.passphrase_file)

    def new_passphrase(self, whose: str, named: str | None) -> str:
        """Return a passphrase that the person chooses, or one that is made and shown.

        `named` is a file that holds it.
        """
        passphrase = passphrases.read_new(named, whose)
        if passphrase:
            return passphrase
        passphrase = self.program.suggested_passphrase()
        self.out.warn(f"The passphrase is:   {passphrase}")
        self.out.warn("Write it down now: it is kept nowhere, and without it the vault stays shut.")
        return passphrase

    def _opened(self, *, may_create: bool) -> Workspace:
        folder = self.folder
        state = self.program.vault_state(folder)
        if not state.exists:
            return self._made_now(folder, may_create=may_create)
        named = self.args.passphrase_file
        if named is None and state.demo and passphrase_file(folder).is_file():
            return self.program.open(folder, passphrases.from_file(passphrase_file(folder)))
        asked_for = self.args.person
        if not (named or asked_for) and state.remembered and (kept := self._remembered(folder)):
            return kept
        name = asked_for or (passphrases.ask_name() if state.several_people else "")
        passphrase = passphrases.read(named)
        try:
            return self.program.open(folder, passphrase, name=name)
        except CodeNeeded:
            code = passphrases.read_code(named)
            return self.program.open(folder, passphrase, name=name, code=code)

    def _remembered(self, folder: Path) -> Workspace | None:
        try:
            return self.program.open_remembered(folder)
        except KeyringRefused as error:
            self.out.note(f"{error.sentence} {error.advice}")
            return None

    def _made_now(self, folder: Path, *, may_create: bool) -> Workspace:
        """Make the vault if that is wanted; else raise `VaultMissing`."""
        if may_create and passphrases.can_ask():
            self.out.note(f"There is no vault in {folder} yet; it is made now.")
            return self.create(folder)
        demo = self.program.folders.demo_vault
        hint = None
        if self.args.vault is None and self.program.vault_state(demo).exists:
            hint = f"{VaultMissing.hint} The demonstration's vault is {demo}."
        raise VaultMissing(f"There is no vault in {folder}.", hint=hint)


def passphrase_file(demo_vault: Path) -> Path:
    """Return where the passphrase of a demonstration vault is kept: beside it, in the clear.

    It protects sample calls only.
    """
    return demo_vault.with_name(f"{demo_vault.name}.passphrase")


def refuse_own_calls(workspace: Workspace) -> None:
    """Keep real calls out of a vault whose passphrase everybody can read."""
    if workspace.info.demo:
        raise UsageError(
            "This is the demonstration vault, and its passphrase lies beside it: "
            "your own calls do not belong in it.",
            hint="Create a vault of your own with `autoinsights init`.",
        )

"""Puts the parts together: the only place where objects are chosen and wired."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import platformdirs

from app import config, selftest
from app.access import Session, without_words
from app.domain import AnalysedCall, CallId, CallMetadata, Failure
from app.engine import preflight
from app.engine.client import LoneWorker, ask
from app.engine.models import ModelCard, ModelLibrary
from app.engine.packs import import_pack
from app.engine.redaction import chosen_policy
from app.engine.vocabulary import parse as parse_vocabulary
from app.engine.wire import HeadTrial, NetworkTrial, NetworkTried, Places, RedactionRequest, Request
from app.errors import AppError, AudioUnreadable, CallFailed, PackInvalid, WorkerDied
from app.processing import analyse_each, redact, workers_for
from app.storage import drill, passphrases, rescue, restore, vault
from app.storage.clock import steady, utc_now
from app.storage.way import Way
from app.workspace import Workspace
from app.workspace.intake import RECORDINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from app.config import Settings
    from app.domain import (
        Check,
        DrillReport,
        Outcome,
        PassphraseStrength,
        Progress,
        RedactedCall,
        RescueReport,
        RestoreReport,
        VaultState,
    )
    from app.engine.manifest import ModelHead

_NAME = "AutoInsights"
_LEAST_SECONDS = 0.25  # a passphrase that is checked faster than this is sealed anew
_TRIAL_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where the program finds and keeps things on this computer."""

    resources: Path
    data: Path
    settings_file: Path
    log_file: Path

    @property
    def vault(self) -> Path:
        """The vault that is meant when none is named."""
        return self.data / "vault"

    @property
    def demo_vault(self) -> Path:
        """The vault of the sample calls."""
        return self.data / "demo-vault"

    @property
    def witness(self) -> Path:
        """What this computer remembers of audit logs, outside of every vault."""
        return self.data / "witness"

    @property
    def attempts(self) -> Path:
        """Where failed attempts to get into backups are counted."""
        return self.data / "attempts"

    @property
    def packs(self) -> Path:
        """The model packs that were imported."""
        return self.data / "model-packs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something to analyse without keeping it: a recording, or one transcript as a JSON object."""

    name: str
    content: Literal["audio", "transcript"]
    path: Path | None = None
    payload: bytes = field(default=b"", repr=False)
    metadata: CallMetadata = field(default_factory=CallMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody shows who is in no open vault: a passphrase with name and code, or a sheet."""

    passphrase: str = field(default="", repr=False)
    name: str = ""
    code: str = field(default="", repr=False)
    sheet: str = field(default="", repr=False)

    def way(self, counted: Path) -> Way:
        """Return them as the storage takes them; failures are counted in the folder `counted`."""
        return Way(
            passphrase=self.passphrase, name=self.name, code=self.code, sheet=self.sheet,
            counted=counted,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The whole program, ready to create and open vaults and to analyse."""

    settings: Settings
    folders: Folders

    @property
    def places(self) -> Places:
        """Where workers find what they read."""
        return Places(resources=str(self.folders.resources), packs=str(self.folders.packs))

    def create(
        self, folder: Path, passphrase: str, *, name: str = "owner", demo: bool = False
    ) -> Workspace:
        """Create a vault for the person called `name`.

        Raises `VaultExists`, `WeakPassphrase`, `UsageError` or `StorageError`.
        """
        return self._workspace(
            vault.create(folder, passphrase, name=name, demo=demo, witness=self.folders.witness)
        )

    def open(self, folder: Path, passphrase: str, *, name: str = "", code: str = "") -> Workspace:
        """Sign a person in to a vault; raises `VaultError` or `StorageError`.

        Without a name the only person is meant; `CodeNeeded` says that the passphrase was right.
        """
        opened = vault.open_vault(
            folder,
            passphrase,
            name=name,
            code=code,
            least_seconds=_LEAST_SECONDS,
            witness=self.folders.witness,
        )
        return self._workspace(opened)

    def open_with_sheet(self, folder: Path, sheet: str, *, name: str, passphrase: str) -> Workspace:
        """Open a vault with its recovery sheet and give a person a new passphrase."""
        return self._workspace(
            vault.open_with_sheet(
                folder, sheet, name=name, passphrase=passphrase, witness=self.folders.witness
            )
        )

    def open_remembered(self, folder: Path) -> Workspace | None:
        """Open a vault with the key that the system's keyring keeps; `None` if it keeps none."""
        opened = vault.open_remembered(folder, witness=self.folders.witness)
        return None if opened is None else self._workspace(opened, typed=False)

    def restore(  # noqa: PLR0913 (where from, where to, by whom)
        self,
        place: Path,
        folder: Path,
        who: Credentials,
        *,
        keys_from: Path | None = None,
        erased_list: Path | None = None,
        without_damaged: bool = False,
        progress: Callable[[Progress], None],
    ) -> RestoreReport:
        """Put the vault of a backup into an empty folder, without calls that were erased.

        Raises `BackupInvalid`, `VaultExists`, `SignInError`, `NotAllowed` or `StorageError`.
        """
        return restore.restore(
            place, folder, who.way(self.folders.attempts), keys_from=keys_from,
            erased_list=erased_list, without_damaged=without_damaged, progress=progress,
        )  # fmt: skip

    def drill(
        self,
        place: Path,
        who: Credentials,
        *,
        keys_from: Path | None = None,
        progress: Callable[[Progress], None],
    ) -> DrillReport:
        """Restore a backup beside, compare it, and remove it again; raises what `restore` does."""
        return drill.drill(
            place,
            self.folders.data,
            who.way(self.folders.attempts),
            keys_from=keys_from,
            progress=progress,
        )

    def rescue(
        self,
        damaged: Path,
        folder: Path,
        who: Credentials,
        *,
        progress: Callable[[Progress], None],
    ) -> RescueReport:
        """Save what can be read of a damaged vault into an empty folder.

        Raises `VaultDamaged` where that is nothing, and what `restore` raises.
        """
        return rescue.rescue(damaged, folder, who.way(self.folders.attempts), progress=progress)

    def vault_state(self, folder: Path) -> VaultState:
        """Return what can be told of a folder without a passphrase."""
        return vault.state(folder)

    def passphrase_strength(self, passphrase: str, *, name: str = "") -> PassphraseStrength:
        """Return how hard a passphrase is to guess, while it is being chosen."""
        return passphrases.strength(passphrase, names=[name])

    def suggested_passphrase(self) -> str:
        """Return a random passphrase for a new vault, easy to copy by hand."""
        return passphrases.suggested()

    def analyse(
        self,
        sources: Sequence[Source],
        *,
        progress: Callable[[Source, Progress], None],
        stop: Callable[[], bool],
        vocabulary: str = "",
    ) -> Iterator[tuple[Source, Outcome]]:
        """Analyse recordings and transcripts and keep nothing; outcomes come as they finish.

        Raises `UsageError` or `ModelError` where the settings or the word list `vocabulary` ask for
        what cannot be used.
        """
        named = {CallId(uuid4().hex): source for source in sources}
        unreadable: list[tuple[CallId, Failure]] = []

        def requests() -> Iterator[tuple[CallId, Request]]:
            for call, source in named.items():
                try:
                    yield call, _request(source, self.settings, vocabulary)
                except AudioUnreadable as error:
                    reason = Failure(code=error.code, sentence=error.sentence, hint=error.advice)
                    unreadable.append((call, reason))

        parse_vocabulary(vocabulary)  # before the long work

        def tell(step: Progress) -> None:
            if step.call is not None:
                progress(named[step.call], step)

        workers = workers_for(self.settings.execution, self.places, calls=len(named))
        for call, outcome in analyse_each(requests(), workers, progress=tell, stop=stop):
            yield named[call], _guarded(outcome)
        for call, reason in unreadable:
            yield named[call], reason

    @contextmanager
    def redaction(
        self, metadata: CallMetadata
    ) -> Iterator[Callable[[bytes], RedactedCall | Failure]]:
        """Give what redacts transcripts, each a JSON object, and keeps nothing; they go to one
        worker, one after the other. It raises `ModelError` where a model cannot be used. Raises
        `UsageError` where the policy is not there or wrong."""
        chosen_policy(self.folders.resources / "recognisers", self.settings.redaction)
        execution = self.settings.execution
        lone = LoneWorker(self.places, threads=execution.threads_per_worker or 1)

        def redacted(transcript: bytes) -> RedactedCall | Failure:
            request = RedactionRequest(
                payload=transcript, settings=self.settings, metadata=metadata
            )
            return redact(request, lone, seconds=execution.stuck_after_seconds)

        with closing(lone):
            yield redacted

    def check_settings(self, *, sound: bool = True) -> None:
        """Raise where the settings ask for what is not installed; `sound`: there are recordings.

        Raises `UsageError`, `ModelError`.
        """
        preflight.check(self.settings, self._models(), self.folders.resources, sound=sound)

    def model_cards(self) -> tuple[ModelCard, ...]:
        """Return the models that are installed or were imported."""
        return self._models().catalogue()

    def import_model_pack(self, source: Path) -> ModelCard:
        """Verify a model pack and keep it; raises `PackInvalid` or `ModelMismatch`."""
        models = self._models()
        return import_pack(
            source, self.folders.packs, encoder=models.encoder, try_head=self._try_head
        )

    def _try_head(self, content: bytes, head: ModelHead) -> None:
        """Let a worker try a foreign graph, behind its fences; raises `PackInvalid`."""
        try:
            answer = ask(HeadTrial(head=head, content=content), self.places, seconds=_TRIAL_SECONDS)
        except CallFailed as error:
            raise PackInvalid(f"{head.file} could not be tried out: {error.sentence}") from error
        if isinstance(answer, Failure):
            raise PackInvalid(answer.sentence)

    def check_model(self, name: str) -> None:
        """Verify every file of a model; raises `ModelMissing` or `ModelMismatch`."""
        self._models().check(name)

    def doctor(self) -> Iterator[Check]:
        """Give the self-test line by line; it analyses a sample, which takes some seconds."""
        yield from selftest.checks(
            self._models(),
            self.folders.data,
            reach_out=self._reach_out,
            analyse=self._analyse_sample,
        )

    def _reach_out(self) -> NetworkTried:
        """Let a worker try the network; raises `WorkerDied` or `WorkerStuck`."""
        answer = ask(NetworkTrial(), self.places, seconds=_TRIAL_SECONDS)
        if not isinstance(answer, NetworkTried):
            raise WorkerDied("The analysing process did not try what it was asked to.")
        return answer

    def _analyse_sample(self) -> Outcome:
        """Return the outcome of the shortest recording that ships."""
        samples = (self.folders.resources / "samples").iterdir()
        recordings = [path for path in samples if path.suffix in RECORDINGS]
        sample = min(recordings, key=lambda path: path.stat().st_size)
        source = Source(name=sample.name, content="audio", path=sample)
        outcomes = self.analyse([source], progress=lambda *_: None, stop=lambda: False)
        return next(outcome for _, outcome in outcomes)

    def _models(self) -> ModelLibrary:
        return ModelLibrary(self.folders.resources, self.folders.packs)

    def _workspace(self, opened: vault.Vault, *, typed: bool = True) -> Workspace:
        opened.calls.erasure.also = lambda: drill.remove_left(self.folders.data)
        session = Session.begun(opened.person, opened.policy.get(), utc_now, steady)
        return Workspace(opened, session, self.settings, self.places, typed=typed)


def program(
    *, settings_file: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Program:
    """Return the program with the settings of this computer; raises `UsageError`."""
    folders = standard_folders()
    with suppress(AppError):  # what the disk refuses now is tried again with the next erasing
        drill.remove_left(folders.data)
    settings = config.load(settings_file or folders.settings_file)
    return Program(settings=config.override(settings, overrides or {}), folders=folders)


def standard_folders() -> Folders:
    """Return the folders that this operating system means for programs' data."""
    place = platformdirs.PlatformDirs(_NAME, appauthor=False)
    return Folders(
        resources=resources(),
        data=place.user_data_path,
        settings_file=place.user_config_path / "settings.toml",
        log_file=place.user_log_path / "autoinsights.log",
    )


def resources() -> Path:
    """Return the folder of what ships with the program."""
    bundle = getattr(sys, "_MEIPASS", None)
    return Path(bundle or Path(__file__).resolve().parent.parent) / "resources"


def _guarded(outcome: Outcome) -> Outcome:
    """Return what is given out of a call: without words and sound where it is held back, because
    nobody here has the right to release it."""
    if not isinstance(outcome, AnalysedCall) or not outcome.analysis.held_back:
        return outcome
    return replace(outcome, analysis=without_words(outcome.analysis), muted_audio=b"")


def _request(source: Source, settings: Settings, vocabulary: str) -> Request:
    payload = source.payload
    if source.path is not None:
        try:
            payload = source.path.read_bytes()
        except OSError as error:
            raise AudioUnreadable(
                "The file cannot be read.",
                hint="Check that it is there and that you may read it.",
            ) from error
    return Request(
        content=source.content,
        payload=payload,
        suffix="" if source.path is None else source.path.suffix,
        settings=settings,
        metadata=source.metadata,
        vocabulary=vocabulary,
    )

"""What can go wrong, as values a person can act on.

Every expected problem is an `AppError`: a stable code for support and scripts, one sentence for the
person, one hint on what to do, and an exit status for the command line. None carries content of a
call. Anything that is not an `AppError` is a bug and is reported as one.

    AppError (1)
    ├── UsageError (2)           a command, settings or metadata file asks for what does not exist
    ├── VaultError (3)           the vault cannot be opened or used
    │   ├── VaultMissing  VaultExists  VaultLocked  VaultDamaged  VaultNewer  VaultTooOld
    │   ├── VaultInDoubt
    │   ├── WeakPassphrase (2)  KeyringRefused
    │   └── SignInError (4)      NameNeeded WrongPassphrase RecoveryWrong CodeNeeded WrongCode
    │                            SignInDelayed PersonSuspended DeviceUnknown SessionEnded
    ├── StorageError (5)         the disk or the folder says no
    │   └── DiskFull  FolderReadOnly  SealBroken
    │   └── NotAsKept (a SealBroken)
    │   └── BackupInvalid
    ├── NotAllowed (10)          the person may not do this
    │   └── SecondFactorMissing  OnHold
    ├── CallNotFound (6)         PersonNotFound (6)  RequestNotFound (6)
    ├── CallFailed (7)           one call cannot be analysed; the batch goes on
    │   ├── AudioError           AudioEmpty AudioUnreadable AudioSilent AudioTruncated AudioTooLong
    │   ├── ChannelMapWrong
    │   ├── TranscriptInvalid  RecordingErased  TemporaryFileFailed
    │   └── WorkerDied  WorkerStuck  InternalFault  Cancelled
    ├── ModelError (8)           a model is missing, changed or unusable
    │   └── ModelMissing  ModelMismatch  PackInvalid  DeviceMissing
    └── WindowMissing (9)        no window can be shown here
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """An expected problem: `code` is stable, `sentence` and `hint` are for people, `status` is the
    exit status."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 1
    hint: ClassVar[str] = ""

    def __init__(self, sentence: str, *, hint: str | None = None) -> None:
        """Keep the sentence; `hint` replaces the class's own where more is known."""
        super().__init__(sentence)
        self.sentence = sentence
        self.advice = self.hint if hint is None else hint


class UsageError(AppError):
    """The command line, a settings file or a metadata file asks for something that does not
    exist."""

    code = "usage"
    status = 2
    hint = "Run `autoinsights --help` to see what can be asked."


class VaultError(AppError):
    """The vault cannot be opened or used."""

    code = "vault"
    status = 3


class VaultMissing(VaultError):
    """There is no vault in the folder."""

    code = "vault-missing"
    hint = "Create one with `autoinsights init`, or name another folder with `--vault`."


class VaultExists(VaultError):
    """A vault is already in the folder."""

    code = "vault-exists"
    hint = "Open it, or choose an empty folder."


class VaultLocked(VaultError):
    """Another program has the vault open."""

    code = "vault-in-use"
    hint = "Close the other window or wait until the other command has ended, then try again."


class VaultDamaged(VaultError):
    """The vault's files are not what was written."""

    code = "vault-damaged"
    hint = "Stop using this vault, keep a copy of its folder, and restore the newest backup."


class VaultInDoubt(VaultError):
    """An older state of the vault was put back, or the end of its audit log is not as it was
    written: what cannot be taken back is not done."""

    code = "vault-in-doubt"
    hint = (
        "`autoinsights audit verify` says more. Who may look after the vault accepts it with"
        " `autoinsights audit accept --reason TEXT`, or on the page Audit."
    )


class VaultNewer(VaultError):
    """The vault was written by a newer version of the program."""

    code = "vault-newer"
    hint = "Install the version of AutoInsights that was used last, or a newer one."


class VaultTooOld(VaultError):
    """The vault was made by a trial version, before the first release."""

    code = "vault-too-old"
    hint = "Make a new vault and import the recordings again; trial versions kept no promise."


class SignInError(VaultError):
    """A person cannot be signed in."""

    code = "sign-in"
    status = 4


class NameNeeded(SignInError):
    """Several people use the vault, and nobody was named."""

    code = "name-needed"
    hint = "Type your name, or name yourself with `--person`."


class WrongPassphrase(SignInError):
    """The name and the passphrase do not open the vault together."""

    code = "wrong-passphrase"
    hint = "Check the name, the keyboard layout and Caps Lock, then type it again."


class RecoveryWrong(SignInError):
    """The recovery sheet does not open the vault."""

    code = "recovery-wrong"
    hint = "Type all nine groups as they stand on the newest sheet of this vault."


class CodeNeeded(SignInError):
    """The second factor is missing: the passphrase was right."""

    code = "code-needed"
    hint = "Type the six digits that your authenticator shows, or a backup code."


class WrongCode(SignInError):
    """The code of the second factor is wrong, was used before, or is too old."""

    code = "wrong-code"
    hint = "Wait for the next code, check the clocks of both devices, or use a backup code."


class SignInDelayed(SignInError):
    """There were too many failed attempts; the next one has to wait."""

    code = "sign-in-delayed"
    hint = "Wait for the time that is shown; an administrator can end the wait."


class PersonSuspended(SignInError):
    """The person may not sign in any more."""

    code = "person-suspended"
    hint = "Ask an administrator of this vault."


class DeviceUnknown(SignInError):
    """The vault asks for a key of this computer's keyring, and it is not there."""

    code = "device-unknown"
    hint = "Unlock the keyring, or open the vault with its recovery sheet to admit this computer."


class SessionEnded(SignInError):
    """The person has been signed in for too long."""

    code = "session-ended"
    hint = "Sign in again."


class WeakPassphrase(VaultError):
    """The passphrase is too short to protect a vault."""

    code = "weak-passphrase"
    status = 2
    hint = "Use at least 15 characters; a few unrelated words are easy to remember."


class KeyringRefused(VaultError):
    """The system's keyring cannot keep a key safely."""

    code = "keyring-refused"
    hint = "Go on with the passphrase alone; nothing is lost."


class StorageError(AppError):
    """The disk or the folder does not do what is needed."""

    code = "storage"
    status = 5


class DiskFull(StorageError):
    """There is no room left on the disk."""

    code = "disk-full"
    hint = "Free some space and try again; nothing that was kept is lost."


class FolderReadOnly(StorageError):
    """The folder cannot be written to."""

    code = "folder-read-only"
    hint = "Choose a folder that you may write to, or ask for the right to write there."


class SealBroken(StorageError):
    """A sealed file was changed, cut short or swapped for another."""

    code = "seal-broken"
    hint = "The file is not used. Restore it from a backup, or import the recording again."


class NotAsKept(SealBroken):
    """A recording or an analysis is sealed for its call, and is not the one that was kept last."""

    code = "not-as-kept"
    hint = (
        "It is not used: somebody put it there. Run `autoinsights vault check`, keep a copy of the"
        " vault's folder, and restore the newest backup; analysing the call again replaces its"
        " analysis and its muted recording."
    )


class BackupInvalid(StorageError):
    """A backup is incomplete, damaged, or belongs to another vault."""

    code = "backup-invalid"
    hint = "Use another backup; `autoinsights backup check` reads one to its end."


class NotAllowed(AppError):
    """The person who is signed in may not do this."""

    code = "not-allowed"
    status = 10
    hint = "Ask an administrator of this vault for the right, or somebody who has it."


class SecondFactorMissing(NotAllowed):
    """The policy wants a second factor of the person, who has not set one up."""

    code = "second-factor-missing"
    hint = "Set it up with `autoinsights code on`, then sign in again."


class OnHold(NotAllowed):
    """The call is under legal hold and stays as it is."""

    code = "on-hold"
    hint = "A privacy officer can end the hold."


class PersonNotFound(AppError):
    """There is no such person."""

    code = "person-not-found"
    status = 6
    hint = "`autoinsights people` shows who is in the vault."


class CallNotFound(AppError):
    """There is no such call, or it may not be seen."""

    code = "call-not-found"
    status = 6
    hint = "`autoinsights list` shows the calls and their ids."


class RequestNotFound(AppError):
    """There is no such open request, or it may not be seen."""

    code = "request-not-found"
    status = 6
    hint = "`autoinsights requests` shows the requests that wait and their numbers."


class CallFailed(AppError):
    """One call could not be analysed; the others go on."""

    code = "call-failed"
    status = 7
    hint = "Retry the call; if it fails again, export a new recording from the recorder."


class AudioError(CallFailed):
    """The recording cannot be used."""

    code = "audio"


class AudioEmpty(AudioError):
    """The file holds no sound at all."""

    code = "audio-empty"
    hint = "Check the export on the recorder: the file has no audio in it."


class AudioUnreadable(AudioError):
    """The file is damaged, or is no recording, or is in a format that is not read."""

    code = "audio-unreadable"
    hint = (
        "Export the recording as WAV, MP3, Ogg, FLAC, M4A, WebM or AMR and import it again; a bare"
        " stream of G.722 is read where its name ends in .g722."
    )


class AudioSilent(AudioError):
    """The recording holds no speech that could be analysed."""

    code = "audio-silent"
    hint = (
        "Listen to the recording: if people speak in it, check the level at which it was recorded."
    )


class AudioTruncated(AudioError):
    """The recording is cut off, or damaged on the way: a part of the call is missing."""

    code = "audio-truncated"
    hint = (
        "Copy or export the recording again; the copy was probably interrupted. The setting"
        " `audio.accept_truncated` analyses what is left."
    )


class AudioTooLong(AudioError):
    """The recording is longer than one call can be."""

    code = "audio-too-long"
    hint = "Split the recording, or raise `audio.longest_minutes` in the settings."


class ChannelMapWrong(CallFailed):
    """The channel map names more or fewer channels than the recording has."""

    code = "channel-map"
    hint = (
        "Name one role for each channel, such as `agent,customer`, or leave the map out: the roles"
        " are then guessed from what is said."
    )


class TranscriptInvalid(CallFailed):
    """A transcript given instead of audio does not follow the documented schema."""

    code = "transcript-invalid"
    hint = "See resources/documents/transcript.schema.json; the line and field are named above."


class RecordingErased(CallFailed):
    """The recording was in this vault and was erased."""

    code = "recording-erased"
    hint = (
        "If it may be kept after all, somebody with the rights `import` and `erase` imports it with"
        " `--even-erased`; the audit log will say so."
    )


class OriginalDestroyed(CallFailed):
    """The recording as it was imported is not there any more, because the rules said so."""

    code = "original-destroyed"
    hint = (
        "The muted recording and the transcript stay. The original cannot be heard, taken out or"
        " analysed again."
    )


class TemporaryFileFailed(CallFailed):
    """The call is too long to be held in memory, and what is kept of it in an encrypted temporary
    file cannot be written or read."""

    code = "temporary-file"
    hint = (
        "Make room in the system's folder for temporary files, or name another folder in the"
        " variable TMPDIR (on Windows TEMP), then retry the call."
    )


class WorkerDied(CallFailed):
    """The analysing process ended without an answer."""

    code = "worker-died"
    hint = "Retry the call; if it fails again, its recording is probably damaged."


class WorkerStuck(CallFailed):
    """The analysing process made no progress for too long and was ended."""

    code = "worker-stuck"
    hint = "Retry the call when the computer is less busy."


class InternalFault(CallFailed):
    """The program itself made a mistake with this call."""

    code = "internal"
    hint = "Retry the call. If it fails again, send the log to support; it holds no content."


class Cancelled(CallFailed):
    """A person cancelled the call."""

    code = "cancelled"
    hint = "Retry the call to analyse it after all."


class ModelError(AppError):
    """A model is missing, changed or unusable."""

    code = "model"
    status = 8


class ModelMissing(ModelError):
    """A model is not installed."""

    code = "model-missing"
    hint = "Install the program again, or import the pack with `autoinsights models import`."


class ModelMismatch(ModelError):
    """A model's files are not the ones the manifest names."""

    code = "model-mismatch"
    hint = "Reinstall the program or import the model pack again; a changed model is never used."


class PackInvalid(ModelError):
    """A model pack is incomplete or not a model pack."""

    code = "pack-invalid"
    hint = "See resources/documents/model-packs.md for what a pack holds."


class DeviceMissing(ModelError):
    """The device that the settings demand is not there."""

    code = "device-missing"
    hint = 'Use `device = "auto"` or `"cpu"`.'


class WindowMissing(AppError):
    """No window can be shown here."""

    code = "window-missing"
    status = 9
    hint = "Start it on a desktop, or use the commands: `autoinsights --help`."

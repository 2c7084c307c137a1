"""The files that carry the audit log to an auditor: the log, checkpoints and proofs, as JSON.

Promises what formats.md says of them, which is all that the stand-alone verifier knows. What comes
back from an auditor is believed in nothing but its form; what it claims is checked elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from app.domain import Checkpoint
from app.errors import UsageError
from app.storage.audit_format import key_text, root_of_text, root_text
from app.storage.witness import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.domain import AuditEntry, AuditProof
    from app.storage.audit_format import SignedEntry

LOG_FORMAT = "autoinsights-audit-export-2"
CHECKPOINT_FORMAT = "autoinsights-checkpoint-2"
INCLUSION_FORMAT = "autoinsights-inclusion-2"
CONSISTENCY_FORMAT = "autoinsights-consistency-2"
_HASH, _SIGNATURE = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{128}")
_LARGEST = 1 << 53


class _CheckpointFile(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as it lies in a file; `text` is its short form."""

    format: str = CHECKPOINT_FORMAT
    vault: str
    key: str
    size: int
    root: str
    hash: str
    at: str
    signer: str
    signature: str
    text: str = ""


class _ProofFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A proof as it lies in a file."""

    format: str
    entry: dict[str, str | int] | None = None
    since: dict[str, str | int] | None = None
    path: tuple[str, ...]
    checkpoint: _CheckpointFile


class _LogHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of an exported log."""

    format: str = LOG_FORMAT
    vault: str
    key: str
    checkpoint: _CheckpointFile


def log_lines(checkpoint: Checkpoint, entries: Iterable[SignedEntry]) -> Iterator[bytes]:
    """Give an exported log line by line: its header, then an entry on each line."""
    text = key_text(bytes.fromhex(checkpoint.key))
    header = _LogHeader(vault=checkpoint.vault, key=text, checkpoint=_filed(checkpoint))
    yield msgspec.json.encode(header) + b"\n"
    for signed in entries:
        signatures = {
            "root": signed.root.hex(),
            "next_key": signed.next_key.hex(),
            "signature": signed.signature.hex(),
        }
        if signed.state:
            signatures["state"] = signed.state.hex()
        yield msgspec.json.encode(_fields(signed.entry) | signatures) + b"\n"


def checkpoint_file(checkpoint: Checkpoint) -> bytes:
    """Return the file of a checkpoint."""
    return msgspec.json.format(msgspec.json.encode(_filed(checkpoint)), indent=1) + b"\n"


def proof_file(proof: AuditProof) -> bytes:
    """Return the file of a proof."""
    single = proof.entry is not None
    older: dict[str, str | int] = {"size": proof.since, "root": str(proof.since_root)}
    filed = _ProofFile(
        format=INCLUSION_FORMAT if single else CONSISTENCY_FORMAT,
        entry=_fields(proof.entry) if proof.entry is not None else None,
        since=None if single else older,
        path=proof.path,
        checkpoint=_filed(proof.checkpoint),
    )
    return msgspec.json.format(msgspec.json.encode(filed), indent=1) + b"\n"


def short_form(checkpoint: Checkpoint) -> str:
    """Return a checkpoint's size and root as text that can be copied by hand."""
    return root_text(checkpoint.size, bytes.fromhex(checkpoint.root))


def read_checkpoint(given: bytes) -> Checkpoint | Seen:
    """Return a checkpoint from its file, or what its short form tells; raises `UsageError`."""
    if not given.lstrip().startswith(b"{"):
        size, root = root_of_text(given.decode("utf-8", "replace"))
        return Seen(key="", size=size, root=root.hex())
    try:
        filed = msgspec.json.decode(given, type=_CheckpointFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_checkpoint() from error
    hashes = (filed.key, filed.root, filed.hash, filed.signer)
    formed = filed.format == CHECKPOINT_FORMAT and 0 < filed.size < _LARGEST
    if not formed or not all(map(_HASH.fullmatch, hashes)):
        raise _no_checkpoint()
    if not _SIGNATURE.fullmatch(filed.signature):
        raise _no_checkpoint()
    return msgspec.convert(filed, Checkpoint, from_attributes=True)


def _no_checkpoint() -> UsageError:
    return UsageError(
        "This is no checkpoint of an audit log.",
        hint="Name the file that `autoinsights audit checkpoint` or `audit export` wrote.",
    )


def _filed(checkpoint: Checkpoint) -> _CheckpointFile:
    bare = msgspec.convert(checkpoint, _CheckpointFile, from_attributes=True)
    return msgspec.structs.replace(bare, text=short_form(checkpoint))


def _fields(entry: AuditEntry) -> dict[str, str | int]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}

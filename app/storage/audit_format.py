"""How the audit log is written in bytes and in text: entries, tree heads, checkpoints, keys.

Promises one canonical encoding for everything that is hashed or signed, so that no two things look
alike, and text for keys and checkpoints in which a slip of the pen is noticed. Described byte for
byte in resources/documents/formats.md, which the stand-alone verifier follows on its own. Pure:
knows no database and no private keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.domain import Sha256
from app.errors import UsageError

if TYPE_CHECKING:
    from app.domain import AuditEntry, Checkpoint

ENTRY = b"autoinsights-audit-2"
TREE_HEAD = b"autoinsights-tree-head-2"
TREE_HEAD_WITH_STATE = b"autoinsights-tree-head-3"
CHECKPOINT = b"autoinsights-checkpoint-2"
KEY_MARK, ROOT_MARK = "AIKEY2", "AIROOT2"
RESTORE, RESTORE_KEY, RESCUE = "vault.restore", "vault.backup-key", "vault.rescue"
"""The acts by which a log goes on from a copy, and the one that names the key for a restore."""
_PUBLIC_KEY = re.compile("[0-9a-f]{64}")
_CHECKSUM_BYTES = 3
_GROUP = 4
_HASH_BYTES = 32
# Digits that do not occur, for the letters that they are mistaken for.
_READ_AS = str.maketrans({"0": "O", "1": "I", "8": "B"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedEntry:
    """An entry with the tree head that was signed for it: the root of the tree up to it, the key
    that signs the one after it, and the state of what governs the vault (see `seals`), which
    entries of older versions lack."""

    entry: AuditEntry
    root: bytes
    next_key: bytes
    signature: bytes
    state: bytes = b""


def joined(name: bytes, *fields: bytes) -> bytes:
    """Return the name of a format and its fields, each behind its length in four bytes."""
    return name + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def first_hash(vault_id: str, first_key: bytes) -> Sha256:
    """Return what the first entry of a vault names as the hash before it."""
    return Sha256(hashlib.sha256(joined(ENTRY, vault_id.encode(), first_key)).hexdigest())


def encoded(entry: AuditEntry) -> bytes:
    """Return the canonical bytes of an entry, over which its hash is taken."""
    fields = (
        str(entry.number),
        entry.at,
        entry.actor,
        entry.act,
        entry.subject,
        entry.outcome,
        entry.reason,
        entry.previous,
    )
    return joined(ENTRY, *(field.encode("utf-8", "surrogatepass") for field in fields))


def hashed(entry: AuditEntry) -> Sha256:
    """Return the hash that an entry must hold."""
    return Sha256(hashlib.sha256(encoded(entry)).hexdigest())


def restore_key(entry: AuditEntry) -> bytes | None:
    """Return the key that signs the next entry where that is a restore of the backup whose last
    entry this is: `None` for every other entry."""
    if entry.act != RESTORE_KEY or not _PUBLIC_KEY.fullmatch(entry.subject):
        return None
    return bytes.fromhex(entry.subject)


def head_encoded(vault_id: str, signed: SignedEntry) -> bytes:
    """Return the bytes of a tree head, over which the entry's signature is made."""
    entry = signed.entry
    state = [signed.state] if signed.state else []
    return joined(
        TREE_HEAD_WITH_STATE if signed.state else TREE_HEAD,
        vault_id.encode(),
        str(entry.number).encode(),
        signed.root,
        bytes.fromhex(entry.hash),
        entry.at.encode("utf-8", "surrogatepass"),
        signed.next_key,
        *state,
    )


def checkpoint_encoded(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint, over which its signature is made."""
    return joined(
        CHECKPOINT,
        checkpoint.vault.encode(),
        bytes.fromhex(checkpoint.key),
        str(checkpoint.size).encode(),
        bytes.fromhex(checkpoint.root),
        bytes.fromhex(checkpoint.hash),
        checkpoint.at.encode(),
        bytes.fromhex(checkpoint.signer),
    )


def signed_by(key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether an Ed25519 signature over a message is that of a key."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_text(key: bytes) -> str:
    """Return a verification key in groups that a person can write down and type again."""
    return f"{KEY_MARK}-{_grouped(KEY_MARK, key)}"


def key_of_text(text: str) -> bytes:
    """Return the verification key that a person typed; raises `UsageError` for a slip."""
    mark, _, rest = _typed(text).partition("-")
    if mark != KEY_MARK:
        raise UsageError(
            "This is no verification key of an audit log.", hint=f"One begins with {KEY_MARK}-."
        )
    return _ungrouped(KEY_MARK, rest)


def root_text(size: int, root: bytes) -> str:
    """Return the short form of a checkpoint: the size and the root alone, for paper."""
    mark = f"{ROOT_MARK}-{size}"
    return f"{mark}-{_grouped(mark, root)}"


def root_of_text(text: str) -> tuple[int, bytes]:
    """Return the size and the root of a short form; raises `UsageError` for a slip."""
    parts = _typed(text).split("-", 2)
    if len(parts) != 3 or parts[0] != ROOT_MARK or not (parts[1].isascii() and parts[1].isdigit()):
        raise UsageError(
            "This is no checkpoint of an audit log.", hint=f"One in text begins with {ROOT_MARK}-."
        )
    size = int(parts[1])
    return size, _ungrouped(f"{ROOT_MARK}-{size}", parts[2])


def _typed(text: str) -> str:
    return "".join(text.split()).upper()


def _grouped(mark: str, value: bytes) -> str:
    digits = base64.b32encode(value + _checksum(mark, value)).decode()
    return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def _ungrouped(mark: str, text: str) -> bytes:
    digits = text.replace("-", "").translate(_READ_AS)
    try:
        value = base64.b32decode(digits)
    except binascii.Error:
        value = b""
    found, checksum = value[:-_CHECKSUM_BYTES], value[-_CHECKSUM_BYTES:]
    if len(found) != _HASH_BYTES or checksum != _checksum(mark, found):
        raise UsageError(
            f"There is a slip in what begins with {mark}.",
            hint="Compare it with the original letter by letter, or scan its QR code.",
        )
    return found


def _checksum(mark: str, value: bytes) -> bytes:
    return hashlib.sha256(joined(mark.encode(), value)).digest()[:_CHECKSUM_BYTES]

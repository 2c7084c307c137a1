#!/usr/bin/env python3
"""Verifies the audit log of an AutoInsights vault, without AutoInsights.

    python verify_audit.py audit.jsonl --key AIKEY2-... [--checkpoint FILE-OR-TEXT]...
    python verify_audit.py proof.json --checkpoint FILE-OR-TEXT [--checkpoint FILE-OR-TEXT]
    python verify_audit.py proof.json --log audit.jsonl --key AIKEY2-...

Needs Python 3.9 or newer and the package `cryptography`; it shares no code with the program and
reads nothing but the files that are named. The formats are those of formats.md ("Audit log").

What is believed: the key that you give with --key, which was shown when the vault was made, and the
checkpoints that you kept elsewhere. Nothing that a file says of itself is believed, with one
exception that is told: without --key the key in the file is taken for the right one.

What a log that is found good shows: nobody changed, removed, put in, moved or cut off an entry
since it was written, unless the whole vault was put back to an older state and continued from
there. That is found with a checkpoint that is newer than this state. Where a log goes on after a
restore of a backup, or after a rescue, that is told, with the entry: whoever has the backup (or the
damaged vault) and a passphrase could have written what follows, in place of what was there. Compare
such a log with a checkpoint that was taken after this entry.

A proof that one checkpoint extends another is found good where you vouch for both: you kept both,
or you give the log that holds them. With one of them alone it is told what is proven and what is
not: whoever has a copy of the vault and a passphrase can make up a log that goes on from there,
with a newer checkpoint and a proof that fit it.

Exit status: 0 all is well; 1 something is not as it was written; 2 something could not be checked,
or is not proven by what was given.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("This needs the Python package `cryptography`: python -m pip install cryptography")

GOOD, BAD, OPEN = 0, 1, 2
LOG, CHECKPOINT = "autoinsights-audit-export-2", "autoinsights-checkpoint-2"
INCLUSION, CONSISTENCY = "autoinsights-inclusion-2", "autoinsights-consistency-2"
TEXTS = ("at", "actor", "act", "subject", "outcome", "reason", "previous", "hash")
ENTRY_FIELDS = {"number", *TEXTS}
LINE_FIELDS = {*ENTRY_FIELDS, "root", "next_key", "signature"}
CHECKPOINT_FIELDS = {"format", "vault", "key", "size", "root", "hash", "at", "signer", "signature"}
LARGEST = 1 << 53
RESTORE, RESTORE_KEY, RESCUE = "vault.restore", "vault.backup-key", "vault.rescue"


class Wrong(Exception):
    """Something is not as it was written."""


class Unreadable(Exception):
    """Something cannot be checked because it is not what it should be, or is missing."""


class Unproven(Exception):
    """What was said before is right, and what is asked for does not follow from it."""


# ------------------------------------------------------------------- bytes that are hashed, signed


def joined(name: str, *fields: bytes) -> bytes:
    """The name of a format, then each field behind its length in four bytes, high byte first."""
    return name.encode() + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def entry_hash(entry: dict) -> bytes:
    fields = [str(entry["number"]), *(entry[name] for name in TEXTS[:-1])]
    return hashlib.sha256(joined("autoinsights-audit-2", *map(utf8, fields))).digest()


def first_previous(vault: str, key: bytes) -> bytes:
    return hashlib.sha256(joined("autoinsights-audit-2", utf8(vault), key)).digest()


def tree_head(vault: str, entry: dict, root: bytes, digest: bytes, next_key: bytes) -> bytes:
    number = str(entry["number"]).encode()
    parts = (utf8(vault), number, root, digest, utf8(entry["at"]), next_key)
    if "state" in entry:
        return joined("autoinsights-tree-head-3", *parts, raw(entry["state"]))
    return joined("autoinsights-tree-head-2", *parts)


def checkpoint_bytes(of: dict) -> bytes:
    parts = (utf8(of["vault"]), raw(of["key"]), str(of["size"]).encode(), raw(of["root"]))
    return joined(CHECKPOINT, *parts, raw(of["hash"]), utf8(of["at"]), raw(of["signer"]))


def signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


# ------------------------------------------------------------------------ the tree (RFC 9162, 2.1)


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of the full subtrees of a growing list, the largest first."""

    def __init__(self) -> None:
        self.size, self.parts = 0, []

    def add(self, leaf: bytes) -> None:
        node, rest = leaf_hash(leaf), self.size
        while rest % 2:
            node, rest = node_hash(self.parts.pop(), node), rest // 2
        self.parts.append(node)
        self.size += 1

    def root(self) -> bytes:
        node = None
        for part in reversed(self.parts):
            node = part if node is None else node_hash(part, node)
        return hashlib.sha256(b"").digest() if node is None else node


def included(leaf: bytes, index: int, size: int, path: list, root: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, node = index, size - 1, leaf_hash(leaf)
    for part in path:
        if sn == 0:
            return False
        if fn % 2 or fn == sn:
            node = node_hash(part, node)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            node = node_hash(node, part)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and node == root


def extended(first: int, second: int, first_root: bytes, second_root: bytes, path: list) -> bool:
    """RFC 9162, 2.1.4.2."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    path = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn % 2:
        fn, sn = fn // 2, sn // 2
    before = after = path[0]
    for part in path[1:]:
        if sn == 0:
            return False
        if fn % 2 or fn == sn:
            before, after = node_hash(part, before), node_hash(part, after)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            after = node_hash(after, part)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and before == first_root and after == second_root


# ------------------------------------------------------------------ what is read, by its form only


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{2 * length}}}", value) is not None


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGEST


def no_doubles(pairs: list) -> dict:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def parsed(text: str) -> dict | None:
    """The JSON object in a text, or None."""
    try:
        value = json.loads(text, object_pairs_hook=no_doubles)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def well_formed_entry(entry: object, fields: set) -> bool:
    if not isinstance(entry, dict) or set(entry) != fields or not is_count(entry["number"]):
        return False
    if not all(isinstance(entry[name], str) for name in TEXTS):
        return False
    return is_hex(entry["hash"], 32) and is_hex(entry["previous"], 32)


def well_formed_line(entry: object) -> bool:
    state = {"state"} if isinstance(entry, dict) and "state" in entry else set()
    if not well_formed_entry(entry, LINE_FIELDS | state):
        return False
    if state and not is_hex(entry["state"], 32):
        return False
    hashes = is_hex(entry["root"], 32) and is_hex(entry["next_key"], 32)
    return hashes and is_hex(entry["signature"], 64)


def well_formed_checkpoint(of: object) -> bool:
    if not isinstance(of, dict) or set(of) - {"text"} != CHECKPOINT_FIELDS:
        return False
    if of["format"] != CHECKPOINT or not is_count(of["size"]):
        return False
    if not (isinstance(of["vault"], str) and isinstance(of["at"], str)):
        return False
    hashes = all(is_hex(of[name], 32) for name in ("key", "root", "hash", "signer"))
    return hashes and is_hex(of["signature"], 64)


def typed(text: str, mark: str, what: str) -> bytes:
    """The 32 bytes of a text in groups, such as AIKEY2-..., whose checksum finds a slip."""
    digits = text.replace("-", "").translate(str.maketrans("018", "OIB"))
    try:
        value = base64.b32decode(digits)
    except binascii.Error:
        value = b""
    checksum = hashlib.sha256(joined(mark, value[:-3])).digest()[:3]
    if len(value) != 35 or value[-3:] != checksum:
        raise Unreadable(f"There is a slip in {what}. Compare it letter by letter.")
    return value[:-3]


def read_key(text: str) -> bytes:
    mark, _, rest = "".join(text.split()).upper().partition("-")
    if mark != "AIKEY2":
        raise Unreadable("A verification key begins with AIKEY2-.")
    return typed(rest, mark, "the verification key")


def read_checkpoint(name: str) -> dict:
    """A checkpoint from its short form or its file, with no more than the form checked."""
    text = "".join(name.split()).upper()
    if text.startswith("AIROOT2-"):
        mark, size, rest = [*text.split("-", 2), "", ""][:3]
        if not re.fullmatch("[0-9]{1,15}", size) or int(size) == 0:
            raise Unreadable("A checkpoint in text begins with AIROOT2- and a number.")
        root = typed(rest, f"{mark}-{int(size)}", "the checkpoint")
        return {"size": int(size), "root": root.hex(), "name": f"of {int(size)} entries"}
    found = parsed(read(name))
    if not well_formed_checkpoint(found):
        raise Unreadable(f"{name} is no checkpoint.")
    return {**found, "name": f"of {found['at']}"}


def opened(name: str) -> TextIO:
    try:
        return Path(name).open(encoding="utf-8", errors="surrogateescape", newline="\n")
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}.") from error


def read(name: str, *, first_line: bool = False) -> str:
    with opened(name) as file:
        return file.readline() if first_line else file.read()


# -------------------------------------------------------------------------------------- the checks


class Log:
    """An exported log that was followed as far as it is as it was written."""

    def __init__(self, vault: str, key: bytes, closing: object) -> None:
        self.vault, self.key, self.closing = vault, key, closing
        self.good, self.next_key, self.states = 0, key, {}
        self.restarts = []


def followed(name: str, key: bytes | None, wanted: set) -> Log:
    """Follow a log to its end; raises Wrong, naming the first entry that is not as written."""
    with opened(name) as file:
        return followed_lines(iter(file), name, key, wanted)


def followed_lines(lines: Iterator[str], name: str, key: bytes | None, wanted: set) -> Log:
    header = parsed(next(lines, ""))
    if header is None or header.get("format") != LOG:
        raise Unreadable(f"{name} is no exported audit log.")
    texts = (header.get("vault"), header.get("key"))
    formed = set(header) == {"format", "vault", "key", "checkpoint"}
    if not formed or not all(isinstance(one, str) for one in texts):
        raise Wrong("The first line of the log is not as it was written.")
    if key is not None and read_key_or_none(header["key"]) != key:
        raise Wrong(
            "This log was begun with another verification key than yours: it was written anew,"
            " or it is the log of another vault. The first bad entry is number 1."
        )
    trusted = read_key(header["key"]) if key is None else key
    log = Log(header["vault"], trusted, header["checkpoint"])
    follow(log, lines, wanted)
    closed(log)
    return log


def read_key_or_none(text: str) -> bytes | None:
    try:
        return read_key(text)
    except Unreadable:
        return None


def follow(log: Log, lines: Iterator[str], wanted: set) -> None:
    previous, tree, at, other = first_previous(log.vault, log.key), Tree(), "", None
    stated = False
    for line in lines:
        bad = Wrong(f"Audit entry {log.good + 1} is not as it was written.")
        entry = parsed(line)
        if entry is None or not line.endswith("\n") or not well_formed_line(entry):
            raise bad
        digest, root, next_key = raw(entry["hash"]), raw(entry["root"]), raw(entry["next_key"])
        if entry["number"] != log.good + 1 or raw(entry["previous"]) != previous:
            raise bad
        if digest != entry_hash(entry) or entry["at"] < at:
            raise bad
        if stated and "state" not in entry:  # once entries sign the vault's state, all do
            raise bad
        tree.add(digest)
        head = tree_head(log.vault, entry, root, digest, next_key)
        fits = signed(log.next_key, raw(entry["signature"]), head)
        if not fits and other is not None and entry["act"] == RESTORE:
            fits = signed(other, raw(entry["signature"]), head)
        if root != tree.root() or not fits:
            raise bad
        log.good, log.next_key, previous, at = log.good + 1, next_key, digest, entry["at"]
        other, stated = restore_key(entry), "state" in entry
        if entry["act"] in (RESTORE, RESCUE):
            log.restarts.append((log.good, entry))
        if log.good in wanted:
            log.states[log.good] = (root, next_key, digest)
    log.states[log.good] = (tree.root(), log.next_key, previous)


def restore_key(entry: dict) -> bytes | None:
    """The key that signs the next entry, where that is a restore of the backup that ends here."""
    named = entry["act"] == RESTORE_KEY and is_hex(entry["subject"], 32)
    return raw(entry["subject"]) if named else None


def restarted(log: Log, kept: list) -> Iterator[str]:
    """What is said of each entry with which a log goes on from a copy of the vault."""
    covered = max((one["size"] for one in kept), default=0)
    for number, entry in log.restarts:
        what = "a backup that was restored" if entry["act"] == RESTORE else "a damaged vault"
        yield f"NOTE: at entry {number} ({entry['at']}) the log goes on from {what}."
        if number <= covered:
            yield "    A checkpoint that you gave covers this entry."
        else:
            yield (
                "    Whoever has that copy and a passphrase could have written it and all that"
                " follows. Compare with a checkpoint that was taken later."
            )


def closed(log: Log) -> None:
    """Check that the log was whole when it was exported: its last key signed that it ends here."""
    of = log.closing
    end = Wrong(
        f"Audit entries after number {log.good} are missing, or the log's end was changed:"
        f" the first bad entry is number {log.good + 1}."
    )
    if not log.good or not well_formed_checkpoint(of):
        raise end
    root, next_key, digest = log.states[log.good]
    stated = (of["vault"], raw(of["key"]), of["size"], raw(of["root"]), raw(of["hash"]))
    if stated != (log.vault, log.key, log.good, root, digest) or raw(of["signer"]) != next_key:
        raise end
    if not signed(next_key, raw(of["signature"]), checkpoint_bytes(of)):
        raise end


def against(log: Log, kept: dict) -> None:
    """Check that a log extends a checkpoint that was kept elsewhere."""
    name, size = f"The checkpoint {kept['name']}", kept["size"]
    if "vault" in kept:
        if kept["vault"] != log.vault:
            raise Wrong(f"{name} is that of another vault.")
        if raw(kept["key"]) != log.key:
            raise Wrong(f"{name} names another verification key. The first bad entry is number 1.")
        if not signed(raw(kept["signer"]), raw(kept["signature"]), checkpoint_bytes(kept)):
            raise Wrong(f"{name} itself is not as it was written.")
    if size > log.good:
        raise Wrong(
            f"{name} covers {size} entries and the log has {log.good}: an older state was put back,"
            f" or entries were removed. The first bad entry is number {log.good + 1}."
        )
    root, next_key, digest = log.states[size]
    if root != raw(kept["root"]):
        raise Wrong(
            f"{name} covers other entries than these: an older state was put back and continued."
            f" Entry {size}, or one before it, is not the one that was there."
        )
    if "vault" in kept and (raw(kept["signer"]), raw(kept["hash"])) != (next_key, digest):
        raise Wrong(f"{name} was not signed with the key of this log.")


def check_log(name: str, key: bytes | None, kept: list) -> Iterator[str]:
    log = followed(name, key, {one["size"] for one in kept})
    for one in kept:
        against(log, one)
    yield f"All {log.good} audit entries of vault {log.vault} are as they were written."
    yield f"The log was whole when it was exported: {log.closing['at']} (the vault's clock)."
    for one in kept:
        yield f"It extends the checkpoint {one['name']}."
    yield from restarted(log, kept)
    if not kept:
        yield (
            "No checkpoint was given: that the whole vault was not put back to an older state is"
            " shown by the time of export alone."
        )


def check_proof(proof: dict, key: bytes | None, kept: list, log_name: str | None) -> Iterator[str]:
    """Check a proof against checkpoints that were kept, or against a whole log."""
    of, path = proof.get("checkpoint"), proof.get("path")
    if not well_formed_checkpoint(of) or not isinstance(path, list):
        raise Wrong("The proof is not as it was written.")
    if not all(is_hex(part, 32) for part in path) or len(path) > 64:
        raise Wrong("The proof is not as it was written.")
    path = [raw(part) for part in path]
    if not signed(raw(of["signer"]), raw(of["signature"]), checkpoint_bytes(of)):
        raise Wrong("The checkpoint in the proof is not as it was written.")
    if key is not None and raw(of["key"]) != key:
        raise Wrong("The proof names another verification key than yours.")
    if proof["format"] == INCLUSION:
        yield from check_inclusion(proof, of, path)
    else:
        yield from check_consistency(proof, of, path, kept)
        expect_both(proof["since"], of, kept if log_name is None else [])
    tied = [one for one in kept if (one["size"], one["root"]) == (of["size"], of["root"])]
    if log_name is not None:
        log = followed(log_name, key, {of["size"], *(one["size"] for one in kept)})
        for one in [{**of, "name": f"of {of['at']}"}, *kept]:
            against(log, one)
        yield f"The checkpoint in the proof is one of this log of {log.good} entries."
        if key is None and not kept:
            yield "NOTE: no key was given (--key): the key in the log was believed."
        yield from restarted(log, kept)
    elif tied:
        yield "The checkpoint in the proof is the one that you kept."
    elif proof["format"] == INCLUSION and kept:
        raise Unreadable(
            "The proof leads to another checkpoint than the one you gave. Give the log with --log,"
            " or ask for a proof that your checkpoint is consistent with the one in the proof."
        )
    elif not kept:
        # whoever writes a proof can write a checkpoint that fits, also with a key that is no secret
        shown = "Nothing shows" if key is None else "A key alone does not show"
        raise Unreadable(
            f"{shown} that the checkpoint in the proof is genuine. Give the checkpoint that you"
            " kept (--checkpoint), or the whole log (--log)."
        )


def check_inclusion(proof: dict, of: dict, path: list) -> Iterator[str]:
    entry = proof.get("entry")
    if set(proof) != {"format", "entry", "path", "checkpoint"}:
        raise Wrong("The proof is not as it was written.")
    if not well_formed_entry(entry, ENTRY_FIELDS) or entry_hash(entry) != raw(entry["hash"]):
        raise Wrong("The entry in the proof is not as it was written.")
    index = entry["number"] - 1
    if not included(raw(entry["hash"]), index, of["size"], path, raw(of["root"])):
        raise Wrong(f"The proof does not show that entry {entry['number']} is in the log.")
    yield f"Entry {entry['number']} is in the log of {of['size']} entries of {of['at']}:"
    for name in ("at", "actor", "act", "subject", "outcome", "reason"):
        shown = "".join(one if one.isprintable() else "\ufffd" for one in entry[name])
        yield f"    {name:<8} {shown}"


def check_consistency(proof: dict, of: dict, path: list, kept: list) -> Iterator[str]:
    since = proof.get("since")
    if set(proof) != {"format", "since", "path", "checkpoint"} or not isinstance(since, dict):
        raise Wrong("The proof is not as it was written.")
    if not is_count(since.get("size")) or not is_hex(since.get("root"), 32):
        raise Wrong("The proof is not as it was written.")
    if set(since) != {"size", "root"}:
        raise Wrong("The proof is not as it was written.")
    if not extended(since["size"], of["size"], raw(since["root"]), raw(of["root"]), path):
        raise Wrong(
            f"The log of {of['size']} entries does not begin with the {since['size']} entries of"
            " the older checkpoint."
        )
    for one in kept:
        state = (one["size"], one["root"])
        if state not in ((since["size"], since["root"]), (of["size"], of["root"])):
            raise Wrong(f"The proof is not about the checkpoint {one['name']}.")
        yield f"The proof is about the checkpoint {one['name']}, which you kept."
    yield (
        f"The log of {of['size']} entries of {of['at']} begins with the {since['size']} entries"
        " that the older checkpoint covers, unchanged."
    )


def expect_both(since: dict, of: dict, kept: list) -> None:
    """Raises Unproven where only one of a proof's checkpoints is among those that were kept."""
    if not kept:
        return
    states = {(one["size"], one["root"]) for one in kept}
    if (of["size"], of["root"]) not in states:
        raise Unproven(
            f"that the newer checkpoint, of {of['size']} entries, is one of this log. Whoever has a"
            " copy of the vault and a passphrase can make up entries that follow yours, with a"
            " checkpoint and a proof that fit. Give the newer checkpoint as you have it from"
            " elsewhere (--checkpoint), or the whole log (--log)."
        )
    if (since["size"], since["root"]) not in states:
        raise Unproven(
            f"that the first {since['size']} entries are those of an older checkpoint of yours."
            " Give that one, too (--checkpoint)."
        )


# ------------------------------------------------------------------------------------ command line


def checks(asked: argparse.Namespace) -> Iterator[str]:
    key = None if asked.key is None else read_key(asked.key)
    kept = [read_checkpoint(name) for name in asked.checkpoint]
    found = parsed(read(asked.file, first_line=True)) or parsed(read(asked.file)) or {}
    kind = found.get("format")
    if kind == LOG:
        if key is None:
            yield "NOTE: no key was given (--key): the key in the file was believed."
        yield from check_log(asked.file, key, kept)
    elif kind in (INCLUSION, CONSISTENCY):
        yield from check_proof(found, key, kept, asked.log)
    else:
        raise Unreadable(f"{asked.file} is neither an exported audit log nor a proof.")


def main(arguments: list | None = None) -> int:
    asks = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asks.add_argument("file", help="audit.jsonl, or a proof")
    asks.add_argument("--key", help="the verification key that you kept: AIKEY2-...")
    asks.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        help="a checkpoint that you kept: a file, or AIROOT2-... (may be given several times)",
    )
    asks.add_argument("--log", help="the exported log against which a proof is checked")
    asked = asks.parse_args(arguments)
    said, status = [], GOOD
    try:
        for line in checks(asked):
            said.append(line)
    except Wrong as wrong:
        said, status = [f"NOT AS IT WAS WRITTEN: {wrong}"], BAD
    except Unproven as unproven:
        said, status = [*said, f"NOT PROVEN: {unproven}"], OPEN
    except Unreadable as unreadable:
        print(f"NOT CHECKED: {unreadable}", file=sys.stderr)
        return OPEN
    print("\n".join(said))
    return status


if __name__ == "__main__":
    sys.exit(main())

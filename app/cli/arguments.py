"""What can be asked on the command line: commands, options and their help.

Promises that a wrong command line ends as a `UsageError`, that options of the whole program may
stand before or after the command, and that nothing typed is quoted back where it could be a
passphrase.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, get_args

from app import __version__
from app.config import Device, EntitySet
from app.domain import CallOrder, Direction, JobState, PersonRole, Right
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUSES = """\
exit status: 0 done; 1 the self-test found a fault; 2 the command line, a setting or a metadata file
is wrong; 3 the vault cannot be used; 4 wrong passphrase; 5 the disk says no; 6 no such call or
request; 7 a call failed, the others are done; 8 a model is missing or changed; 9 no window can be
shown; 10 you may not do this; 70 a fault in the program; 130 stopped with Ctrl+C; 141 the reader of
the output has gone
"""
_SHARED = {
    "vault": None,
    "settings": None,
    "json": False,
    "passphrase_file": None,
    "person": None,
    "quiet": False,
    "verbose": False,
}
SETTING_OPTIONS = {
    "redact": "redaction.entities",
    "pack": "analysis.pack",
    "heads": "analysis.heads",
    "model": "speech.model",
    "language": "speech.language",
    "device": "execution.device",
}
"""The options that change a setting for one run, and the setting that each changes."""


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError` where argparse would print and leave."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise UsageError(
            f"The command line is not understood: {message}.",
            hint=f"`{self.prog} --help` shows what can be asked.",
        )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what is asked; raises `UsageError`, and `SystemExit` after `--help`, `--version`."""
    _refuse_passphrases(arguments)
    known, unknown = parser().parse_known_args(arguments, argparse.Namespace(**_SHARED))
    if unknown:
        raise _not_understood(unknown)
    return known


def parser() -> Parser:
    """Return the parser of the whole program."""
    shared = _shared_options()
    whole = _new_parser(
        shared,
        prog="autoinsights",
        description="Offline speech analytics: recordings become sealed, redacted, searchable"
        " calls. Without a command the window opens.",
        epilog=STATUSES,
    )
    whole.add_argument("--version", action="version", version=f"AutoInsights {__version__}")
    commands = whole.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    def command(name: str, help_text: str) -> Parser:
        options = {"help": help_text, "description": help_text}
        return _command(commands, shared, name, options)

    command("init", "Create a vault for your calls.")
    _import_options(command("import", "Take recordings into the vault and analyse them."))
    _process_options(command("process", "Analyse the calls that wait in the vault."))
    _analyse_options(
        command("analyse", "Analyse recordings or transcripts without keeping anything.")
    )
    _list_options(command("list", "List the calls of the vault."))
    command(
        "show", "Show one call: what was found in it, and its redacted transcript."
    ).add_argument("call", metavar="CALL", help="a call's id, or the first digits of it")
    _search_options(command("search", "Find turns by the redacted words that were said in them."))
    _model_options(command("models", "List, check or import models."), shared)
    command("doctor", "Test this installation: network shut off, models whole, a sample analysed.")
    _people_options(command("people", "See and change who is in the vault."), shared)
    whose = command("passphrase", "Change your passphrase, or give somebody else a new one.")
    whose.add_argument("name", nargs="?", default="", metavar="NAME", help="somebody else")
    _new_passphrase_option(whose)
    code = command("code", "Ask for a code when you sign in, or no more.")
    code.add_argument("act", choices=("on", "off"))
    code.add_argument("name", nargs="?", default="", metavar="NAME", help="somebody else (off)")
    _key_options(command("key", "See and change what opens the vault."), shared)
    _backup_options(command("backup", "Back the vault up, or check a backup."), shared)
    _restore_options(command("restore", "Put the vault of a backup into an empty folder."))
    _vault_options(command("vault", "Check the vault, or save what a damaged one holds."), shared)
    _audit_options(command("audit", "Read, verify or export the audit log of the vault."), shared)
    _governing_options(commands, shared)
    demo = command("demo", "Analyse the sample calls that ship, in a vault of their own.")
    demo.add_argument("--no-window", action="store_true", help="do not open the window afterwards")
    return whole


def _shared_options() -> Parser:
    """Return what every command takes; left out, the values of `_SHARED` stay."""
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    group = shared.add_argument_group("options of every command")
    group.add_argument(
        "--vault", type=Path, metavar="FOLDER", help="the vault, instead of this computer's own"
    )
    group.add_argument(
        "--settings", type=Path, metavar="FILE", help="a settings file (TOML), instead of your own"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object per line")
    group.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help="read the passphrase from the first line of FILE, or of standard input with `-`;"
        " a second line holds the code, where one is needed",
    )
    group.add_argument(
        "--person", metavar="NAME", help="who signs in, where several people use the vault"
    )
    group.add_argument("--quiet", action="store_true", help="no progress and no remarks")
    group.add_argument(
        "--verbose",
        action="store_true",
        help="write the log, which holds no content, to the screen",
    )
    return shared


def _new_parser(shared: Parser, **options: str) -> Parser:
    return Parser(
        parents=[shared],
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,  # type: ignore[arg-type]
    )


def _command(
    commands: argparse._SubParsersAction[Parser],
    shared: Parser,
    name: str,
    options: dict[str, str],
) -> Parser:
    return commands.add_parser(name, parents=[shared], allow_abbrev=False, **options)  # type: ignore[arg-type]


def _import_options(command: Parser) -> None:
    command.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="a recording, or a folder of them"
    )
    command.add_argument(
        "--metadata", type=Path, metavar="CSV", help="what is known of each file (calls.csv)"
    )
    command.add_argument("--agent", help="the agent of all these calls")
    command.add_argument("--queue", help="the queue of all these calls")
    command.add_argument("--direction", choices=[one.value for one in Direction])
    _channels_option(command)
    command.add_argument(
        "--no-process", action="store_true", help="leave the calls in the queue for `process`"
    )
    command.add_argument(
        "--even-erased",
        action="store_true",
        help="take in recordings that were erased before; the audit log says so",
    )
    _setting_options(command)


def _process_options(command: Parser) -> None:
    command.add_argument(
        "--retry-failed",
        action="store_true",
        help="put calls that failed back into the queue first",
    )
    _setting_options(command)


def _analyse_options(command: Parser) -> None:
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="recordings; transcripts (.json, .jsonl); `-` for transcripts on standard input",
    )
    command.add_argument(
        "--redact", choices=get_args(EntitySet), help="what is redacted (standard)"
    )
    _channels_option(command)
    command.add_argument(
        "--audio-out",
        type=Path,
        metavar="PLACE",
        help="write the muted audio: a .flac file, or a folder for several recordings",
    )
    command.add_argument("--force", action="store_true", help="overwrite what --audio-out finds")
    command.add_argument(
        "--vocabulary", type=Path, metavar="FILE", help="a list of names, products and places"
    )
    _setting_options(command)


def _setting_options(command: Parser) -> None:
    group = command.add_argument_group("settings for this run")
    group.add_argument("--pack", help="industry pack: topics, disclosures and scorecard")
    group.add_argument("--model", help="speech model: whisper-base, or one that was imported")
    group.add_argument("--heads", help="heads for sentiment and topics that were imported")
    group.add_argument("--language", help="language spoken, such as en; `auto` listens for it")
    group.add_argument("--device", choices=get_args(Device), help="where speech becomes text")


def _channels_option(command: Parser) -> None:
    command.add_argument(
        "--channels",
        metavar="ROLES",
        help="who is on each channel: agent,customer or customer,agent (else it is guessed)",
    )


def _list_options(command: Parser) -> None:
    command.add_argument("--state", choices=[one.value for one in JobState])
    command.add_argument("--agent")
    command.add_argument("--queue")
    command.add_argument("--flag", metavar="LABEL", help="calls with this flag, such as complaint")
    command.add_argument("--flagged", action="store_true", help="calls with any flag")
    command.add_argument("--text", default="", metavar="WORDS", help="calls in which this was said")
    command.add_argument(
        "--sort", choices=[one.value for one in CallOrder], default=CallOrder.STARTED.value
    )
    command.add_argument("--ascending", action="store_true", help="smallest or oldest first")
    _stretch_options(command, "calls")


def _search_options(command: Parser) -> None:
    command.add_argument(
        "words", nargs="+", metavar="WORDS", help='all must be said; "a phrase"; a last word* begun'
    )
    command.add_argument(
        "--limit", type=_positive, default=50, metavar="N", help="turns at most (50)"
    )


def _stretch_options(command: Parser, of: str) -> None:
    command.add_argument(
        "--limit", type=_count, metavar="N", help=f"{of} at most (50; with --json all)"
    )
    command.add_argument("--offset", type=_count, default=0, metavar="N", help=f"{of} to skip")


def _model_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT")
    _command(acts, shared, "list", {"help": "List the models (also without ACT)."})
    taken = _command(acts, shared, "import", {"help": "Verify a model pack and keep it."})
    taken.add_argument("place", type=Path, metavar="PATH", help="a folder or a zip file")
    _command(acts, shared, "check", {"help": "Verify every file of every model."})


def _people_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT")
    _command(acts, shared, "list", {"help": "List who is and was in the vault (also without ACT)."})
    for act, text in (("add", "Let somebody in."), ("change", "Change what somebody may do.")):
        one = _command(acts, shared, act, {"help": text})
        one.add_argument("name", metavar="NAME")
        roles = [role.value for role in PersonRole]
        one.add_argument("--role", action="append", choices=roles, help="once for each role")
        rights = [right.value for right in Right]
        one.add_argument(
            "--grant", action="append", choices=rights, help="a right beside those of the roles"
        )
        one.add_argument("--queue", action="append", help="sees calls of this queue only")
        one.add_argument("--team", action="append", help="sees calls of this team's agents only")
        if act == "add":
            _new_passphrase_option(one)
        else:
            one.add_argument("--everything", action="store_true", help="sees all calls again")
    for act, text in (
        ("suspend", "Let somebody in no more, until they are restored."),
        ("restore", "Let somebody in again who was suspended."),
        ("remove", "Take somebody out for good; the name stays taken."),
        ("release", "End somebody's waiting after failed attempts."),
    ):
        one = _command(acts, shared, act, {"help": text})
        one.add_argument("name", metavar="NAME")


def _new_passphrase_option(command: Parser) -> None:
    command.add_argument(
        "--new-passphrase-file",
        metavar="FILE",
        help="read the new passphrase from the first line of FILE",
    )


def _key_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    for act, text in (
        ("show", "Say what opens the vault."),
        ("remember", "Let this computer's keyring sign you in."),
        ("forget", "Let your passphrase alone sign you in again."),
        ("recovery-sheet", "Make a recovery sheet, which opens the vault when all else is lost."),
        ("rotate", "Change the vault's keys; nobody needs a new passphrase."),
    ):
        _command(acts, shared, act, {"help": text})
    computer = _command(
        acts, shared, "computer", {"help": "Open the vault on this computer only, or on any."}
    )
    computer.add_argument("wanted", choices=("on", "off"))
    recover = _command(
        acts, shared, "recover", {"help": "Open the vault with its sheet: a new passphrase."}
    )
    recover.add_argument("name", metavar="NAME", help="who gets the new passphrase")
    recover.add_argument(
        "--sheet-file", metavar="FILE", help="read the sheet from the first line of FILE"
    )
    _new_passphrase_option(recover)


def _backup_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)

    def act(name: str, help_text: str) -> Parser:
        one = _command(acts, shared, name, {"help": help_text, "description": help_text})
        one.add_argument("place", type=Path, metavar="PLACE", help="the folder of the backup")
        return one

    made = act("make", "Bring the backup in a folder up to date, or make it.")
    made.add_argument(
        "--keys-to", type=Path, metavar="FOLDER", help="keep the small key file apart from the rest"
    )
    _keys_from_option(act("check", "Read a backup to its end."))
    drill = act("drill", "Restore a backup beside, compare it, and remove it again.")
    _keys_from_option(drill)
    _sheet_option(drill)
    text = "Write which calls were erased, for restoring older copies."
    _command(acts, shared, "erased-list", {"help": text, "description": text}).add_argument(
        "file", type=Path, metavar="FILE", help="a new file"
    )


def _restore_options(command: Parser) -> None:
    command.add_argument("place", type=Path, metavar="PLACE", help="the folder of the backup")
    command.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="an empty or new folder"
    )
    _keys_from_option(command)
    command.add_argument(
        "--erased-list", type=Path, metavar="FILE", help="calls that were erased since"
    )
    _sheet_option(command)


def _vault_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    check = {"help": "Read all that is kept and name what is damaged."}
    _command(acts, shared, "check", check)
    saved = _command(acts, shared, "rescue", {"help": "Save what a damaged vault still holds."})
    saved.add_argument(
        "--from", dest="damaged", type=Path, required=True, metavar="FOLDER", help="the damaged one"
    )
    saved.add_argument(
        "--to", type=Path, required=True, metavar="FOLDER", help="an empty or new folder"
    )
    _sheet_option(saved)


def _keys_from_option(command: Parser) -> None:
    command.add_argument(
        "--keys-from", type=Path, metavar="FOLDER", help="where the key file is, if elsewhere"
    )


def _sheet_option(command: Parser) -> None:
    command.add_argument(
        "--sheet-file", metavar="FILE", help="with the recovery sheet, instead of a passphrase"
    )


def _audit_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    _audit_check_options(acts, shared)
    listed = _command(acts, shared, "list", {"help": "List entries, newest first."})
    _stretch_options(listed, "entries")
    key = _command(acts, shared, "key", {"help": "Show the key that verifies the log."})
    _page_options(key)
    taken = _command(acts, shared, "export", {"help": "Write the log and its verifier."})
    taken.add_argument("folder", type=Path, metavar="FOLDER", help="where the files go")
    _force_option(taken)
    accepted = _command(
        acts, shared, "accept", {"help": "Accept a log that this computer saw otherwise."}
    )
    accepted.add_argument("--reason", required=True, metavar="TEXT", help="why")


def _audit_check_options(acts: argparse._SubParsersAction[Parser], shared: Parser) -> None:
    verify = {"help": "Verify that no entry was changed or taken out."}
    _command(acts, shared, "verify", verify).add_argument(
        "--checkpoint", metavar="FILE", help="also that the log extends it (or AIROOT2-...)"
    )
    made = _command(acts, shared, "checkpoint", {"help": "Say, signed, what the log is now."})
    made.add_argument("--out", type=Path, metavar="FILE", help="write it to a file")
    _page_options(made)
    proven = _command(acts, shared, "prove", {"help": "Prove one entry, or an older checkpoint."})
    proven.add_argument(
        "number", type=_count, nargs="?", metavar="NUMBER", help="the entry that is in the log"
    )
    proven.add_argument(
        "--since",
        metavar="CHECKPOINT",
        help="prove that the log extends it, or that the entry was in it (file, or AIROOT2-...)",
    )
    proven.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="where the proof is written"
    )
    _force_option(proven)


def _page_options(command: Parser) -> None:
    command.add_argument("--page", type=Path, metavar="FILE.html", help="write a page to print")
    _force_option(command)


def _force_option(command: Parser) -> None:
    command.add_argument("--force", action="store_true", help="overwrite files that are there")


def _governing_options(commands: argparse._SubParsersAction[Parser], shared: Parser) -> None:
    """Add the commands for who is responsible for the calls."""

    def add(under: argparse._SubParsersAction[Parser], name: str, help_text: str) -> Parser:
        return _command(under, shared, name, {"help": help_text, "description": help_text})

    def group(name: str, help_text: str) -> argparse._SubParsersAction[Parser]:
        return add(commands, name, help_text).add_subparsers(dest="act", metavar="ACT")

    def on_call(name: str, help_text: str, *, reason: bool) -> Parser:
        one = add(commands, name, help_text)
        one.add_argument("call", metavar="CALL", help="a call's id, or the first digits of it")
        one.add_argument("--reason", required=reason, default="", metavar="TEXT", help="why")
        return one

    on_call("erase", "Erase a call for good, or ask for it.", reason=True)
    held = on_call("hold", "Put a call under legal hold, or ask for the end of it.", reason=True)
    held.add_argument("--end", action="store_true", help="ask for the end of the hold")
    out = on_call(
        "export-original", "Write a recording as it was imported, once approved.", reason=False
    )
    out.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file")

    acts = group("requests", "List what waits for a second person, or decide.")
    listed = add(acts, "list", "List requests (also without ACT).")
    listed.add_argument("--all", action="store_true", help="those that were decided too")
    for name, help_text in (
        ("approve", "Approve what another person asked for, which does it."),
        ("refuse", "Refuse what another person asked for."),
        ("withdraw", "Take back what you asked for yourself."),
    ):
        one = add(acts, name, help_text)
        one.add_argument("number", type=_count, metavar="N", help="the request's number")
        if name == "refuse":
            one.add_argument("--reason", required=True, metavar="TEXT", help="why")

    acts = group("policy", "Show the rules of the vault, or change one.")
    add(acts, "show", "Show the rules (also without ACT).")
    one = add(acts, "set", "Change a rule, or ask for it.")
    one.add_argument("name", metavar="NAME", help="a setting that `policy show` names")
    one.add_argument("value", metavar="VALUE", help="its value; lists with commas, or none")
    one.add_argument("--reason", default="", metavar="TEXT", help="why")

    acts = group("vocabulary", "Show the list of names, products and places, or change it.")
    add(acts, "show", "Show the word list (also without ACT).")
    one = add(acts, "set", "Put the word list of a file in place of the old one.")
    one.add_argument("file", type=Path, metavar="FILE", help="a text file; see the manual")
    add(acts, "clear", "End the word list.")

    acts = group("teams", "List the teams that limit views, or change one.")
    add(acts, "list", "List the teams (also without ACT).")
    one = add(acts, "set", "Make a team consist of these agents.")
    one.add_argument("name", metavar="NAME", help="the team's name")
    one.add_argument("agents", nargs="+", metavar="AGENT", help="its agents")
    add(acts, "remove", "End a team.").add_argument("name", metavar="NAME", help="its name")

    acts = group("retention", "Show which calls are due to be erased, or erase them.")
    add(acts, "show", "Show the calls whose time is over (also without ACT).")
    add(acts, "apply", "Erase the calls whose time is over and that are not on hold.")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError("it must be a whole number, 0 or more")
    return int(text)


def _positive(text: str) -> int:
    number = _count(text)
    if not number:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def _refuse_passphrases(arguments: Sequence[str]) -> None:
    """Refuse what looks like a passphrase on the command line, without repeating it."""
    options = {word.partition("=")[0] for word in arguments}
    if any(option.startswith("--pass") and option != "--passphrase-file" for option in options):
        raise UsageError(
            "A passphrase is never taken from the command line, where others could read it.",
            hint="Type it when asked, or use `--passphrase-file FILE` (`-` for standard input).",
        )


def _not_understood(unknown: list[str]) -> UsageError:
    """Name the options that do not exist, and never their values."""
    options = [word.partition("=")[0] for word in unknown if word.startswith("--")]
    if options:
        return UsageError(f"There is no option {', '.join(options)} here.")
    return UsageError("There are more words on the command line than this command takes.")

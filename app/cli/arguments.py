"""What can be asked on the command line: commands, options and their help.

Promises that a wrong command line ends as a `UsageError`, that options of the whole program may
stand before or after the command, and that nothing typed is quoted back where it could be a
passphrase.
"""

from __future__ import annotations

import argparse
from argparse import BooleanOptionalAction
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from app import __version__
from app.cli.command_parser import Parser, add_command, new_parser, positive, stretch_options
from app.cli.oversight_options import audit_options, elusion_options, governing_options
from app.config import Device
from app.domain import CallOrder, Direction, JobState, PersonRole, Right
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUSES = """\
`autoinsights COMMAND --help` says what a command takes, `autoinsights COMMAND ACT --help` where it
has several acts. The manual (resources/documents/manual.md) says all of it at length.

exit status: 0 done; 1 the self-test found a fault; 2 the command line, a setting or a metadata file
is wrong; 3 the vault cannot be used, or its audit log was changed; 4 you cannot be signed in; 5 the
disk is full or a folder cannot be used; 6 no such call, person or request; 7 a call failed, the
others are done; 8 a model is missing or changed; 9 no window can be shown; 10 you may not do this,
or the call is under legal hold; 70 a fault in the program; 130 stopped with Ctrl+C; 141 the reader
of the output has gone
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
    "redact": "redaction.policy",
    "agent_names": "redaction.agent_names",
    "pack": "analysis.pack",
    "heads": "analysis.heads",
    "model": "speech.model",
    "language": "speech.language",
    "device": "execution.device",
}
"""The options that change a setting for one run, and the setting that each changes."""


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
    whole = new_parser(
        shared,
        prog="autoinsights",
        description="Offline speech analytics: recordings become sealed, redacted, searchable"
        " calls. Without a command the window opens.",
        epilog=STATUSES,
    )
    whole.add_argument("--version", action="version", version=f"AutoInsights {__version__}")
    commands = whole.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    def command(name: str, help_text: str) -> Parser:
        return add_command(commands, shared, name, help_text)

    command("init", "Create a vault for your calls.")
    _import_options(command("import", "Take recordings into the vault and analyse them."))
    _process_options(command("process", "Analyse the calls that wait in the vault."))
    _analyse_options(
        command("analyse", "Analyse recordings or transcripts without keeping anything.")
    )
    _redact_options(command("redact", "Redact transcripts without analysing or keeping anything."))
    _list_options(command("list", "List the calls of the vault."))
    command(
        "show", "Show one call: what was found in it, and its redacted transcript."
    ).add_argument("call", metavar="CALL", help="a call's id, or the first digits of it")
    _speakers_options(command("speakers", "Show who speaks in a call, or correct it."))
    elusion_options(
        command("elusion", "Judge turns drawn by chance: how much is redacted."), shared
    )
    _search_options(command("search", "Find turns by the redacted words that were said in them."))
    _model_options(command("models", "List, check or import models."), shared)
    command("doctor", "Test this installation: network shut off, models whole, a sample analysed.")
    _people_options(command("people", "See and change who is in the vault."), shared)
    whose = command("passphrase", "Change your passphrase, or give somebody else a new one.")
    whose.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="who gets it (you, if left out)"
    )
    _new_passphrase_option(whose)
    code = command("code", "Ask for a code of an authenticator when you sign in, or no more.")
    code.add_argument(
        "act", choices=("on", "off"), help="on: set your second factor up; off: take it away"
    )
    code.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="with off: whose (yours, if left out)"
    )
    _key_options(command("key", "See and change what opens the vault."), shared)
    _backup_options(command("backup", "Back the vault up, or check a backup."), shared)
    _restore_options(command("restore", "Put the vault of a backup into an empty folder."))
    _vault_options(command("vault", "Check the vault, or save what a damaged one holds."), shared)
    audit_options(command("audit", "Read, verify or export the audit log of the vault."), shared)
    governing_options(commands, shared)
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
        "--person",
        metavar="NAME",
        help="who signs in, where several people use the vault; your name in a new one (owner)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress and no remarks")
    group.add_argument(
        "--verbose",
        action="store_true",
        help="write the log, which holds no content, to the screen",
    )
    return shared


def _import_options(command: Parser) -> None:
    command.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="a recording, or a folder of them"
    )
    command.add_argument(
        "--metadata",
        type=Path,
        metavar="CSV",
        help="a CSV file that says what is known of each recording; without it calls.csv in the"
        " folder or beside the file is read, where there is one",
    )
    command.add_argument("--agent", metavar="NAME", help="the agent of all these calls")
    command.add_argument("--queue", metavar="NAME", help="the queue of all these calls")
    directions = [one.value for one in Direction]
    command.add_argument("--direction", choices=directions, help="who called whom in all of them")
    _channels_option(command)
    command.add_argument(
        "--no-process", action="store_true", help="leave the calls in the queue for `process`"
    )
    command.add_argument(
        "--even-erased",
        action="store_true",
        help="take in recordings that were erased before: it takes the rights `import` and `erase`,"
        " and the audit log says so",
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
        help="recordings, or transcripts (.json, .jsonl, .ndjson); `-`: transcripts on standard"
        " input",
    )
    _policy_option(command, "the policy by which is redacted in the text and muted in the sound")
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


def _redact_options(command: Parser) -> None:
    command.add_argument(
        "files",
        nargs="*",
        default=["-"],
        metavar="FILE",
        help="transcripts, one JSON object per line; `-` or nothing: on standard input",
    )
    _policy_option(command, "the policy by which is redacted: none, standard, all, ...")
    command.add_argument(
        "--agent-names",
        action=BooleanOptionalAction,
        help="redact the agents' own names, too, or let them stay (they stay)",
    )
    _channels_option(command)


def _policy_option(command: Parser, text: str) -> None:
    command.add_argument("--redact", metavar="POLICY", help=f"{text} (standard)")


def _setting_options(command: Parser) -> None:
    group = command.add_argument_group("settings for this run")
    group.add_argument(
        "--pack", metavar="NAME", help="industry pack: topics, disclosures, scorecard"
    )
    group.add_argument(
        "--model", metavar="NAME", help="speech model: whisper-base, or an imported one"
    )
    group.add_argument(
        "--heads", metavar="NAME", help="heads for sentiment and topics, if imported"
    )
    group.add_argument(
        "--language", metavar="CODE", help="language spoken, such as en; `auto` listens for it"
    )
    group.add_argument(
        "--device",
        choices=get_args(Device),
        help="where speech becomes text: graphics card (cuda), processor (cpu), or what there is",
    )


def _channels_option(command: Parser) -> None:
    command.add_argument(
        "--channels",
        metavar="ROLES",
        help="who is on each channel: agent,customer or customer,agent (else it is guessed)",
    )


def _list_options(command: Parser) -> None:
    states = [one.value for one in JobState]
    command.add_argument("--state", choices=states, help="calls whose analysis stands so")
    command.add_argument("--agent", metavar="NAME", help="calls of this agent")
    command.add_argument("--queue", metavar="NAME", help="calls of this queue")
    command.add_argument("--flag", metavar="LABEL", help="calls with this flag, such as complaint")
    command.add_argument("--flagged", action="store_true", help="calls with any flag")
    command.add_argument("--on-hold", action="store_true", help="calls under legal hold")
    command.add_argument(
        "--held-back", action="store_true", help="calls that a person must listen to first"
    )
    command.add_argument(
        "--other-language", action="store_true", help="calls that are not in English"
    )
    command.add_argument(
        "--text", default="", metavar="WORDS", help="calls in which all of these words were said"
    )
    command.add_argument(
        "--customer",
        default="",
        metavar="REFERENCE",
        help="calls of this customer: the whole reference that came with the recording",
    )
    command.add_argument(
        "--sort",
        choices=[one.value for one in CallOrder],
        default=CallOrder.STARTED.value,
        help="by what the list is ordered, largest or newest first (started)",
    )
    command.add_argument("--ascending", action="store_true", help="smallest or oldest first")
    stretch_options(command, "calls")


def _speakers_options(command: Parser) -> None:
    command.add_argument("call", metavar="CALL", help="a call's id, or the first digits of it")
    acts = command.add_mutually_exclusive_group()
    acts.add_argument(
        "--swap", action="store_true", help="agent and customer change places in the whole call"
    )
    acts.add_argument(
        "--agent-is", type=positive, metavar="SIDE", help="the agent is this side, such as 2"
    )
    acts.add_argument(
        "--turns",
        type=int,
        nargs="+",
        metavar="N",
        help="these turns are the other side's (without an act they are shown with their numbers)",
    )
    acts.add_argument("--undo", action="store_true", help="as the program had it")
    command.add_argument("--are", choices=["agent", "customer"], help="with --turns: who says them")


def _search_options(command: Parser) -> None:
    command.add_argument(
        "words",
        nargs="+",
        metavar="WORDS",
        help='all of them must be in the turn; "a phrase" in quotation marks stands together; a'
        " last word* may be only begun",
    )
    command.add_argument(
        "--limit", type=positive, default=50, metavar="N", help="show N turns at most (50)"
    )


def _model_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT")
    add_command(acts, shared, "list", "List the models (also without ACT).")
    taken = add_command(acts, shared, "import", "Verify a model pack and keep it.")
    taken.add_argument("place", type=Path, metavar="PATH", help="the pack: a folder or a zip file")
    add_command(acts, shared, "check", "Verify every file of every model.")


def _people_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT")
    add_command(acts, shared, "list", "List who is and was in the vault (also without ACT).")
    for act, text in (("add", "Let somebody in."), ("change", "Change what somebody may do.")):
        one = add_command(acts, shared, act, text)
        one.add_argument("name", metavar="NAME", help="the name under which the person signs in")
        roles = [role.value for role in PersonRole]
        one.add_argument("--role", action="append", choices=roles, help="a role; once for each")
        rights = [right.value for right in Right]
        one.add_argument(
            "--grant",
            action="append",
            choices=rights,
            metavar="RIGHT",
            help=f"a right beside those of the roles; once for each: {', '.join(rights)}",
        )
        for what, whose in (("queue", "this queue"), ("team", "this team's agents")):
            limit = f"limits what the person sees to calls of {whose}; once for each"
            one.add_argument(f"--{what}", action="append", metavar="NAME", help=limit)
        if act == "add":
            _new_passphrase_option(one)
        else:
            one.add_argument(
                "--everything",
                action="store_true",
                help="takes the limits away: the person sees all calls again",
            )
    for act, text in (
        ("suspend", "Let somebody in no more, until they are restored."),
        ("restore", "Let somebody in again who was suspended."),
        ("remove", "Take somebody out for good; the name stays taken."),
        ("release", "End somebody's waiting after failed sign-ins."),
    ):
        one = add_command(acts, shared, act, text)
        one.add_argument("name", metavar="NAME", help="the name under which the person signs in")


def _new_passphrase_option(command: Parser) -> None:
    command.add_argument(
        "--new-passphrase-file",
        metavar="FILE",
        help="read the new passphrase from the first line of FILE, instead of asking for it",
    )


def _key_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    for act, text in (
        ("show", "Say what opens the vault, and whether a change of keys waits."),
        ("remember", "Let this computer's keyring sign you in."),
        ("forget", "Let your passphrase alone sign you in again."),
        ("recovery-sheet", "Make a recovery sheet, which opens the vault when all else is lost."),
        ("rotate", "Begin a change of the vault's keys, which the next command finishes."),
    ):
        add_command(acts, shared, act, text)
    computer = add_command(
        acts, shared, "computer", "Open the vault on this computer only, or on any."
    )
    computer.add_argument(
        "wanted", choices=("on", "off"), help="on: on this computer only; off: on any"
    )
    recover = add_command(
        acts,
        shared,
        "recover",
        "Open the vault with its recovery sheet, and give somebody a new passphrase.",
    )
    recover.add_argument("name", metavar="NAME", help="who gets the new passphrase")
    recover.add_argument(
        "--sheet-file",
        metavar="FILE",
        help="read the recovery sheet from the first line of FILE, instead of asking for it",
    )
    _new_passphrase_option(recover)


def _backup_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)

    def act(name: str, help_text: str) -> Parser:
        one = add_command(acts, shared, name, help_text)
        one.add_argument("place", type=Path, metavar="PLACE", help="the folder of the backup")
        return one

    made = act("make", "Bring the backup in a folder up to date, or make it.")
    made.add_argument(
        "--keys-to",
        type=Path,
        metavar="FOLDER",
        help="keep the small key file in this folder, apart from the rest",
    )
    _keys_from_option(act("check", "Read a backup to its end and say whether it is whole."))
    drill = act(
        "drill", "Restore a backup into a place of its own, compare all of it, and remove it again."
    )
    _keys_from_option(drill)
    _sheet_option(drill)
    text = "List the calls that were erased, so that an older copy does not bring them back."
    add_command(acts, shared, "erased-list", text).add_argument(
        "file", type=Path, metavar="FILE", help="a new file for the list"
    )


def _restore_options(command: Parser) -> None:
    command.add_argument("place", type=Path, metavar="PLACE", help="the folder of the backup")
    command.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where the vault goes: an empty or new folder",
    )
    _keys_from_option(command)
    command.add_argument(
        "--erased-list",
        type=Path,
        metavar="FILE",
        help="calls that were erased since that copy was made",
    )
    command.add_argument(
        "--without-damaged",
        action="store_true",
        help="leave damaged calls out and name them, rather than restoring nothing",
    )
    _sheet_option(command)


def _vault_options(command: Parser, shared: Parser) -> None:
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    check = "Read all that is kept and name what is damaged."
    add_command(acts, shared, "check", check)
    saved = add_command(acts, shared, "rescue", "Save what a damaged vault still holds.")
    saved.add_argument(
        "--from",
        dest="damaged",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="the folder of the damaged vault",
    )
    saved.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where the new vault goes: an empty or new folder",
    )
    _sheet_option(saved)


def _keys_from_option(command: Parser) -> None:
    command.add_argument(
        "--keys-from",
        type=Path,
        metavar="FOLDER",
        help="where the key file is, if it was kept apart",
    )


def _sheet_option(command: Parser) -> None:
    command.add_argument(
        "--sheet-file",
        metavar="FILE",
        help="use the recovery sheet in the first line of FILE, instead of a passphrase",
    )


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

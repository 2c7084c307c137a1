"""What can be asked by who is responsible: the audit log, erasing, holds, requests, rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.command_parser import WHY, add_command, positive, stretch_options, whole_number

if TYPE_CHECKING:
    import argparse

    from app.cli.command_parser import Parser


def audit_options(command: Parser, shared: Parser) -> None:
    """Add what can be asked of the audit log."""
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    _audit_check_options(acts, shared)
    listed = add_command(acts, shared, "list", "List the entries, newest first.")
    stretch_options(listed, "entries")
    key = add_command(
        acts,
        shared,
        "key",
        "Show the key that verifies the log, for the auditor to keep elsewhere.",
    )
    _page_options(key)
    taken = add_command(
        acts,
        shared,
        "export",
        "Write the log, a checkpoint and a verifier that needs no AutoInsights.",
    )
    taken.add_argument("folder", type=Path, metavar="FOLDER", help="the folder for the files")
    _force_option(taken)
    accepted = add_command(
        acts, shared, "accept", "Accept a log that is not the one this computer saw before."
    )
    accepted.add_argument("--reason", required=True, metavar="TEXT", help=WHY)


def elusion_options(command: Parser, shared: Parser) -> None:
    """Add what can be done with turns that are drawn to be judged."""
    acts = command.add_subparsers(dest="act", metavar="ACT", required=True)
    drawn = add_command(acts, shared, "draw", "Draw turns by chance, to be judged one by one.")
    drawn.add_argument(
        "--turns",
        type=positive,
        required=True,
        metavar="N",
        help="how many, or a few more; choose the number before you see any",
    )
    add_command(acts, shared, "next", "Show the next turn to be judged.")
    judged = add_command(acts, shared, "judge", "Say whether something in a turn was missed.")
    judged.add_argument("place", type=positive, metavar="N", help="the turn's number (`next`)")
    verdict = judged.add_mutually_exclusive_group(required=True)
    verdict.add_argument("--nothing", action="store_true", help="nothing was missed in it")
    verdict.add_argument(
        "--missed",
        action="append",
        metavar="KIND",
        help="a kind of value that should be redacted and is not, such as CARD, or CARD=2 for two;"
        " once for each kind",
    )
    add_command(acts, shared, "undo", "Take back the last judgement, if it is yours.")
    told = add_command(acts, shared, "report", "Say how much is redacted at least.")
    _page_options(told)


def _audit_check_options(acts: argparse._SubParsersAction[Parser], shared: Parser) -> None:
    verify = "Verify that no entry was changed or taken out."
    add_command(acts, shared, "verify", verify).add_argument(
        "--checkpoint",
        metavar="FILE",
        help="verify too that the log extends this checkpoint: its file, or its short form"
        " AIROOT2-...",
    )
    made = add_command(
        acts,
        shared,
        "checkpoint",
        "Make a signed checkpoint that says what the log is now, to be kept elsewhere.",
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="write the checkpoint to FILE")
    _page_options(made)
    proven = add_command(
        acts,
        shared,
        "prove",
        "Write a proof that an entry is in the log, or that the log extends a checkpoint.",
    )
    proven.add_argument(
        "number",
        type=whole_number,
        nargs="?",
        metavar="NUMBER",
        help="the number of the entry (`audit list`)",
    )
    proven.add_argument(
        "--since",
        metavar="CHECKPOINT",
        help="prove that the log extends this checkpoint, or with NUMBER that the entry is in its"
        " log: the checkpoint's file, or its short form AIROOT2-...",
    )
    proven.add_argument(
        "--to",
        metavar="CHECKPOINT",
        help="with --since: prove it of this newer checkpoint's file, instead of the log as it is",
    )
    proven.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="the file for the proof"
    )
    _force_option(proven)


def _page_options(command: Parser) -> None:
    command.add_argument(
        "--page", type=Path, metavar="FILE.html", help="write a page to print, too"
    )
    _force_option(command)


def _force_option(command: Parser) -> None:
    command.add_argument("--force", action="store_true", help="overwrite files that are there")


def governing_options(commands: argparse._SubParsersAction[Parser], shared: Parser) -> None:
    """Add the commands for who is responsible for the calls."""

    def add(under: argparse._SubParsersAction[Parser], name: str, help_text: str) -> Parser:
        return add_command(under, shared, name, help_text)

    def group(name: str, help_text: str) -> argparse._SubParsersAction[Parser]:
        return add(commands, name, help_text).add_subparsers(dest="act", metavar="ACT")

    def on_call(name: str, help_text: str, *, reason: bool) -> Parser:
        one = add(commands, name, help_text)
        one.add_argument("call", metavar="CALL", help="a call's id, or the first digits of it")
        one.add_argument("--reason", required=reason, default="", metavar="TEXT", help=WHY)
        return one

    text = "Erase a call for good, or ask for it where that takes a second person."
    on_call("erase", text, reason=True)
    held = on_call("hold", "Put a call under legal hold, or ask for the end of it.", reason=True)
    held.add_argument("--end", action="store_true", help="end the hold, or ask for its end")
    text = "Let a call go that was held back when it was heard again or judged."
    freed = on_call("release", text, reason=True)
    freed.add_argument("--silence", action="store_true", help="without its sound, for good")
    out = on_call(
        "export-original",
        "Write a recording as it was imported to a file, or ask for that.",
        reason=False,
    )
    out.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file for it")

    acts = group("requests", "List what waits for a second person, or decide.")
    listed = add(acts, "list", "List requests (also without ACT).")
    listed.add_argument("--all", action="store_true", help="also those that were decided")
    for name, help_text in (
        ("approve", "Approve what another person asked for, which does it."),
        ("refuse", "Refuse what another person asked for."),
        ("withdraw", "Take back what you asked for yourself."),
    ):
        one = add(acts, name, help_text)
        one.add_argument("number", type=whole_number, metavar="N", help="the request's number")
        if name == "refuse":
            one.add_argument("--reason", required=True, metavar="TEXT", help=WHY)

    acts = group("policy", "Show the rules of the vault, or change one.")
    add(acts, "show", "Show the rules (also without ACT).")
    one = add(acts, "set", "Change a rule, or ask for it.")
    one.add_argument("name", metavar="NAME", help="a setting that `policy show` names")
    one.add_argument(
        "value", metavar="VALUE", help="the new value; a list with commas between, or none"
    )
    one.add_argument("--reason", default="", metavar="TEXT", help=WHY)

    acts = group("vocabulary", "Show the list of names, products and places, or change it.")
    add(acts, "show", "Show the word list (also without ACT).")
    one = add(acts, "set", "Put the word list of a file in place of the old one.")
    one.add_argument("file", type=Path, metavar="FILE", help="a text file; see the manual")
    add(acts, "clear", "End the word list.")

    acts = group("teams", "List the teams that limit views, or change one.")
    add(acts, "list", "List the teams (also without ACT).")
    one = add(
        acts, "set", "Make a team of these agents; it takes the place of one of the same name."
    )
    one.add_argument("name", metavar="NAME", help="the team's name")
    one.add_argument("agents", nargs="+", metavar="AGENT", help="its agents")
    add(acts, "remove", "End a team.").add_argument("name", metavar="NAME", help="the team's name")

    acts = group(
        "retention", "Show the calls whose time is over (`retention_days`), or erase them."
    )
    add(acts, "show", "Show the calls whose time is over (also without ACT).")
    apply = add(acts, "apply", "Erase the calls whose time is over and that are not on hold.")
    apply.add_argument(
        "--reason",
        metavar="TEXT",
        default="",
        help="ask a second person for it: where it takes one, which it says without this",
    )

    acts = group("originals", "Show what becomes of recordings as they were imported.")
    add(acts, "show", "Show the rule and how many are destroyed (also without ACT).")
    add(acts, "apply", "Destroy now what each run of `process` would destroy.")
    text = "Destroy those of calls from before the rule, or ask for it."
    add(acts, "earlier", text).add_argument("--reason", required=True, metavar="TEXT", help=WHY)

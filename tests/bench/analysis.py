"""Measure the analysis of text: sentiment, topics, cues, false alarms and speed.

    python -m tests.bench.analysis                   # on what ships with the repository
    python -m tests.bench.analysis --data FOLDER     # and on the public sets under FOLDER/text

Nothing measured here was trained on, except where a line says so. Written sentences come from this
project (other wordings than the packs'); banking77 is written, DSTC11 comes from a crowd playing
customers, Switchboard is transcripts of real telephone talk. Where
vaderSentiment is installed, its figure stands beside ours.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.config import AnalysisSettings
from app.domain import Role, RoleBasis, SafeTranscript, SentimentLabel, Turn
from app.engine.analysis import Analyst, sentiment
from app.engine.analysis.cues import Cues
from app.engine.analysis.encoder import SentenceEncoder
from app.engine.analysis.matching import read
from app.engine.analysis.packs import load
from app.engine.analysis.text import word_count
from app.engine.analysis.topics import THRESHOLD, Topics
from app.engine.models import ModelLibrary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "resources"
LABELS = [label.value for label in SentimentLabel]
ROLES = {"agent": Role.AGENT, "customer": Role.CUSTOMER}
# Which intents of the public sets mean which topic; intents that no pack has are left out.
BANKING77 = {
    "card-lost-stolen": "lost_or_stolen_card compromised_card lost_or_stolen_phone",
    "card-delivery": "card_arrival card_delivery_estimate getting_spare_card order_physical_card"
    " get_physical_card activate_my_card card_about_to_expire",
    "card-not-working": "card_not_working declined_card_payment declined_cash_withdrawal"
    " contactless_not_working card_swallowed virtual_card_not_working",
    "unrecognised-transaction": "card_payment_not_recognised direct_debit_payment_not_recognised"
    " cash_withdrawal_not_recognised",
    "transfer": "transfer_not_received_by_recipient cancel_transfer declined_transfer"
    " failed_transfer transfer_timing pending_transfer transfer_into_account"
    " beneficiary_not_allowed receiving_money",
    "balance": "balance_not_updated_after_cheque_or_cash_deposit"
    " balance_not_updated_after_bank_transfer",
    "fees-rates": "exchange_rate card_payment_wrong_exchange_rate card_payment_fee_charged"
    " transfer_fee_charged cash_withdrawal_charge exchange_charge"
    " wrong_exchange_rate_for_cash_withdrawal extra_charge_on_statement",
    "pin": "change_pin pin_blocked",
    "verify-identity": "why_verify_identity unable_to_verify_identity verify_my_identity"
    " verify_source_of_funds",
    "top-up": "automatic_top_up pending_top_up top_up_limits top_up_reverted topping_up_by_card"
    " top_up_failed top_up_by_cash_or_cheque verify_top_up top_up_by_bank_transfer_charge"
    " top_up_by_card_charge",
    "refund": "request_refund Refund_not_showing_up",
    "cancellation": "terminate_account",
    "change-details": "edit_personal_details",
    "account-access": "passcode_forgotten",
    "billing": "transaction_charged_twice",
    "open-account": "age_limit",
}
DSTC_FINANCE = {
    "loan-mortgage": "ApplyLoan PayLoan CheckLoanBalance GetLoanInfo",
    "branch": "ScheduleAppointment GetBranchHours FindBranch",
    "credit-card": "ApplyCreditCard MakeCreditCardPayment CheckCreditCardBalance GetCreditCardInfo",
    "payment": "SetAutoPayment",
    "balance": "GetBankStatement CheckAccountBalance GetCreditReport ChangeStatementDelivery",
    "transfer": "MakeTransfer",
    "open-account": "OpenAccount AddUserToAccount",
    "change-details": "UpdateEmail UpdatePhoneNumber UpdateStreetAddress",
    "cheque": "OrderCheck CancelCheck",
    "investments": "GetInvestmentReport GetTreasuryBondYield PurchaseStocks GetStockQuote",
    "cancellation": "CloseAccount",
    "fees-rates": "GetExchangeRate",
    "pin": "ChangePin",
    "account-access": "OnlineBankingInfo",
    "card-delivery": "RequestNewCard",
}
DSTC_INSURANCE = {
    "quote": "GetQuote",
    "new-claim": "FileClaim",
    "payment|automatic-payment": "PayBill UpdatePaymentPreference CheckPaymentStatus"
    " CancelAutomaticBilling UpdateBillingFrequency",
    "policy-change": "AddDependent RemoveDependent ChangePlan",
    "enrol": "EnrollInPlan",
    "billing": "ReportBillingIssue",
    "policy-documents": "RequestProofOfInsurance GetPolicyNumber",
    "change-details": "ChangeAddress",
    "account-access": "CreateAccount ResetPassword ChangeSecurityQuestion",
    "agent-finder": "FindAgent",
    "cancellation": "CancelPlan",
    "accident|new-claim": "ReportAutomobileAccident",
}
Labelled = list[tuple[str, str]]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description="Measure the analysis of text.")
    parser.add_argument("--data", type=Path, help="folder of the public sets")
    data: Path | None = parser.parse_args().data
    models = ModelLibrary(RESOURCES, None)
    files = (models.read("minilm", name) for name in ("model.onnx", "tokenizer.json"))
    encoder = SentenceEncoder(*files)
    bench_sentiment(models, encoder, data)
    bench_cues(encoder, "cues_held_out.tsv", "cues, held out (some wordings influenced the packs)")
    bench_cues(encoder, "cues_fresh.tsv", "cues, fresh (never used to change the packs)")
    if data is not None:
        bench_topics(encoder, data / "text")
        bench_false_alarms(encoder, data / "text")
    bench_speed(models)


def row(what: str, figure: str) -> None:
    """Print one line of the table."""
    print(f"{what:<70} {figure}", flush=True)


def bench_sentiment(models: ModelLibrary, encoder: SentenceEncoder, data: Path | None) -> None:
    """Macro-F1 over negative, neutral and positive."""
    held = ROOT / "build" / "data" / "sentiment_calls_held_out.tsv"
    sets = {"sentiment, sentences of calls (written, held out)": _tsv(held)}
    if data is not None:
        sets["sentiment, GoEmotions dev (web comments)"] = _goemotions(data / "text/goemotions")
    head = sentiment.SentimentHead(models.read("call-heads", "sentiment.npz"))
    for name, rows in sets.items():
        gold = [label for label, _ in rows]
        texts = [text for _, text in rows]
        transcript = _transcript(texts, Role.CUSTOMER)
        judged = [s.label.value for s in sentiment.judge(read(transcript, encoder), head)]
        figure = f"macro-F1 {_macro_f1(judged, gold):.3f} of {len(rows)}"
        row(name, figure + _vader(texts, gold))


def bench_cues(encoder: SentenceEncoder, file: str, name: str) -> None:
    """How many of the sentences that hold a cue show it, and false alarms on those without."""
    text = (Path(__file__).parent / "data" / file).read_text(encoding="utf-8")
    cues = Cues(load(RESOURCES / "packs", "general"), encoder)
    right, wanted, alarms, plain = 0, 0, 0, 0
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        role, label, sentence = line.split("\t")
        reading = read(_transcript([sentence], ROLES[role]), encoder)
        found = {finding.label for finding in cues.find(reading)}
        wanted += label != "none"
        right += label in found
        plain += label == "none"
        alarms += label == "none" and bool(found)
    row(name, f"recall {right / wanted:.1%} of {wanted}, false alarms {alarms} of {plain}")


def bench_topics(encoder: SentenceEncoder, texts: Path) -> None:
    """Accuracy of the nearest topic, without any training on the sets."""
    with (texts / "banking77/train.csv").open(encoding="utf-8", newline="") as file:
        bank = [(line["category"], line["text"].lower()) for line in csv.DictReader(file)]
    random.Random(1).shuffle(bank)
    spoken = [_dstc(texts, name) for name in ("test-finance", "development")]
    _topic_row(encoder, "finance", "banking77 (written)", _mapped(bank, BANKING77)[:2500])
    _topic_row(encoder, "finance", "DSTC11 finance", _mapped(spoken[0], DSTC_FINANCE))
    _topic_row(encoder, "insurance", "DSTC11 insurance", _mapped(spoken[1], DSTC_INSURANCE))


def _topic_row(encoder: SentenceEncoder, pack: str, name: str, rows: Labelled) -> None:
    topics = load(RESOURCES / "packs", pack).topics
    nearest = Topics(load(RESOURCES / "packs", pack), encoder).nearest(
        encoder.encode([text for _, text in rows])
    )
    right = np.array(
        [
            topics[n].label in gold.split("|")
            for (n, _), (gold, _) in zip(nearest, rows, strict=True)
        ]
    )
    shown = np.array([near >= THRESHOLD for _, near in nearest])
    row(
        f"topics, {name}, {len(topics)} topics, no training on it",
        f"accuracy {right.mean():.1%} of {len(rows)}; over the threshold {right[shown].mean():.1%} "
        f"of {shown.mean():.0%}",
    )


def bench_false_alarms(encoder: SentenceEncoder, texts: Path) -> None:
    """What the cues raise in real telephone talk in which nothing of the kind is meant."""
    cues = Cues(load(RESOURCES / "packs", "general"), encoder)
    chat = _switchboard(texts / "switchboard_nltk_sample/transcript")
    for role in (Role.CUSTOMER, Role.AGENT):
        findings = cues.find(read(_transcript(chat, role), encoder))
        raised = Counter({finding.label: len(finding.evidence) for finding in findings})
        words = sum(word_count(text) for text in chat)
        shown = ", ".join(f"{label} {count}" for label, count in raised.most_common(6))
        name = f"cues raised in Switchboard, as {role.value}, places in {words} words"
        row(name, f"{raised.total()} ({shown})")


def bench_speed(models: ModelLibrary) -> None:
    """Seconds to load, and for a call of five minutes."""
    began = time.perf_counter()
    analyst = Analyst(models, AnalysisSettings(pack="utilities"), RESOURCES / "packs")
    row("load the encoder, the heads and a pack", f"{time.perf_counter() - began:.2f} s")
    lines = [text for _, text in _tsv(ROOT / "build" / "data" / "sentiment_calls_held_out.tsv")]
    long = [". ".join(lines[at : at + 2]) for at in range(0, len(lines) - 1, 2)] * 2
    transcript = _transcript(long[:85], Role.CUSTOMER, alternate=True)
    words = sum(word_count(turn.text) for turn in transcript.turns)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        analyst.analyse(transcript, transcript.turns[-1].end_ms)
        took.append(time.perf_counter() - began)
    minutes = transcript.turns[-1].end_ms / 60_000
    row(
        f"analyse a call of {minutes:.1f} minutes, {words} words (median of 3)",
        f"{sorted(took)[1]:.2f} s, {sorted(took)[1] * 1000 / words:.2f} s per 1,000 words",
    )


def _transcript(texts: Iterable[str], role: Role, *, alternate: bool = False) -> SafeTranscript:
    turns: list[Turn] = []
    at = 0
    for index, text in enumerate(texts):
        end = at + 350 * max(1, word_count(text))
        side = Role.AGENT if alternate and index % 2 else role
        turns.append(
            Turn(index=index, channel=0, role=side, start_ms=at, end_ms=end, text=text)
        )  # fmt: skip
        at = end
    return SafeTranscript(
        turns=tuple(turns), language="en", role_basis=RoleBasis.GIVEN, role_confidence=1.0
    )


def _tsv(path: Path) -> Labelled:
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(label, text) for label, text in pairs]


def _goemotions(folder: Path) -> Labelled:
    negative, positive = {2, 3, 9, 10, 11, 12, 14, 16, 19, 24, 25}, {0, 1, 4, 5, 13, 15, 17, 18}
    groups = zip(LABELS, (negative, {27}, positive | {20, 21, 23}), strict=True)
    sides = list(groups)
    rows: Labelled = []
    for line in (folder / "go_dev.tsv").read_text(encoding="utf-8").splitlines():
        text, numbers, _ = line.split("\t")
        emotions = {int(number) for number in numbers.split(",")}
        rows += [(label, text) for label, group in sides if emotions <= group]
    return rows


def _dstc(texts: Path, name: str) -> Labelled:
    path = texts / "dstc11_intents" / f"{name}_test-utterances.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(line["intent"], line["utterance"]) for line in lines]


def _mapped(rows: Labelled, topics: dict[str, str]) -> Labelled:
    known = {intent: topic for topic, intents in topics.items() for intent in intents.split()}
    return [(known[intent], text) for intent, text in rows if intent in known]


def _switchboard(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    turns = re.findall(r"^[AB]\.\d+:\s*(.*)", text, re.MULTILINE)
    said = [re.sub(r"[{}\[\]#/]", "", turn).strip() for turn in turns]
    return [line for line in said if word_count(line) > 3]


def _macro_f1(guess: Sequence[str], gold: Sequence[str]) -> float:
    scores = []
    for label in LABELS:
        pairs = list(zip(guess, gold, strict=True))
        right = sum(g == label == t for g, t in pairs)
        scores.append(2 * right / max(1, sum((g == label) + (t == label) for g, t in pairs)))
    return float(np.mean(scores))


def _vader(texts: Sequence[str], gold: Sequence[str]) -> str:
    if importlib.util.find_spec("vaderSentiment") is None:
        return " (VADER is not installed)"
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    peer = SentimentIntensityAnalyzer()
    values = [peer.polarity_scores(text)["compound"] for text in texts]
    guess = [LABELS[1 + (v >= 0.05) - (v <= -0.05)] for v in values]
    return f"; VADER {_macro_f1(guess, gold):.3f}"


if __name__ == "__main__":
    main()

"""Runs every finder over a call and keeps what the policy asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction import lexicon as data
from app.engine.redaction.addresses import AddressFinder
from app.engine.redaction.answers import AnswerFinder
from app.engine.redaction.call import Reader
from app.engine.redaction.casing import cased
from app.engine.redaction.contacts import ContactFinder
from app.engine.redaction.everything import EverythingFinder
from app.engine.redaction.frame import CallContext, Frame
from app.engine.redaction.labels import IN_WORDS, LabelFinders, Labelled
from app.engine.redaction.medical import MedicalFinder
from app.engine.redaction.name_words import Suspect
from app.engine.redaction.national import NationalFinder
from app.engine.redaction.numbers import NumberFinder
from app.engine.redaction.people import PeopleFinder
from app.engine.redaction.policies import load as load_policy
from app.engine.redaction.secrets import SecretFinder
from app.engine.redaction.tags import AGENT, PERSON, TagFinder
from app.engine.redaction.things import ThingFinder

if TYPE_CHECKING:
    from pathlib import Path

    from app.config import RedactionSettings
    from app.domain import CallMetadata, Labels
    from app.engine.redaction.call import SaidCall
    from app.engine.redaction.found import Found
    from app.engine.redaction.tagger import TokenTagger
    from app.engine.transcription import RawTranscript


class Engine:
    """All finders with their data, loaded."""

    def __init__(
        self,
        model_folder: Path,
        tagger: TokenTagger,
        settings: RedactionSettings,
        recognisers: Path,
    ) -> None:
        """Load the data and spaCy's model; `tagger` is loaded already."""
        lexicon = data.load(recognisers)
        self.policy = load_policy(recognisers / data.POLICIES, settings, lexicon.kinds)
        recognised = f"recognisers-{data.digest(recognisers)[:16]}"
        self.lineage = (self.policy.lineage, recognised)
        self._lexicon = lexicon
        self._reader = Reader(lexicon)
        self._people = PeopleFinder(lexicon, agents_too=settings.agent_names)
        self._numbers = NumberFinder(lexicon)
        self._national = NationalFinder(lexicon, settings.regions)
        self._contacts = ContactFinder()
        self._addresses = AddressFinder(lexicon)
        self._secrets = SecretFinder(lexicon)
        self._answers = AnswerFinder(lexicon)
        self._medical = MedicalFinder(lexicon)
        self._tagger = tagger
        self._tags = TagFinder(lexicon)
        self._things = ThingFinder(lexicon)
        self._persons = {PERSON, AGENT} if settings.agent_names else {PERSON}
        self._everything = EverythingFinder()
        self._label_finders = LabelFinders(lexicon, settings)
        self.ranks = lexicon.ranks
        names = list(lexicon.kinds)
        self._frame = Frame(
            model_folder,
            lexicon,
            (
                ("numbers", names, lambda context: self._numbers.find(context.call)),
                ("national", names, lambda context: self._national.find(context.call)),
                ("contacts", ["EMAIL"], lambda context: self._contacts.find(context.call)),
                ("addresses", ["ADDRESS"], lambda context: self._addresses.find(context.call)),
                ("secrets", names, lambda context: self._secrets.find(context.call)),
                ("answers", names, self._find_answers),
                ("medical", ["MEDICAL"], lambda context: self._medical.find(context.call)),
                ("people", ["PERSON"], self._find_people),
                ("tagger", names, lambda context: self._tags.find(context.call, context.tagged)),
                ("everything", names, self._find_everything),
            ),
        )

    def read(self, raw: RawTranscript) -> SaidCall:
        """Return the call as the finders see it."""
        return self._reader.read(raw)

    def find(self, raw: RawTranscript, *, agent_name: str | None) -> list[Found]:
        """Return everything that any finder finds and the policy does not keep."""
        call = self._reader.read(raw)
        read = self._tagger.read([(turn.role, turn.text) for turn in call.turns])
        facts = {
            "things": [
                self._things.places(turn, one.doubted)
                for turn, one in zip(call.turns, read, strict=True)
            ],
            "agent_name": agent_name,
            "role_basis": raw.role_basis,
            "role_confidence": raw.role_confidence,
        }
        texts = [cased(turn, self._lexicon) for turn in call.turns]
        tagged = [one.tagged for one in read]
        found = self._frame.analyse(call, texts, tagged, list(self.ranks), facts)
        return self.policy.applied(found, call)

    def labels(self, source_name: str, metadata: CallMetadata) -> Labels:
        """Return a file's name and the customer's reference made safe."""
        read = Labelled(source_name, metadata.customer_reference)
        light = self._label_finders.find(call := self._reader.read(read.raw), metadata.agent)
        found = self.policy.applied([*light, *read.whole()], call)
        heard = self.find(read.raw, agent_name=metadata.agent)
        found += [one for one in heard if one.kind in IN_WORDS]
        return read.without(found, self.ranks)

    def _find_answers(self, context: CallContext) -> list[Found]:
        return self._answers.find(context.call, context.facts["agent_name"])

    def _find_people(self, context: CallContext) -> list[Found]:
        persons = [
            [Suspect(start, end) for label, start, end in turn.entities if label == "PERSON"]
            + [Suspect(one.start, one.end, one.score) for one in tags if one.kind in self._persons]
            + [
                Suspect(one.start, one.end, one.score, introduces=True)
                for one in tags
                if one.kind == AGENT and AGENT not in self._persons
            ]
            for turn, tags in zip(context.model, context.tagged, strict=True)
        ]
        return self._people.find(context.call, persons, **context.facts)

    def _find_everything(self, context: CallContext) -> list[Found]:
        return self._everything.find(context.call, [turn.entities for turn in context.model])

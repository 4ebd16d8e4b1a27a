"""A library of any length for the app's tests: papers, failed files and one paper's sheet, page by page."""

from __future__ import annotations

from typing import Any

from assistant.engine.errands import (
    Errand,
    FailedPage,
    FindFailed,
    FindPaper,
    FindPapers,
    FindQuestion,
    FindQuestions,
    PapersFound,
    PaperSheet,
    PastAnswer,
    PastQuestion,
    QuestionFound,
    QuestionsFound,
    Rate,
    Rated,
    Record,
    Removed,
    RemovePapers,
    State,
)
from assistant.engine.protocol import Status
from assistant.engine.scripted import ScriptedEngine
from assistant.events import Collection, Document, Fate, Listed, Passage
from assistant.past_question import PastPage
from indexes.listed import PaperPage
from indexes.types import Details, Section
from tui.example import QUESTION, example_answer

_SUBJECTS = ("Retries, back-off and jitter", "Deadlines and reserved time for fallbacks", "Circuit breakers",
             "Cascades and escalation", "Dense and keyword retrieval", "Reciprocal rank fusion")  # fmt: skip
_AUTHORS = (
    ("Ada Nguyen", "Ben Okafor"),
    ("Zoë Apis",),
    ("Jan van der Berg", "Li Wei", "Ada Nguyen", "Ben Okafor"),
)


def paper(number: int, **changes: Any) -> Document:
    """The `number`-th paper, from 0."""
    subject = _SUBJECTS[number % len(_SUBJECTS)]
    fields = {
        "id": f"{number:08x}",
        "source": f"/home/ada/papers/{number:05}.{'pdf' if number % 3 else 'md'}",
        "title": f"{subject}, part {number + 1}",
        "authors": _AUTHORS[number % len(_AUTHORS)],
        "year": 2026 - number % 30,
        "media_type": "application/pdf" if number % 3 else "text/markdown",
        "collection": "notes" if number % 5 == 4 else "papers",
        "page_count": 1 + number % 40,
        "characters": 40_000,
    }
    return Document.model_validate({**fields, **changes})


def listed(number: int, **changes: Any) -> Listed:
    """The `number`-th paper as a list shows it: most are embedded, one was changed to something unreadable."""
    embedded = (40, 40, 10, 0)[number % 4] if number < 8 else 40
    trouble = "It needs a password now." if number == 5 else ""
    return Listed(document=paper(number, **changes), passages=40, embedded=embedded, trouble=trouble)


def failed(number: int) -> Record:
    """The `number`-th file that could not be read."""
    reason = (
        "It needs a password.",
        "Its pages hold no text: it may be a scan.",
        "It took longer than 60 s.",
    )
    return Record(
        path=f"/home/ada/papers/scans/scan-{number:03}.pdf",
        collection="papers",
        document_id=None,
        content_hash="",
        fate=Fate.FAILED,
        reason=reason[number % 3],
        attempts=1 + number % 2,
    )


def sheet(document: Document) -> PaperSheet:
    """All of a paper: three sections, six passages."""
    sections = ("Abstract", "Full jitter", "Conclusion")
    passages = tuple(
        Passage(
            id=f"{document.id}:{number}",
            document_id=document.id,
            text=f"Passage {number + 1} says that the waits of many clients are spread over the whole interval.",
            start=number * 100,
            end=number * 100 + 80,
            page=1 + number // 2,
            section=sections[number // 2],
        )
        for number in range(6)
    )
    file = Record(
        path=document.source,
        collection=document.collection,
        document_id=document.id,
        content_hash="0",
        fate=Fate.EMBEDDED,
        reason="",
        attempts=1,
    )
    details = Details(
        abstract="A retry is a bet that the same call will succeed a little later.",
        sections=tuple(Section(title=title, start=number * 200) for number, title in enumerate(sections)),
        origins={"title": "text", "authors": "bibliography", "year": "crossref", "doi": "file"},
        notes=("2 invisible characters removed",),
    )
    return PaperSheet(
        document=document.model_copy(update={"doi": "10.1000/jitter", "venue": "Journal of Waiting"}),
        details=details,
        files=(file,),
        embedded=6,
        passages=passages,
    )


def past(number: int) -> PastQuestion:
    """The `number`-th question of the history, 0 the newest; every state comes up."""
    states = (State.OK, State.PARTIAL, State.CANCELLED, State.ERROR, State.RUNNING)
    subject = _SUBJECTS[number % len(_SUBJECTS)].lower()
    return PastQuestion(
        run=f"run-{number}",
        id=f"question-{number}",
        text=QUESTION if number == 0 else f"What do the papers say about {subject}, and since when?",
        said="" if number % 5 > 1 else "Begin with the kind of the error, not with a number of attempts.",
        state=states[number % 5],
        asked=f"2026-11-{28 - number % 28:02}T09:{number % 60:02}:00",
        helped=(True, None, None, False)[number % 4],
    )


class Shelves(ScriptedEngine):
    """An engine over a library of `papers` papers and a history; removing, reading again and rating change it."""

    def __init__(self, papers: int = 12, failures: int = 3, questions: int = 12, **more: Any) -> None:
        self.questions_asked = [past(number) for number in range(questions)]
        self.papers = [listed(number) for number in range(papers)]
        self.failures = [failed(number) for number in range(failures)]
        found: dict[type[Errand[Any]], Any] = {
            FindPapers: self._page,
            FindFailed: self._failed,
            FindPaper: lambda wanted: sheet(self._named(wanted.document_id)),
            RemovePapers: self._remove,
            FindQuestions: self._past,
            FindQuestion: self._past_answer,
            Rate: self._rate,
        }
        super().__init__(found={**found, **more.pop("found", {})}, **more)

    async def status(self) -> Status:
        names = ("papers", "notes")
        counts = {name: sum(each.document.collection == name for each in self.papers) for name in names}
        return Status(
            collections=tuple(
                Collection(name=name, documents=count, passages=40 * count, embedded=40 * count)
                for name, count in counts.items()
            ),
            models={},
            encoder="minilm",
            web="never",
            home="/library",
        )

    def _named(self, document_id: str) -> Document:
        return next(each.document for each in self.papers if each.document.id == document_id)

    def _page(self, wanted: FindPapers) -> PapersFound:
        words = wanted.text.casefold().split()
        fitting = [each for each in self.papers if all(_fits(word, each.document) for word in words)]
        rows = tuple(fitting[wanted.offset : wanted.offset + wanted.limit])
        return PapersFound(page=PaperPage(total=len(fitting), offset=wanted.offset, papers=rows))

    def _past(self, wanted: FindQuestions) -> QuestionsFound:
        fitting = [each for each in self.questions_asked if wanted.text.casefold() in each.text.casefold()]
        rows = tuple(fitting[wanted.offset : wanted.offset + wanted.limit])
        return QuestionsFound(page=PastPage(total=len(fitting), offset=wanted.offset, questions=rows))

    def _past_answer(self, wanted: FindQuestion) -> QuestionFound:
        question = next(each for each in self.questions_asked if each.run == wanted.run)
        answered = question.state in (State.OK, State.PARTIAL)
        answer = example_answer().model_copy(update={"run": wanted.run, "question_id": wanted.question_id})
        said = answer.text if answered else "The model refused the key."
        return QuestionFound(
            past=PastAnswer(question=question, said=said, answer=answer if answered else None)
        )

    def _rate(self, wanted: Rate) -> Rated:
        self.questions_asked = [
            each.model_copy(update={"helped": wanted.helped}) if each.run == wanted.run else each
            for each in self.questions_asked
        ]
        return Rated(kept=True)

    def _failed(self, wanted: FindFailed) -> FailedPage:
        rows = tuple(self.failures[wanted.offset : wanted.offset + wanted.limit])
        return FailedPage(total=len(self.failures), offset=wanted.offset, records=rows)

    def _remove(self, wanted: RemovePapers) -> Removed:
        self.papers = [each for each in self.papers if each.document.id not in wanted.document_ids]
        return Removed(papers=len(wanted.document_ids))


def _fits(word: str, document: Document) -> bool:
    """The real filters are the real library's; these are enough to see that a list changes."""
    if word.startswith("in:"):
        return word[3:].strip('"') == document.collection
    return word in document.title.casefold()

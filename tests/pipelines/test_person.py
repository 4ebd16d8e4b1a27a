"""A person is asked once, one thing at a time, and where nobody answers the default is taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pipelines.errors import NotAllowed, Stopped
from pipelines.events import Asked, AskEvent, Decided
from pipelines.graph import CompiledPipeline
from pipelines.journal import Kept
from pipelines.ladder import AGAIN, STOP
from pipelines.person import Consent, Person
from pipelines.policy import Policy
from pipelines.step import Pipeline, Step, rung
from pipelines.trace import Recorder
from tests.pipelines.clocks import settled
from tests.pipelines.kept import MemoryJournal

WEB = Consent(
    prompt=lambda needs: f"Search the web for {needs['query']}?", refusal="The web was not allowed."
)
QUERY = {"query": "carrels"}


class Desk:
    """A person at a desk: answers in turn, and keeps what was asked."""

    def __init__(self, *answers: str, consent: Consent = WEB, silent: bool = False) -> None:
        self.asked: list[Asked] = []
        self.answers = list(answers)
        self.silent = silent
        self.person = Person(self.decide, {"web": consent}, timeout_seconds=0.05 if silent else 60)

    async def decide(self, asked: Asked) -> str:
        self.asked.append(asked)
        if self.silent:
            await asyncio.sleep(3600)
        return self.answers.pop(0)


def recorder(**options: Any) -> tuple[Recorder, list[AskEvent]]:
    events: list[AskEvent] = []
    return Recorder(events.append, **options), events


async def test_the_person_is_shown_the_prompt_and_what_they_say_counts() -> None:
    desk, (record, events) = Desk("yes"), recorder()
    await desk.person.must_allow("web", QUERY, record)
    assert desk.asked[0].prompt == "Search the web for carrels?"
    assert desk.asked[0].choices == ("yes", "no")
    assert events == [desk.asked[0], Decided(id=desk.asked[0].id, choice="yes", by="person")]


async def test_a_no_is_the_error_that_the_consent_names_with_its_own_sentence() -> None:
    desk = Desk("no")
    with pytest.raises(NotAllowed, match="The web was not allowed"):
        await desk.person.must_allow("web", QUERY, recorder()[0])


@pytest.mark.parametrize(("setting", "choice"), [("auto", "yes"), ("never", "no")])
async def test_under_auto_and_never_nobody_is_asked(setting: Any, choice: str) -> None:
    desk, (record, events) = Desk(consent=Consent(setting=setting)), recorder()
    assert await desk.person.choose("web", QUERY, record) == choice
    assert desk.asked == []
    assert events == []


async def test_where_nobody_can_be_asked_the_default_is_taken() -> None:
    person = Person(None, {"web": WEB})
    assert await person.choose("web", QUERY, recorder()[0]) == "no"


async def test_a_person_who_does_not_answer_in_time_has_taken_the_default() -> None:
    desk, (record, events) = Desk(silent=True), recorder()
    assert await desk.person.choose("web", QUERY, record) == "no"
    assert [event.by for event in events if isinstance(event, Decided)] == ["timeout"]


async def test_an_answer_that_was_not_among_the_choices_is_the_default() -> None:
    assert await Desk("perhaps").person.choose("web", QUERY, recorder()[0]) == "no"


async def test_the_same_thing_is_asked_once_for_a_question_and_again_for_another() -> None:
    desk, (first, _), (second, _) = Desk("yes", "no"), recorder(), recorder()
    assert [await desk.person.choose("web", QUERY, first) for _ in range(3)] == ["yes"] * 3
    assert await desk.person.choose("web", QUERY, second) == "no"
    assert len(desk.asked) == 2


async def test_eight_at_once_ask_the_same_thing_once() -> None:
    desk, (record, _) = Desk("yes"), recorder()
    choices = await asyncio.gather(*(desk.person.choose("web", QUERY, record) for _ in range(8)))
    assert choices == ["yes"] * 8
    assert len(desk.asked) == 1


async def test_other_words_are_another_thing_to_ask_unless_the_consent_holds_once_for_all() -> None:
    other = {"query": "desks"}
    each = Desk("yes", "no")
    record = recorder()[0]
    assert await each.person.choose("web", QUERY, record) == "yes"
    assert await each.person.choose("web", other, record) == "no"

    once = Desk("yes", consent=Consent(prompt=WEB.prompt, once=True))
    record = recorder()[0]
    assert await once.person.choose("web", QUERY, record) == "yes"
    assert await once.person.choose("web", other, record) == "yes"
    assert len(once.asked) == 1


async def test_one_thing_is_asked_at_a_time_within_a_question_and_other_questions_do_not_wait() -> None:
    shown: list[str] = []
    answered = asyncio.Event()

    async def decide(asked: Asked) -> str:
        shown.append(asked.prompt)
        await answered.wait()
        return "yes"

    person = Person(decide, {"web": WEB})
    one, other = recorder()[0], recorder()[0]
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for record, query in ((one, "carrels"), (one, "desks"), (other, "lamps")):
            group.create_task(person.choose("web", {"query": query}, record))
        await settled()
        assert shown == ["Search the web for carrels?", "Search the web for lamps?"]
        answered.set()
    assert len(shown) == 3


async def test_a_decision_survives_a_stop_and_is_not_asked_for_again() -> None:
    journal = MemoryJournal()
    before = Desk("yes")
    await before.person.must_allow("web", QUERY, recorder(journal=journal)[0])

    resumed, (record, events) = Desk(), recorder(journal=journal)
    await resumed.person.must_allow("web", QUERY, record)
    assert resumed.asked == []
    assert [event.by for event in events if isinstance(event, Decided)] == ["journal"]


async def test_a_kept_decision_that_is_no_longer_offered_is_asked_for_again() -> None:
    journal = MemoryJournal()
    await Desk("yes").person.choose("web", QUERY, recorder(journal=journal)[0])
    for key in journal.kept:
        journal.kept[key] = Kept(text="something else")
    desk = Desk("no")
    assert await desk.person.choose("web", QUERY, recorder(journal=journal)[0]) == "no"
    assert len(desk.asked) == 1


async def test_a_default_taken_for_a_silent_person_is_kept_as_well() -> None:
    journal = MemoryJournal()
    await Desk(silent=True).person.choose("web", QUERY, recorder(journal=journal)[0])
    assert [kept.text for kept in journal.kept.values()] == ["no"]


# Before the last rung


class Failing:
    """A step whose first rung fails for the given number of times, and the person asked before its last."""

    def __init__(self, failures: int, *answers: str) -> None:
        self.failures, self.calls = failures, 0
        self.answers, self.asked = list(answers), 0
        consent = Consent(choices=(AGAIN, "take it", STOP), default="take it")
        self.person = Person(self.decide, {"models failed": consent})

    async def decide(self, asked: Asked) -> str:
        self.asked += 1
        return self.answers.pop(0)

    async def run(self) -> str:
        async def by_model() -> str:
            self.calls += 1
            if self.calls <= self.failures:
                raise NotAllowed("Not yet.")
            return "by the model"

        async def by_hand() -> str:
            return "by hand"

        step = Step(
            "do",
            gives="it",
            ladder=[rung(by_model, Policy()), rung(by_hand)],
            ask_before_last="models failed",
        )
        return str(await CompiledPipeline(Pipeline("test", (), "it", [step])).run({}, {}, person=self.person))


async def test_a_person_may_have_the_ladder_tried_again() -> None:
    failing = Failing(1, AGAIN)
    assert await failing.run() == "by the model"
    assert (failing.calls, failing.asked) == (2, 1)


async def test_when_it_fails_again_the_person_is_asked_again_and_not_their_first_word_taken_for_ever() -> (
    None
):
    failing = Failing(99, AGAIN, AGAIN, "take it")
    assert await failing.run() == "by hand"
    assert (failing.calls, failing.asked) == (3, 3)


async def test_a_person_may_stop_it_all() -> None:
    failing = Failing(99, STOP)
    with pytest.raises(Stopped):
        await failing.run()


async def test_when_nothing_failed_nobody_is_asked() -> None:
    failing = Failing(0)
    assert await failing.run() == "by the model"
    assert failing.asked == 0


async def test_a_pipelines_own_consents_ask_unless_the_person_has_another_way() -> None:
    asked: list[str] = []

    async def decide(question: Asked) -> str:
        asked.append(question.prompt)
        return "yes"

    async def dear() -> str:
        return "dear"

    async def cheap() -> str:
        return "cheap"

    ladder = [rung(dear, consent="money"), rung(cheap)]
    own = {"money": Consent(prompt=lambda needs: "Spend it?")}
    pipeline = CompiledPipeline(Pipeline("test", (), "it", [Step("do", "it", ladder)], consents=own))
    assert await pipeline.run({}, {}, person=Person(decide)) == "dear"
    assert asked == ["Spend it?"]
    assert await pipeline.run({}, {}, person=Person(decide, {"money": Consent("never")})) == "cheap"
    assert await pipeline.run({}, {}) == "cheap"
    assert asked == ["Spend it?"]

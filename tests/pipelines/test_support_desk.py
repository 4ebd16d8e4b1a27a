"""The support desk, on the mechanics that research runs on: each topic to its own context and model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines import support_desk as desk
from pipelines.chat import LangChainModel
from pipelines.errors import BudgetSpent, ModelOverloaded, ModelRefused
from pipelines.events import Asked, FellBack, StepStarted
from pipelines.gate import Gate
from pipelines.graph import CompiledPipeline, Result
from pipelines.metered import Metered
from pipelines.models import ChatModel, ModelSettings
from pipelines.person import Person
from pipelines.support_desk import support_desk
from pipelines.testing import ScriptedModel
from pipelines.types import Budget, Degradation, Outcome, Usage
from tests.faults.script import Status
from tests.faults.server import FaultServer

BILLING = "I was charged twice in March."
TECHNICAL = "The app shows error 17 when it opens."
UNCLEAR = "It does not do what I hoped for."
Shelf = Callable[[str], Awaitable[str]]


def shelf(fact: str) -> Shelf:
    async def look_up(message: str) -> str:
        return fact

    return look_up


SHELVES: Mapping[str, Mapping[str, Shelf]] = {
    "billing": {"account": shelf("March was paid twice."), "terms": shelf("Refunds take five days.")},
    "technical": {"manual": shelf("Error 17: no room on the disk."), "faults": shelf("None are known.")},
}


class Desk:
    """The desk with scripted models, and what came of one message."""

    def __init__(self, **services: Any) -> None:
        self.billing = ScriptedModel("You get it back within five days.", name="scripted:billing")
        self.technical = ScriptedModel("Make room on the disk.", name="scripted:technical")
        models: Mapping[str, ChatModel] = {"billing": self.billing, "technical": self.technical}
        self.services = {"models": models, "shelves": SHELVES, "expert": None, **services}
        self.events: list[Any] = []
        self.degraded: tuple[Degradation, ...] = ()
        self.usage = Usage()

    async def reply(self, message: str, *, person: Person | None = None, budget: Budget | None = None) -> str:
        stream = CompiledPipeline(support_desk()).stream(
            {"message": message},
            self.services,
            person=person,
            budget=budget,
            finish=lambda reply, record: (reply, record.degraded, record.usage),
        )
        *self.events, last = [event async for event in stream]
        assert isinstance(last, Result)
        reply, self.degraded, self.usage = last.value
        return str(reply)

    @property
    def fallbacks(self) -> list[tuple[str, str, Outcome]]:
        return [(each.instead_of, each.rung, each.outcome) for each in self.degraded]

    def asked(self) -> list[str]:
        return [event.prompt for event in self.events if isinstance(event, Asked)]


def saying(**choices: str) -> Person:
    """A person who answers what the prompt is about."""

    async def decide(asked: Asked) -> str:
        return choices[asked.id.partition("-")[0]]

    return Person(decide)


def test_the_whole_desk_fits_on_eighty_lines() -> None:
    assert desk.__file__ is not None
    assert len(Path(desk.__file__).read_text("utf-8").splitlines()) <= 80


async def test_a_billing_question_goes_to_the_billing_context_and_model() -> None:
    desk = Desk()
    assert await desk.reply(BILLING) == "You get it back within five days."
    (prompt,) = desk.billing.prompts
    assert "March was paid twice." in prompt.system
    assert "Error 17" not in prompt.system
    assert prompt.user == BILLING
    assert desk.technical.prompts == []
    assert desk.degraded == ()


async def test_a_technical_question_goes_to_the_technical_context_and_model() -> None:
    desk = Desk()
    assert await desk.reply(TECHNICAL) == "Make room on the disk."
    (prompt,) = desk.technical.prompts
    assert "no room on the disk" in prompt.system
    assert desk.billing.prompts == []


async def test_a_question_whose_words_do_not_tell_is_given_to_the_desk_that_a_person_names() -> None:
    desk = Desk()
    assert await desk.reply(UNCLEAR, person=saying(topic="billing")) == "You get it back within five days."
    assert desk.asked() == ["Which desk answers?"]
    assert desk.degraded == ()


async def test_a_question_that_fits_both_desks_is_asked_about_too() -> None:
    desk = Desk()
    await desk.reply("An error charged me twice.", person=saying(topic="technical"))
    assert desk.asked() == ["Which desk answers?"]
    assert len(desk.technical.prompts) == 1


@pytest.mark.parametrize("person", [None, Person()])
async def test_where_nobody_can_be_asked_the_technical_desk_answers(person: Person | None) -> None:
    assert await Desk().reply(UNCLEAR, person=person) == "Make room on the disk."


async def test_the_places_of_a_topic_are_looked_up_side_by_side_and_keep_their_order() -> None:
    meeting = asyncio.Barrier(2)

    def meet(fact: str) -> Shelf:
        async def look_up(message: str) -> str:
            await asyncio.wait_for(meeting.wait(), 5)
            return fact

        return look_up

    shelves = {"technical": {"manual": meet("From the manual."), "faults": meet("From the faults.")}}
    desk = Desk(shelves=shelves)
    await desk.reply(TECHNICAL)
    assert desk.technical.prompts[0].system.endswith("From the manual.\nFrom the faults.")
    assert {event.branch for event in desk.events if isinstance(event, StepStarted) and event.branch} == {
        "manual",
        "faults",
    }


async def test_a_place_that_is_down_is_left_out_and_recorded() -> None:
    async def down(message: str) -> str:
        raise ModelOverloaded("The accounts are down.")

    desk = Desk(shelves={"billing": {"account": down, "terms": shelf("Refunds take five days.")}})
    await desk.reply(BILLING)
    assert "Refunds take five days." in desk.billing.prompts[0].system
    assert desk.fallbacks == [("account", "left out", Outcome.UNREACHABLE)]


async def test_a_model_that_hangs_is_replaced_by_a_letter_with_the_facts_before_the_deadline() -> None:
    hanging = ScriptedModel("never", seconds=float("inf"))
    desk = Desk(models={"billing": hanging})
    reply = await desk.reply(BILLING, budget=Budget(max_seconds=1.0))
    assert reply.startswith("Your billing question is with a colleague.")
    assert "March was paid twice." in reply
    assert desk.fallbacks == [("by model", "by letter", Outcome.TIMED_OUT)]
    assert desk.usage.seconds < 1.0


async def test_the_dear_expert_is_asked_only_when_a_person_allows_it() -> None:
    refusing = {"billing": ScriptedModel(ModelRefused("It declined."))}
    expert = ScriptedModel("It is refunded.", name="scripted:expert")

    allowed = Desk(models=refusing, expert=expert)
    assert await allowed.reply(BILLING, person=saying(expert="yes")) == "It is refunded."
    assert allowed.asked() == [f"Pay the expert to answer “{BILLING}”?"]

    forbidden = Desk(models=refusing, expert=expert)
    reply = await forbidden.reply(BILLING, person=saying(expert="no"))
    assert reply.startswith("Your billing question")
    assert forbidden.fallbacks == [
        ("by model", "by expert", Outcome.REFUSED),
        ("by expert", "by letter", Outcome.BLOCKED),
    ]
    assert len(expert.prompts) == 1


async def test_when_the_calls_are_used_up_no_model_is_called_and_the_reason_is_told() -> None:
    scripted = ScriptedModel("never")
    desk = Desk(models={"billing": Metered(scripted, Gate("scripted"))})
    reply = await desk.reply(BILLING, budget=Budget(max_calls=0))
    assert reply.startswith("Your billing question")
    assert scripted.prompts == []
    assert desk.fallbacks == [("by model", "by letter", Outcome.BLOCKED)]
    assert "0 model calls" in desk.degraded[0].why
    assert BudgetSpent.exit_code == 1


async def test_a_run_gives_the_reply_alone() -> None:
    desk = Desk()
    reply = await CompiledPipeline(support_desk()).run({"message": BILLING}, desk.services)
    assert reply == "You get it back within five days."


async def test_a_real_client_is_tried_again_and_then_gives_way_to_the_letter(
    model_server: FaultServer,
) -> None:
    settings = ModelSettings(name="openai:desk", base_url=model_server.base_url)
    real = {"technical": Metered(LangChainModel(settings), Gate("openai"))}
    model_server.script(Status(503), times=1)

    desk = Desk(models=real)
    reply = await desk.reply(TECHNICAL)
    assert reply
    assert not reply.startswith("Your technical question")
    assert [exchange.status for exchange in model_server.ledger] == [503, 200]
    assert "no room on the disk" in [*model_server.ledger][1].request.text
    assert (desk.usage.calls, desk.degraded) == (2, ())

    model_server.script(Status(401))
    refused = Desk(models=real)
    assert (await refused.reply(TECHNICAL)).startswith("Your technical question")
    assert refused.fallbacks == [("by model", "by letter", Outcome.AUTH)]
    assert any(isinstance(event, FellBack) for event in refused.events)

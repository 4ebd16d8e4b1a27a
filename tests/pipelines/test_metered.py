"""A model call is paid for once: what was kept is recalled, and only whole replies are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from pipelines.budget import Allowance
from pipelines.chat import LangChainModel
from pipelines.errors import BudgetSpent, ModelError, ModelMalformed, ModelOverloaded, ProviderPaused
from pipelines.gate import Gate
from pipelines.graph import CompiledPipeline
from pipelines.journal import Kept
from pipelines.metered import Metered
from pipelines.models import ModelSettings, Prompt
from pipelines.policy import Policy
from pipelines.settings import GateSettings
from pipelines.step import Pipeline, Step, rung
from pipelines.testing import ScriptedModel
from pipelines.trace import Recorder, current_span
from pipelines.types import Budget, Outcome
from tests.faults.script import Ending, Reply
from tests.faults.server import FaultServer
from tests.pipelines.kept import MemoryJournal

PROMPT = Prompt(system="Be brief.", user="What is a carrel?")
OTHER = Prompt(system="Be brief.", user="What is a desk?")
REPLY = "A carrel is a small desk\nin a library."


def recorder(journal: MemoryJournal | None = None, **limits: int) -> Recorder:
    return Recorder(lambda event: None, journal=journal, allowance=Allowance(Budget(**limits)))


def metered(model: ScriptedModel | LangChainModel | Cut) -> Metered:
    return Metered(model, Gate("scripted", GateSettings(failures=2)))


async def ask(
    model: Metered, record: Recorder, prompt: Prompt = PROMPT, *, step: str = "reason", shared: bool = False
) -> str:
    """One call, made in a step as a rung would make it."""
    with record.span(step, "the model", cacheable=shared):
        return await model.complete(prompt)


class Cut:
    """A model whose reply is cut: at its longest, or by a broken connection."""

    def __init__(self, *, by: Callable[[], None]) -> None:
        self.settings = ScriptedModel("").settings
        self._by = by

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        yield "A carrel is"
        self._by()

    async def complete(self, prompt: Prompt) -> str:
        return "".join([piece async for piece in self.stream(prompt)])


def too_long() -> None:
    span = current_span()
    assert span is not None
    span.truncated = True


def broken() -> None:
    raise ModelOverloaded("The server failed.")


async def test_a_reply_that_was_kept_is_recalled_without_a_call() -> None:
    journal, model = MemoryJournal(), ScriptedModel(REPLY)
    first, resumed = recorder(journal), recorder(journal)
    assert await ask(metered(model), first) == REPLY
    assert await ask(metered(model), resumed) == REPLY
    assert len(model.prompts) == 1
    assert (first.usage.calls, first.usage.recalled) == (1, 0)
    assert (resumed.usage.calls, resumed.usage.recalled, resumed.usage.input_tokens) == (0, 1, 0)
    (span,) = resumed.trace
    assert span.model == "scripted:small"


async def test_what_is_recalled_passes_no_gate_and_counts_against_no_limit() -> None:
    journal, model = MemoryJournal(), metered(ScriptedModel(REPLY))
    await ask(model, recorder(journal))
    down = metered(ScriptedModel(ModelOverloaded("down")))
    for _ in range(2):
        with pytest.raises(ModelOverloaded):
            await ask(down, recorder())
    with pytest.raises(ProviderPaused):
        await ask(down, recorder())
    assert await ask(down, recorder(journal, max_calls=0)) == REPLY


async def test_the_kept_reply_says_what_it_has_cost_and_who_wrote_it() -> None:
    journal = MemoryJournal()
    await ask(metered(ScriptedModel(REPLY)), recorder(journal))
    (kept,) = journal.kept.values()
    assert (kept.text, kept.model) == (REPLY, "scripted:small")
    assert (kept.usage.calls, kept.usage.output_tokens) == (1, len(REPLY) // 4)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "scripted:large"},
        {"base_url": "http://localhost:1/v1"},
        {"temperature": 0.5},
        {"max_output_tokens": 50},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_another_model_or_setting_is_another_call(change: dict[str, object]) -> None:
    journal, first, second = MemoryJournal(), ScriptedModel(REPLY), ScriptedModel("Another.")
    second.settings = ModelSettings(**{**second.settings.model_dump(), **change})
    await ask(metered(first), recorder(journal))
    assert await ask(metered(second), recorder(journal)) == "Another."


async def test_another_prompt_or_step_is_another_call() -> None:
    journal, model = MemoryJournal(), ScriptedModel(REPLY)
    await ask(metered(model), recorder(journal))
    await ask(metered(model), recorder(journal), OTHER)
    await ask(metered(model), recorder(journal), step="draft")
    assert len(model.prompts) == 3


@pytest.mark.parametrize("shared", [True, False])
async def test_another_questions_reply_serves_only_where_the_rungs_policy_says_so(shared: bool) -> None:
    journal, model = MemoryJournal(), ScriptedModel(REPLY)
    await ask(metered(model), recorder(journal))
    other = recorder(journal.beside())
    assert await ask(metered(model), other, shared=shared) == REPLY
    assert (other.usage.calls, other.usage.recalled) == ((0, 1) if shared else (1, 0))


async def test_a_reply_that_was_cut_at_its_longest_is_told_but_not_kept() -> None:
    journal = MemoryJournal()
    record = recorder(journal)
    assert await ask(metered(Cut(by=too_long)), record) == "A carrel is"
    assert journal.kept == {}
    (span,) = record.trace
    assert span.status is Outcome.PARTIAL


async def test_a_reply_that_its_rung_could_not_use_is_asked_for_anew_by_the_next_question() -> None:
    replies = iter(("It depends.", "fact"))
    model = ScriptedModel(lambda prompt: next(replies))
    journal = MemoryJournal()

    async def kind(small: Metered) -> str:
        reply = await small.complete(PROMPT)
        if reply != "fact":
            raise ModelMalformed("It named no kind.")
        return reply

    async def general() -> str:
        return "general"

    ladder = (rung(kind, Policy(cache=True)), rung(general))
    pipeline = CompiledPipeline(
        Pipeline("test", (), "kind", [Step("classify", "kind", ladder)], optional=frozenset({"small"}))
    )

    async def asked(beside: MemoryJournal) -> object:
        return await pipeline.run({}, {"small": metered(model)}, journal=beside)

    assert await asked(journal) == "general"
    assert await asked(journal.beside()) == "fact"
    assert await asked(journal.beside()) == "fact"
    assert len(model.prompts) == 2


async def test_a_reply_whose_connection_broke_is_not_kept() -> None:
    journal = MemoryJournal()
    with pytest.raises(ModelError):
        await ask(metered(Cut(by=broken)), recorder(journal))
    assert journal.kept == {}


async def test_a_reply_that_nobody_read_to_its_end_is_not_kept() -> None:
    journal = MemoryJournal()
    record, model = recorder(journal), metered(ScriptedModel(REPLY))
    with record.span("reason", "the model"):
        pieces = model.stream(PROMPT)
        assert await anext(pieces) == "A carrel is a small desk\n"
        await pieces.aclose()  # type: ignore[attr-defined]
    assert journal.kept == {}
    assert record.usage.calls == 1


async def test_a_reply_is_kept_before_it_is_whole_in_the_callers_hands() -> None:
    class Killed(MemoryJournal):
        async def keep(self, step: str, input_hash: str, kept: Kept) -> None:
            await super().keep(step, input_hash, kept)
            raise KeyboardInterrupt

    journal = Killed()
    with pytest.raises(KeyboardInterrupt):
        await ask(metered(ScriptedModel(REPLY)), recorder(journal))
    assert [kept.text for kept in journal.kept.values()] == [REPLY]


async def test_without_a_journal_every_call_is_made() -> None:
    model = ScriptedModel(REPLY)
    for _ in range(2):
        await ask(metered(model), recorder())
    assert len(model.prompts) == 2


async def test_outside_of_a_question_a_model_is_only_let_through_its_gate() -> None:
    model = ScriptedModel(REPLY)
    assert await metered(model).complete(PROMPT) == REPLY
    down = metered(ScriptedModel(ModelOverloaded("down")))
    for _ in range(2):
        with pytest.raises(ModelOverloaded):
            await down.complete(PROMPT)
    with pytest.raises(ProviderPaused):
        await down.complete(PROMPT)


async def test_a_call_over_the_limit_is_not_made_and_costs_nothing() -> None:
    record, model = recorder(max_calls=1), ScriptedModel(REPLY)
    await ask(metered(model), record)
    with pytest.raises(BudgetSpent):
        await ask(metered(model), record, OTHER)
    assert len(model.prompts) == record.usage.calls == 1


async def test_a_failed_call_counts_as_a_call() -> None:
    record = recorder(max_calls=1)
    with pytest.raises(ModelOverloaded):
        await ask(metered(ScriptedModel(ModelOverloaded("down"))), record)
    with pytest.raises(BudgetSpent):
        await ask(metered(ScriptedModel(REPLY)), record)


async def test_a_real_clients_truncated_reply_is_not_kept_and_its_whole_one_is(
    model_server: FaultServer,
) -> None:
    journal = MemoryJournal()
    model = metered(LangChainModel(ModelSettings(name="openai:small", base_url=model_server.base_url)))
    model_server.script(Reply(REPLY, then=Ending.LENGTH), times=1)
    model_server.script(Reply(REPLY))
    record = recorder(journal)
    assert REPLY.startswith(await ask(model, record))
    assert journal.kept == {}
    assert await ask(model, record) == REPLY
    assert await ask(model, record) == REPLY
    assert len(model_server.ledger) == 2
    assert (record.usage.calls, record.usage.recalled, record.usage.cost_usd) == (2, 1, 0)

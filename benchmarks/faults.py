"""The fault matrix: what a model's server can do wrong and what comes of it, for three clients on sockets."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.logical_call import DEADLINE_SECONDS, DIALECTS, TEXT, Called, Caller, possible, serving
from benchmarks.measure import Report, Target, upper_bound
from indexes.errors import EncoderError
from pipelines.embeddings import RemoteEncoder
from pipelines.gate import Gates
from pipelines.settings import GateSettings
from pipelines.summarise import relevance_and_summary
from pipelines.types import Outcome
from tests.faults.dialects.ollama_embed import OllamaEmbeddings
from tests.faults.dialects.openai_embed import OpenAIEmbeddings
from tests.faults.script import (
    VECTOR_ENDINGS,
    Close,
    ContextLengthExceeded,
    Drip,
    Ending,
    Hang,
    Html200,
    Reply,
    Rst,
    Status,
    retry_after,
)
from tests.faults.script import Step as Fault
from tests.faults.server import FaultServer

SEED = 17
EMBEDDINGS: dict[str, type[OpenAIEmbeddings] | type[OllamaEmbeddings]] = {
    "openai": OpenAIEmbeddings,
    "ollama": OllamaEmbeddings,
}
MOST_REQUESTS = 4
GRACE_SECONDS = 1.0
PAUSE_SECONDS = 1.5


@dataclass(frozen=True)
class Row:
    """One line of the matrix: each case gives `True` when it went as promised."""

    name: str
    promise: str
    cases: Callable[[str], AsyncIterator[bool]]
    """Runs every case for one provider."""


def run() -> Report:
    """Every row for every client; a failure is a case that did not go as promised."""
    os.environ.setdefault("OPENAI_API_KEY", "unused")
    counted = asyncio.run(_measure())
    return Report(
        benchmark="faults",
        claim="no fault of a model's server is taken for an answer, multiplied, or waited for without end",
        targets=tuple(
            Target(
                f"{row.name}: {row.promise}: failures",
                sum(counts[row.name][1] for counts in counted.values()),
                "<=",
                0,
            )
            for row in ROWS
        ),
        repeats=1,
        numbers={
            provider: {
                name: {"n": n, "failures": failures, "at_most_95": upper_bound(failures, n)}
                for name, (n, failures) in counts.items()
                if n
            }
            for provider, counts in counted.items()
        },
    )


async def _measure() -> dict[str, dict[str, tuple[int, int]]]:
    counted: dict[str, dict[str, tuple[int, int]]] = {}
    for provider in DIALECTS:
        counted[provider] = {}
        for row in ROWS:
            went = [each async for each in row.cases(provider)]
            counted[provider][row.name] = (len(went), went.count(False))
    return counted


def _each(
    *faults: Fault, expect: Callable[[Called], bool], times: int = 1
) -> Callable[[str], AsyncIterator[bool]]:
    """One call per fault, `times` over."""

    async def cases(provider: str) -> AsyncIterator[bool]:
        with serving(provider) as server:
            caller = Caller(provider, server)
            await caller.call()  # loads the client, which no fault is to be charged with
            for fault in faults:
                for _ in range(times if possible(provider, [fault]) else 0):
                    yield expect(await caller.call(fault))

    return cases


def _typed(*outcomes: Outcome) -> Callable[[Called], bool]:
    return lambda called: (
        called.text is None and called.outcome in outcomes and _few(called) and _in_time(called)
    )


def _few(called: Called, most: int = MOST_REQUESTS) -> bool:
    return 1 <= called.requests <= most


def _in_time(called: Called) -> bool:
    return called.seconds <= DEADLINE_SECONDS + GRACE_SECONDS


def _once(outcome: Outcome) -> Callable[[Called], bool]:
    return lambda called: called.text is None and called.outcome is outcome and called.requests == 1


async def _truncated(provider: str) -> AsyncIterator[bool]:
    """Streams cut at a random piece in one of four ways, retries included: 70 calls each, 210 in all."""
    chance = random.Random(f"{SEED} {provider}")
    with serving(provider) as server:
        caller = Caller(provider, server)
        await caller.call()
        for _ in range(70):
            text = " ".join(
                chance.choices("desk oak monk winter shelf lamp".split(), k=chance.randint(2, 12))
            )
            ending = chance.choice([Ending.TRUNCATE, Ending.MIDLINE, Ending.CHUNKED_CUT, Ending.RST])
            after = chance.randrange(0, len(text.split()))
            yield (await caller.call(Reply(text, after=after, then=ending))).text is None


async def _asked_to_wait(provider: str) -> AsyncIterator[bool]:
    """Refusals that say when to come back, in every form: never earlier than told, never more than four."""
    with serving(provider) as server:
        caller = Caller(provider, server)
        await caller.call()
        called = await caller.call(retry_after(1), times=1)
        yield called.text is not None and called.starts[1] - called.starts[0] >= 1.0
        for told in (300, "Wed, 21 Oct 2099 07:28:00 GMT"):
            called = await caller.call(retry_after(told))
            yield called.outcome is Outcome.LIMITED and called.requests == 1
        for unusable in (None, "-1", "nan"):
            called = await caller.call(retry_after(unusable))
            yield called.outcome is Outcome.LIMITED and _few(called)


async def _outage(provider: str) -> AsyncIterator[bool]:
    """Sixteen callers, an outage of four pauses: at most twenty requests; then it is found well again."""
    with serving(provider) as server:
        gates = Gates(settings=GateSettings(connections=8, pause_seconds=PAUSE_SECONDS))
        caller = Caller(provider, server, gates=gates)
        await caller.call()
        server.ledger.clear()
        server.script(Status(503))
        until = asyncio.get_running_loop().time() + 4 * PAUSE_SECONDS

        async def ask() -> None:
            while asyncio.get_running_loop().time() < until:
                await caller.again()
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as group:
            for _ in range(16):
                group.create_task(ask())
        yield len(server.ledger) <= 20
        server.behave()
        await asyncio.sleep(PAUSE_SECONDS)
        yield (await caller.again()).text is not None


async def _endless(provider: str) -> AsyncIterator[bool]:
    """Twice the cap, and a loop: stopped at the cap, or at the deadline where that comes first."""
    with serving(provider) as server:
        caller = Caller(provider, server)
        await caller.call()
        for text in (" ".join(map(str, range(20_000, 40_000))), "Let me look at it once more. " * 5_000):
            called = await caller.call(Reply(text))
            stopped = called.outcome in {Outcome.MALFORMED, Outcome.TIMED_OUT} and _in_time(called)
            yield stopped and called.requests == 1


async def _garbled_forms(provider: str) -> AsyncIterator[bool]:
    """What a model may send in place of the form it was asked for: read as far as it goes, never raising."""
    chance = random.Random(SEED)
    form = "RELEVANCE: 7\nSUMMARY: Jitter spreads retries."
    for _ in range(500 if provider == "openai" else 0):
        pieces = list(form)
        for _ in range(chance.randint(1, 12)):
            place = chance.randrange(len(pieces))
            pieces[place] = chance.choice(
                ["", "\x00", "NaN", "{", "}" * 50, "9" * 400, "\n", "é", "relevance", ":"]
            )
        relevance, _summary = relevance_and_summary("".join(pieces))
        yield relevance is None or 0 <= relevance <= 1


async def _bad_vectors(provider: str) -> AsyncIterator[bool]:
    """Vectors with something wrong: refused whole, or put back in order; never one that is bad."""
    if provider not in EMBEDDINGS:
        return
    with FaultServer(EMBEDDINGS[provider](), prefix="/v1" if provider == "openai" else "") as server:
        encoder = RemoteEncoder(f"{provider}:embed", base_url=server.base_url)
        texts = ["oak and ash", "a desk in a library", "monks read here"]
        well = await asyncio.to_thread(encoder.encode, texts)
        for ending in set(VECTOR_ENDINGS) - set(EMBEDDINGS[provider].impossible):
            server.behave()
            server.script(Reply(then=ending))
            try:
                vectors = await asyncio.to_thread(encoder.encode, texts)
            except EncoderError:
                yield True
            else:
                yield bool(np.allclose(vectors, well, atol=1e-4))


async def _taken_over(provider: str) -> AsyncIterator[bool]:
    """The provider is dead: after the breaker has opened, an answer costs no request and no time."""
    with serving(provider) as server:
        gates = Gates(settings=GateSettings(pause_seconds=60.0))
        caller = Caller(provider, server, gates=gates)
        await caller.call()
        await caller.call(Status(500))
        await caller.again()
        for _ in range(5):
            called = await caller.again()
            yield called.text is None and called.requests == 0 and called.seconds <= 2.0


ROWS: tuple[Row, ...] = (
    Row("C1", "a truncated stream is never an answer", _truncated),
    Row(
        "C2",
        "a connection that breaks midway is typed",
        _each(
            Reply(TEXT, then=Ending.RST),
            Reply(TEXT, then=Ending.CHUNKED_CUT),
            expect=_typed(Outcome.UNREACHABLE),
            times=3,
        ),
    ),
    Row("C3", "at most four attempts", _each(Rst(), Close(), expect=_typed(Outcome.UNREACHABLE), times=3)),
    Row("C4", "a hang ends by the deadline", _each(Hang(), expect=_typed(Outcome.TIMED_OUT))),
    Row(
        "C5",
        "a slow drip ends by the deadline",
        _each(
            Drip(bytes_per_second=300),
            Reply(" ".join(["drip"] * 500), gap=0.3),
            expect=lambda called: called.text is None and _in_time(called),
        ),
    ),
    Row("C6", "never earlier than told", _asked_to_wait),
    Row("C7", "an outage costs at most twenty requests", _outage),
    Row(
        "C8",
        "a prompt too long is not sent again as it is",
        _each(ContextLengthExceeded(), expect=_once(Outcome.TOO_LONG)),
    ),
    Row(
        "C9",
        "a refused key or a missing model costs one call",
        _each(
            Status(401),
            Status(403),
            Status(404),
            expect=lambda called: (
                called.requests == 1 and called.outcome in {Outcome.AUTH, Outcome.UNREACHABLE}
            ),
        ),
    ),
    Row(
        "C10",
        "garbage and errors within a stream are typed",
        _each(
            Reply(TEXT, then=Ending.BAD_JSON),
            Reply(TEXT, then=Ending.ERROR_EVENT),
            expect=_typed(Outcome.MALFORMED, Outcome.UNREACHABLE),
            times=3,
        ),
    ),
    Row("C11", "a web page is no model", _each(Html200(), expect=_once(Outcome.MALFORMED), times=3)),
    Row(
        "C12",
        "an empty, refused or filtered reply is typed",
        _each(
            Reply(then=Ending.EMPTY),
            Reply(then=Ending.REFUSAL),
            Reply(TEXT, then=Ending.NO_CHOICES),
            Reply(TEXT, then=Ending.CONTENT_FILTER),
            expect=_typed(Outcome.MALFORMED, Outcome.REFUSED),
        ),
    ),
    Row("C13", "a reply that keeps to no form raises nothing", _garbled_forms),
    Row("C14", "an endless reply is stopped", _endless),
    Row("C15", "no bad vector is taken", _bad_vectors),
    Row(
        "C16",
        "no fault is multiplied",
        _each(
            *(Status(code) for code in (408, 429, 500, 502, 503, 529)), Rst(), Hang(), Html200(), expect=_few
        ),
    ),
    Row("C17", "a dead provider is left alone, and the next rung serves at once", _taken_over),
)

"""Vectors from a server: only good ones are taken, in the order of their texts, and every fault is said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes.errors import EncoderError
from indexes.hashing import HashingEncoder
from indexes.library import Library
from pipelines.embeddings import RemoteEncoder
from tests.faults.dialects.ollama_embed import OllamaEmbeddings
from tests.faults.dialects.openai_embed import OpenAIEmbeddings
from tests.faults.script import (
    Close,
    ContextLengthExceeded,
    Drip,
    Ending,
    Hang,
    Html200,
    Reply,
    Rst,
    Status,
    Step,
    retry_after,
)
from tests.faults.server import FaultServer

_TEXTS = ["oak and ash", "a desk in a library", "monks read here", "the moons of Jupiter"]

Spoil = Callable[[NDArray[np.float32]], NDArray[np.float32]]


_NAMES = {"openai:embed": OpenAIEmbeddings, "ollama:embed": OllamaEmbeddings}


@pytest.fixture(params=_NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """The model's name, with each of the two clients in turn."""
    return str(request.param)


@pytest.fixture
def server(name: str) -> Iterator[FaultServer]:
    """A server that speaks the protocol of the model's provider."""
    with FaultServer(_NAMES[name](), prefix="/v1" if name.startswith("openai") else "") as started:
        yield started


@pytest.fixture
def encoder(name: str, server: FaultServer) -> RemoteEncoder:
    """An encoder that has met its model: what is scripted after this meets the texts."""
    made = _encoder(server, name)
    assert made.dimensions == 384
    server.ledger.clear()
    return made


def _encoder(server: FaultServer, name: str = "openai:embed") -> RemoteEncoder:
    return RemoteEncoder(name, base_url=server.base_url, batch_seconds=1.0)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending.ONE_SHORT, "3 vectors for 4 texts"),
        (Ending.ONE_OVER, "5 vectors for 4 texts"),
        (Ending.OTHER_DIMENSION, "385 numbers instead of 384"),
        (Ending.RAGGED, "different lengths"),
        (Ending.NAN, "not finite"),
        (Ending.INFINITE, "not finite"),
        (Ending.ZEROS, "zeros"),
        (Ending.EMPTY, "No embedding data|0 vectors for 4"),
        (Ending.TRUNCATE, "connection broke"),
    ],
)
def test_bad_vectors_are_refused_whole(
    name: str, encoder: RemoteEncoder, server: FaultServer, ending: Ending, words: str
) -> None:
    server.script(Reply(then=ending))

    with pytest.raises(EncoderError, match=words) as refused:
        encoder.encode(_TEXTS)

    assert name in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("name", ["openai:embed"])
def test_vectors_that_do_not_say_which_text_they_are_for_are_refused(
    encoder: RemoteEncoder, server: FaultServer
) -> None:
    server.script(Reply(then=Ending.WITHOUT_ORDER))

    with pytest.raises(EncoderError, match="which text"):
        encoder.encode(_TEXTS)


@pytest.mark.parametrize("name", ["openai:embed"])
def test_vectors_that_come_in_another_order_are_put_back(encoder: RemoteEncoder, server: FaultServer) -> None:
    server.script(Reply(then=Ending.OUT_OF_ORDER))

    np.testing.assert_allclose(encoder.encode(_TEXTS), HashingEncoder().encode(_TEXTS), atol=1e-5)


@pytest.mark.parametrize(
    ("step", "words", "requests"),
    [
        (Rst(), "connection broke", 2),
        (Close(), "connection broke", 2),
        (Reply(then=Ending.CHUNKED_CUT), "connection broke", 2),
        (Hang(), "no vectors within 1 seconds", 1),
        (Drip(bytes_per_second=500), "no vectors within 1 seconds", 1),
        (retry_after(0), "limits the rate", 2),
        (retry_after(120), "limits the rate", 1),
        (Status(500), "failed on its side", 2),
        (Status(401), "key was refused", 1),
        (Status(404), "no such model", 1),
        (ContextLengthExceeded(), "too long", 1),
        (Html200(), "does not send", 1),
    ],
    ids=str,
)
def test_a_fault_is_one_sentence_after_two_requests_at_most_and_in_time(
    encoder: RemoteEncoder, server: FaultServer, step: Step, words: str, requests: int
) -> None:
    server.script(step)
    started = time.monotonic()

    with pytest.raises(EncoderError, match=words):
        encoder.encode(_TEXTS)

    assert len(server.ledger) == requests
    assert time.monotonic() - started < 6


def test_a_failure_that_passes_leaves_no_mark(encoder: RemoteEncoder, server: FaultServer) -> None:
    server.script(Status(503), times=1)

    assert encoder.encode(_TEXTS).shape == (4, 384)
    assert len(server.ledger) == 2


def test_many_texts_go_in_batches_of_128_and_one_bad_batch_spoils_them(
    encoder: RemoteEncoder, server: FaultServer
) -> None:
    texts = [f"note {number}" for number in range(300)]
    rows = encoder.encode(texts)
    sizes = [len(seen.request.json["input"]) for seen in server.ledger]

    server.script(Status(400), nth=2)
    with pytest.raises(EncoderError):
        encoder.encode(texts)

    assert sizes == [128, 128, 44]
    np.testing.assert_allclose(rows, HashingEncoder().encode(texts), atol=1e-5)


async def test_a_library_stores_no_bad_vector_and_goes_on_when_the_server_is_well(
    encoder: RemoteEncoder, server: FaultServer, tmp_path: Path
) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Carrels\n\nA carrel is a small desk in a library, where monks once read.\n")
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        for ending in (Ending.ZEROS, Ending.NAN, Ending.OTHER_DIMENSION, Ending.ONE_OVER):
            server.behave()
            server.script(Reply(then=ending))
            await library.add([note])
            (collection,) = await library.collections()
            assert (collection.passages, collection.embedded) == (1, 0)
        server.behave()

        await library.add([note])

        (collection,) = await library.collections()
        assert collection.embedded == 1
        assert await library.search("where did monks read?", limit=1)


def test_nothing_is_sent_that_a_provider_would_refuse(encoder: RemoteEncoder, server: FaultServer) -> None:
    encoder.encode(["", " \n", "lone \ud800 surrogate", "word " * 100_000])

    (seen,) = server.ledger
    sent = seen.request.json["input"]
    assert all(text.strip() for text in sent)
    assert max(map(len, sent)) <= 16_000


def test_the_fingerprint_stays_when_only_the_last_digits_differ() -> None:
    chance = np.random.default_rng(7)

    def shake(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors + chance.normal(0, 1e-6, vectors.shape).astype(np.float32)

    assert len({_fingerprint(shake) for _ in range(5)}) == 1


def test_another_model_behind_the_same_name_and_dimension_is_found_out() -> None:
    turns: list[Spoil] = [lambda v: v, lambda v: -v, lambda v: v[:, ::-1].copy(), lambda v: np.roll(v, 5, 1)]

    assert all(a != b for a, b in pairwise(_fingerprint(turn) for turn in turns))


def _fingerprint(spoil: Spoil) -> str:
    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return spoil(HashingEncoder().encode(texts))

    with FaultServer(OpenAIEmbeddings(embed), prefix="/v1") as server:
        return _encoder(server).fingerprint


async def test_it_may_be_called_while_an_event_loop_runs(encoder: RemoteEncoder) -> None:
    in_a_thread = asyncio.to_thread(encoder.encode, _TEXTS)

    np.testing.assert_allclose(encoder.encode(_TEXTS), await in_a_thread)


def test_the_providers_own_key_is_not_sent_to_another_address(
    name: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-canary-0123456789")

    _encoder(server, name).encode(_TEXTS)

    assert len(server.ledger) == 2
    assert not [seen for seen in server.ledger if "canary" in str(seen.request.headers)]


def test_a_key_that_the_settings_name_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = RemoteEncoder("openai:embed", base_url="http://127.0.0.1:9/v1", api_key_env="LIBRARY_KEY")

    with pytest.raises(EncoderError, match=r"\$LIBRARY_KEY, which is not set"):
        encoder.encode(_TEXTS)


@pytest.mark.parametrize("unknown", ["openai", "nobody:embed", "cohere:embed-v4", ":embed", ""])
def test_a_model_that_cannot_be_had_is_said_with_what_to_do(unknown: str) -> None:
    encoder = RemoteEncoder(unknown, base_url="http://127.0.0.1:9/v1")

    with pytest.raises(EncoderError) as refused:
        encoder.encode(_TEXTS)

    assert refused.value.hint


def test_nothing_is_asked_before_first_use(name: str, server: FaultServer) -> None:
    encoder = _encoder(server, name)

    assert (encoder.name, encoder.count_tokens(["two words"])) == (name, [2])
    assert len(server.ledger) == 0

"""What proves that a streamed reply is whole, and what is noticed before its end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata

from pipelines.errors import ModelMalformed, ModelRefused, ModelUnreachable
from pipelines.proof import Proof, text_of

_USAGE = UsageMetadata(input_tokens=9, output_tokens=4, total_tokens=13)


def _seen(*chunks: AIMessageChunk) -> Proof:
    proof = Proof("openai:m")
    for chunk in chunks:
        proof.see(chunk)
        proof.shown += len(text_of(chunk))
    return proof


def _text(text: str) -> AIMessageChunk:
    return AIMessageChunk(content=text)


def _counted(text: str = "") -> AIMessageChunk:
    return AIMessageChunk(content=text, usage_metadata=_USAGE)


def _told(**metadata: object) -> AIMessageChunk:
    return AIMessageChunk(content="", response_metadata=metadata)


@pytest.mark.parametrize(
    "last",
    [
        _told(finish_reason="stop"),
        _told(stop_reason="end_turn"),
        _told(done=True, done_reason="stop"),
        _told(done=True),
        _counted(),
    ],
    ids=["OpenAI's reason", "Anthropic's reason", "Ollama's reason", "Ollama's bare end", "a final count"],
)
def test_any_provider_s_word_of_the_end_is_proof(last: AIMessageChunk) -> None:
    _seen(_text("A carrel."), last, _text("")).check()


@pytest.mark.parametrize(
    "chunks",
    [
        [_text("A carrel")],
        [_text("A carrel"), _told(done=False)],
        [_counted("A carrel")],
        [_text("A"), _counted(), _text(" carrel")],
    ],
    ids=["nothing", "not done yet", "a count along the way", "more text after the count"],
)
def test_without_proof_text_is_half_an_answer(chunks: list[AIMessageChunk]) -> None:
    with pytest.raises(ModelUnreachable, match="broke off"):
        _seen(*chunks).check()


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded"])
def test_the_limit_on_tokens_is_known_by_each_of_its_names(reason: str) -> None:
    assert _seen(_text("A carrel"), _told(finish_reason=reason)).truncated


@pytest.mark.parametrize("reason", ["content_filter", "refusal", "SAFETY", "PROHIBITED_CONTENT"])
def test_to_decline_is_no_answer_whatever_it_is_called(reason: str) -> None:
    with pytest.raises(ModelRefused):
        _seen(_text("I cannot"), _told(finish_reason=reason)).check()


def test_a_limit_used_up_by_thinking_is_said_as_such() -> None:
    with pytest.raises(ModelMalformed, match="used up its limit") as empty:
        _seen(_told(finish_reason="length")).check()

    assert "max_output_tokens" in empty.value.hint


@pytest.mark.parametrize(
    "passage",
    [
        "Let me check the sources once more. ",
        "the ",
        "\n",
        "| | ",
        "".join(f"Step {n} of the plan is to look at source {n}. " for n in range(20)),
    ],
    ids=["a sentence", "a word", "blank lines", "an empty table", "a page"],
)
@pytest.mark.parametrize("size", [1, 7, 4_000])
def test_a_passage_said_over_and_over_is_a_loop(passage: str, size: int) -> None:
    text = "A carrel is a desk. " + passage * (12_000 // len(passage))

    with pytest.raises(ModelMalformed, match="repeats itself"):
        _seen(*(_text(text[start : start + size]) for start in range(0, len(text), size)))


def test_thinking_aside_in_circles_is_a_loop_too() -> None:
    thought = AIMessageChunk(
        content=[{"type": "thinking", "thinking": "But wait, what about the oak? " * 40}]
    )

    with pytest.raises(ModelMalformed, match="repeats itself"):
        _seen(thought)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"| bed {n} | {n * 3} beans | {n} slugs |" for n in range(400)),
        "See [1]. " * 20,
        "-" * 300 + "\n" + "A table follows. " + "=" * 300,
        "No. " * 60,
    ],
    ids=["a long table", "a citation often", "rules of dashes", "a refrain"],
)
def test_what_only_looks_alike_is_no_loop(text: str) -> None:
    _seen(
        *(_text(text[start : start + 5]) for start in range(0, len(text), 5)), _told(finish_reason="stop")
    ).check()


def test_a_reply_has_an_upper_end() -> None:
    with pytest.raises(ModelMalformed, match="64000"):
        _seen(_text("".join(f"{n:x}-" for n in range(20_000))))


_ANY = st.text(max_size=12) | st.none() | st.booleans() | st.integers() | st.lists(st.text(max_size=3))
_ANY_CHUNK = st.builds(
    AIMessageChunk,
    content=st.text(max_size=200) | st.lists(st.dictionaries(st.text(max_size=8), st.text(max_size=20))),
    response_metadata=st.dictionaries(
        st.sampled_from(["finish_reason", "stop_reason", "done_reason", "done", "model"]), _ANY
    ),
    additional_kwargs=st.dictionaries(st.sampled_from(["refusal", "reasoning_content", "tool"]), _ANY),
    usage_metadata=st.none() | st.just(_USAGE),
)


@settings(deadline=None)
@given(st.lists(_ANY_CHUNK, max_size=8))
def test_whatever_a_server_streams_is_an_answer_or_one_of_our_errors(chunks: list[AIMessageChunk]) -> None:
    try:
        proof = _seen(*chunks)
        proof.check()
    except (ModelMalformed, ModelRefused, ModelUnreachable):
        return
    assert proof.shown


@settings(deadline=None)
@given(st.text(min_size=1, max_size=600), st.lists(st.integers(1, 600), max_size=6))
def test_a_reply_is_no_answer_before_its_end_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut % len(text) for cut in cuts)})
    chunks = [_text(text[start:end]) for start, end in pairwise(places)]
    try:
        broken_off = _seen(*chunks)
        whole = _seen(*chunks, _told(finish_reason="stop"))
    except ModelMalformed:
        return  # it repeats itself
    with pytest.raises(ModelUnreachable):
        broken_off.check()
    whole.check()

"""Watches a streamed reply for proof that it is whole, and for what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexes.clean import clean_line
from pipelines.errors import ModelMalformed, ModelRefused, ModelUnreachable
from pipelines.types import Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

__all__ = ["Proof", "text_of"]

_LONGEST_REPLY_CHARACTERS = 64_000
_LONGEST_REPEATED_CHARACTERS = 2_000
"""Longest passage whose repetition is noticed before the cap is reached."""
_REPEATS = 8
_SHORTEST_REPEATED_CHARACTERS = 80
"""A shorter passage counts as one of this length: a rule of dashes or a row of dots is no loop."""
_PROBE_CHARACTERS = 40

_CUT_SHORT = {"length", "max_tokens", "model_length", "model_context_window_exceeded"}
_DECLINED = {"content_filter", "refusal", "safety", "prohibited_content", "blocklist", "recitation", "spii"}


class Proof:
    """Watches a reply for proof that it is whole, and for what it cost."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.usage = Usage()
        self.shown = 0
        """Characters that were passed on; a reply of thinking alone shows nothing."""
        self._finish = ""
        self._ended = False
        self._seen = 0
        self._tail = ""
        self._unchecked = 0
        """Characters since the tail was last looked at for a loop."""
        self._refusal = ""

    @property
    def truncated(self) -> bool:
        """Whether the reply ended because the model may not write more."""
        return self._finish in _CUT_SHORT

    def see(self, chunk: AIMessageChunk) -> None:
        """Takes note of one more piece.

        Raises:
            ModelMalformed: The reply grows without end, or says the same over and over.
        """
        metadata = chunk.response_metadata or {}
        stated = metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("done_reason")
        self._finish = str(stated or self._finish).lower()
        self._refusal += str((chunk.additional_kwargs or {}).get("refusal") or "")
        text = text_of(chunk)
        if text:
            # Some servers count tokens as they go: only what is counted after the last piece proves its end.
            self._ended = False
        if chunk.usage_metadata:
            self.usage += Usage(
                input_tokens=chunk.usage_metadata.get("input_tokens", 0),
                output_tokens=chunk.usage_metadata.get("output_tokens", 0),
            )
            self._ended = self._ended or not text
        # Ollama's last line says so, and on good replies too it sometimes gives no reason.
        self._ended = self._ended or metadata.get("done") is True
        self._watch(text + _thinking_of(chunk))

    def check(self) -> None:
        """Returns when the reply is an answer.

        Raises:
            ModelRefused: The model declined.
            ModelMalformed: There is nothing in it.
            ModelUnreachable: It broke off.
        """
        if self._refusal or self._finish in _DECLINED:
            raise ModelRefused(f"{self.name} declined to answer. {clean_line(self._refusal, 200)}".strip())
        proven = bool(self._finish) or self._ended
        if not proven and not self.shown:
            raise ModelMalformed(
                f"{self.name} sent no reply at all; what answers at its address may not be a model.",
                hint="Check the base URL that the settings give.",
            )
        if not proven:
            raise ModelUnreachable(f"{self.name}: the reply broke off before its end.")
        if not self.shown and self.truncated:
            raise ModelMalformed(
                f"{self.name} used up its limit on tokens before it had written anything.",
                hint="Raise `max_output_tokens`: models that think aloud need room for it.",
            )
        if not self.shown:
            raise ModelMalformed(f"{self.name} sent an empty reply, as some servers do to decline.")

    def _watch(self, text: str) -> None:
        self._seen += len(text)
        if self._seen > _LONGEST_REPLY_CHARACTERS:
            raise ModelMalformed(
                f"{self.name} wrote more than {_LONGEST_REPLY_CHARACTERS} characters; stopped."
            )
        self._tail = (self._tail + text)[-_REPEATS * _LONGEST_REPEATED_CHARACTERS :]
        self._unchecked += len(text)
        if self._unchecked < _SHORTEST_REPEATED_CHARACTERS:
            return
        self._unchecked = 0
        if _goes_in_circles(self._tail):
            raise ModelMalformed(f"{self.name} repeats itself without end; stopped.")


def _goes_in_circles(text: str) -> bool:
    """Whether the text ends with one passage, eight times or more."""
    probe = text[-_PROBE_CHARACTERS:]
    earlier = text.rfind(probe, 0, len(text) - 1)
    if earlier < 0:
        return False
    period = len(text) - len(probe) - earlier
    span = _REPEATS * max(period, _SHORTEST_REPEATED_CHARACTERS)
    return len(text) >= span and text[-span:-period] == text[-span + period :]


def _thinking_of(chunk: AIMessageChunk) -> str:
    """What a model thinks aloud beside its text; it can run in circles there too."""
    aside = str((chunk.additional_kwargs or {}).get("reasoning_content") or "")
    if isinstance(chunk.content, str):
        return aside
    return aside + "".join(
        str(block.get("thinking") or "") for block in chunk.content if isinstance(block, dict)
    )


def text_of(chunk: AIMessageChunk) -> str:
    """The chunk's text, whichever form its provider gives content in."""
    content = chunk.content
    if isinstance(content, str):
        return content
    return "".join(
        str(block.get("text", ""))
        for block in content
        if isinstance(block, dict) and block.get("type") == "text"
    )

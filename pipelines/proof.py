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


class Proof:
    """Watches a reply for proof that it is whole, and for what it cost."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.usage = Usage()
        self.shown = 0
        """Characters that were passed on; a reply of thinking alone shows nothing."""
        self._finish = ""
        self._seen = 0
        self._refusal = ""

    @property
    def truncated(self) -> bool:
        """Whether the reply ended because the model may not write more."""
        return self._finish in {"length", "max_tokens", "MAX_TOKENS"}

    def see(self, chunk: AIMessageChunk) -> None:
        """Takes note of one more piece.

        Raises:
            ModelMalformed: The reply grows without end.
        """
        metadata = chunk.response_metadata or {}
        self._finish = str(
            metadata.get("finish_reason")
            or metadata.get("stop_reason")
            or metadata.get("done_reason")
            or self._finish
        )
        self._refusal += str((chunk.additional_kwargs or {}).get("refusal") or "")
        if chunk.usage_metadata:
            self.usage += Usage(
                input_tokens=chunk.usage_metadata.get("input_tokens", 0),
                output_tokens=chunk.usage_metadata.get("output_tokens", 0),
            )
        self._seen += len(text_of(chunk))
        if self._seen > _LONGEST_REPLY_CHARACTERS:
            raise ModelMalformed(
                f"{self.name} wrote more than {_LONGEST_REPLY_CHARACTERS} characters; stopped."
            )

    def check(self) -> None:
        """Returns when the reply is an answer.

        Raises:
            ModelRefused: The model declined.
            ModelMalformed: There is nothing in it.
            ModelUnreachable: It broke off.
        """
        if self._refusal or self._finish in {"content_filter", "refusal", "SAFETY"}:
            raise ModelRefused(f"{self.name} declined to answer. {clean_line(self._refusal, 200)}".strip())
        proven = bool(self._finish) or self.usage.output_tokens > 0
        if not proven and not self.shown:
            raise ModelMalformed(
                f"{self.name} sent no reply at all; what answers at its address may not be a model.",
                hint="Check the base URL: it usually ends in /v1.",
            )
        if not proven:
            raise ModelUnreachable(f"{self.name}: the reply broke off before its end.")
        if not self.shown:
            raise ModelMalformed(f"{self.name} sent an empty reply, as some servers do to decline.")


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

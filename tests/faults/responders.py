"""What a scripted model says: deterministic functions of the messages it was sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Message", "Responder", "answering", "obedient"]


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: str
    content: str

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Message:
        """Reads a message whose content is a string or a list of text parts."""
        content = entry.get("content") or ""
        if not isinstance(content, str):
            content = "".join(str(part.get("text", "")) for part in content)
        return cls(str(entry.get("role", "")), content)


Responder = Callable[[Sequence[Message]], str]

_SENTENCE = re.compile(r"[^.!?]*\w[^.!?]*[.!?](?=\s|$)")
_DATA = re.compile(r"<evidence>\n(.*)\n</evidence>", re.DOTALL)
_HEADING = r"^\[(\d+)\] [^\n]*, page \d+\n"
_NUMBERED = re.compile(_HEADING + rf"(.*?)(?={_HEADING.replace('(', '(?:')}|\Z)", re.MULTILINE | re.DOTALL)
_ORDER = re.compile(
    r"(?:ignore|disregard|forget)[^.\n]*(?:instructions?|prompts?|above)|"
    r"(?:you must|you are now|system:|instead,|RELEVANCE: 10|"
    r"please (?:say|write|visit|search|open|send|include))",
    re.IGNORECASE,
)


def answering(messages: Sequence[Message]) -> str:
    """Behaves as a good model does.

    A document's excerpts are summarised by the two sentences that fit the question best; numbered evidence is
    answered from with one sentence each of the first two, cited; other data is not there, so the kind of a
    question is "general" and any other prompt is merely noted.
    """
    told = "\n".join(message.content for message in messages if message.role == "system")
    prompt = "\n".join(message.content for message in messages if message.role != "system")
    data = _DATA.search(prompt)
    if data is None:
        return "general" if "one of these words" in told else f"Noted ({_fingerprint(prompt)})."
    question = prompt.replace(data.group(), "")
    if "RELEVANCE:" in told:
        return f"RELEVANCE: 8\nSUMMARY: {_best(data.group(1), question, 2)}"
    numbered = _NUMBERED.findall(data.group(1))[:2]
    return " ".join(f"{_best(text, question, 1)[:-1]} [{number}]." for number, text in numbered)


def obedient(messages: Sequence[Message]) -> str:
    """Does what the documents say: repeats the first order found in them, with what follows it there.

    Safety must not depend on the model, so with this one nothing may happen that was not planned.
    """
    for message in messages:
        if message.role != "system" and (order := _ORDER.search(message.content)):
            said, _, _ = message.content[order.start() : order.start() + 2000].partition("\n</evidence>")
            return said
    return answering(messages)


def _best(text: str, question: str, count: int) -> str:
    """The `count` sentences of `text` that share most words with `question`, in their order."""
    wanted = set(re.findall(r"\w{4,}", question.lower()))
    sentences = [match.group().strip() for match in _SENTENCE.finditer(" ".join(text.split()))]
    ranked = sorted(sentences, key=lambda each: -len(wanted & set(re.findall(r"\w{4,}", each.lower()))))
    chosen = set(ranked[:count])
    return " ".join(sentence for sentence in sentences if sentence in chosen)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

"""How far a question, or adding papers, has come: one line that says it, and the text so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from assistant.counting import counted
from indexes.clean import clean, clean_line
from indexes.events import Added, AddEvent, Embedded, FileDone, FilesFound
from indexes.types import Fate
from pipelines.events import (
    AskEvent,
    Done,
    Drafted,
    Failed,
    FellBack,
    HitsFound,
    Retrying,
    StepEnded,
    StepStarted,
    Token,
)
from pipelines.types import Answer

__all__ = ["AddProgress", "AskProgress", "Progress"]

_ARROW = " › "
_FAILED = (Fate.FAILED, Fate.FAILED_FOR_NOW)


class Progress(Protocol):
    """What is known of some work from its events."""

    text: str
    """What stands below the line; may be empty."""

    def see(self, event: AskEvent | AddEvent) -> None:
        """Takes in what has happened."""
        ...

    def stop(self) -> None:
        """Takes in that it will not be finished."""
        ...

    def line(self, seconds: float) -> str:
        """Says how far it has come, after so many seconds."""
        ...


@dataclass
class _Step:
    """A step with its branches; a step without any has one that is nameless."""

    detail: str = ""
    branches: dict[str, bool] = field(default_factory=dict)
    """Whether it is over, by branch."""

    def said(self, name: str) -> str:
        over = sum(self.branches.values())
        many = (
            f"{over} of {len(self.branches)}" if len(self.branches) > 1 and not self.detail else self.detail
        )
        return f"{name}: {many}" if many else name


class AskProgress:
    """A question on its way."""

    def __init__(self, *, resumable: bool = True) -> None:
        """Begins with nothing.

        Args:
            resumable: Whether the question can be gone on with after a stop.
        """
        self.text = ""
        self._resumable = resumable
        self._steps: dict[str, _Step] = {}
        self._end = ""

    def see(self, event: AskEvent | AddEvent) -> None:
        """Takes in what has happened; text of a rung that failed is void."""
        match event:
            case StepStarted(step=step, branch=branch, model=model):
                known = self._steps.setdefault(step, _Step())
                known.branches[branch] = False
                if step == "reason":
                    known.detail = clean_line(model, 60)
            case StepEnded(span=span):
                self._steps.setdefault(span.name, _Step()).branches[span.branch] = True
            case HitsFound(retriever=retriever, count=count):
                found = f"{count} by {clean_line(retriever, 30)}"
                known = self._steps.setdefault("retrieve", _Step())
                known.detail = f"{known.detail}, {found}" if known.detail else found
            case Retrying(step=step, wait_seconds=wait):
                self._void(step, f"again in {wait:.1f} s")
            case FellBack(step=step, branch="", to_rung=rung):
                self._void(step, clean_line(rung, 60))
            case Token(text=text):
                self.text += clean(text)
            case Drafted(draft=draft):
                self.text = clean(draft.text)
            case Done(answer=answer):
                self.text, self._end = "", _answered(answer)
            case Failed(message=message):
                self.text, self._end = "", f"No answer after {{}} s. {clean_line(message)}"
            case _:
                pass

    def stop(self) -> None:
        """Takes in that it will not be finished; the text so far stays."""
        said = "Stopped after {} s."
        if self.text:
            said += " This is the text so far, unverified."
        if self._resumable:
            said += ' To go on, and pay for nothing twice: assistant.ask(resume="last")'
        self._end = said

    def line(self, seconds: float) -> str:
        """Says which steps there were and which runs."""
        if self._end:
            return self._end.replace("{}", f"{seconds:.1f}", 1)
        steps = _ARROW.join(step.said(name) for name, step in self._steps.items())
        return f"{steps or 'opening the library'} … {seconds:.1f} s"

    def _void(self, step: str, detail: str) -> None:
        if step == "reason":
            self.text = ""
        self._steps.setdefault(step, _Step()).detail = detail


class AddProgress:
    """Papers being added."""

    text = ""

    def __init__(self) -> None:
        self._said = "looking for files"
        self._failed = 0
        self._end = ""

    def see(self, event: AskEvent | AddEvent) -> None:
        """Takes in what has happened."""
        match event:
            case FilesFound(total=total):
                self._said = f"reading: 0 of {counted(total, 'file')}"
            case FileDone(fate=fate, done=done, total=total):
                self._failed += fate in _FAILED
                failed = f", {self._failed:,} failed" if self._failed else ""
                self._said = f"reading: {done:,} of {counted(total, 'file')}{failed}"
            case Embedded(done=done, total=total):
                self._said = f"embedding: {done:,} of {counted(total, 'passage')}"
            case Added():
                self._end = "Added in {} s."
            case _:
                pass

    def stop(self) -> None:
        """Takes in that it will not be finished."""
        self._end = f"Stopped after {{}} s, {self._said}. What was added stays; add it again to go on."

    def line(self, seconds: float) -> str:
        """Says how many files or passages are done."""
        if self._end:
            return self._end.replace("{}", f"{seconds:.1f}", 1)
        return f"{self._said} … {seconds:.1f} s"


def _answered(answer: Answer) -> str:
    """With the seconds left open, as `{}`."""
    if not answer.found:
        return "Nothing was found, in {} s."
    if not answer.usage.calls:
        return "Answered in {} s, without a model."
    cost = f", ${answer.usage.cost_usd:.4f}" if answer.usage.cost_usd else ""
    calls = counted(answer.usage.calls, "model call")
    return f"Answered in {{}} s by {clean_line(answer.author, 60)}, {calls}{cost}."

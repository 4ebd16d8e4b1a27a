"""Tells on stderr what happens while a question is answered or papers are added, in plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from assistant.cli.outlet import is_terminal, say
from assistant.events import (
    Added,
    AddEvent,
    AskEvent,
    Classified,
    Decided,
    Done,
    Embedded,
    EvidenceReady,
    Fate,
    FellBack,
    FileDone,
    FilesFound,
    HitsFound,
    Noted,
    Outcome,
    Retrying,
    Routed,
    Spent,
    StepEnded,
    StepSkipped,
    StepStarted,
    Summarised,
    Token,
    Usage,
)
from assistant.pace import Pace
from assistant.render import brief_notes
from indexes.clean import clean_line

__all__ = ["Narrator", "spent_words"]

_LINE_EVERY_SECONDS = 5.0
"""How often progress is told where it cannot be overwritten."""
_WIDTH = 78
_GOOD = (Outcome.OK, Outcome.SKIPPED, Outcome.NOTHING_FOUND)


class Narrator:
    """Turns events into lines. The progress line is overwritten on a terminal, and sparse elsewhere."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        line_every_seconds: float = _LINE_EVERY_SECONDS,
        write: Callable[[str], None] | None = None,
    ) -> None:
        """Begins.

        Args:
            quiet: Says nothing.
            verbose: Says more.
            line_every_seconds: How often progress is told where it cannot be overwritten.
            write: Takes each line; `None` means stderr, which is the only place where one is overwritten.
        """
        self._say = write or say
        self._quiet = quiet
        self._verbose = verbose
        self._line_every_seconds = line_every_seconds
        self._overwrites = write is None and is_terminal(sys.stderr)
        self._shown = ""
        self._next_line = time.monotonic() + line_every_seconds
        self._words = 0
        self._reading, self._embedding, self._failed = Pace(), Pace(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def tell(self, event: AskEvent | AddEvent) -> None:
        """Says what the event says; many need no words."""
        match event:
            case StepStarted(step=step, rung=rung, branch=branch, model=model):
                self.progress(f"{_step(step, branch)}: {rung}{f' ({model})' if model else ''} ...")
            case StepEnded(span=span) if span.status in _GOOD or span.status is Outcome.CANCELLED:
                told = f"{_step(span.name, span.branch)}: {span.rung}, {span.seconds:.2f} s"
                self.line(told + _afterthought(span.status, span.usage if self._verbose else Usage()))
            case StepEnded(span=span):
                told = (
                    f"{_step(span.name, span.branch)}: {span.rung}, {span.seconds:.2f} s, {span.status.value}"
                )
                self.line(f"{told}: {span.error}" if span.error else told)
            case StepSkipped(step=step, why=why):
                self.line(f"{step}: skipped. {why}")
            case FellBack(step=step, branch=branch, to_rung=to_rung, from_rung=from_rung, why=why):
                what = "left out" if to_rung == "left out" else f"“{to_rung}” in place of “{from_rung}”"
                self.line(f"{_step(step, branch)}: {what}. {why}")
            case Retrying(step=step, branch=branch, rung=rung, wait_seconds=wait, why=why):
                self.line(f"{_step(step, branch)}: {rung} again in {wait:.1f} s. {why}")
            case Classified(query=query):
                domain = ", ".join(query.domain) or "all collections"
                self.line(f"question: {query.kind.value}, sure {query.confidence:.2f}, in {domain}")
            case Routed(route=route):
                self.line(f"route: {route.name}. {route.why}")
            case HitsFound(retriever=retriever, count=count, titles=titles):
                best = f", best: {'; '.join(titles)}" if titles and self._verbose else ""
                self.line(f"{retriever}: {count} passages{best}")
            case Summarised(evidence=evidence):
                self.detail(f"read: {evidence.document.title}, p. {evidence.page}")
            case EvidenceReady(evidence=evidence):
                self.line(f"evidence: {len(evidence)} source{'' if len(evidence) == 1 else 's'}")
            case Token(text=text):
                self._words += len(text.split())
                self.progress(f"writing: {self._words} words")
            case Decided(choice=choice, by=by):
                self.line(f"decided: {choice} (by {by})")
            case Noted(note=note):
                self.line(f"note: {note}")
            case Spent(usage=usage):
                self.detail(f"spent so far: {spent_words(usage)}")
            case Done(answer=answer):
                self.line(f"done: {answer.author or 'no model'}, {spent_words(answer.usage)}")
            case _:
                self._tell_adding(event)

    def _tell_adding(self, event: AskEvent | AddEvent) -> None:
        match event:
            case FilesFound(total=total):
                self.line(f"found: {total} file{'' if total == 1 else 's'}")
                self._reading, self._embedding, self._failed = Pace(), Pace(), 0
            case FileDone(path=path, fate=fate, reason=reason, done=done, total=total):
                if fate in (Fate.FAILED, Fate.FAILED_FOR_NOW, Fate.SKIPPED):
                    self.line(f"{fate.value}: {path}: {reason}")
                else:
                    self.detail(f"{fate.value}: {path}")
                self._failed += fate in (Fate.FAILED, Fate.FAILED_FOR_NOW)
                self.progress(f"reading: {self._reading.words(done, total, 'files', failed=self._failed)}")
            case Embedded(done=done, total=total):
                self.progress(f"embedding: {self._embedding.words(done, total, 'passages')}")
            case Added(report=report):
                for note in report.notes if self._verbose else brief_notes(report.notes):
                    self.line(f"note: {note}")
                self.line(f"done: {report.seconds:.1f} s")
            case _:
                pass

    def line(self, text: str) -> None:
        """Says a line that stays."""
        if not self._quiet:
            self.clear()
            self._say(clean_line(text, 1000))

    def detail(self, text: str) -> None:
        """Says a line that only `-v` shows."""
        if self._verbose:
            self.line(text)

    def progress(self, text: str) -> None:
        """Shows a line that the next one replaces; where nothing can be replaced, one every few seconds."""
        if self._quiet:
            return
        if self._overwrites:
            self._shown = clean_line(text, _WIDTH)
            sys.stderr.write(f"\r\x1b[K{self._shown}")
            sys.stderr.flush()
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + self._line_every_seconds
            self._say(clean_line(text, _WIDTH))

    def clear(self) -> None:
        """Takes the progress line away."""
        if self._shown:
            self._shown = ""
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def spent_words(usage: Usage) -> str:
    """What was spent, in words."""
    said = [f"{usage.seconds:.2f} s"]
    if usage.calls:
        said.append(f"{usage.calls} model call{'' if usage.calls == 1 else 's'}")
    if usage.input_tokens or usage.output_tokens:
        said.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    if usage.web_searches:
        said.append(f"{usage.web_searches} web search{'' if usage.web_searches == 1 else 'es'}")
    if usage.cost_usd is not None:
        said.append(f"${usage.cost_usd:.4f}")
    return ", ".join(said)


def _step(step: str, branch: str) -> str:
    return f"{step} [{clean_line(branch, 60)}]" if branch else step


def _afterthought(status: Outcome, usage: Usage) -> str:
    words = "" if status is Outcome.OK else f", {status.value}"
    return words + (f" ({spent_words(usage)})" if usage.calls else "")

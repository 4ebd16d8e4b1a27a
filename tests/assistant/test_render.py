"""Renderings of an answer: what is marked, what is listed, and that hostile text stays text."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets.config import Config

from assistant.envelope import error_json, to_json
from assistant.html import to_html
from assistant.notebook import load_ipython_extension
from assistant.render import UNSUPPORTED, brief_notes, hits_text, to_markdown, to_text
from indexes.clean import clean
from indexes.errors import CarrelError
from indexes.types import AddReport, Document, Fate, Hit, Hits, Passage
from pipelines.types import Answer, Citation, Claim, Degradation, Evidence, Outcome, Query, Route

HOSTILE = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\u202egnp.exe\u202c\x9b31m<script>alert(1)</script>[b][/]"


def document(title: str = "On Retries", *, origin: str = "library") -> Document:
    source = "/papers/retries.pdf" if origin == "library" else "https://example.org/retries"
    return Document.model_validate({"id": "d", "source": source, "title": title, "origin": origin})


def hit(text: str = "Jitter spreads retries.", *, title: str = "On Retries", origin: str = "library") -> Hit:
    passage = Passage(id="d:0", document_id="d", text=text, start=0, end=len(text), page=3)
    return Hit(
        passage=passage, document=document(title, origin=origin), score=1.0, rank=1, retriever="keyword"
    )


def answer(text: str = "Jitter helps [1]. Nobody knows why.", **changes: Any) -> Answer:
    first, second = text.index("]") + 2, len(text)
    evidence = Evidence(
        id=1,
        hits=(hit(),),
        quote="Jitter spreads retries.",
        quote_start=0,
        summary="Jitter spreads retries.",
        relevance=0.9,
    )
    values: dict[str, Any] = {
        "query": Query(text="Why jitter?"),
        "route": Route(name="library", steps=("retrieve",), why="There are papers."),
        "text": text,
        "citations": (Citation(evidence_id=1, start=13, end=16, verified=True, support=0.9),),
        "claims": (
            Claim(start=0, end=first, support=0.9, supported=True),
            Claim(start=first + 1, end=second, support=0.0, supported=False),
        ),
        "evidence": (evidence,),
        "notes": ("Search was by keyword.",),
        "author": "extractive",
    }
    return Answer(**{**values, **changes})


def test_markdown_holds_the_answer_its_sources_and_notes() -> None:
    assert to_markdown(answer()) == (
        f"Jitter helps [1]. Nobody knows why. {UNSUPPORTED}\n\n"
        "## Sources\n\n"
        "- [1] On Retries, p. 3 (retries.pdf) “Jitter spreads retries.” verified\n\n"
        "## Notes\n\n"
        "- Search was by keyword.\n"
    )


def test_plain_text_says_the_same_without_signs_for_headings() -> None:
    text = to_text(answer())
    assert "#" not in text
    assert f"Nobody knows why. {UNSUPPORTED}" in text
    assert "[1] On Retries, p. 3 (retries.pdf) “Jitter spreads retries.” verified" in text


def test_a_supported_answer_has_no_marks() -> None:
    claims = (Claim(start=0, end=17, support=0.9, supported=True),)
    assert UNSUPPORTED not in to_markdown(answer("Jitter helps [1].", claims=claims))


def test_a_quote_that_was_not_found_is_said_to_be_not_verified() -> None:
    citation = Citation(evidence_id=1, start=13, end=16, verified=False, support=0.1)
    assert "” not verified" in to_text(answer(citations=(citation,)))


def test_evidence_from_the_web_is_marked() -> None:
    evidence = answer().evidence[0].model_copy(update={"hits": (hit(origin="web"),)})
    assert "[1] On Retries (web: https://example.org/retries)" in to_text(answer(evidence=(evidence,)))


def test_evidence_that_is_not_cited_is_not_listed_as_a_source() -> None:
    assert "On Retries" not in to_text(answer(citations=()))


def test_a_fallback_is_told_as_a_sentence() -> None:
    fallback = Degradation(
        step="reason",
        rung="extractively",
        instead_of="by reasoning model",
        outcome=Outcome.TIMED_OUT,
        why="It took longer than 30 seconds.",
    )
    told = (
        "Fallback in reason: “extractively” in place of “by reasoning model”. It took longer than 30 seconds."
    )
    assert told in to_text(answer(degraded=(fallback,)))


def test_an_answer_without_evidence_does_not_repeat_that_each_source_was_empty() -> None:
    empty, broken = (
        Degradation(step="retrieve", rung="the web", instead_of="fused", outcome=outcome, why=why)
        for outcome, why in ((Outcome.NOTHING_FOUND, "It is empty."), (Outcome.INTERNAL, "It is broken."))
    )
    told = to_text(answer("Nothing bears on it [1].", evidence=(), citations=(), degraded=(empty, broken)))
    assert "It is broken." in told
    assert "It is empty." not in told


def test_of_many_notes_the_first_are_told_and_the_others_counted() -> None:
    notes = [f"paper-{number}.pdf: 3 unsafe characters removed" for number in range(9)]
    assert brief_notes(notes) == [*notes[:3], "and 6 more notes"]
    assert brief_notes(notes[:3]) == notes[:3]


def test_json_is_exact_versioned_and_reads_back() -> None:
    document = json.loads(to_json("ask", answer()))
    assert (document["schema_version"], document["command"]) == (1, "ask")
    assert Answer.model_validate(document["data"]) == answer()


def test_an_error_as_json_has_kind_message_and_hint() -> None:
    document = json.loads(error_json("add", CarrelError("It broke.", hint="Mend it.")))
    said = {"kind": "CarrelError", "message": "It broke.", "hint": "Mend it.", "stage": "command"}
    assert document["error"] == said


def hostile_answer(text: str) -> Answer:
    """Hostile text in every place that comes from a paper, the web or a model."""
    foreign = hit(text, title=text)
    evidence = Evidence(id=1, hits=(foreign,), quote=text, quote_start=0, summary=text, relevance=0.5)
    return answer(
        text=f"[1]{text}",
        claims=(Claim(start=0, end=3 + len(text), support=0.0, supported=False),),
        citations=(Citation(evidence_id=1, start=0, end=3, verified=False, support=0.0),),
        evidence=(evidence,),
        notes=(text,),
    )


@given(st.text())
def test_no_rendering_lets_an_unsafe_character_through(text: str) -> None:
    hostile = hostile_answer(HOSTILE + text)
    hits = Hits(hits=(hit(text, title=text),), notes=(text,))
    for rendered in (
        to_markdown(hostile),
        to_text(hostile),
        to_html(hostile),
        to_json("ask", hostile),
        hits_text(hits, markdown=True),
        hits_text(hits, markdown=False),
    ):
        assert clean(rendered) == rendered or rendered.isascii()
        assert "\x1b" not in rendered


@given(st.text())
def test_no_text_can_hide_the_mark_of_an_unsupported_sentence(text: str) -> None:
    assert UNSUPPORTED in to_markdown(hostile_answer(text)).split("## Sources")[0]


ALLOWED_TAGS = set(
    "details summary div p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong hr br table thead tbody tr th td".split()
)


@given(st.text())
def test_html_has_only_tags_of_a_fixed_list(text: str) -> None:
    html = to_html(hostile_answer(f"{HOSTILE}{text}"))
    assert set(re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)", html)) <= ALLOWED_TAGS


@pytest.mark.parametrize(
    "markdown",
    [
        "[click](javascript:alert(1))",
        "![x](http://example.org/beacon.png)",
        "<img src=x onerror=alert(1)>",
        "<javascript:alert(1)>",
        '```"><script>\nx\n```',
        "[r]: javascript:alert(1)\n\n[r]",
    ],
)
def test_html_has_no_link_image_or_script(markdown: str) -> None:
    html = to_html(answer(text=f"[1] {markdown}", claims=()))
    assert not re.search(r"<(a|img|script)\b|<[^>]*\s(href|src|on\w+)=", html)


def test_hits_are_listed_best_first_with_their_place() -> None:
    text = hits_text(Hits(hits=(hit(),), notes=("By keyword only.",)), markdown=False)
    assert text == "1. On Retries, p. 3 (retries.pdf)\n   Jitter spreads retries.\n\nBy keyword only.\n"


def test_no_hits_are_said_in_words() -> None:
    assert hits_text(Hits(), markdown=False) == "Nothing found.\n"


def test_a_title_with_signs_stays_as_it_is_in_markdown() -> None:
    rendered = hits_text(Hits(hits=(hit(title="The *p* < 0.05 [b] problem"),)), markdown=True)
    assert r"The \*p\* \< 0.05 \[b] problem" in rendered


@pytest.fixture
def shell() -> Any:
    """IPython as a notebook has it, without a history to keep."""
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    shell = interactive.InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    load_ipython_extension(shell)
    return shell


def test_a_notebook_shows_an_answer_as_html_markdown_and_text(shell: Any) -> None:
    data, _ = shell.display_formatter.format(answer())
    assert data["text/html"] == to_html(answer())
    assert data["text/markdown"] == to_markdown(answer())
    assert data["text/plain"] == to_text(answer()).rstrip()


def test_a_notebook_shows_hits_and_what_was_added_in_words(shell: Any) -> None:
    data, _ = shell.display_formatter.format(Hits(hits=(hit(HOSTILE, title="<b>Hits</b>"),)))
    assert "<strong>&lt;b&gt;Hits&lt;/b&gt;, p. 3 (retries.pdf)</strong>" in data["text/html"]
    assert "<script" not in data["text/html"]
    assert data["text/plain"].startswith("1. <b>Hits</b>, p. 3 (retries.pdf)")
    report = AddReport(counts={Fate.INDEXED: 2}, failures=(("<i>.pdf", "It is locked."),), pages=3)
    data, _ = shell.display_formatter.format(report)
    assert "Added 2 documents to the library" in data["text/plain"]
    assert "<li>&lt;i&gt;.pdf: It is locked.</li>" in data["text/html"]


def test_rendering_imports_no_ipython() -> None:
    assert "assistant.notebook" in sys.modules
    import assistant.notebook

    assert not hasattr(assistant.notebook, "IPython")

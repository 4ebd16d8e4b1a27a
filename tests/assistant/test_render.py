"""Renderings of an answer: what is marked, what is listed, and that hostile text stays text."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from assistant.envelope import error_json, to_json
from assistant.html import evidence_to_html, to_html
from assistant.notebook import ANSWER_TYPE, show_nouns
from assistant.render import UNSUPPORTED, brief_notes, hits_text, to_markdown, to_text
from indexes.clean import clean
from indexes.errors import CarrelError
from indexes.types import AddReport, Document, Fate, Hit, Hits, Passage
from pipelines.evidence_frame import COLUMNS
from pipelines.types import (
    Answer,
    Citation,
    Claim,
    Degradation,
    Evidence,
    EvidenceList,
    Outcome,
    Query,
    Route,
)
from tests.assistant.inert import read_inert

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


@settings(deadline=None)
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


@settings(deadline=None)
@given(st.text())
def test_no_text_can_hide_the_mark_of_an_unsupported_sentence(text: str) -> None:
    assert UNSUPPORTED in to_markdown(hostile_answer(text)).split("## Sources")[0]


@settings(deadline=None)
@given(st.text())
def test_html_of_any_text_is_inert(text: str) -> None:
    hostile = hostile_answer(f"{HOSTILE}{text}")
    read_inert(to_html(hostile))
    read_inert(evidence_to_html(hostile.evidence))


@pytest.mark.parametrize(
    "markdown",
    [
        "[click](javascript:alert(1))",
        "![x](http://example.org/beacon.png)",
        "<img src=x onerror=alert(1)>",
        "<javascript:alert(1)>",
        '```"><script>\nx\n```',
        "[r]: javascript:alert(1)\n\n[r]",
        "[99](javascript:alert(1))",
    ],
)
def test_html_has_no_link_image_or_script_from_the_answer(markdown: str) -> None:
    page = read_inert(to_html(answer(text=f"[1] {markdown}", claims=())))
    assert all(link.startswith("#carrel-") for link in page.links)


def test_a_citation_leads_to_its_evidence_and_back() -> None:
    page = read_inert(to_html(answer("Jitter helps [1]. It does [1].", claims=()), name="a"))
    assert page.links == ["#carrel-a-1", "#carrel-a-1", "#carrel-a-cites-1"]
    assert page.anchors == ["carrel-a-cites-1", "carrel-a-1"]


def test_the_place_a_citation_leads_to_is_within_what_is_folded() -> None:
    """A browser unfolds what a link leads into; it leaves folded what carries the name itself."""
    html = to_html(answer(), name="a")
    assert html.index("<details>") < html.index("</summary>") < html.index('id="carrel-a-1"')


def test_two_answers_in_one_page_share_no_anchor() -> None:
    read_inert(to_html(answer()) + to_html(answer()))


def test_a_number_that_is_no_citation_stays_text() -> None:
    page = read_inert(to_html(answer("Jitter [1], [2] and `x[1]`.", claims=()), name="a"))
    assert page.links == ["#carrel-a-1", "#carrel-a-cites-1"]
    assert "Jitter [1], [2] and x[1]." in page.text


@pytest.mark.parametrize(
    ("known", "link"),
    [
        ({"doi": "10.1000/a(b)c"}, "https://doi.org/10.1000/a%28b%29c"),
        ({"doi": '10.1000/x"onclick="alert(1)'}, "https://doi.org/10.1000/x%22onclick%3D%22alert%281%29"),
        ({"arxiv_id": "2101.00001"}, "https://arxiv.org/abs/2101.00001"),
        ({"origin": "web", "source": "https://example.org/a?b=c&d"}, "https://example.org/a?b=c&d"),
    ],
)
def test_a_paper_is_linked_by_what_is_surely_its_address(known: dict[str, str], link: str) -> None:
    found = hit()
    described = found.model_copy(update={"document": found.document.model_copy(update=known)})
    piece = answer().evidence[0].model_copy(update={"hits": (described,)})
    page = read_inert(to_html(answer(evidence=(piece,)), name="a"), elsewhere=True)
    assert link in page.links


@pytest.mark.parametrize(
    "known",
    [
        {"doi": "javascript:alert(1)"},
        {"arxiv_id": "../../x"},
        {"origin": "web", "source": "javascript:alert(1)"},
    ],
)
def test_what_is_no_address_is_not_linked(known: dict[str, str]) -> None:
    found = hit()
    described = found.model_copy(update={"document": found.document.model_copy(update=known)})
    piece = answer().evidence[0].model_copy(update={"hits": (described,)})
    assert all(link.startswith("#") for link in read_inert(to_html(answer(evidence=(piece,)))).links)


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
    show_nouns()
    return interactive.InteractiveShell(config=Config(HistoryManager={"enabled": False}))


def test_a_notebook_gets_an_answer_as_one_bundle(shell: Any) -> None:
    data, _ = shell.display_formatter.format(answer())
    assert set(data) == {"text/plain", "text/markdown", "text/html", ANSWER_TYPE}
    assert read_inert(data["text/html"]).text.count("Jitter spreads retries.") == 1
    assert data["text/markdown"] == to_markdown(answer())
    assert data["text/plain"] == to_text(answer()).rstrip()
    assert Answer.model_validate(json.loads(json.dumps(data[ANSWER_TYPE]))) == answer()


def test_a_host_that_knows_only_html_gets_the_same_html() -> None:
    show_nouns()
    shown = answer()._repr_html_()
    assert shown is not None
    assert read_inert(shown).text == read_inert(to_html(answer())).text


def test_printing_an_answer_gives_it_whole_with_its_sources() -> None:
    show_nouns()
    assert f"{answer()}\n" == to_text(answer())


def test_evidence_shows_itself_and_is_a_table(shell: Any) -> None:
    evidence = answer().evidence
    data, _ = shell.display_formatter.format(evidence)
    assert data["text/plain"].startswith("[1] On Retries, p. 3 (retries.pdf)")
    assert "Jitter spreads retries." in read_inert(data["text/html"]).text
    table = evidence.to_pandas()
    assert list(table.columns) == list(COLUMNS)
    assert table.loc[1, "quote"] == "Jitter spreads retries."
    assert table.loc[1, "page"] == 3
    assert table["year"].isna().all()


def test_no_evidence_is_an_empty_table_with_the_same_columns() -> None:
    table = answer(evidence=(), citations=()).evidence.to_pandas()
    assert len(table) == 0
    assert list(table.columns) == list(COLUMNS)


def test_evidence_is_the_same_table_after_json_and_a_copy() -> None:
    read_back = Answer.model_validate_json(answer().model_dump_json())
    assert isinstance(read_back.evidence, EvidenceList)
    assert read_back.evidence == answer().evidence == copy.deepcopy(answer()).evidence


def test_a_notebook_shows_hits_and_what_was_added_in_words(shell: Any) -> None:
    data, _ = shell.display_formatter.format(Hits(hits=(hit(HOSTILE, title="<b>Hits</b>"),)))
    assert "<strong>&lt;b&gt;Hits&lt;/b&gt;, p. 3 (retries.pdf)</strong>" in data["text/html"]
    assert "<script" not in data["text/html"]
    assert data["text/plain"].startswith("1. <b>Hits</b>, p. 3 (retries.pdf)")
    report = AddReport(counts={Fate.INDEXED: 2}, failures=(("<i>.pdf", "It is locked."),), pages=3)
    data, _ = shell.display_formatter.format(report)
    assert "Added 2 documents to the library" in data["text/plain"]
    assert "<li>&lt;i&gt;.pdf: It is locked.</li>" in data["text/html"]


def test_rendering_imports_neither_ipython_nor_pandas() -> None:
    code = (
        "import sys\nfrom assistant.notebook import show_nouns\nshow_nouns()\n"
        "assert not {'IPython', 'pandas', 'markdown_it'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=60)

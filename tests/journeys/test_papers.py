"""A researcher adds a folder of real papers and asks: the right paper and page are cited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import Assistant
from assistant.events import Answer, Fate

QUESTIONS = [
    # question, the paper that answers it, the pages it stands on (its XML copy is one page), a word of the answer
    ("Which algorithms keep a sample of fixed size from an unbounded data stream?", "jcon.00202", {1, 2}, "reservoir"),
    ("Which Julia package lets one write architecture-agnostic parallel stencil computations?", "jcon.00138", {1, 2, 3}, "stencil"),
    ("In which three environments can the Mikrokosmos lambda calculus interpreter be used?", "jose.00029", {1, 2}, "jupyter"),
    ("What are draggles in the simulator for teaching genetic drift?", "jose.00070", {1}, "draggles"),
    ("Which optimizers are implemented in mLEARn?", "jose.00059", {2}, "adagrad"),
    ("Where were the original MONICA data files found?", "rescience.zenodo.4290512", {2}, "compact disc"),
    ("When was the Argo Online School presented at the Ocean Observers Workshop?", "jose.00193", {1, 2}, "2021"),
    ("Which versions of Autoconf and Automake were needed to build libchop?", "rescience.zenodo.3886739", {2, 3}, "autoconf"),
    ("How many hours long is the remote conda course designed to be?", "jose.00130", {2}, "2-hour"),
    ("Which methodology and which type of orbitals does PyQInt implement?", "jose.00286", {1, 2}, "gaussian"),
]  # fmt: skip


@pytest.fixture(scope="module")
def assistant(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant over all the papers, added once; by keyword, since embedding them takes minutes."""
    with Assistant(tmp_path_factory.mktemp("home"), web="never", library__encoder="none") as assistant:
        report = assistant.add(data_folder / "papers")
        read = sum(report.counts.get(fate, 0) for fate in (Fate.INDEXED, Fate.EMBEDDED))
        assert read >= 55 + 2 + 2 + 1
        yield assistant


def cited_pages(answer: Answer) -> set[tuple[str, int]]:
    """File name and page of every piece of evidence that the answer cites."""
    cited = {citation.evidence_id for citation in answer.citations}
    return {
        (Path(each.document.source).stem, hit.passage.page)
        for each in answer.evidence
        if each.id in cited
        for hit in each.hits
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("question", "paper", "pages", "word"), QUESTIONS, ids=[each[1] for each in QUESTIONS]
)
def test_the_right_paper_and_page_are_cited(
    assistant: Assistant, question: str, paper: str, pages: set[int], word: str
) -> None:
    answer = assistant.ask(question)
    assert cited_pages(answer) & {(paper, page) for page in pages}, answer.text
    assert word in answer.text.lower()
    assert all(citation.verified for citation in answer.citations)

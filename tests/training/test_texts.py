"""What the encoder is trained on: texts of named sources, never those it is evaluated on."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from indexes.evaluation.judged import read_judged
from training import sources, texts
from training.develop import write_development
from training.pairs import pairs_of, rare_words
from training.sources import SOURCES, Source, clone, files_of
from training.texts import Document, Passage, collect, documents, fingerprints, overlaps

CHAPTER = """<document xmlns="http://cnx.rice.edu/cnxml" xmlns:m="http://www.w3.org/1998/Math/MathML">
<title>The Kidney</title><content>
<section class="learning-objectives"><title>Learning Objectives</title>
<para>By the end of this section you will be able to say many things.</para></section>
<section><title>Filtration of Blood</title>
<para>The glomerulus filters blood plasma through a barrier of three layers. Its cells are called podocytes, and they
hold back proteins.<footnote>A footnote that nobody should learn from at all.</footnote> Water follows the salts. Small
molecules pass the barrier freely and reach the tubule within a few seconds of time.</para>
<para>where <m:math><m:mi>x</m:mi></m:math> 12 + 34 = 46, 57 - 12 = 45 and 12 * 3 = 36 / 6 = 6</para>
<exercise><problem><para>Which cells of the glomerulus hold back proteins from the filtered plasma?</para></problem></exercise>
</section></content>
<glossary><definition><term>podocyte</term><meaning>a cell of the kidney that wraps around the capillaries of the glomerulus</meaning></definition></glossary>
</document>"""
ARTICLE = """<article><front><article-meta><title-group><article-title>Sleep in flies</article-title></title-group>
<abstract><p>We show that flies sleep longer after they have learned to avoid an odour that was paired with a shock.</p></abstract>
</article-meta></front><body><sec><title>Methods</title><p>Flies were kept at twenty-five degrees in light for twelve hours
a day <xref>[3]</xref>.</p></sec></body></article>"""
NOTE = """# 标题

> A Title About Language Models in English

> 摘要：主动对话的难点不仅在于回应生成，更在于引导对话达成预定目标，这对反应性较强的大型语言模型而言是一大挑战。

> We show in this abstract that models which read more papers answer more questions about papers than models which
"""
NOTE = (
    NOTE.rstrip()
    + " read fewer papers, and that this holds for every kind of paper that we could think of when we tried it.\n"
)


def repository(root: Path, files: dict[str, str]) -> str:
    """A real git repository with one commit; returns its name."""
    root.mkdir(parents=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    run = [
        "git",
        "-C",
        str(root),
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run([*run, "init", "--quiet"], check=True)
    subprocess.run([*run, "add", "."], check=True)
    subprocess.run([*run, "commit", "--quiet", "-m", "all"], check=True)
    return subprocess.run(
        [*run, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sources, one of each kind, already fetched."""
    book = repository(
        tmp_path / "a+book" / "repo", {"modules/m1/index.cnxml": CHAPTER, "LICENSE": "CC BY 4.0"}
    )
    papers = repository(tmp_path / "a+papers" / "repo", {"papers/one.xml": ARTICLE})
    notes = repository(tmp_path / "a+notes" / "repo", {"notes/ein Titel.md": NOTE})
    listed = (
        Source("a/book", book, "cnxml", "CC BY 4.0", ".cnxml"),
        Source("a/papers", papers, "jats", "CC BY 4.0", ".xml"),
        Source("a/notes", notes, "abstracts", "CC0", ".md"),
    )
    monkeypatch.setattr(texts, "SOURCES", listed)
    return tmp_path


def test_every_source_names_a_commit_and_an_open_licence() -> None:
    assert all(len(source.commit) == 40 for source in SOURCES)
    assert all(source.licence.startswith(("CC BY 4.0", "CC0")) for source in SOURCES)
    assert len({source.folder for source in SOURCES}) == len(SOURCES)


def test_a_source_is_read_at_its_commit_and_only_its_own_kind_of_file(here: Path) -> None:
    source = texts.SOURCES[0]
    assert [path for path, _ in files_of(source, clone(source, here))] == ["modules/m1/index.cnxml"]


def test_a_source_that_is_not_there_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository(tmp_path / "elsewhere" / "a" / "book", {"m.cnxml": CHAPTER})
    monkeypatch.setattr(sources, "HOST", str(tmp_path / "elsewhere"))
    source = Source("a/book", commit, "cnxml", "CC BY 4.0", ".cnxml")
    folder = clone(source, tmp_path / "work")
    assert [path for path, _ in files_of(source, folder)] == ["m.cnxml"]
    assert clone(source, tmp_path / "work") == folder


def test_a_fetch_that_failed_leaves_nothing_that_looks_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HOST", str(tmp_path / "nowhere"))
    with pytest.raises(subprocess.CalledProcessError):
        clone(Source("a/book", "0" * 40, "cnxml", "CC BY 4.0", ".cnxml"), tmp_path / "work")
    assert not (tmp_path / "work" / "a+book" / "repo").exists()


def test_prose_is_kept_and_formulas_notes_and_objectives_are_not(here: Path) -> None:
    found = [passage.text for passage in collect(here)]
    assert any("podocytes, and they hold back proteins. Water follows" in text for text in found)
    assert "podocyte: a cell of the kidney that wraps around the capillaries of the glomerulus" in found
    assert "Which cells of the glomerulus hold back proteins from the filtered plasma?" in found
    assert "Filtration of Blood" in found
    assert not any(
        word in text for text in found for word in ("nobody should learn", "By the end of", "12 * 3")
    )


def test_an_article_gives_its_abstract_under_its_title_and_its_sections(here: Path) -> None:
    found = {passage.heading: passage.text for passage in collect(here) if passage.source == "a/papers"}
    assert found["Sleep in flies"].startswith("We show that flies sleep longer")
    assert found["Methods"] == "Flies were kept at twenty-five degrees in light for twelve hours a day ."


def test_of_a_note_in_two_languages_the_english_abstract_is_read(here: Path) -> None:
    found = [passage for passage in collect(here) if passage.source == "a/notes"]
    assert [passage.heading for passage in found if passage.heading] == [
        "A Title About Language Models in English"
    ]
    assert not any("主动" in passage.text for passage in found)


def test_the_same_seed_draws_the_same_texts(here: Path) -> None:
    assert list(collect(here, seed=3)) == list(collect(here, seed=3))


def test_a_text_of_an_evaluated_collection_is_never_trained_on(here: Path) -> None:
    copied = "The glomerulus filters blood plasma through a barrier of three layers. Its cells are called podocytes, and"
    found = [passage.text for passage in collect(here, forbidden=fingerprints([copied]))]
    assert found
    assert not any("filters blood plasma through" in text for text in found)


def test_a_common_phrase_alone_forbids_nothing() -> None:
    forbidden = fingerprints(["on the one hand it is so and on the other hand it is not so at all"])
    assert not overlaps(
        "They found that on the one hand it is so and, surely, everyone agreed about this.", forbidden
    )


def test_a_broken_file_is_read_as_far_as_it_goes_or_not_at_all(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository(
        here / "a+bad" / "repo", {"a.cnxml": CHAPTER[:900], "b.cnxml": "", "c.cnxml": "no markup"}
    )
    monkeypatch.setattr(texts, "SOURCES", (Source("a/bad", commit, "cnxml", "CC BY 4.0", ".cnxml"),))
    assert all(isinstance(document, Document) for document in documents(here))


def test_a_question_is_paired_with_the_passage_that_shares_its_rare_words() -> None:
    passages = (
        Passage(
            "Podocytes of the glomerulus hold back proteins while plasma is filtered in the kidney.", "A", "s"
        ),
        Passage(
            "The heart pumps blood into the arteries at each beat, and veins bring it back again.", "B", "s"
        ),
    )
    document = Document("s", "p", passages, ("Which cells of the glomerulus hold back proteins?",), False)
    rarity = rare_words([passage.text for passage in passages] * 2 + ["which cells of the blood"] * 6)
    pairs = [pair for pair in pairs_of(document, rarity, random.Random(1)) if pair.kind == "question"]
    assert [pair.passage for pair in pairs] == [passages[0].text]


def test_a_sentence_is_paired_with_its_passage_without_it() -> None:
    sentences = [
        f"This is sentence number {word} of the passage that is read."
        for word in ("one", "two", "three", "four")
    ]
    document = Document("s", "p", (Passage(" ".join(sentences), "H", "s"),), (), False)
    (pair,) = pairs_of(document, {"": 1.0}, random.Random(1))
    assert pair.kind == "sentence"
    assert pair.question in sentences
    assert pair.passage == " ".join(sentence for sentence in sentences if sentence != pair.question)


def test_review_questions_are_a_collection_that_the_evaluation_reads(tmp_path: Path) -> None:
    chapter = tuple(
        Passage(f"Passage {n} says " + "something of cells " * 10, "Cells", "s") for n in range(3)
    )
    asked = ("What does the passage say of cells?", "Too short?")
    assert write_development([Document("s", "p", chapter, asked, False)], tmp_path) == 1
    judged = read_judged(tmp_path)
    assert len(judged.documents) == 3
    assert judged.questions == {"q0": asked[0]}

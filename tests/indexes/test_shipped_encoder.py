"""The embedding model that comes with Carrel: its files, its vectors, and what becomes of another model's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant import Assistant
from indexes.embed import OnnxEncoder
from indexes.errors import EncoderMismatch
from indexes.hashing import HashingEncoder
from indexes.library import Library
from indexes.model_files import MODEL_FILES, SHIPPED_MODEL, find_model
from indexes.testing import library_of

PAIRS = (
    ("How do owls find mice in the dark?", "Barn owls locate prey by hearing alone."),
    ("Which drugs lower blood pressure?", "Antihypertensive agents reduce arterial tension."),
    (
        "heat transfer in boundary layers",
        "Convection near a flat plate depends on the flow over its surface.",
    ),
    ("Why do deep networks overfit?", "Large neural models memorise small training sets."),
)
TEXTS = {
    "Owls": "Owls hunt mice at night.",
    "Bees": "Bees dance to tell where flowers are.",
    "Ants": "Ants follow trails of scent to their food.",
}


@pytest.fixture(scope="module")
def folder() -> Path:
    found = find_model(cache=None)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def encoder(folder: Path) -> OnnxEncoder:
    return OnnxEncoder(folder)


def test_it_is_small_enough_to_ship(folder: Path) -> None:
    assert sum((folder / file).stat().st_size for file in MODEL_FILES) <= 18_000_000


def test_its_card_says_where_it_comes_from_and_under_which_licence(folder: Path) -> None:
    card = (folder / "README.md").read_text("utf-8")
    assert "all-MiniLM-L6-v2" in card
    assert "Apache-2.0" in card


def test_its_configuration_says_what_it_is(folder: Path, encoder: OnnxEncoder) -> None:
    configured = json.loads((folder / "config.json").read_text("utf-8"))
    assert configured["name"] == encoder.name == SHIPPED_MODEL
    assert configured["hidden_size"] == encoder.dimensions == 384
    assert configured["pooling"] == "mean"
    assert configured["max_tokens"] == 256
    assert configured["version"]


def test_related_texts_lie_nearer_than_unrelated_ones(encoder: OnnxEncoder) -> None:
    questions = encoder.encode([question for question, _ in PAIRS])
    passages = encoder.encode([passage for _, passage in PAIRS])
    cosines = questions @ passages.T
    assert (cosines.argmax(axis=1) == np.arange(len(PAIRS))).all(), cosines


async def test_a_library_tells_how_close_texts_are_to_a_question_by_a_model_on_this_machine_alone(
    tmp_path: Path, encoder: OnnxEncoder
) -> None:
    question, answer = PAIRS[0]
    async with Library.open(tmp_path / "shipped", encoder=encoder) as library:
        near, far = await library.closeness(question, [answer, PAIRS[2][1]])
        assert -1 <= far < near <= 1
        assert await library.closeness(question, []) == ()
    for without in (None, HashingEncoder()):
        async with Library.open(tmp_path / str(without is None), encoder=without) as library:
            assert await library.closeness(question, [answer]) == ()


def test_a_text_has_one_vector_whatever_stands_beside_it(encoder: OnnxEncoder, folder: Path) -> None:
    texts = [*TEXTS.values(), "word " * 300, "?", ""]
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_array_equal(encoder.encode(texts[::-1] * 3)[: len(texts)][::-1], alone)
    np.testing.assert_array_equal(OnnxEncoder(folder, threads=3).encode(texts), alone)


def test_it_is_the_same_vector_in_another_process(encoder: OnnxEncoder) -> None:
    code = (
        "import sys\nfrom indexes.embed import OnnxEncoder\nfrom indexes.model_files import find_model\n"
        "sys.stdout.buffer.write(OnnxEncoder(find_model(cache=None)).encode([sys.argv[1]]).tobytes())"
    )
    text = TEXTS["Bees"]
    ran = subprocess.run([sys.executable, "-c", code, text], capture_output=True, check=True, timeout=60)
    np.testing.assert_array_equal(np.frombuffer(ran.stdout, np.float32), encoder.encode([text])[0])


def test_what_follows_the_last_token_it_reads_changes_nothing(encoder: OnnxEncoder) -> None:
    short, long = encoder.encode(["word " * 254, "word " * 400 + "banana"])
    np.testing.assert_array_equal(short, long)


def test_it_reads_no_punctuation(encoder: OnnxEncoder) -> None:
    one, other, content = encoder.encode(
        ["The owls hunt for mice.", ", owls hunt for mice!", "The owls hunt for ants."]
    )
    np.testing.assert_array_equal(one, other)
    assert one @ content < 0.95


def test_a_text_of_nothing_that_it_reads_has_a_vector_all_the_same(encoder: OnnxEncoder) -> None:
    silent = encoder.encode(["", "?", "The, the."])
    np.testing.assert_allclose(np.linalg.norm(silent, axis=1), 1.0, rtol=1e-5)


def test_a_new_library_is_searched_by_meaning_from_the_first_paper(
    shipped_encoder: str, tmp_path: Path
) -> None:
    (tmp_path / "owls.md").write_text("# Owls\n\nBarn owls locate their prey by hearing alone.\n")
    with Assistant(web="never") as assistant:
        report = assistant.add(tmp_path / "owls.md")
        found = assistant.search("how do birds hunt in darkness")
        status = assistant.status()
    assert report.notes == found.notes == ()
    assert [hit.document.title for hit in found.hits] == ["Owls"]
    assert status.encoder == shipped_encoder
    assert [each.embedded for each in status.collections] == [1]


async def test_the_vectors_of_another_model_are_missing_until_this_one_has_made_its_own(
    encoder: OnnxEncoder, tmp_path: Path
) -> None:
    """Never a mixture: nothing of the other model's is compared with anything of this one's."""
    before = HashingEncoder(384)  # of the same dimension, so that only the fingerprint tells them apart
    async with await library_of(TEXTS, tmp_path / "library", encoder=before):
        pass
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        found = await library.search("what do bees dance")
        (note,) = found.notes
        assert note.startswith("Search by meaning saw 0 of 3 passages and 1 of the best by keyword: ")
        assert f"embedded with {before.name!r}" in note
        assert repr(encoder.name) in note
        assert "`carrel add`" in note
        assert f'library.encoder = "{before.name}"' in note
        assert found.hits[0].document.title == "Bees"
        await library.add_texts({})
        again = await library.search("what do bees dance")
        assert again.notes == ()
        assert again.hits[0].document.title == "Bees"
        question, passage = encoder.encode(["what do bees dance", TEXTS["Bees"]])
        by_meaning = (await library.retrievers[0].search("what do bees dance", limit=1)).hits[0]
        assert by_meaning.score == pytest.approx(float(question @ passage), abs=1e-3)
    async with Library.open(tmp_path / "library", encoder=before) as library:
        assert (await library.search("bees")).notes[0].startswith("Search was by keyword only")


async def test_the_vectors_of_an_earlier_version_are_made_anew_too(
    encoder: OnnxEncoder, tmp_path: Path
) -> None:
    class Earlier(HashingEncoder):
        @property
        def name(self) -> str:
            return encoder.name

    async with await library_of(TEXTS, tmp_path / "library", encoder=Earlier(384)):
        pass
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        (note,) = (await library.search("bees")).notes
        assert f"embedded with an earlier version of {encoder.name!r}, whose vectors" in note
        assert note.endswith("The next `carrel add` embeds it anew, and the app does while it is open.")
        await library.add_texts({})
        assert (await library.search("bees")).notes == ()


async def test_another_version_of_a_model_that_is_not_ours_is_asked_for(tmp_path: Path) -> None:
    async with await library_of(TEXTS, tmp_path / "library", encoder=HashingEncoder(64)):
        pass
    async with Library.open(tmp_path / "library", encoder=HashingEncoder(128)) as library:
        with pytest.raises(EncoderMismatch, match="an earlier version of 'hashing'") as mismatch:
            await library.embed()
    assert mismatch.value.hint == "Embed the library anew: `carrel add --reembed PATH`."


async def test_vectors_that_were_paid_for_are_not_given_up_unasked(
    encoder: OnnxEncoder, tmp_path: Path
) -> None:
    class Providers(HashingEncoder):
        @property
        def name(self) -> str:
            return "openai:text-embedding-3-small"

    async with await library_of(TEXTS, tmp_path / "library", encoder=Providers(64)):
        pass
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        with pytest.raises(EncoderMismatch, match="openai:text-embedding-3-small"):
            await library.embed()
        assert (await library.search("bees")).notes[0].startswith("Search was by keyword only")


async def test_who_stays_with_the_other_model_finds_all_as_it_was(
    encoder: OnnxEncoder, tmp_path: Path
) -> None:
    before = HashingEncoder(64)
    async with await library_of(TEXTS, tmp_path / "library", encoder=before):
        pass
    async with Library.open(tmp_path / "library", encoder=encoder) as library:
        await library.search("bees")
    async with Library.open(tmp_path / "library", encoder=before) as library:
        assert (await library.search("bees")).notes == ()

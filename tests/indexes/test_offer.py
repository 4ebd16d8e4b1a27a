"""The library as other programs' retriever: their classes, our passages, in a loop and out of one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.retrievers import BaseRetriever as LangChainRetriever
from llama_index.core.base.base_retriever import BaseRetriever as LlamaIndexRetriever

from assistant import Assistant
from indexes import as_langchain, as_llama_index
from indexes.errors import FilterRefused
from indexes.hashing import HashingEncoder
from indexes.testing import library_of
from indexes.types import ParsedDocument

_PAPERS = [
    ParsedDocument(
        media_type="text/plain",
        pages=("Nothing here.", "Owls hunt mice at night."),
        title="Owls",
        authors=("Ada Müller",),
        year=2019,
    ),
    ParsedDocument(media_type="text/plain", pages=("Bees hunt for flowers.",), title="Bees", year=2021),
]


async def test_langchain_gets_passages_with_where_they_stand(tmp_path: Path) -> None:
    async with await library_of(_PAPERS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        retriever = as_langchain(library, limit=1)
        assert isinstance(retriever, LangChainRetriever)
        (found,) = await retriever.ainvoke("year:2019 owls hunt at night")
        hit = (await library.search("year:2019 owls hunt at night", limit=1)).hits[0]
        assert (found.id, found.page_content) == (hit.passage.id, hit.passage.text)
        assert found.metadata["title"] == "Owls"
        assert found.metadata["authors"] == ["Ada Müller"]
        assert (found.metadata["page"], found.metadata["year"]) == (2, 2019)
        text = await library.stretch(hit.document.id, found.metadata["start"], found.metadata["end"])
        assert text == found.page_content
        json.dumps(found.metadata)


async def test_llama_index_gets_nodes_with_scores(tmp_path: Path) -> None:
    async with await library_of(_PAPERS, tmp_path / "library") as library:
        retriever = as_llama_index(library, limit=5)
        assert isinstance(retriever, LlamaIndexRetriever)
        nodes = await retriever.aretrieve("hunt")
        assert [node.metadata["title"] for node in nodes] == [
            hit.document.title for hit in (await library.search("hunt", limit=5)).hits
        ]
        assert all(node.score is not None for node in nodes)


async def test_both_block_inside_a_running_loop_too(tmp_path: Path) -> None:
    async with await library_of(_PAPERS, tmp_path / "library", encoder=HashingEncoder(64)) as library:
        (document,) = as_langchain(library, limit=1).invoke("bees flowers")
        (node,) = as_llama_index(library, limit=1).retrieve("bees flowers")
        assert document.metadata["title"] == node.metadata["title"] == "Bees"
        with pytest.raises(FilterRefused):
            as_langchain(library).invoke("year:abc bees")


def test_an_assistant_is_offered_in_the_same_way(tmp_path: Path, carrel_home: Path) -> None:
    (tmp_path / "note.md").write_text("# Owls\n\nOwls hunt mice at night.\n")
    with Assistant(library__encoder="hashing", web="never") as assistant:
        assistant.add(tmp_path / "note.md")
        (document,) = as_langchain(assistant, limit=1).invoke("owls type:md")
        (node,) = as_llama_index(assistant, limit=1).retrieve("owls")
    assert document.metadata["title"] == node.metadata["title"] == "Owls"


def test_neither_library_is_imported_until_it_is_asked_for() -> None:
    code = "import sys, indexes, indexes.library, indexes.offer; indexes.as_langchain; print([n for n in ('langchain_core', 'llama_index') if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

"""A cross-encoder: a model that reads question and passage together, as one more way to search.

It is slower than a search by meaning and sees more: word against word, not vector against vector (Nogueira
and Cho, "Passage re-ranking with BERT", 2019). It can only judge what it is shown, so it is shown the best of
the other ways, and what it says is fused with what they say.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes.clean import clean_line
from indexes.errors import SearchError
from indexes.protocols import Retriever
from indexes.query import parse_query
from indexes.search import search_all
from indexes.types import Hits

__all__ = ["CrossEncoder", "CrossEncoderRetriever", "PairScorer"]

_FILES = ("model.onnx", "tokenizer.json")
_MOST_TOKENS = 512
_AT_ONCE = 8
_SHOWN = 30
"""Passages it reads for one question: about two seconds for a small model on two cores."""


class PairScorer(Protocol):
    """Says how well texts answer a question."""

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns one number from 0 to 1 for each text, in order; blocking."""
        ...


class CrossEncoder:
    """A sequence-classification model with one output, as an ONNX file and its tokenizer in a folder.

    Args:
        folder: Holds `model.onnx` and `tokenizer.json`. Nothing is ever downloaded.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return clean_line(self._folder.name, 60)

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns the model's probability that each text answers the question, in order; blocking.

        Raises:
            SearchError: The files are not there, or are no such model.
        """
        session, tokenizer = self._load()
        scores: list[float] = []
        for start in range(0, len(texts), _AT_ONCE):
            pairs = [(question, text) for text in texts[start : start + _AT_ONCE]]
            scores += self._logits(session, tokenizer.encode_batch(pairs))
        return np.asarray(1 / (1 + np.exp(-np.array(scores, np.float32))), np.float32)

    def _logits(self, session: Any, encoded: Sequence[Any]) -> list[float]:
        rows = {
            "input_ids": [each.ids for each in encoded],
            "attention_mask": [each.attention_mask for each in encoded],
            "token_type_ids": [each.type_ids for each in encoded],
        }
        declared = {each.name for each in session.get_inputs()}
        inputs = {name: np.array(each, np.int64) for name, each in rows.items() if name in declared}
        try:
            logits = np.asarray(session.run(None, inputs)[0], np.float32)
        except Exception as error:  # the library's errors share no base of their own
            raise self._unusable(error) from error
        if logits.shape != (len(encoded), 1) or not np.isfinite(logits).all():
            raise SearchError(
                f"The cross-encoder {self.name!r} returns {logits.shape}, not one number a passage.",
                hint="It needs a model for ranking, with one output.",
            )
        return [float(logit) for logit in logits[:, 0]]

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._opened()
            return self._loaded

    def _opened(self) -> tuple[Any, Any]:
        for file in _FILES:
            if not (self._folder / file).is_file():
                raise SearchError(
                    f"The cross-encoder {self.name!r} has no {file} in {str(self._folder)!r}.",
                    hint="Set library.cross_encoder to a folder with model.onnx and tokenizer.json.",
                )
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        except Exception as error:  # neither library's errors have a base of their own
            raise self._unusable(error) from error
        tokenizer.enable_truncation(_MOST_TOKENS, strategy="only_second")
        tokenizer.enable_padding()
        return session, tokenizer

    def _unusable(self, error: Exception) -> SearchError:
        said = " ".join(str(error).split())[:200]
        return SearchError(
            f"The cross-encoder {self.name!r} cannot be used: {said}", hint="Its files may be damaged."
        )


class CrossEncoderRetriever:
    """Ranks what other retrievers find together by what a cross-encoder says of it.

    Args:
        others: Find what it reads.
        scorer: Reads it.
    """

    def __init__(
        self, others: Sequence[Retriever], scorer: PairScorer, *, name: str = "cross-encoder"
    ) -> None:
        self._others = tuple(others)
        self._scorer = scorer
        self._name = name

    @property
    def name(self) -> str:
        """Stands in each hit."""
        return self._name

    async def search(self, text: str, *, limit: int, collections: tuple[str, ...] = ()) -> Hits:
        """Returns at most `limit` of the passages it has read, best first; the score is a probability.

        Raises:
            FilterRefused: A filter in the text cannot be one.
            SearchError: The model cannot be used, or none of the others can answer.
            LibraryError: The catalogue cannot be read.
        """
        question = parse_query(text).text.strip()
        if not question:
            return Hits()
        found = await search_all(self._others, text, limit=_SHOWN, collections=collections)
        if not found.hits:
            return Hits()
        texts = [hit.passage.text for hit in found.hits]
        scores = await asyncio.to_thread(self._scorer.score, question, texts)
        order = sorted(range(len(texts)), key=lambda index: (-float(scores[index]), index))
        hits = tuple(
            found.hits[index].model_copy(
                update={"score": float(scores[index]), "rank": rank, "retriever": self._name}
            )
            for rank, index in enumerate(order, 1)
        )
        return Hits(hits=hits[:limit], scores=tuple((hit.passage.id, hit.score) for hit in hits))

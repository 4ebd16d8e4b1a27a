"""Embeds text with a sentence-transformers model in ONNX, through onnxruntime and tokenizers directly."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes.errors import EncoderError, EncoderMissing
from indexes.model_files import MODEL_FILES, how_to_get
from indexes.protocols import Vectors

__all__ = ["OnnxEncoder"]

_REVISION = 1
"""Part of the fingerprint; grows with every change here that moves a vector."""
_WINDOW_TEXTS = 1024
"""Texts tokenised and sorted together: enough for batches of one length, little enough for any memory."""
_MAX_TOKENS = 256
_MAX_CHARACTERS = 40_000
"""Far beyond what `max_tokens` can cover; a text of megabytes need not be tokenised to its end."""
_SAMPLE_BYTES = 1 << 20
_MAX_THREADS = 8


class OnnxEncoder:
    """Mean-pooled, unit-length sentence vectors, batch by batch without padding to a fixed length.

    Texts are sorted by length and cut into batches of about `batch_tokens` tokens, so that a batch is padded
    only to its own longest text and its activations stay in the processor's cache. Each thread runs whole
    batches on one core: measured, that beats sharing the inside of one batch among the cores. A model that
    takes no mask cannot be given padding: it gets one text at a time.

    Nothing is loaded until first use. It may be used from several threads.
    """

    runs_here = True

    def __init__(
        self,
        folder: Path,
        *,
        batch_tokens: int = 512,
        threads: int | None = None,
        max_tokens: int | None = None,
    ) -> None:
        """Names the model; reads nothing yet but how long a text may be.

        Args:
            folder: Holds `model.onnx` and `tokenizer.json`, as `find_model` returns it.
            batch_tokens: Tokens in one batch, padding included.
            threads: Batches at the same time; as many as this process has cores (at most 8) if not given.
            max_tokens: Where a text is cut off, special tokens included; what `config.json` has as
                `max_tokens` if not given, else 256.
        """
        self._folder = folder
        self._batch_tokens = batch_tokens
        self._threads = threads or min(_core_count(), _MAX_THREADS)
        self._max_tokens = max_tokens or self._configured("max_tokens") or _MAX_TOKENS
        self._lock = threading.RLock()
        self._session: Any = None
        self._inputs: frozenset[str] = frozenset()
        self._tokenizer: Any = None
        self._dimensions: int | None = None
        self._fingerprint: str | None = None

    @property
    def folder(self) -> Path:
        """Where the model's files lie."""
        return self._folder

    @property
    def name(self) -> str:
        """The model's folder: `all-MiniLM-L6-v2`."""
        return self._folder.parent.name if self._folder.name == "onnx" else self._folder.name

    @property
    def dimensions(self) -> int:
        """Length of a vector, from the model's configuration where it has one, else from the model."""
        if self._dimensions is None:
            self._dimensions = self._configured("hidden_size") or self._declared_dimensions()
        return self._dimensions

    @property
    def fingerprint(self) -> str:
        """Name, dimension and a hash of the model's files.

        The files decide every vector, so they tell models apart as a probe's vector would, without loading
        the model, and without that vector's last digits, which differ from processor to processor. Of the
        weights the size and three megabytes are read: a file of another training differs everywhere.
        """
        if self._fingerprint is None:
            self._fingerprint = f"{self.name}/{self.dimensions}/{self._hash_files()}"
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns one unit-length row per text, in order; blocking.

        Raises:
            EncoderError: The model could not be loaded or gave vectors that are not finite.
        """
        matrix = np.empty((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), _WINDOW_TEXTS):
            window = texts[start : start + _WINDOW_TEXTS]
            matrix[start : start + len(window)] = self._encode_window(window)
        return matrix

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens and without truncation."""
        words = self._words()
        encodings = words.encode_batch_fast([_valid(text) for text in texts], add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def _encode_window(self, texts: Sequence[str]) -> Vectors:
        tokens = self._tokens(texts)
        batches = _batches([len(ids) for ids in tokens], self._batch_tokens if self._takes_masks() else 0)
        matrix = np.empty((len(texts), self.dimensions), np.float32)

        def run(rows: list[int]) -> None:
            matrix[rows] = self._encode_batch([tokens[row] for row in rows])

        if len(batches) == 1 or self._threads == 1:
            for rows in batches:
                run(rows)
        else:
            with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
                list(pool.map(run, batches))
        return matrix

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text; one that is too long keeps its closing token."""
        encodings = self._words().encode_batch_fast([_valid(text[:_MAX_CHARACTERS]) for text in texts])
        limit = self._max_tokens
        return [
            ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]] for ids in (e.ids for e in encodings)
        ]

    def _encode_batch(self, tokens: list[list[int]]) -> Vectors:
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
        mask = np.zeros_like(ids)
        for row, of_text in enumerate(tokens):
            ids[row, : len(of_text)] = of_text
            mask[row, : len(of_text)] = 1
        states = self._run({"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})
        # The mean's divisor is left out: the length is set to 1 right after.
        if "attention_mask" in self._inputs:
            pooled = np.einsum("bsd,bs->bd", states, mask.astype(np.float32))
        else:  # nothing is padded, and there may be fewer states than tokens: a model need not read them all
            pooled = states.sum(axis=1)
        return self._normalised(pooled)

    def _run(self, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        session = self._model()
        # Some models have no segments, or take no mask, and declare no such input.
        wanted = {name: value for name, value in inputs.items() if name in self._inputs}
        try:
            states = session.run(None, wanted)[0]
        except Exception as error:  # the library's errors share no base of their own
            raise EncoderError(f"The embedding model {self.name!r} failed: {_first_line(error)}") from error
        if states.ndim != 3 or states.shape[-1] != self.dimensions:
            raise EncoderError(
                f"The embedding model {self.name!r} returns the shape {states.shape}, "
                f"not (texts, tokens, {self.dimensions})."
            )
        return np.asarray(states, np.float32)

    def _normalised(self, pooled: NDArray[np.float32]) -> Vectors:
        lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise EncoderError(
                f"The embedding model {self.name!r} gave a vector that is not finite or has no length.",
                hint=f"Its file may be damaged. To have it again: {how_to_get(self.name)}.",
            )
        return np.asarray(pooled / lengths, np.float32)

    def _takes_masks(self) -> bool:
        self._model()
        return "attention_mask" in self._inputs

    def _model(self) -> Any:
        with self._lock:
            if self._session is None:
                session = self._load_model()
                self._inputs = frozenset(declared.name for declared in session.get_inputs())
                self._session = session
            return self._session

    def _load_model(self) -> Any:
        self._require_files()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Batches differ in shape, so remembered memory patterns only hold memory; an arena is 3 % faster than
        # asking for each tensor's memory, and leaves less of it in pieces.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        path = str(self._folder / "model.onnx")
        try:
            return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's errors share no base of their own
            raise EncoderError(
                f"The embedding model in {path!r} cannot be loaded: {_first_line(error)}",
                hint=f"The file may be damaged. To have it again: {how_to_get(self.name)}.",
            ) from error

    def _words(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = self._load_tokenizer()
            return self._tokenizer

    def _load_tokenizer(self) -> Any:
        self._require_files()
        from tokenizers import Tokenizer

        path = str(self._folder / "tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # the library raises Exception itself
            raise EncoderError(f"The tokenizer in {path!r} cannot be read: {_first_line(error)}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _require_files(self) -> None:
        for file in MODEL_FILES:
            if not (self._folder / file).is_file():
                raise EncoderMissing(
                    f"The embedding model {self.name!r} has no {file} in {str(self._folder)!r}."
                )

    def _configured(self, name: str) -> int | None:
        """A positive number in the model's `config.json`, if it is there."""
        try:
            configured = json.loads((self._folder / "config.json").read_text("utf-8")).get(name)
        except (OSError, ValueError, AttributeError):
            return None
        return configured if isinstance(configured, int) and configured > 0 else None

    def _declared_dimensions(self) -> int:
        declared = self._model().get_outputs()[0].shape[-1]
        if not isinstance(declared, int):
            raise EncoderError(f"The embedding model {self.name!r} does not say how long its vectors are.")
        return declared

    def _hash_files(self) -> str:
        self._require_files()
        digest = hashlib.sha256(f"{_REVISION} mean {self._max_tokens}".encode())
        digest.update((self._folder / "tokenizer.json").read_bytes())
        with (self._folder / "model.onnx").open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(str(size).encode())
            for offset in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
                file.seek(offset)
                digest.update(file.read(_SAMPLE_BYTES))
        return digest.hexdigest()[:12]


def _batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Rows grouped so that rows times the longest stays within `batch_tokens`; the longest texts first."""
    batches: list[list[int]] = []
    room = 0
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if room == 0:
            batches.append([])
            room = max(1, batch_tokens // max(1, lengths[row]))
        batches[-1].append(row)
        room -= 1
    return batches


def _valid(text: str) -> str:
    """Lone surrogates are not text to the tokenizer; they become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _core_count() -> int:
    """Cores this process may use, which in a container or under `taskset` are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__

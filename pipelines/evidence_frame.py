"""Evidence as a table for pandas, which is imported only here and when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from indexes.errors import InputError
from pipelines.types import Evidence

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["COLUMNS", "evidence_frame"]

COLUMNS = (
    *("title", "authors", "year", "page", "section", "quote", "summary", "relevance", "read_by"),
    *("doi", "collection", "origin", "source", "document_id"),
)
"""The number, which `[1]` in the answer points to, is the index."""


def evidence_frame(evidence: Iterable[Evidence]) -> DataFrame:
    """Returns one row for each piece of evidence, in their order; unknown years are `<NA>`.

    Raises:
        InputError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError(
            "A table of evidence needs pandas, which is not installed.",
            hint="Install it: pip install 'carrel[notebook]'",
        ) from error
    pieces = list(evidence)
    numbers = pd.Index([each.id for each in pieces], name="id", dtype="int64")
    frame = pd.DataFrame([_row(each) for each in pieces], index=numbers, columns=list(COLUMNS))
    return frame.astype({"year": "Int64", "page": "int64", "relevance": "float64"})


def _row(evidence: Evidence) -> dict[str, Any]:
    document = evidence.document
    described = document.model_dump(include={"title", "year", "doi", "collection", "origin", "source"})
    return described | {
        "authors": "; ".join(document.authors),
        "page": evidence.page,
        "section": evidence.hits[0].passage.section,
        "quote": evidence.quote,
        "summary": evidence.summary,
        "relevance": evidence.relevance,
        "read_by": evidence.read_by,
        "document_id": document.id,
    }

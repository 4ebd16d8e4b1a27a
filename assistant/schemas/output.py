"""The JSON Schema of what commands write to stdout: an envelope around each command's data, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from assistant.conditions import Diagnosis
from assistant.envelope import SCHEMA_VERSION
from assistant.outcomes import (
    ChosenModels,
    CollectionMoved,
    CollectionRemoved,
    PapersRemoved,
    Places,
    Validated,
)
from assistant.past_question import PastAnswer, PastPage, PastQuestion
from assistant.setting_rows import SettingRow
from indexes.check import CheckReport
from indexes.enrich import EnrichReport
from indexes.evaluation.metadata import MetadataReport
from indexes.evaluation.retrieval import RetrievalReport
from indexes.holdings import Holding
from indexes.ledger import Record
from indexes.repair import RepairReport
from indexes.types import AddReport, Collection, Hits, Model
from indexes.watch import WatchEvent
from pipelines.events import AskEvent
from pipelines.types import Answer

__all__ = ["DOCUMENTS", "LINES", "Failure", "output_schema"]


class Failure(Model):
    """What stands in an envelope in place of the data."""

    kind: str
    """The error's name, to test for."""
    message: str
    hint: str
    """The next thing to do; may be empty."""
    stage: str
    """The part of the work that was stopped."""


DOCUMENTS: Mapping[str, Any] = {
    "add": AddReport,
    "ask": Answer,
    "collections list": tuple[Collection, ...],
    "collections remove": CollectionRemoved,
    "collections rename": CollectionMoved,
    "config show": tuple[SettingRow, ...],
    "config validate": Validated,
    "doctor": Diagnosis,
    "eval metadata": MetadataReport,
    "eval questions": RetrievalReport,
    "eval retrieval": RetrievalReport,
    "history list": PastPage,
    "history search": PastPage,
    "history show": PastAnswer,
    "models": ChosenModels,
    "papers check": CheckReport,
    "papers enrich": EnrichReport,
    "papers failed": tuple[Record, ...],
    "papers list": tuple[Holding, ...],
    "papers remove": PapersRemoved,
    "papers repair": RepairReport,
    "papers retry": AddReport,
    "papers show": Holding,
    "paths": Places,
    "replay": Answer,
    "search": Hits,
    "show": PastAnswer,
}
"""Command to its data with `--format json`; complete."""
LINES: Mapping[str, Any] = {
    "add": WatchEvent,
    "ask": AskEvent,
    "collections list": Collection,
    "config show": SettingRow,
    "history list": PastQuestion,
    "history search": PastQuestion,
    "papers failed": Record,
    "papers list": Holding,
}
"""Command to one of its lines with `--format jsonl`; complete."""


def output_schema() -> dict[str, object]:
    """Returns the schema of a document; `$defs` has `data of COMMAND` and `line of COMMAND` too."""
    wanted = {
        **{f"data of {command}": kind for command, kind in DOCUMENTS.items()},
        **{f"line of {command}": kind for command, kind in LINES.items()},
        "Failure": Failure,
    }
    named, rest = TypeAdapter.json_schemas(
        [(name, "serialization", TypeAdapter(kind)) for name, kind in wanted.items()]
    )
    definitions = {**rest.get("$defs", {}), **{name: schema for (name, _), schema in named.items()}}
    definitions["Failure"] = rest["$defs"]["Failure"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What carrel writes with --format json",
        "anyOf": [
            *(_envelope({"const": command}, "data", f"data of {command}") for command in DOCUMENTS),
            _envelope({"type": "string"}, "error", "Failure"),
        ],
        "$defs": definitions,
    }


def _envelope(command: dict[str, object], what: str, name: str) -> dict[str, object]:
    properties = {
        "schema_version": {"const": SCHEMA_VERSION},
        "command": command,
        what: {"$ref": f"#/$defs/{name.replace(' ', '%20')}"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }

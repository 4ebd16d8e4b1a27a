"""`carrel mcp` as a program meets it: the official client, over the pipes of a process."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from indexes.clean import clean
from tests.assistant.command_line import ROOT, carrel, carrel_in_terminal, command
from tests.faults.script import Hang
from tests.faults.server import FaultServer

_QUESTION = "What does full jitter do to the retries of many clients?"


@asynccontextmanager
async def connected(*arguments: str, **environment: str) -> AsyncIterator[Client]:
    """A client whose server is `carrel mcp`; all that the server writes to stdout is the protocol's."""
    executable, *rest = command("mcp", *arguments)
    server = StdioServerParameters(
        command=executable,
        args=rest,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=os.environ["CARREL_HOME"],
    )
    async with Client(server) as client:
        yield client


async def given(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What the tool gives; its text says the same."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, told(result)
    assert result.structured_content is not None
    assert json.loads(told(result)) == result.structured_content
    return result.structured_content


def told(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_four_tools_change_nothing_and_say_what_they_take_and_give(filled: Path) -> None:
    async with connected() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"search", "ask", "read_passage", "cite"}
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.description
        assert tool.output_schema is not None
    assert set(tools["ask"].input_schema["properties"]) == {"question", "collections", "deadline_seconds"}


async def test_a_passage_is_found_read_on_its_page_and_cited(filled: Path) -> None:
    async with connected() as client:
        found = await given(client, "search", query="full jitter", limit=1)
        (passage,) = found["passages"]
        page = await given(
            client,
            "read_passage",
            document_id=passage["document_id"],
            start=passage["start"],
            end=passage["end"],
        )
        cited = await given(client, "cite", paper=passage["document_id"])
        by_title = await given(client, "cite", paper="breakers", form="ris")
    assert page["text"][page["start"] : page["end"]] == passage["text"]
    assert (page["page"], page["page_count"]) == (1, 1)
    assert cited["reference"].startswith("@misc{")
    assert "TI  - Breakers" in by_title["reference"]


async def test_a_question_is_answered_with_checked_sources_and_told_on_the_way(filled: Path) -> None:
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with connected("--web", "never") as client:
        result = await client.call_tool("ask", {"question": _QUESTION}, progress_callback=hear)
    answer = result.structured_content
    assert answer is not None
    assert answer["found"]
    assert "[1]" in answer["text"]
    assert answer["author"] == "extractive"
    first = answer["sources"][0]
    assert (first["number"], first["verified"]) == (1, True)
    assert any("retrieve" in line for line in heard)


async def test_a_source_leads_to_its_page(filled: Path) -> None:
    async with connected("--web", "never") as client:
        source = (await given(client, "ask", question=_QUESTION))["sources"][0]
        where = {name: source[name] for name in ("document_id", "start", "end")}
        page = await given(client, "read_passage", **where)
    assert page["text"][page["start"] : page["end"]] == source["quote"]


async def test_no_text_of_a_paper_carries_what_a_terminal_would_act_on(filled: Path) -> None:
    async with connected("--web", "never") as client:
        for tool, arguments in (("search", {"query": "jitter"}), ("ask", {"question": _QUESTION})):
            given_text = json.dumps(await given(client, tool, **arguments), ensure_ascii=False)
            assert clean(given_text) == given_text


_ERRORS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("search", {"query": "jitter", "collections": ["nowhere"]}, "The library has: papers."),
    ("search", {"query": "year:soon jitter"}, "year"),
    ("search", {"query": "jitter", "limit": 0}, "limit"),
    ("ask", {"question": " "}, "The question is empty."),
    ("ask", {"question": "x", "deadline_seconds": -1}, "deadline_seconds"),
    ("read_passage", {"document_id": "gone", "start": 0, "end": 1}, "search again"),
    ("read_passage", {"document_id": "gone", "start": 2, "end": 1}, "before start"),
    ("cite", {"paper": "no such title"}, "no such title"),
)


async def test_an_error_of_a_tool_says_what_to_do_next_and_the_server_goes_on(filled: Path) -> None:
    async with connected() as client:
        for tool, arguments, says in _ERRORS:
            result = await client.call_tool(tool, arguments)
            assert result.is_error, (tool, arguments)
            assert says in told(result)
            assert "Traceback" not in told(result)
        assert (await given(client, "search", query="jitter"))["passages"]


async def test_an_empty_library_finds_nothing_which_is_no_error() -> None:
    async with connected("--set", "library.encoder=none") as client:
        assert (await given(client, "search", query="jitter"))["passages"] == []
        answer = await given(client, "ask", question=_QUESTION)
    assert not answer["found"]


async def test_a_model_that_hangs_does_not_keep_the_program_waiting(
    filled: Path, model_server: FaultServer
) -> None:
    model_server.script(Hang())
    options = ("--reasoning", "openai:big", "--base-url", model_server.base_url, "--web", "never")
    async with connected(*options, OPENAI_API_KEY="sk-test") as client:
        answer = await given(client, "ask", question=_QUESTION, deadline_seconds=3)
    assert answer["author"] == "extractive"
    assert any("Fallback in reason" in note for note in answer["notes"])


def test_stdout_carries_nothing_but_the_protocol_and_ends_with_stdin(filled: Path) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a test", "version": "0"},
        },
    }
    ran = carrel("mcp", stdin=json.dumps(hello).encode() + b"\n")
    assert ran.code == 0, ran.stderr
    (line,) = ran.stdout.splitlines()
    assert json.loads(line)["result"]["serverInfo"]["name"] == "carrel"
    assert ran.stderr == ""


def test_its_entry_for_a_programs_settings_keeps_the_options(carrel_home: Path) -> None:
    ran = carrel("mcp", "--config", "--web", "never", "--set", "limits.papers=3")
    server = json.loads(ran.stdout)["mcpServers"]["carrel"]
    assert server["args"] == ["mcp", "--web", "never", "--set", "limits.papers=3"]
    assert server["env"] == {"CARREL_HOME": str(carrel_home.resolve())}


def test_a_person_who_types_it_is_told_what_it_is_for() -> None:
    ran = carrel_in_terminal("mcp")
    assert ran.code == 2
    assert "is started by a program" in ran.stdout


def test_without_the_package_it_says_what_to_install() -> None:
    hidden = "import sys; sys.modules['mcp'] = None; from assistant.cli import main; sys.argv[0] = 'carrel'; main()"
    ran = subprocess.run(
        command("mcp", start=hidden),
        input="",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert "pip install 'carrel[mcp]'" in ran.stderr

"""Run as a program: Carrel's own worker around an assistant that does what a question's text says."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, cast

from assistant.api import Assistant
from assistant.engine.protocol import Status, Surroundings
from assistant.engine.worker import serve
from indexes.errors import PathMissing, QuestionRefused
from indexes.events import Added, AddEvent, FilesFound
from indexes.types import AddReport
from pipelines.events import Asked, AskEvent, Done, Failed, Noted, Token
from pipelines.types import Answer, Query, Route


def tell(line: str) -> None:
    """Writes to the log that the test reads."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def done(text: str) -> Done:
    return Done(answer=Answer(query=Query(text="?"), route=Route(name="r", steps=(), why="w"), text=text))


class Obedient:
    """Stands where an `Assistant` would."""

    async def astream(
        self, text: str, *, collections: Sequence[str], resume: str, decide: Callable[[Asked], Awaitable[str]]
    ) -> AsyncGenerator[AskEvent, None]:
        verb, _, rest = text.partition(" ")
        yield Noted(note=f"heard {verb} in {','.join(collections)}")
        match verb:
            case "hang":
                try:
                    await asyncio.Event().wait()
                finally:
                    tell("the hanging question was cancelled")
            case "print":
                print("a library prints", flush=True)  # noqa: T201 - what a library may do
                ctypes.CDLL(None).puts(b"native code prints")
                ctypes.CDLL(None).fflush(None)
                os.write(1, b"and writes\n")
            case "long":
                yield Token(text="x" * int(rest))
            case "web":
                asked = Asked(
                    id="web-1", prompt="?", choices=("yes", "no"), default="no", timeout_seconds=float(rest)
                )
                yield asked
                yield done(await decide(asked))
                return
            case "refuse":
                raise QuestionRefused("That is no question.", hint="Ask another.")
            case "break":
                raise ZeroDivisionError("nothing to divide by")
            case "fail":
                yield Failed(kind="ModelAuth", message="No key.", hint="Set one.", exit_code=3)
                return
            case "children":
                child = await asyncio.create_subprocess_exec("sleep", "600")
                yield Noted(note=str(child.pid))
                await asyncio.Event().wait()
            case _:
                pass
        yield done(text)

    async def astream_add(self, paths: Sequence[str], *, collection: str) -> AsyncGenerator[AddEvent, None]:
        if paths[0] == "missing":
            raise PathMissing("There is no 'missing'.")
        yield FilesFound(total=len(paths))
        yield Added(report=AddReport(notes=(collection,)))

    async def asurroundings(self, document_id: str, *, start: int, end: int) -> Surroundings:
        return Surroundings(page=1, page_count=1, text=document_id, start=start, end=end)

    async def astatus(self) -> Status:
        return Status(collections=(), models={}, encoder="", web="ask", home=str(os.getpid()))

    async def aclose(self) -> None:
        tell("closed in good order")
        if "--stubborn" in sys.argv:
            await asyncio.Event().wait()


if __name__ == "__main__":
    serve(lambda: cast("Any", Obedient()) if "--shut" not in sys.argv else Assistant(nonsense="yes"))

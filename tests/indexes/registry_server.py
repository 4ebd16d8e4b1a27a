"""A registry of works over loopback: answers as Crossref and OpenAlex do, for the works it was given."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

__all__ = ["RegistryServer", "registry_server"]


class RegistryServer:
    """What it answers, by path without the query, and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Any] = {}
        """Objects to be sent as JSON, bytes to be sent as they are, or a status."""
        self.asked: list[str] = []


@contextmanager
def registry_server() -> Iterator[RegistryServer]:
    """Serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(unquote(self.path))
            answer = known.answers.get(unquote(self.path.partition("?")[0]), 404)
            status = answer if isinstance(answer, int) else 200
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = RegistryServer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()

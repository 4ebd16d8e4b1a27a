"""An opened generation that several searches use, closed after the last of them."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from indexes.chroma import ChromaFailed, ChromaFolder
from indexes.generations import Generation

__all__ = ["SharedFolder"]


class SharedFolder:
    """An opened generation, closed after its last user once another one is in use."""

    def __init__(self, scratch: Path, generation: Generation) -> None:
        self.generation = generation
        self.users = 0
        self.retired = False
        self._scratch = scratch
        try:
            self.folder = ChromaFolder(scratch)
        except ChromaFailed:
            shutil.rmtree(scratch, ignore_errors=True)
            raise

    def close_if_unused(self) -> None:
        """Gives its files back once it is retired and nobody uses it."""
        if self.retired and self.users == 0:
            with suppress(ChromaFailed):
                self.folder.close()
            shutil.rmtree(self._scratch, ignore_errors=True)

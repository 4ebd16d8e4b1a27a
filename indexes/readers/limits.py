"""What reading one file may cost: bytes in, characters out."""

from __future__ import annotations

from pydantic import Field

from indexes.errors import TooLarge
from indexes.types import Model

__all__ = ["Limits"]


class Limits(Model):
    """The size limits of one reading; time and memory are the pool's."""

    max_file_bytes: int = Field(default=200_000_000, gt=0)
    max_characters: int = Field(default=20_000_000, gt=0)
    """Of text, all pages together, before it is sanitised."""

    def check_file(self, size: int, *, name: str) -> None:
        """Raises `TooLarge` for a file of more than `max_file_bytes`."""
        if size > self.max_file_bytes:
            raise TooLarge(
                f"{name!r} has {size:,} bytes; the limit is {self.max_file_bytes:,}.",
                hint="Split it into smaller files and add those.",
            )

    def check_text(self, characters: int, *, name: str) -> None:
        """Raises `TooLarge` for more than `max_characters` of text."""
        if characters > self.max_characters:
            raise TooLarge(
                f"{name!r} holds more than {self.max_characters:,} characters of text, the limit.",
                hint="Split it into smaller files and add those.",
            )

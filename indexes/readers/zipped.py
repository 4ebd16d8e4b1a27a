"""Members of a Zip file, decompressed in memory and within limits; nothing is ever written to a disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from indexes.errors import Damaged, Encrypted, TooLarge
from indexes.readers import tree
from indexes.readers.limits import Limits

__all__ = ["Zipped"]


class Zipped:
    """A Zip file's members by name; names are looked up and never become paths."""

    def __init__(self, data: bytes, *, name: str, limits: Limits) -> None:
        """Reads the directory only.

        Raises:
            Damaged: It is no Zip file.
        """
        self._name = name
        self._left = limits.max_file_bytes
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise Damaged(f"{name!r} is a broken Zip file: {error}.") from error
        self._members = {member.filename: member for member in self._archive.infolist()}

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def read(self, member: str) -> bytes:
        """Returns a member's bytes.

        Raises:
            Damaged: There is no such member, or it is broken.
            Encrypted: It needs a password.
            TooLarge: All members read so far together are over the limit on a file's size.
        """
        found = self._members.get(member)
        if found is None:
            raise Damaged(f"{self._name!r} lacks its part {member!r}.")
        if found.flag_bits & 1:
            raise Encrypted(f"{self._name!r} needs a password.")
        try:
            with self._archive.open(found) as file:
                content = file.read(self._left + 1)  # what the directory says of the size is not believed
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
            raise Damaged(f"{self._name!r} is broken at its part {member!r}: {error}.") from error
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge(
                f"{self._name!r} grows beyond the limit when it is unpacked.",
                hint="Split it into smaller files and add those.",
            )
        return content

    def xml(self, member: str) -> Any:
        """Returns the root element of a member that is XML; raises as `read` does."""
        return tree.parsed(self.read(member), name=self._name)

"""The openly licensed texts that the encoder is trained on, each named with its commit and licence."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["DEVELOPMENT", "HOST", "SOURCES", "Source", "clone", "files_of"]

HOST = "https://github.com"

Kind = Literal["cnxml", "jats", "abstracts"]


@dataclass(frozen=True, slots=True)
class Source:
    """A public git repository as of one commit, and which of its files are read."""

    repository: str
    """Owner and name on GitHub."""
    commit: str
    kind: Kind
    licence: str
    suffix: str
    most: int | None = None
    """Of more texts than this, as many are drawn, so that one field does not crowd out the others."""

    @property
    def folder(self) -> str:
        """The repository's name as one folder's name."""
        return self.repository.replace("/", "+")


def _openstax(name: str, commit: str) -> Source:
    """A textbook, at the last commit that its publisher licensed as CC BY 4.0."""
    return Source(f"openstax/osbooks-{name}", commit, "cnxml", "CC BY 4.0", ".cnxml")


SOURCES: tuple[Source, ...] = (
    _openstax("anatomy-physiology", "b0058a743bdd2cc08196abaaa7d5469970c0d80c"),
    _openstax("astronomy", "63157f370b09c06a4cc12832384aaaf4de1ced3b"),
    _openstax("chemistry-bundle", "32c719622fbb7a0ca729cd645c1df4cf4e7d5b3a"),
    _openstax("college-algebra-bundle", "4922e46ebc04326979e19392ccc2384cb8b9076c"),
    _openstax("college-physics-bundle", "f98d7a792138a6133fe7267d17e70aa04e9ccbed"),
    _openstax("introduction-anthropology", "418eedd9bef21ec1a6fa1b472c0d82c084e35c70"),
    _openstax("introduction-philosophy", "d7bd4f0f520529b3ad83272448a9c2be25c9040a"),
    _openstax("introduction-political-science", "4391e659b98eec43b71e8b3f08241215fb4dd4c4"),
    _openstax("introduction-python-programming", "d6d069bb24677a375aa28a574bd506d4b893cfdf"),
    _openstax("introduction-sociology", "d35d5f3bdac40f93607d600134865d4f13ce1f9b"),
    _openstax("introductory-statistics-bundle", "50ec91749080bb040b57bb40c34337cacc994cba"),
    _openstax("life-liberty-and-pursuit-happiness", "acb6fbe2744dd112187b6aff5946cfe969410fca"),
    _openstax("microbiology", "ecf34dad129d686703780e87ab5aa2e59c577a6a"),
    _openstax("nursing-external-bundle", "7876f90a3dbdc0756e21a374d4a46526d0ac453b"),
    _openstax("physics", "ff78c7a8150fdda5ed1f786ac59ac25cdd532ef0"),
    _openstax("prealgebra-bundle", "77a933c672e9c48c746eb802d588a9a7ddfd6e0d"),
    _openstax("principles-economics-bundle", "cd31beb103fffbc09cc81ebfe117d8c40cc12d1a"),
    _openstax("psychology", "e061043bf2f9e86ace51c4e8dc9555160f60a99d"),
    _openstax("statistics", "ee0efc177a01145d28d9429fc309e331fab9c566"),
    _openstax("university-physics-bundle", "db44eb99e9aa1d918fd8cf182f82ccdece9c7b11"),
    Source(
        "PLOS/allofplos",
        "07fdeed848b2816a7fbf7da6418ef6e2076e1960",
        "jats",
        "CC BY 4.0 (the articles)",
        ".xml",
    ),
    Source(
        "HuggingAGI/HuggingArxivLLM",
        "6107c9494a55f2d0db0534089bb194ae588803a1",
        "abstracts",
        "CC0 (titles and abstracts are arXiv's metadata; nothing else of it is read)",
        ".md",
        most=45_000,
    ),
)

DEVELOPMENT = ("openstax/osbooks-microbiology", "openstax/osbooks-psychology")
"""Their review questions are for choosing between models; no pair is made of them."""


def clone(source: Source, root: Path) -> Path:
    """Returns the git directory of a source under `root`; fetches the one commit where it is not there yet.

    Raises:
        subprocess.CalledProcessError: git failed; its own message stands above.
    """
    folder = root / source.folder / "repo"
    if not folder.is_dir():
        half = root / source.folder / "part"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        _git(half, "init", "--bare", "--quiet")
        _git(half, "fetch", "--quiet", "--depth", "1", f"{HOST}/{source.repository}", source.commit)
        half.rename(folder)
    return folder


def files_of(source: Source, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yields path and bytes of each file of a source that is read, in the order of their paths.

    A file that this copy of the repository lacks (some leave large ones out) is passed over.
    """
    listing = _git(folder, "ls-tree", "-r", "-z", source.commit).decode("utf-8", "replace")
    entries = [entry.split("\t", 1) for entry in listing.split("\0") if entry.endswith(source.suffix)]
    wanted = sorted((path, meta.split(" ")[2]) for meta, path in entries)
    with subprocess.Popen(
        ["git", "-C", str(folder), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for path, blob in wanted:
            process.stdin.write(f"{blob}\n".encode())
            process.stdin.flush()
            header = process.stdout.readline().split()
            if header[-1] == b"missing":
                continue
            content = process.stdout.read(int(header[2]))
            process.stdout.read(1)
            yield path, content
        process.stdin.close()


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, stdout=subprocess.PIPE).stdout

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from indexes.readers.api import read_file
from indexes.types import ParsedDocument

NOTE = """\
---
title: "Routing: a note"
authors:
  - name: Ada Byron
    affiliation: 1
  - given-names: Mary
    surname: Shelley
  - Grace Hopper
date: 18 August 2020
doi: 10.1000/note.1
---

# Summary

See [the paper](https://example.org/x) and ![a picture](x.png), **bold** and *slanted* `code_here`.
<!-- hidden -->

Second heading
--------------

- one item
- another

1. first

```python
def f(x):
    return x  # [kept](as it is)
```

| a | b |
|---|---|
| 1 | 2 |
"""


def _read(folder: Path, text: str) -> ParsedDocument:
    path = folder / "note.md"
    path.write_text(text, encoding="utf-8")
    return read_file(path)


def test_front_matter_is_metadata_and_no_text(tmp_path: Path) -> None:
    read = _read(tmp_path, NOTE)
    assert read.title == "Routing: a note"
    assert read.authors == ("Ada Byron", "Mary Shelley", "Grace Hopper")
    assert (read.year, read.doi) == (2020, "10.1000/note.1")
    assert "affiliation" not in read.text


def test_headings_are_sections_at_their_offsets(tmp_path: Path) -> None:
    read = _read(tmp_path, NOTE)
    assert [section.title for section in read.sections] == ["Summary", "Second heading"]
    assert all(read.text[section.start :].startswith(section.title) for section in read.sections)


def test_links_and_pictures_leave_their_words(tmp_path: Path) -> None:
    text = _read(tmp_path, NOTE).text
    assert "See the paper and a picture, bold and slanted code_here." in text
    assert "example.org" not in text
    assert "hidden" not in text


def test_lists_code_and_tables_stay_readable(tmp_path: Path) -> None:
    text = _read(tmp_path, NOTE).text
    assert "- one item" in text
    assert "1. first" in text
    assert "def f(x):\n    return x  # [kept](as it is)" in text
    assert "a | b\n1 | 2" in text


def test_without_front_matter_the_first_heading_is_the_title(tmp_path: Path) -> None:
    assert _read(tmp_path, "# A fine heading\n\ntext").title == "A fine heading"


def test_toml_front_matter_is_understood(tmp_path: Path) -> None:
    read = _read(tmp_path, '+++\ntitle = "In another syntax"\nauthor = "Ada Byron; Mary Shelley"\n+++\ntext')
    assert (read.title, read.authors) == ("In another syntax", ("Ada Byron", "Mary Shelley"))


def test_front_matter_that_is_no_yaml_is_noted_and_the_text_read(tmp_path: Path) -> None:
    read = _read(tmp_path, "---\ntitle: [unclosed\n---\nthe text")
    assert read.text == "the text"
    assert read.notes == ("the front matter could not be understood",)


def test_a_bomb_of_aliases_costs_nothing(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [{f'*{old}, ' * 8}]\n" for old, new in pairwise("abcdefgh")
    )
    read = _read(tmp_path, f"---\n{bomb}authors: *h\n---\nthe text")
    assert read.text == "the text"
    assert sum(map(len, read.authors)) < 1000


def test_deep_nesting_is_survived(tmp_path: Path) -> None:
    assert "words" in _read(tmp_path, "words\n\n" + "> " * 5000 + "deep\n\n" + "[" * 5000).text

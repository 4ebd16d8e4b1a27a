"""The blocks of an answer's Markdown as lines: paragraphs, headings, lists, quotes, tables and code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content, Span
from textual.highlight import highlight
from textual.style import Style

from tui.markdown import answer_parser, cited_evidence
from tui.prose import NOTHING, Columns, Line

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["BETWEEN", "Block", "blocks_of"]

BETWEEN = Line(NOTHING)
"""The empty line between two blocks."""
_BETWEEN_CELLS = Content(" │ ")
_HEADINGS = ("bold $primary", "underline $primary", "bold $primary", "bold underline", "bold", "bold italic")
_STYLES = {"em_open": "italic", "strong_open": "bold", "s_open": "strike"}
_BULLETS = "•▪‣◦"
_QUOTED = Content.styled("▌ ", "$primary")
_CODE, _CODE_IN_TEXT = "on $panel", "$accent on $panel"
_CODE_INDENT = Content.styled("  ", _CODE)


class Block(NamedTuple):
    """A paragraph, a whole list, a whole table: what stands at the outermost level."""

    start: int
    """Where it begins in the text; characters."""
    lines: list[Line]


def blocks_of(text: str) -> list[Block]:
    """Returns the blocks of a text, which says nothing else: what comes after it may change the last one.

    Where a block begins never changes, so that a text that grows can be read again from its last one on.
    """
    tokens = answer_parser().parse(text)
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    opens = [at for at, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    return [
        Block(starts[(tokens[begin].map or [0])[0]], _Writer(tokens[begin:end]).lines)
        for begin, end in pairwise([*opens, len(tokens)])
    ]


class _Margin:
    """What a list or a quote puts before its lines."""

    def __init__(self, first: Content, rest: Content) -> None:
        self._next, self.rest = first, rest

    def take(self) -> Content:
        """What stands before the next line; after a bullet it is blank."""
        taken, self._next = self._next, self.rest
        return taken


class _Writer:
    """Writes the lines of one block."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.lines: list[Line] = []
        self._margins: list[_Margin] = []
        self._lists: list[int | None] = []
        """The number of the next item of each list that is open; `None` where it has bullets."""
        self._heading = ""
        self._parted = False
        """Whether the next paragraph is parted from what is before it in its item or quote."""
        rest = iter(tokens)
        for token in rest:
            if token.type == "table_open":
                self._write_table(rest)
            else:
                self._take(token)

    def _take(self, token: Token) -> None:
        match token.type:
            case "paragraph_open":
                self._part(not token.hidden)
            case "heading_open":
                self._part(True)
                self._heading = _HEADINGS[int(token.tag[1]) - 1]
            case "heading_close":
                self._heading = ""
            case "inline":
                for line in _inline(token):
                    self._write(line.stylize_before(self._heading) if self._heading else line)
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._open_item()
            case "blockquote_open":
                self._part(True)
                self._margins.append(_Margin(_QUOTED, _QUOTED))
                self._parted = False
            case "list_item_close" | "blockquote_close":
                self._close()
            case "fence" | "code_block":
                self._part(True)
                self._write_code(token)
            case "hr":
                self._part(True)
                self._write(NOTHING, style="$secondary", filling="─")
            case _:
                pass

    def _part(self, loose: bool) -> None:
        """An empty line before what comes, unless it is the first in its item or quote."""
        if self._parted and loose:
            self._write(NOTHING)
        self._parted = True

    def _open_item(self) -> None:
        number = self._lists[-1]
        if number is None:
            bullet = f"{_BULLETS[(len(self._lists) - 1) % len(_BULLETS)]} "
        else:
            bullet = f"{number}. "
            self._lists[-1] = number + 1
        self._margins.append(_Margin(Content.styled(bullet, "$secondary"), Content(" " * len(bullet))))
        self._parted = False

    def _close(self) -> None:
        """An item with nothing in it still has its bullet."""
        if not self._parted:
            self._write(NOTHING)
        self._margins.pop()
        self._parted = True

    def _write_code(self, token: Token) -> None:
        language = (token.info.split() or ["text"])[0]
        code = highlight(token.content.rstrip("\n"), language=language)
        for line in code.split("\n", allow_blank=True):
            self._write(line, indent=_CODE_INDENT, style=_CODE)

    def _write_table(self, tokens: Iterator[Token]) -> None:
        """Takes the tokens up to the end of a table."""
        self._part(True)
        rows: list[list[Content]] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(Content(" ").join(_inline(token)))
        columns = Columns(
            tuple(max(cell.cell_length for cell in column) for column in zip(*rows, strict=True))
        )
        for number, row in enumerate(rows):
            self._write_row(
                columns, [cell.stylize_before("bold $primary") for cell in row] if not number else row
            )
            if not number:
                self._write(NOTHING, style="$panel", filling="─")

    def _write_row(self, columns: Columns, cells: list[Content]) -> None:
        places: list[tuple[int, int]] = []
        start = 0
        for cell in cells:
            places.append((start, start + len(cell)))
            start += len(cell) + len(_BETWEEN_CELLS)
        self._write(_BETWEEN_CELLS.join(cells), columns=columns, cells=tuple(places))

    def _write(
        self,
        content: Content,
        *,
        indent: Content = NOTHING,
        style: str = "",
        filling: str = "",
        columns: Columns | None = None,
        cells: tuple[tuple[int, int], ...] = (),
    ) -> None:
        first = NOTHING.join([*(margin.take() for margin in self._margins), indent])
        hanging = NOTHING.join([*(margin.rest for margin in self._margins), indent])
        self.lines.append(Line(content, first, hanging, style, filling, columns, cells))


def _inline(token: Token) -> list[Content]:
    """The text of a paragraph or a cell with its styles; more than one where it breaks its lines."""
    texts: list[str] = []
    spans: list[Span] = []
    opened: list[tuple[int, str | Style]] = []
    position = 0
    for child in token.children or []:
        text = ""
        match child.type:
            case "text":
                text = re.sub(r"\s+", " ", child.content)
            case "softbreak":
                text = " "
            case "hardbreak":
                text = "\n"
            case "code_inline":
                text = child.content
                spans.append(Span(position, position + len(text), _CODE_IN_TEXT))
            case "em_open" | "strong_open" | "s_open":
                opened.append((position, _STYLES[child.type]))
            case "link_open":
                evidence = cited_evidence(str(child.attrs.get("href", "")))
                opened.append((position, Style.from_meta({"@click": f"open_citation({evidence})"})))
            case "em_close" | "strong_close" | "s_close" | "link_close":
                start, style = opened.pop()
                spans.append(Span(start, position, style))
            case _:
                text = child.content
        texts.append(text)
        position += len(text)
    return Content("".join(texts), spans).split("\n", allow_blank=True)

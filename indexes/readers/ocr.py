"""Reads pages that are pictures, by OCR: RapidOCR's models on onnxruntime, all of it in the extra `ocr`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from indexes.clean import clean_line
from indexes.errors import InputError, ReadError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

__all__ = ["blank_pages", "page_text", "require"]

_DOTS_PER_INCH = 150
_MOST_DOTS = 12_000_000
"""Of one page: an A3 page has nine million."""
_INSTALL = "Install it: pip install 'carrel[ocr]' (its models come with it; nothing is downloaded later)."


class Box(NamedTuple):
    """A line that was read, and where: in dots, from the page's left upper corner."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


def require() -> None:
    """Does nothing if OCR is installed.

    Raises:
        InputError: It is not; the hint says what to install.
    """
    if find_spec("rapidocr") is None:
        raise InputError("OCR is not installed.", hint=_INSTALL)


def blank_pages(data: bytes) -> tuple[int, ...]:
    """Returns the numbers, from 1, of a PDF's pages that can be opened and have no text."""
    from pypdfium2 import PdfiumError

    blank: list[int] = []
    with closing(_opened(data)) as pdf:
        for number in range(1, len(pdf) + 1):
            try:
                with closing(pdf[number - 1]) as page, closing(page.get_textpage()) as text_page:
                    if not text_page.get_text_bounded().strip():
                        blank.append(number)
            except PdfiumError:
                continue
    return tuple(blank)


def page_text(data: bytes, number: int, *, name: str) -> str:
    """Returns the text of a page, from 1, as OCR reads its picture; empty where it finds none; blocks.

    Raises:
        ReadError: OCR is not installed, or fails.
    """
    with closing(_opened(data)) as pdf, closing(pdf[number - 1]) as page:
        width, height = page.get_size()
        scale = min(_DOTS_PER_INCH / 72, (_MOST_DOTS / max(width * height, 1)) ** 0.5)
        picture = page.render(scale=scale).to_numpy()
    try:
        found = _engine()(picture)
    except ImportError as error:
        raise ReadError("OCR is not installed.", hint=_INSTALL) from error
    except MemoryError:
        raise
    except Exception as error:  # whatever the models and their runtime raise
        raise ReadError(
            f"OCR fails on page {number} of {name!r}: {clean_line(str(error), limit=200)}"
        ) from error
    if found.txts is None or found.boxes is None:
        return ""
    boxes = [_box(corners, text) for corners, text in zip(found.boxes, found.txts, strict=True)]
    return "\n".join(box.text for box in in_reading_order(boxes))


def in_reading_order(boxes: Sequence[Box]) -> Iterator[Box]:
    """Yields the lines as a person reads them: columns one after the other, by recursive X-Y cuts.

    After Nagy and Seth (1984): a region is cut at a gap that runs through all of its height, else at the
    highest gap that runs through all of its width.
    """
    ahead = [list(boxes)]
    while ahead:
        region = ahead.pop()
        if len(region) < 2:
            yield from region
            continue
        height = sorted(box.bottom - box.top for box in region)[len(region) // 2]
        across = _cut([(box.left, box.right) for box in region], at_least=height * 0.8)
        down = _cut([(box.top, box.bottom) for box in region], at_least=0.0) if across is None else None
        if across is not None:
            first = [box for box in region if box.right <= across]
            rest = [box for box in region if box.right > across]
        elif down is not None:
            first = [box for box in region if box.bottom <= down]
            rest = [box for box in region if box.bottom > down]
        else:
            yield from sorted(region, key=lambda box: (box.top, box.left))
            continue
        ahead += [rest, first]


def _cut(spans: list[tuple[float, float]], *, at_least: float) -> float | None:
    """Where the widest gap between the spans begins; `None` where no gap is wide enough."""
    widest, where, end = at_least, None, None
    for start, stop in sorted(spans):
        if end is not None and start - end > widest:
            widest, where = start - end, end
        end = stop if end is None else max(end, stop)
    return where


def _box(corners: Any, text: str) -> Box:
    across, down = [float(x) for x, _ in corners], [float(y) for _, y in corners]
    return Box(min(across), min(down), max(across), max(down), text)


def _opened(data: bytes) -> PdfDocument:
    from pypdfium2 import PdfDocument

    return PdfDocument(data)


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,  # pages that stand on their heads are rare, and this takes a model more
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # other pages are read beside this one
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Rec.rec_batch_num": 1,  # a batch is padded to its longest line: more memory, and no faster
        }
    )

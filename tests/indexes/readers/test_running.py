"""What a PDF repeats on every page."""

from __future__ import annotations

from indexes.readers.running import without_running_heads


def test_heads_feet_and_page_numbers_are_dropped() -> None:
    pages = [
        f"Journal of Rain, vol. 3, p. {n}\nText of page {word} stands here.\n{n}"
        for n, word in ((7, "one"), (8, "two"), (9, "three"), (10, "four"))
    ]
    first, *others = without_running_heads(pages)
    assert first == "Journal of Rain, vol. 3, p. 7\nText of page one stands here.", "it may say the venue"
    assert others == [f"Text of page {word} stands here." for word in ("two", "three", "four")]


def test_heads_of_left_and_right_pages_differ() -> None:
    pages = [f"{'On rain' if n % 2 else 'Byron and Shelley'}\nWords number {'x' * n}." for n in range(1, 9)]
    assert all("\n" not in page for page in without_running_heads(pages)[1:])


def test_rows_of_numbers_and_short_documents_keep_their_lines() -> None:
    rows = [f"Words of page {'x' * n}\n12 34 56\n1 2 3\nEnd {'y' * n}" for n in range(1, 6)]
    assert without_running_heads(rows) == rows
    assert without_running_heads(["Same\nline", "Same\nline"]) == ["Same\nline", "Same\nline"]

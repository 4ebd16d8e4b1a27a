"""The filters of a question, as the help lists them; the README's table says the same."""

from __future__ import annotations

__all__ = ["FILTERS"]

FILTERS: tuple[tuple[str, str], ...] = (
    ("author:nguyen", "Papers by this author; a name with spaces stands in quotes."),
    ("year:2019..2023", "Papers of these years; also year:2020, year:2019.. and year:..2023."),
    ("in:notes", "This collection."),
    ("type:pdf", "This kind of file: docx, epub, md, txt, html, tex, jats, ipynb, reference."),
    ('"exact words"', "Passages with these words as they stand."),
    ("part:references", "Lists of references, left out otherwise; also front and body."),
    ("like:paper.pdf", "Papers like this one, named by its file or a part of its title."),
)
"""What is written, and what is looked in then. The library's list takes the first four, and quoted words."""

"""Measures how well a library finds what was judged relevant, and how well papers' metadata is read."""

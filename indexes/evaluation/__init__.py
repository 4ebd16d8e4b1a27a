"""Measures how well a library finds what was judged relevant."""

"""Measures what the README claims, each claim beside its peer in the same run."""

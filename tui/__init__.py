"""Shows it: the Textual app."""

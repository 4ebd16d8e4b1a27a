"""The engine in a process of its own, so that nothing it does can freeze the app."""

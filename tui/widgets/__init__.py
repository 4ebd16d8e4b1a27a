"""The app's widgets; each tells what happened to it by its own messages."""

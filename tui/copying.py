"""What an app tells in passing: a toast, and where a copy went."""

from __future__ import annotations

from tui.display import DrawnApp

__all__ = ["CopyingApp"]


class CopyingApp(DrawnApp, inherit_bindings=False):
    """An app whose copies go wherever the person can paste them from."""

    def toast(self, message: str, *, error: bool = False) -> None:
        """The only way to a notification: sanitised, short, and never parsed as markup."""
        from tui.safe import shown_line

        self.notify(shown_line(message, 200), severity="error" if error else "information", markup=False)

    def copy(self, text: str, what: str) -> None:
        """Puts a text where it can be pasted from, and says where that is."""
        self._clipboard = text
        self.run_worker(self._copy(text, what), group="copy", exit_on_error=False)

    def copy_to_clipboard(self, text: str) -> None:
        """What is selected anywhere goes the same way."""
        self.copy(text, "What is selected")

    async def _copy(self, text: str, what: str) -> None:
        from assistant.clipboard import send
        from assistant.paths import find_paths

        # A browser's page hands nothing that a program sends on to the clipboard.
        terminal = None if self.is_web or self._driver is None else self._driver.write
        try:
            sent = await send(text, file=find_paths().clipboard, terminal=terminal)
        except OSError as error:
            self.toast(f"{what} cannot be copied: {error.strerror or error}.", error=True)
        else:
            self.toast(sent.said(what))

"""Where configuration, data, state and cache live: one home folder, or the platform's own places."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from indexes.errors import LibraryError

__all__ = ["Paths", "find_paths"]


@dataclass(frozen=True)
class Paths:
    """The four folders; none of them need exist yet. A shell completes by them, so they need no pydantic."""

    config: Path
    """`config.toml`, the person's settings."""
    data: Path
    """The library: what cannot be made anew."""
    state: Path
    """Logs, and the history."""
    cache: Path
    """Downloaded models: can be fetched again."""

    @property
    def settings_file(self) -> Path:
        """The person's settings."""
        return self.config / "config.toml"

    @property
    def library(self) -> Path:
        """The library's folder."""
        return self.data / "library"

    @property
    def history(self) -> Path:
        """What was asked and answered."""
        return self.state / "history.db"

    @property
    def clipboard(self) -> Path:
        """What was copied last where no clipboard can be reached."""
        return self.state / "clipboard.txt"

    @property
    def models(self) -> Path:
        """Where downloaded embedding models are kept."""
        return self.cache / "models"

    def create(self) -> None:
        """Makes the folders that are missing, readable by their owner only.

        Raises:
            LibraryError: One of them cannot be made.
        """
        for folder in (self.config, self.data, self.state, self.cache):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise LibraryError(
                    f"The folder {folder} cannot be made: {error.strerror or error}.",
                    hint="Check who may write there, or choose another place with --home or CARREL_HOME.",
                ) from error


def find_paths(home: str | Path | Paths | None = None) -> Paths:
    """Returns the folders under `home`, else under `$CARREL_HOME`, else where the platform keeps such things.

    Args:
        home: One folder to hold all four, which need not exist; paths already found are returned as they are.
    """
    if isinstance(home, Paths):
        return home
    chosen = home if home is not None else os.environ.get("CARREL_HOME") or None
    if chosen is not None:
        root = Path(chosen).expanduser().absolute()
        return Paths(config=root / "config", data=root / "data", state=root / "state", cache=root / "cache")
    from platformdirs import PlatformDirs

    platform = PlatformDirs("carrel", appauthor=False)
    return Paths(
        config=platform.user_config_path,
        data=platform.user_data_path,
        state=platform.user_state_path,
        cache=platform.user_cache_path,
    )

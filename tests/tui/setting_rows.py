"""A few settings for the app's tests, changed as the person changes them."""

from __future__ import annotations

from typing import Any

from assistant.engine.errands import (
    ChangeSetting,
    CheckSetting,
    Errand,
    FindSettings,
    ModelTried,
    SettingChecked,
    SettingRow,
    SettingsFound,
    TryModel,
)
from assistant.engine.scripted import ScriptedEngine
from assistant.settings import SettingsError

FILE = "/home/ada/.config/carrel/config.toml"


def rows() -> dict[str, SettingRow]:
    """By key, in order."""
    web = (
        "Whether the web is searched when the library has no answer; where nobody can be asked, ask means no."
    )
    return {
        row.key: row
        for row in (
            SettingRow(
                key="models.small.name",
                value="ollama:qwen3:4b",
                origin=f"user settings {FILE}, line 4",
                meaning="provider:model, such as openai:gpt-5-mini; empty means the role has no model.",
            ),
            SettingRow(key="models.reasoning.name", value="", origin="default", meaning="Writes the answer."),
            SettingRow(
                key="web", value="ask", origin="default", meaning=web, choices=("ask", "auto", "never")
            ),
            SettingRow(
                key="limits.papers",
                value="8",
                origin="environment CARREL_LIMITS__PAPERS",
                meaning="Most papers.",
            ),
            SettingRow(key="app.theme", value="", origin="default", meaning="Name of the colours."),
        )
    }


class Configurable(ScriptedEngine):
    """An engine with settings; `limits.papers` has to be a number, and the small model answers."""

    def __init__(self, **more: Any) -> None:
        self.rows = rows()
        self.scripted: dict[type[Errand[Any]], Any] = {
            FindSettings: lambda errand: self._sheet(),
            CheckSetting: self._check,
            ChangeSetting: self._change,
            TryModel: self._try,
        }
        super().__init__(found=self.scripted, **more)

    def _sheet(self) -> SettingsFound:
        return SettingsFound(rows=tuple(self.rows.values()), file=FILE)

    def _check(self, errand: CheckSetting) -> SettingChecked:
        wrong = errand.key == "limits.papers" and not errand.value.isdigit()
        return SettingChecked(problem="limits.papers is wrong: it is no number." if wrong else "")

    def _change(self, errand: ChangeSetting) -> SettingsFound:
        if problem := self._check(CheckSetting(key=errand.key, value=errand.value or "1")).problem:
            raise SettingsError(problem)
        origin = f"user settings {FILE}, line 9" if errand.value else "default"
        self.rows[errand.key] = self.rows[errand.key].model_copy(
            update={"value": errand.value, "origin": origin}
        )
        return self._sheet()

    def _try(self, errand: TryModel) -> ModelTried:
        if errand.role == "reasoning":
            raise SettingsError("The role 'reasoning' has no model.", hint="Set models.reasoning.name first.")
        return ModelTried(name="ollama:qwen3:4b", said="ready", seconds=0.8)

"""Runs the errands about settings: read and written as the files are now, and a model tried out with them."""

from __future__ import annotations

import asyncio
import time
from typing import Literal, assert_never

from assistant.engine.errands import (
    ChangeSetting,
    CheckSetting,
    FindSettings,
    ModelTried,
    SettingChecked,
    SettingsFound,
    TryModel,
)
from assistant.paths import Paths
from assistant.settings import Settings, SettingsError, load_settings
from assistant.settings_sheet import changed, problem_of, rows_of
from indexes.clean import clean_line

__all__ = ["run_settings_errand", "try_model"]

_TEST_SECONDS = 60.0


async def run_settings_errand(
    paths: Paths, errand: FindSettings | CheckSetting | ChangeSetting | TryModel
) -> SettingsFound | SettingChecked | ModelTried:
    """Returns what the errand brings back.

    Raises:
        SettingsError: A setting is wrong, or the file cannot be changed, or the role has no model.
        ModelError: The model did not answer; the message says why.
    """
    match errand:
        case FindSettings():
            return _found(paths, await asyncio.to_thread(load_settings, paths))
        case CheckSetting(key=key, value=value):
            return SettingChecked(problem=await asyncio.to_thread(problem_of, paths, key, value))
        case ChangeSetting(key=key, value=value):
            return _found(paths, await asyncio.to_thread(changed, paths, key, value))
        case TryModel():
            return await try_model(await asyncio.to_thread(load_settings, paths), errand.role)
        case _:
            assert_never(errand)


def _found(paths: Paths, settings: Settings) -> SettingsFound:
    return SettingsFound(rows=rows_of(settings), file=str(paths.settings_file))


async def try_model(settings: Settings, role: Literal["small", "reasoning"]) -> ModelTried:
    """Asks the model of a role for one word; returns what it said and how long that took.

    Raises:
        SettingsError: The role has no model, or it did not answer in time.
        ModelError: The model did not answer; the message says why.
    """
    from pipelines.chat import LangChainModel
    from pipelines.models import Prompt

    chosen = settings.models.small if role == "small" else settings.models.reasoning
    if not chosen.name:
        raise SettingsError(f"The role {role!r} has no model.", hint=f"Set models.{role}.name first.")
    prompt = Prompt(
        system="Somebody tries out whether you can be reached.", user="Answer with the word ready."
    )
    began = time.monotonic()
    try:
        async with asyncio.timeout(_TEST_SECONDS):
            said = await LangChainModel(chosen).complete(prompt)
    except TimeoutError as error:
        raise SettingsError(
            f"{chosen.name} did not answer within {_TEST_SECONDS:.0f} seconds.",
            hint="Is its server running, and is the address right?",
        ) from error
    return ModelTried(name=chosen.name, said=clean_line(said, 200), seconds=time.monotonic() - began)

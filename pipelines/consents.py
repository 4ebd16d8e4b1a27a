"""What a person may be asked for on the way to an answer, and what is done where nobody can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from indexes.errors import WebDisallowed
from pipelines.classify import EVERY_ONE
from pipelines.errors import BudgetSpent
from pipelines.ladder import AGAIN, STOP
from pipelines.person import Consent, Setting

__all__ = ["consents", "web_consent"]

_TAKE_IT = "answer from the papers' sentences"


def consents(
    *, web: Setting = "ask", budget: Setting = "ask", collection: Setting = "ask", failure: Setting = "ask"
) -> Mapping[str, Consent]:
    """Everything the research pipeline may ask for, each as its setting says."""
    return {
        "web": web_consent(web),
        "web too": web_consent(web, prompt=_web_too_prompt),
        "budget": Consent(
            setting=budget,
            prompt=lambda needs: f"{needs['error'].message} Go over the limit for this question?",
            refusal="The question's limit is reached, and nobody allowed going over it.",
            refused=BudgetSpent,
            once=True,  # the sums in its prompt change with every call
        ),
        "collection": Consent(
            setting=collection,
            prompt=lambda needs: "Several collections may hold the answer. Where should I look?",
            default=EVERY_ONE,
            automatic=EVERY_ONE,
        ),
        "models failed": Consent(
            setting=failure,
            prompt=lambda needs: "No model gave an answer. What now?",
            choices=(AGAIN, _TAKE_IT, STOP),
            default=_TAKE_IT,
            automatic=_TAKE_IT,
        ),
    }


def web_consent(setting: Setting, *, prompt: Callable[[Mapping[str, Any]], str] | None = None) -> Consent:
    """How the web is asked for: the search goes out with the question's own words, to one search engine."""
    return Consent(
        setting=setting,
        prompt=prompt or _web_prompt,
        refusal="The web was not searched: it is not allowed."
        if setting == "never"
        else "The web was not searched: nobody allowed it.",
        refused=WebDisallowed,
    )


def _web_prompt(needs: Mapping[str, Any]) -> str:
    return f"Nothing fitting in your library. Search the web for “{needs['query'].text}”?"


def _web_too_prompt(needs: Mapping[str, Any]) -> str:
    return f"Search the web for “{needs['query'].text}”? It adds to the evidence there is."

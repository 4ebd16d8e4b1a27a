"""A support desk, the example to copy: billing and technical messages, each to its own context and model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pipelines import ChatModel, Consent, Person, Pipeline, Policy, Prompt, Recorder, Step, Unsure, rung

__all__ = ["support_desk"]

Shelves = Mapping[str, Mapping[str, Callable[[str], Awaitable[str]]]]
WORDS = {"billing": {"invoice", "charged", "refund"}, "technical": {"error", "crash", "install"}}
CONSENTS = {
    "topic": Consent(prompt=lambda needs: "Which desk answers?", choices=tuple(WORDS), default="technical"),
    "expert": Consent(prompt=lambda needs: f"Pay the expert to answer “{needs['message']}”?"),
}


def support_desk() -> Pipeline:
    """What is done with a message, in which order of preference and within which limits."""
    quick = Policy(timeout_seconds=5, attempts=2)
    careful = Policy(timeout_seconds=30, attempts=3)
    dear = Policy(timeout_seconds=60, reserve=0.4)
    return Pipeline(
        "support desk",
        takes=("message",),
        gives="reply",
        services=frozenset({"models", "shelves"}),
        optional=frozenset({"expert"}),
        consents=CONSENTS,
        steps=(
            Step("triage", gives="topic", ladder=(rung(by_words), rung(by_asking))),
            Step("look up", gives="facts", over=places, each="place", ladder=(rung(looked_up, quick),)),
            Step("brief", gives="prompt", ladder=(rung(briefed),)),
            Step(
                "answer",
                gives="reply",
                share=8,
                ladder=(rung(by_model, careful), rung(by_expert, dear, consent="expert"), rung(by_letter)),
            ),
        ),
    )


async def by_words(message: str) -> str:
    topics = [topic for topic, words in WORDS.items() if any(word in message.lower() for word in words)]
    if len(topics) != 1:
        raise Unsure("Its words fit both topics, or neither.")
    return topics[0]


async def by_asking(message: str, person: Person, recorder: Recorder) -> str:
    choice = await person.choose("topic", {"message": message}, recorder)
    return choice if choice in WORDS else "technical"


def places(topic: str, shelves: Shelves) -> tuple[str, ...]:
    return tuple(shelves[topic])


async def looked_up(message: str, topic: str, place: str, shelves: Shelves) -> str:
    return await shelves[topic][place](message)


async def briefed(message: str, facts: tuple[str, ...]) -> Prompt:
    rule = "You answer a customer. Rely on these facts and nothing else:"
    return Prompt(system="\n".join((rule, *facts)), user=message)


async def by_model(prompt: Prompt, topic: str, models: Mapping[str, ChatModel]) -> str:
    return await models[topic].complete(prompt)


async def by_expert(prompt: Prompt, expert: ChatModel) -> str:
    return await expert.complete(prompt)


async def by_letter(topic: str, facts: tuple[str, ...]) -> str:
    return "\n".join((f"Your {topic} question is with a colleague. Until then:", *facts))

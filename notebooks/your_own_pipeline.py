# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A pipeline of your own
#
# Carrel's research runs on a small layer that knows nothing of papers: steps with their needs, and beside
# each step its ladder of ways to do it. This notebook runs another pipeline on the same layer: a support
# desk that sends billing questions to one context and model and technical ones to another. It needs no key
# and no network: the models here are scripted.

# %%
import inspect

from IPython.display import Markdown

from pipelines import Budget, CompiledPipeline, Person, Pipeline, Policy, Step, rung
from pipelines.errors import CarrelError, ModelOverloaded, ModelRefused
from pipelines.support_desk import by_words, support_desk
from pipelines.testing import ScriptedModel

# %% [markdown]
# ## It reads like its description
#
# A step is a verb, the noun it gives, and a ladder: the first rung that succeeds gives the value. Beside a
# rung stands its policy: its time-out, its attempts, the share of the time that better rungs must leave to
# it.

# %%
print(inspect.getsource(support_desk))

# %% [markdown]
# A rung is an async function, and its parameters are its needs: a value that another step gives, an input,
# or a service. Nothing else connects the steps. A rung that cannot do it raises, and the next one takes
# over.

# %%
print(inspect.getsource(by_words))

# %% [markdown]
# The picture is drawn from the declaration. The places of a topic are looked up side by side, one branch
# each.

# %%
desk = CompiledPipeline(support_desk())
Markdown(f"```mermaid\n{desk.draw()}\n```")

# %% [markdown]
# ## Ask it something
#
# Services are passed in by name: the places to look things up in, and the models.


# %%
def place(fact):
    async def look_up(message):
        return fact

    return look_up


shelves = {
    "billing": {"account": place("March was paid twice."), "terms": place("Refunds take five days.")},
    "technical": {
        "manual": place("Error 17: the disk is full."),
        "faults": place("No fault is known today."),
    },
}
models = {
    "billing": ScriptedModel("You get it back within five days.", name="scripted:billing", seconds=0.2),
    "technical": ScriptedModel("Please make room on the disk.", name="scripted:technical", seconds=0.3),
}


async def ask(message, *, models=models, expert=None, person=None, budget=None):
    """The reply, and the record of how it came about."""
    services = {"shelves": shelves, "models": models, "expert": expert}
    reply, record = await desk.run(
        {"message": message},
        services,
        person=person,
        budget=budget,
        finish=lambda reply, record: (reply, record),
    )
    print(reply)
    for fallback in record.degraded:
        print(f"  {fallback.step}: {fallback.rung} in place of {fallback.instead_of}: {fallback.why}")
    return record


# %%
billing = await ask("I was charged twice in March.")

# %%
technical = await ask("The app shows error 17.")

# %% [markdown]
# Each attempt at each rung is a span; the trace is their waterfall.

# %%
technical.trace.waterfall()

# %% [markdown]
# ## Break it
#
# A model that never answers, and a second in which there has to be a reply. The time is divided over the
# steps, and the last rung needs no model: a letter with what was looked up.

# %%
hanging = {"billing": ScriptedModel("never said", name="scripted:hanging", seconds=float("inf"))}
in_time = await ask("I was charged twice in March.", models=hanging, budget=Budget(max_seconds=1))

# %%
in_time.trace.waterfall()

# %% [markdown]
# A fault that may pass is tried again, with a random wait in between; one that stays is not. Which is which
# stands in the error's class, and no step decides it.

# %%
replies = iter([ModelOverloaded("The server is busy."), "You get it back within five days."])
busy = {"billing": ScriptedModel(lambda prompt: next(replies), name="scripted:busy")}
tried_again = await ask("I was charged twice in March.", models=busy)

# %%
tried_again.trace.waterfall()

# %% [markdown]
# ## Ask a person
#
# These words fit neither desk, so a person is asked; and when the model fails, before the expert is paid. In
# an app `decide` opens a dialog. With nobody to ask, the default is taken.


# %%
async def decide(asked):
    choice = "billing" if "billing" in asked.choices else "yes"
    print(f"{asked.prompt} {' / '.join(asked.choices)}: {choice}")
    return choice


expert = ScriptedModel("It is refunded today.", name="scripted:expert")
failing = {"billing": ScriptedModel(ModelRefused("The model declined."), name="scripted:failing")}
by_expert = await ask("It did not do what I hoped for.", models=failing, expert=expert, person=Person(decide))

# %% [markdown]
# ## Declare your own
#
# Steps that need nothing of each other run side by side; write down what each needs, and that is all. A
# declaration that cannot hold is refused, with the name of the step.


# %%
async def weather(city):
    return f"rain in {city}"


async def tide(city):
    return "low tide"


async def plan(forecast, water):
    return f"With {forecast} and {water}: the museum."


day = Pipeline(
    "a day out",
    takes=("city",),
    gives="plan",
    steps=(
        Step("look at the sky", gives="forecast", ladder=(rung(weather, Policy(timeout_seconds=5)),)),
        Step("look at the sea", gives="water", ladder=(rung(tide, Policy(timeout_seconds=5)),)),
        Step("decide", gives="plan", ladder=(rung(plan),)),
    ),
)
await CompiledPipeline(day).run({"city": "Ostend"}, {})

# %%
try:
    Pipeline("p", ("city",), "plan", [Step("decide", gives="plan", ladder=(rung(plan),))])
except CarrelError as refused:
    print(refused)

# %% [markdown]
# ## With real models
#
# Put `open_model(ModelSettings(name="openai:gpt-5-mini"), Gates())` in the place of a `ScriptedModel` (from
# `pipelines.metered`, `pipelines.models` and `pipelines.gate`), and pass `Gates` on to all of them. Calls
# then count against `Budget(max_calls=..., max_cost_usd=...)`, and a provider that is down is left alone by
# every pipeline in the process.

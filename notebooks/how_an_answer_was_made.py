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
# # How an answer was made
#
# Every answer carries its own record: how the question was understood, which route was taken and why, which way of
# doing each step served, what it cost and how long it took. This notebook reads that record, then breaks things on
# purpose and reads it again. It needs no key and no network: the papers are the notes that come with Carrel, and the
# models are scripted.

# %%
import re
import tempfile
from pathlib import Path

from IPython.display import Markdown

from assistant.build import find_encoder
from assistant.demo import NOTES
from assistant.paths import find_paths
from assistant.settings import Settings
from indexes import Library
from indexes.errors import SearchError
from pipelines import Budget, CompiledPipeline
from pipelines.errors import ModelOverloaded, ModelRefused
from pipelines.models import Models
from pipelines.research import Research, research
from pipelines.settings import Limits
from pipelines.testing import ScriptedModel
from pipelines.types import Question

# %load_ext assistant

# %% [markdown]
# A library of its own, thrown away in the end, and two models that write what a good model would: a summary of each
# paper, and an answer that cites its evidence.

# %%
home = tempfile.TemporaryDirectory(prefix="carrel-", ignore_cleanup_errors=True)
library = Library.open(Path(home.name), encoder=find_encoder(Settings(), find_paths()))
report = await library.add([NOTES])
report


# %%
def best(text, question, count):
    """The sentences of a text that have most words in common with the question."""
    wanted = set(re.findall(r"\w{4,}", question.lower()))
    paragraphs = (" ".join(each.split()) for each in text.split("\n\n"))
    whole = [sentence for each in paragraphs for sentence in re.findall(r"[A-Z][^.!?]{30,}[.!?]", each)]
    ranked = sorted(whole, key=lambda sentence: -len(wanted & set(re.findall(r"\w{4,}", sentence.lower()))))
    return ranked[:count] or [text.strip()]


def good(prompt):
    """Summarises a paper by its two best sentences; answers with the best one of each of two papers, cited."""
    data = prompt.user.partition("<evidence>\n")[2].partition("\n</evidence>")[0]
    question = prompt.user.replace(data, "")
    if "RELEVANCE:" in prompt.system:
        return f"RELEVANCE: 8\nSUMMARY: {' '.join(best(data, question, 2))}"
    pieces = re.findall(r"^\[(\d+)\] [^\n]*\n(.*?)(?=^\[\d+\] |\Z)", data, re.M | re.S)
    return " ".join(f"{best(text, question, 1)[0][:-1]} [{number}]." for number, text in pieces[:2])


def model(reply=good, **how):
    return ScriptedModel(reply, name=how.pop("name", "scripted:large"), context_tokens=2_400, **how)


small = model(name="scripted:small", seconds=0.1)


async def ask(text, *, reasoning=None, small=small, retrievers=None, budget=None):
    """The answer, with its record in it."""
    models = Models(small=small, reasoning=reasoning or model(seconds=0.3))
    pipeline = Research(library, retrievers or library.retrievers, models=models)
    question = Question(text=text, budget=budget or Budget())
    return [event async for event in pipeline.stream(question)][-1].answer


def fallbacks(answer):
    for each in answer.degraded:
        print(f"{each.step}: {each.rung}, in place of {each.instead_of}. {each.why}")


# %% [markdown]
# ## The ladders
#
# The pipeline is declared, and can be drawn. Beside each step stand the ways to do it, best first; the last of them
# needs neither a model nor a network.

# %%
pipeline = research(Limits())
for step in pipeline.steps:
    print(f"{step.name:10}", "  →  ".join(way.name for way in step.ladder))

# %%
Markdown(f"```mermaid\n{CompiledPipeline(pipeline).draw()}\n```")

# %% [markdown]
# ## An answer when all goes well
#
# A click on `[1]` opens the evidence it points to.

# %%
wide = "Why should each step leave a part of the remaining time to its fallbacks?"
answer = await ask(wide)
answer

# %% [markdown]
# How it was understood, and what was decided to do:

# %%
print(
    f"{answer.query.kind} question, sure {answer.query.confidence:.2f}, in {answer.query.domain or 'all collections'}"
)
print(f"route: {answer.route.name}. {answer.route.why}")
print(f"models: {answer.route.models}")

# %% [markdown]
# What took which time: one line for each attempt at each step. The papers are read side by side.

# %%
answer.trace.waterfall()

# %% [markdown]
# What it was written from, as a table:

# %%
answer.evidence.to_pandas()[["title", "page", "relevance", "read_by"]]

# %% [markdown]
# A narrow question takes the cheaper route: the small model drafts, the draft is checked against what it cites, and the
# large model is not called unless there is a doubt.

# %%
narrow = await ask("What is full jitter?")
print(f"route: {narrow.route.name}; written by {narrow.author}; model calls: {narrow.usage.calls}")

# %% [markdown]
# ## Break it
#
# **The large model never answers**, and there are three seconds. A share of them is kept for the next way, in which the
# small model answers from the summaries.

# %%
hanging = await ask(wide, reasoning=model(seconds=float("inf")), budget=Budget(max_seconds=3))
fallbacks(hanging)
hanging.trace.waterfall()

# %% [markdown]
# **It is busy, then well again.** A fault that may pass is tried again after a random wait; the answer is as good as
# without it, and the trace has both tries.

# %%
replies = iter([ModelOverloaded("The server is busy.")])
busy = await ask(wide, reasoning=model(lambda prompt: next(replies, None) or good(prompt)))
fallbacks(busy)
print([f"try {span.attempt}: {span.status}" for span in busy.trace.of("reason")])

# %% [markdown]
# **Every model refuses.** The answer is put together from sentences of the papers, word for word and cited, and says so.

# %%
refusing = model(ModelRefused("The model declined."))
refused = await ask(wide, reasoning=refusing, small=refusing)
refused

# %% [markdown]
# **A model makes something up.** Nothing fails here; but no source carries the second sentence, and it is marked.

# %%
await ask(
    wide,
    reasoning=model(lambda prompt: good(prompt) + " Breakers were invented on the moon in 1969 [1]."),
)


# %% [markdown]
# **A retriever is dead.** The others go on, and the answer says what was missing.


# %%
class Dead:
    name = "a dead retriever"

    async def search(self, text, *, limit, collections=()):
        raise SearchError("Its server does not answer.")


without_one = await ask(wide, retrievers=(Dead(), *library.retrievers))
fallbacks(without_one)
print(without_one.author, without_one.found)

# %%
await library.close()
home.cleanup()

# %% [markdown]
# With your own models and papers all of this is in what `assistant.ask(...)` returns: `answer.route`, `answer.degraded`,
# `answer.trace.waterfall()`. `carrel ask --trace` draws the same in a terminal.

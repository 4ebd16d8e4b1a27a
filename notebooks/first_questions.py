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
# # First questions
#
# Carrel in a notebook: add a folder, ask, look at the evidence, search, and follow a question step by step. It runs as
# it stands, without a model and without a network, on the eleven notes that come with Carrel. Open it in Jupyter with
# the extra `notebook`: `pip install -c constraints.txt '.[notebook]' jupyterlab`, then `jupytext --to ipynb` or, with
# Jupytext's own extension, "Open as notebook".

# %%
import tempfile

from assistant import Assistant
from assistant.demo import NOTES

# %% [markdown]
# Everything an assistant keeps lies in one home folder. This one is thrown away in the end; leave the folder out, and
# it is your own library.

# %%
home = tempfile.TemporaryDirectory(prefix="carrel-", ignore_cleanup_errors=True)
assistant = Assistant(home.name, web="never")
assistant.add(NOTES)

# %% [markdown]
# ## Ask
#
# An answer that stands last in a cell shows itself, with its sources and with what it could not do.

# %%
answer = assistant.ask("Why should retries use exponential backoff with jitter?")
answer

# %% [markdown]
# ## Check it
#
# `[1]` points to a piece of evidence: a passage with its paper, its page and a quotation. A citation is verified when
# the quotation stands, word for word, on that page.

# %%
for evidence in answer.evidence:
    verified = [each.verified for each in answer.citations if each.evidence_id == evidence.id]
    check = "not cited" if not verified else "verified" if all(verified) else "not verified"
    print(f"[{evidence.id}] {evidence.document.title}, p. {evidence.page}: {check}")
    print(f"    {evidence.quote}")

# %% [markdown]
# The page around a quotation, and where on it the quotation stands:

# %%
first = answer.evidence[0]
page = assistant.surroundings(
    first.document.id, start=first.quote_start, end=first.quote_start + len(first.quote)
)
print(f"page {page.page} of {page.page_count}")
print("…" + page.text[max(0, page.start - 120) : page.end + 120] + "…")

# %% [markdown]
# ## Search
#
# Passages, best first, without any model writing anything.

# %%
assistant.search("reciprocal rank fusion", limit=3)

# %% [markdown]
# ## Follow a question
#
# `stream` yields each event as it happens: which step has begun, what it found, which fallback it took. In a
# notebook's own event loop, `await assistant.aask(...)` and `async for event in assistant.astream(...)` do the same.

# %%
for event in assistant.stream("When does a circuit breaker open?"):
    match event.type:
        case "step_started":
            print(f"{event.step}: {event.rung} {event.branch}".rstrip())
        case "done":
            print(event.answer.text)

# %%
await assistant.aask("When should a person be asked?")

# %%
assistant.close()
home.cleanup()

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
# # Many questions, graded
#
# A batch answers a file of questions, one line each, and grades the answers where the questions say what is right.
# This notebook asks the notes that come with Carrel, without a model and without a network, and looks at what came of
# it as tables.

# %%
import json
import tempfile
from pathlib import Path

import pandas as pd

from assistant import Assistant
from assistant.batch_frame import Batch
from assistant.demo import NOTES

# %%
home = tempfile.TemporaryDirectory(prefix="carrel-", ignore_cleanup_errors=True)
assistant = Assistant(home.name, web="never")
assistant.add(NOTES)

# %% [markdown]
# ## Questions that know what is right
#
# `gold_answers` are looked for word for word, in the answer and in the sentences it cites; `gold_documents` are papers
# that should be cited; `gold_answerable: false` says that the library holds no answer, and that saying so is right.

# %%
questions = [
    {
        "id": "breaker",
        "question": "When does a circuit breaker open?",
        "gold_answers": ["five failures"],
        "gold_documents": ["circuit-breakers.md"],
    },
    {
        "id": "jitter",
        "question": "What does full jitter do to the waits of many clients?",
        "gold_answers": ["at random"],
        "gold_documents": ["retries-and-backoff.txt"],
    },
    {
        "id": "fusion",
        "question": "Why does reciprocal rank fusion use ranks and not scores?",
        "gold_documents": ["reciprocal-rank-fusion.md"],
    },
    {
        "id": "keyword",
        "question": "Where does keyword retrieval fail?",
        "gold_documents": ["dense-and-keyword-retrieval.html"],
    },
    {
        "id": "person",
        "question": "When should a person be asked?",
        "gold_documents": ["human-in-the-loop.md"],
    },
    {"id": "giraffes", "question": "How tall are giraffes?", "gold_answerable": False},
    {"id": "opera", "question": "Who composed the opera Fidelio?", "gold_answerable": False},
]
asked = Path(home.name) / "questions.jsonl"
_ = asked.write_text("".join(f"{json.dumps(each)}\n" for each in questions), encoding="utf-8")

# %% [markdown]
# ## Run them
#
# Each answer is on the disk before the next question begins; after a stop, the same call with `resume=True` goes on and
# pays for nothing twice.

# %%
answers = Path(home.name) / "answers.jsonl"
report = assistant.batch(asked, out=answers)
{state.value: count for state, count in report.counts.items()}

# %% [markdown]
# ## What the grades come to
#
# Each measure over the questions that asked for it, with a 95 % interval: seven questions say little, and the interval
# says how little.

# %%
grades = pd.DataFrame(
    {
        "measure": each.measure,
        "questions": each.questions,
        "value": each.value.value,
        "from": each.value.low,
        "to": each.value.high,
    }
    for each in report.grades
).set_index("measure")
grades.style.format(precision=2).bar(subset=["value"], vmin=0, vmax=1, color="#8fb8a8")

# %% [markdown]
# ## Question by question
#
# The file of answers is a table, and so is what each question was graded with.

# %%
batch = Batch.read(answers)
table = batch.to_pandas().loc[[each["id"] for each in questions]]
shown = table[["status", "author", "sources", "support", "seconds"]]
shown.style.format(precision=2, na_rep="").bar(subset=["seconds"], color="#d8b878")

# %% [markdown]
# How long they took, without any plotting package; `plot_cost` and `plot_support` are drawn in the same way:

# %%
batch.plot_seconds()

# %% [markdown]
# ## The ones that went wrong
#
# What to look at first: words that should have been there and are not, a right paper that was not cited, an answer
# where there is none. Here an answer is right, and what was written down as right is in other words than the note's:
# grades by words find both kinds.

# %%
right = table[["span_cited", "abstaining_right"]].ne(False).all(axis="columns")
table.loc[~right | (table["documents_cited"] < 1), ["question", "text"]]

# %%
assistant.close()
home.cleanup()

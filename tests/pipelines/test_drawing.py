"""A pipeline's picture shows its steps, their ladders and what they give each other, and nothing else."""

from __future__ import annotations

import re

from pipelines.drawing import to_mermaid
from pipelines.graph import CompiledPipeline
from pipelines.research import research
from pipelines.settings import Limits
from pipelines.step import Pipeline, Step, rung
from pipelines.support_desk import support_desk


def test_the_support_desk_is_drawn_as_it_is_declared() -> None:
    assert CompiledPipeline(support_desk()).draw() == (
        "flowchart TD\n"
        '    n0(["message"])\n'
        '    n1["triage<br/>by words, else by asking"]\n'
        '    n2[["look up for each place<br/>looked up"]]\n'
        '    n3["brief<br/>briefed"]\n'
        '    n4["answer<br/>by model, else by expert, else by letter"]\n'
        '    value(["reply"])\n'
        '    n0 -->|"message"| n1\n'
        '    n0 -->|"message"| n2\n'
        '    n1 -->|"topic"| n2\n'
        '    n2 -->|"facts"| n3\n'
        '    n0 -->|"message"| n3\n'
        '    n2 -->|"facts"| n4\n'
        '    n3 -->|"prompt"| n4\n'
        '    n1 -->|"topic"| n4\n'
        "    n4 --> value\n"
    )


def test_every_step_of_research_is_drawn_and_reached() -> None:
    pipeline = research(Limits())
    picture = to_mermaid(pipeline)
    assert all(f'"{step.name}' in picture for step in pipeline.steps)
    nodes = set(re.findall(r"^    (\w+)[\[(]", picture, re.MULTILINE))
    ends = set(re.findall(r"--> ?(?:\|.*?\| )?(\w+)$", picture, re.MULTILINE))
    assert nodes - ends == {"n0"}


def test_no_name_can_break_the_picture() -> None:
    async def run() -> None: ...

    hostile = 'a "b"] --> c\n<script>#'
    pipeline = Pipeline("p", (), "it", [Step(hostile, gives="it", ladder=[rung(run, name=hostile)])])
    node = to_mermaid(pipeline).splitlines()[1]
    assert node.count('"') == 2
    assert "<script>" not in node

"""Draws a declared pipeline as a Mermaid diagram: steps with their ladders, and what each gives to which."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.step import Pipeline, Step

__all__ = ["to_mermaid"]


def to_mermaid(pipeline: Pipeline) -> str:
    """The pipeline from its inputs to its value; a step that fans out has a double frame."""
    return "\n".join(("flowchart TD", *_nodes(pipeline), *_edges(pipeline), ""))


def _nodes(pipeline: Pipeline) -> Iterator[str]:
    for name in pipeline.takes:
        yield f"    {_id(pipeline, name)}([{_quoted(name)}])"
    for step in pipeline.steps:
        label = _quoted(_words(step))
        yield f"    {_id(pipeline, step.gives)}" + (f"[[{label}]]" if step.over else f"[{label}]")
    yield f"    value([{_quoted(pipeline.gives)}])"


def _edges(pipeline: Pipeline) -> Iterator[str]:
    given = {*pipeline.takes, *pipeline.givers}
    for step in pipeline.steps:
        for need in sorted(step.needs & given):
            yield f"    {_id(pipeline, need)} -->|{_quoted(need)}| {_id(pipeline, step.gives)}"
    yield f"    {_id(pipeline, pipeline.gives)} --> value"


def _words(step: Step) -> str:
    """The step's name, and below it its ladder."""
    ladder = ", else ".join(rung.name for rung in step.ladder)
    each = f" for each {step.each}" if step.over else ""
    return f"{step.name}{each}\n{ladder}"


def _id(pipeline: Pipeline, value: str) -> str:
    """Names the node that a value comes from."""
    return f"n{[*pipeline.takes, *pipeline.givers].index(value)}"


def _quoted(text: str) -> str:
    """`text` as a Mermaid string, in which no mark of Mermaid's or HTML's is one."""
    marks = {"#": "#35;", '"': "#34;", "<": "#60;", ">": "#62;", "&": "#38;", "\n": "<br/>"}
    return f'"{"".join(marks.get(letter, letter) for letter in text)}"'

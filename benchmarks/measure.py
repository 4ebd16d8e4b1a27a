"""How a claim is measured and reported: alternating repeats, medians, a target for each number."""

from __future__ import annotations

import json
import math
import operator
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from indexes.model_files import find_model

__all__ = [
    "NotMeasurable",
    "Report",
    "Target",
    "alternate",
    "data_folder",
    "exact_upper_bound",
    "installed_environment",
    "model_folder",
    "peak_megabytes",
    "seconds",
    "shipped_folder",
    "upper_bound",
]

COMPARISONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


class NotMeasurable(SystemExit):
    """Something that the benchmark reads is not on this machine; the message says what."""


@dataclass(frozen=True)
class Target:
    """One number and what it should be."""

    name: str
    value: float
    comparison: Literal["<=", ">=", "=="]
    limit: float

    @property
    def met(self) -> bool:
        """Whether the number, as rounded in the report, is what it should be."""
        return bool(COMPARISONS[self.comparison](round(self.value, 4), self.limit))


@dataclass(frozen=True)
class Report:
    """What one benchmark found."""

    benchmark: str
    claim: str
    targets: tuple[Target, ...]
    repeats: int
    numbers: Mapping[str, object] = field(default_factory=dict)
    """Everything behind the targets; times are medians unless named otherwise."""

    def as_json(self) -> str:
        """One JSON object, indented."""
        targets = [
            {
                "name": target.name,
                "value": round(target.value, 4),
                "target": f"{target.comparison} {target.limit:g}",
                "met": target.met,
            }
            for target in self.targets
        ]
        machine: dict[str, object] = {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "system": sys.platform,
        }
        if hasattr(os, "getloadavg"):
            # How many processes wanted a core in the last minute: above `cpus`, times are too long.
            machine["load_average"] = round(os.getloadavg()[0], 1)
        return json.dumps(
            {
                "benchmark": self.benchmark,
                "claim": self.claim,
                "met": all(target.met for target in self.targets),
                "targets": targets,
                "repeats": self.repeats,
                "numbers": _rounded(self.numbers),
                "machine": machine,
            },
            indent=2,
        )


def alternate(cases: Mapping[str, Callable[[], float]], *, repeats: int) -> dict[str, float]:
    """Return the median of each case, the cases taken in turn so that a busy moment falls on all.

    Args:
        cases: Name to a function that measures once and returns its number.
        repeats: How often each is measured.
    """
    measured: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, measure in cases.items():
            measured[name].append(measure())
    return {name: statistics.median(values) for name, values in measured.items()}


def upper_bound(failures: int, cases: int) -> float:
    """Return the 95 % upper bound of a failure rate (Wilson's score interval, one-sided)."""
    if not cases:
        return 1.0
    z = 1.645
    rate = failures / cases
    middle = rate + z * z / (2 * cases)
    spread = z * math.sqrt(rate * (1 - rate) / cases + z * z / (4 * cases * cases))
    return min(1.0, (middle + spread) / (1 + z * z / cases))


def exact_upper_bound(failures: int, cases: int) -> float:
    """Return the exact 95 % upper bound of a failure rate (Clopper and Pearson, one-sided).

    Without a failure it is close to three by the number of cases.
    """
    if failures >= cases:
        return 1.0

    def at_most_so_many(rate: float) -> float:
        return sum(math.comb(cases, k) * rate**k * (1 - rate) ** (cases - k) for k in range(failures + 1))

    low, high = failures / cases, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most_so_many(middle) > 0.05 else (low, middle)
    return high


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def installed_environment() -> dict[str, str]:
    """The variables for a process whose start is timed, as a program that was installed is started.

    Where PYTHONDONTWRITEBYTECODE is set, each start would compile our files anew, and ours alone: those of
    the libraries were compiled when they were installed. What the first run compiles is kept for the others.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def data_folder(*parts: str) -> Path:
    """Return a folder of the development data: under `$CARREL_DATA`, else `../shared/data`.

    Raises:
        NotMeasurable: It is not there.
    """
    root = os.environ.get("CARREL_DATA") or Path(__file__).parents[2] / "shared" / "data"
    folder = Path(root).joinpath(*parts)
    if not folder.exists():
        raise NotMeasurable(f"{folder} is not there: set CARREL_DATA to the folder of the development data")
    return folder


def model_folder(name: str = "all-MiniLM-L6-v2") -> Path:
    """Return the folder with the embedding model: under `$CARREL_MODELS`, else `../shared/models`.

    Raises:
        NotMeasurable: It is not there.
    """
    root = os.environ.get("CARREL_MODELS") or Path(__file__).parents[2] / "shared" / "models"
    folder = Path(root) / name / "onnx"
    if not (folder / "model.onnx").exists():
        raise NotMeasurable(f"{folder} holds no model.onnx: set CARREL_MODELS to the folder of {name}")
    return folder


def shipped_folder() -> Path:
    """Return the folder with the embedding model that comes with Carrel."""
    folder = find_model(cache=None)
    if folder is None:
        raise NotMeasurable("this copy of Carrel lacks its embedding model")
    return folder


def peak_megabytes(process: int) -> float:
    """The most resident memory that a process has had; 0 where the system does not say, or it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _rounded(numbers: Mapping[str, object]) -> dict[str, object]:
    """To four places; what is smaller keeps two digits, as a bound of 0.00002 is not 0."""

    def rounded(value: object) -> object:
        if isinstance(value, Mapping):
            return _rounded(value)
        if isinstance(value, float):
            return round(value, 4) if abs(value) >= 0.001 else float(f"{value:.2g}")
        return value

    return {name: rounded(value) for name, value in numbers.items()}

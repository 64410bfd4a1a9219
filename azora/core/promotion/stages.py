"""Stages: environments that prove a release before the next one, by the `proof` of each file."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from azora.config.environment import Environment
from azora.errors import BadInput

Load = Callable[[str], Environment]


def stages_before(name: str, load: Load) -> list[str]:
    """Names of the environments where a release is proved before it comes to *name*, the first one first.

    Raises:
        BadInput: the proofs go round in a circle, or one names an environment that has no file.
    """
    found: list[str] = []
    while policy := load(found[0] if found else name).proof:
        if policy.environment in {name, *found}:
            raise BadInput(
                f"could not find the stages before {name!r}: {' → '.join([policy.environment, *found, name])} is a circle",
                advice="correct `proof.environment` in one of these files",
            )
        found.insert(0, policy.environment)
    return found


def hours_that_count(name: str, all_of_them: Iterable[Environment]) -> float | None:
    """Maximum age of a proof of *name*, by the strictest environment that needs one; None where none does."""
    return min(
        (one.proof.max_age_hours for one in all_of_them if one.proof and one.proof.environment == name), default=None
    )

"""Docker credential helpers: programs with registry logins from a keychain or a cloud.

https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import os
import time
from functools import lru_cache

from pydantic import BaseModel, Field, ValidationError

from azora.errors import Failed
from azora.host.child_environment import REGISTRY, child_environment
from azora.host.process import Completed, run

TIMEOUT_SECONDS = 30.0
KEPT_SECONDS = 300.0  # a cloud's passwords hold for an hour and more
TOKEN_USER = "<token>"  # noqa: S105 - in place of a user's name it says that the secret is an identity token

_NOT_FOUND = "credentials not found in native keychain"


class _Answer(BaseModel):
    user: str = Field(alias="Username")
    secret: str = Field(alias="Secret")


def answer_of(helper: str, server: str) -> tuple[str, str] | None:
    """User and secret from `docker-credential-<helper>` for *server*, or None; cached for five minutes.

    Raises Failed for a helper that is not there, fails, hangs or prints no login. Its output is in no error: it may hold
    the secret.
    """
    return _kept(
        f"docker-credential-{helper}", server, os.environ.get("PATH", ""), int(time.monotonic() / KEPT_SECONDS)
    )


@lru_cache(maxsize=64)
def _kept(program: str, server: str, _path: str, _period: int) -> tuple[str, str] | None:
    what = f"get the login of {server!r}"
    env = child_environment(*REGISTRY)
    done = run([program, "get"], given=server, env=env, timeout_seconds=TIMEOUT_SECONDS, what=what, grace_seconds=1)
    if done.returncode and _NOT_FOUND in done.output:
        return None
    answer = _read(done)
    if answer is None:
        said = f"{program} printed no login (exit code {done.returncode})"
        raise Failed(f"could not {what}: {said}", advice=f"run manually: echo {server} | {program} get")
    return (answer.user, answer.secret) if answer.user and answer.secret else None


def _read(done: Completed) -> _Answer | None:
    if done.returncode:
        return None
    try:
        return _Answer.model_validate_json(done.output)
    except ValidationError:
        return None

"""Settings of auth, from its environment variables."""

from __future__ import annotations

from pydantic import Field

from common.settings import DatabaseSettings, ServiceSettings, SessionSettings


class Settings(ServiceSettings, DatabaseSettings, SessionSettings):
    lockout_failures: int = Field(10, ge=1, description="Wrong passwords for one e-mail address before it is locked.")
    lockout_minutes: int = Field(15, ge=1, description="How long those failures are remembered, in minutes.")

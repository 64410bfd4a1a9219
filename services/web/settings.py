"""Settings of web, from its environment variables."""

from __future__ import annotations

from pydantic import Field

from common.settings import BaseUrl, RedisSettings, ServiceSettings


class Settings(ServiceSettings, RedisSettings):
    api_url: BaseUrl = Field(description="Where api answers.")
    cookie_secure: bool = Field(
        False,
        description="Whether cookies are for https only, whatever the proxy says; else they are when its "
        "X-Forwarded-Proto says https.",
    )

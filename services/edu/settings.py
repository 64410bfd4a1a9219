"""Settings of edu, from its environment variables."""

from __future__ import annotations

from pydantic import Field

from common.settings import BaseUrl, DatabaseSettings, ServiceSettings, SessionSettings


class Settings(ServiceSettings, DatabaseSettings, SessionSettings):
    pay_url: BaseUrl = Field(description="Where pay answers; it is asked what a person bought.")

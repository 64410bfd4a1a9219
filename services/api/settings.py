"""Settings of api, from its environment variables."""

from __future__ import annotations

from pydantic import Field

from common.settings import BaseUrl, ServiceSettings


class Settings(ServiceSettings):
    auth_url: BaseUrl = Field(description="Where auth answers.")
    edu_url: BaseUrl = Field(description="Where edu answers.")
    pay_url: BaseUrl = Field(description="Where pay answers.")

"""What web reads from its environment."""

from __future__ import annotations

from pydantic import Field

from common.settings import BaseUrl, ServiceSettings


class Settings(ServiceSettings):
    api_url: BaseUrl = Field(description="Where api answers.")
    cookie_secure: bool = Field(False, description="Whether cookies are for https only; true where the site has it.")

"""Settings of a service, from its environment variables.

Each field is the variable of the same name in capitals.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _with_psycopg(url: SecretStr) -> SecretStr:
    scheme, _, rest = url.get_secret_value().partition("://")
    return SecretStr(f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url.get_secret_value())


DatabaseUrl = Annotated[SecretStr, AfterValidator(_with_psycopg)]
BaseUrl = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]


class ServiceSettings(BaseSettings):
    """Settings of every service."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)  # it may be a secret

    azora_color: str = Field("none", description="Color of the stack this process belongs to; sent as X-Azora-Color.")
    azora_environment: str = Field("none", description="Environment of the stack; told in each line of the log.")
    azora_release: str = Field("dev", description="Id of the release this process belongs to; sent as X-Azora-Release.")
    listen_host: str = Field("0.0.0.0", description="Address to listen on.")  # noqa: S104 - a pod's own address
    port: int = Field(8000, description="TCP port to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    drain_seconds: float = Field(
        5.0, ge=0, description="After SIGTERM: how long requests are still taken, in seconds, while readiness says no."
    )
    shutdown_seconds: int = Field(
        35, ge=1, description="After draining: how long running requests may take to finish, in seconds."
    )
    max_connections: int = Field(2000, ge=1, description="Open connections beyond which a service answers 503.")
    max_body_bytes: int = Field(65_536, ge=1, description="Largest request body taken, in bytes.")
    sibling_timeout_seconds: float = Field(15.0, gt=0, description="Limit of one request to a sibling, in seconds.")
    sibling_pool_size: int = Field(
        100, ge=1, description="Most connections to one sibling; a fifth of them are kept for the next request."
    )


class DatabaseSettings(BaseSettings):
    """Additional settings of a service with tables."""

    database_url: DatabaseUrl = Field(description="PostgreSQL: postgresql://USER:PASSWORD@HOST:5432/NAME.")
    database_pool_size: int = Field(
        4, ge=1, description="Connections to PostgreSQL that one process keeps; at peaks it takes twice as many."
    )


class RedisSettings(BaseSettings):
    """Additional settings of a service that stores something in Redis."""

    redis_url: SecretStr = Field(description="Redis: redis://:PASSWORD@HOST:6379/0.")
    redis_pool_size: int = Field(
        50, ge=1, description="Most connections to Redis that one process has; who needs another waits for two seconds."
    )


class SessionSettings(RedisSettings):
    """Additional settings of a service that identifies its visitor."""

    session_hours: int = Field(168, ge=1, description="Lifetime of a login, in hours.")

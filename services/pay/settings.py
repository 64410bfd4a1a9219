"""Settings of pay, from its environment variables."""

from __future__ import annotations

from pydantic import Field, SecretStr

from common.settings import BaseUrl, DatabaseSettings, ServiceSettings, SessionSettings


class Settings(ServiceSettings, DatabaseSettings, SessionSettings):
    edu_url: BaseUrl = Field(description="Where edu answers; it is asked for titles and prices.")
    stripe_api_key: SecretStr = Field(description="Stripe's secret key; for localstripe any word that begins sk_test_.")
    stripe_api_base: BaseUrl = Field("https://api.stripe.com", description="Where Stripe's API answers.")
    stripe_webhook_secret: SecretStr | None = Field(
        None, min_length=16, description="What Stripe signs its webhooks with; without it none is taken."
    )

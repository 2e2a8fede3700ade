"""Settings of alerts: who is told of anomalies, and how often."""

from __future__ import annotations

import binascii

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict
from standardwebhooks import Webhook

from dragoman_contracts.monitoring import Severity
from dragoman_runtime.settings import DragomanSettings


class AlertSettings(DragomanSettings):
    """Where the monitoring worker sends alerts; without a URL nobody is told. The URLs may be inside."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_ALERTS_")

    webhook_url: SecretStr = Field(
        SecretStr(""), description="Receives alerts as CloudEvents, signed by Standard Webhooks."
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Signs them: whsec_ and 24 to 64 random bytes in base64."
    )
    slack_url: SecretStr = Field(
        SecretStr(""), description="An incoming webhook of Slack, Mattermost or another that takes its shape."
    )
    alertmanager_url: SecretStr = Field(
        SecretStr(""), description="Base URL of a Prometheus Alertmanager, as http://127.0.0.1:9093."
    )
    min_severity: Severity = Field("warning", description="Least severity told: info, warning, critical.")
    group_window_s: float = Field(
        5.0, ge=0, le=3600, description="Seconds that an alert waits for others, to be told together."
    )
    max_per_minute: int = Field(
        6, ge=1, le=600, description="Messages a minute to each receiver; what is more waits and is grouped."
    )
    repeat_s: float = Field(
        14_400.0, ge=0, description="Seconds after which an alert that is still open is told again; 0: never."
    )
    alertmanager_repeat_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Seconds between two tellings of an open alert to Alertmanager, which forgets it after "
        "its resolve_timeout (5 min).",
    )
    timeout_s: float = Field(5.0, gt=0, le=60, description="Seconds of one try to tell a receiver.")

    @field_validator("webhook_url", "slack_url", "alertmanager_url")
    @classmethod
    def _is_url(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://, or be empty")
        return value

    @model_validator(mode="after")
    def _is_signed(self) -> AlertSettings:
        if not self.webhook_url.get_secret_value():
            return self
        try:
            Webhook(self.webhook_secret.get_secret_value())
        except (ValueError, RuntimeError, binascii.Error):
            good = False
        except Exception as error:
            # The library's own error for an empty secret is in a module of its own.
            if "empty" not in str(error):
                raise
            good = False
        else:
            good = True
        if not good:
            raise ValueError("with webhook_url, webhook_secret must be whsec_ and base64")
        return self

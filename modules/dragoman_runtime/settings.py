"""Typed settings: one prefix, read once, each field with its meaning and unit.

Every room has one subclass of ``DragomanSettings`` in its ``settings.py``. Values come from the arguments,
then the environment, then ``.env.local`` in the working directory, then the default. ``env.template`` is
held against ``env_variables`` of ``all_settings`` by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from dragoman_contracts.errors import DragomanError

ENV_FILE: str | None = ".env.local"
"""Read from the working directory, if it is there."""

LogLevel = Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["auto", "pretty", "json"]


class SettingsInvalid(DragomanError):
    """A variable has a value that cannot be used; the message names it, never a secret's value."""

    code = "settings_invalid"
    default_remedy = "Correct the variable; env.template lists all of them with their meaning and unit."


class DragomanSettings(BaseSettings):
    """Base of all settings classes.

    Raises:
        SettingsInvalid: one line that names each wrong variable, the cause and the remedy.

    """

    model_config = SettingsConfigDict(
        env_prefix="DRAGOMAN_",
        env_file_encoding="utf-8",
        # .env.local holds the variables of every room; a room reads its own only.
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that are no ``SecretStr`` but may carry one, such as a URL with a password."""

    def __init__(self, **values: Any) -> None:
        values.setdefault("_env_file", ENV_FILE)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsInvalid(self._explain(error)) from None
        except SettingsError as error:
            # pydantic-settings names the field and source, but not the value.
            raise SettingsInvalid(str(error)) from None

    @classmethod
    def _explain(cls, error: ValidationError) -> str:
        return "; ".join(cls._explain_one(detail) for detail in error.errors(include_url=False))

    @classmethod
    def _explain_one(cls, detail: ErrorDetails) -> str:
        name = str(detail["loc"][0]) if detail["loc"] else ""
        variable = variable_name(cls, name) if name in cls.model_fields else name or cls.__name__
        cause = detail["msg"].removeprefix("Value error, ")
        field = cls.model_fields.get(name)
        if field is None or _is_secret(cls, name, field):
            return f"{variable}: {cause}"
        return f"{variable} is {str(detail['input'])[:80]!r}: {cause}"


@dataclass(frozen=True, slots=True)
class EnvVariable:
    """One setting as an operator sees it. ``default`` is text, empty where there is none or it is secret."""

    name: str
    description: str
    default: str
    secret: bool
    settings: str


def variable_name(settings: type[DragomanSettings], field: str) -> str:
    """The environment variable that a field is read from."""
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def env_variables(settings: type[DragomanSettings]) -> list[EnvVariable]:
    """The variables of a settings class, in the order of its fields."""
    return [
        EnvVariable(
            name=variable_name(settings, name),
            description=field.description or "",
            default=_default_text(field),
            secret=_is_secret(settings, name, field),
            settings=settings.__name__,
        )
        for name, field in settings.model_fields.items()
    ]


def all_settings() -> list[type[DragomanSettings]]:
    """Every settings class of the product that has been imported, in the order of their prefixes."""
    found: list[type[DragomanSettings]] = []
    waiting = list(DragomanSettings.__subclasses__())
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        # A class that a test defines is no setting of the product.
        if cls.__module__.startswith("dragoman_") and cls not in found:
            found.append(cls)
    return sorted(found, key=lambda cls: (str(cls.model_config.get("env_prefix")), cls.__name__))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        # Python's own text may quote the URL with its password.
        raise ValueError("it is no valid URL") from None


def _is_secret(settings: type[DragomanSettings], name: str, field: FieldInfo) -> bool:
    return name in settings.secret_fields or "SecretStr" in str(field.annotation)


def _default_text(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined or isinstance(default, SecretStr):
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, (list, tuple, set, frozenset)):
        return ",".join(str(item) for item in default)
    return str(default)


class RuntimeSettings(DragomanSettings):
    """What every process needs: the bus, logs, traces, the end."""

    secret_fields = frozenset({"redis_url"})

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="Redis 6.2 or newer: redis://[user:password@]host:port/db, rediss://… (TLS) or unix:///path.",
        repr=False,
    )
    redis_cluster: bool = Field(
        False,
        description="Whether the URL leads to a Redis Cluster (to any of its nodes, or a name of several).",
    )
    redis_timeout_s: float = Field(
        5.0, gt=0, le=300, description="Seconds until a Redis command or connection attempt counts as failed."
    )
    shards: int = Field(
        1,
        ge=1,
        le=16_384,
        description="Number of shards that sessions are spread over: 1 on one Redis, about 4 times the "
        "masters on a cluster. The same in all processes; never change it while sessions live.",
    )
    log_level: LogLevel = Field(
        "INFO", description="Least level logged: TRACE, DEBUG, INFO, WARNING or ERROR."
    )
    log_format: LogFormat = Field(
        "auto", description="pretty, json, or auto: pretty on a terminal, JSON otherwise."
    )
    otlp_endpoint: str = Field(
        "",
        description="Base URL of an OTLP/HTTP receiver, as http://127.0.0.1:4318: traces, logs and metrics "
        "are sent there; empty: nothing is sent anywhere.",
    )
    otlp_metrics_interval_s: float = Field(
        30.0,
        ge=0,
        le=3600,
        description="Seconds between two sendings of the metrics by OTLP; 0: never, where /metrics is "
        "scraped.",
    )
    trace_ratio: float = Field(
        0.002,
        ge=0,
        le=1,
        description="Share of audio frames, and of requests that bring no trace of their own, whose way is "
        "traced. The API's decides for all processes behind it.",
    )
    drain_timeout_s: float = Field(
        10.0, ge=0, le=3600, description="Seconds a process may take to finish its work after SIGTERM."
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address of a worker's own /health, /ready and /metrics."
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port of a worker's own /health, /ready and /metrics; 0: any free one.",
    )

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, value: str) -> str:
        if _scheme(value) not in {"redis", "rediss", "unix"}:
            raise ValueError("it must begin with redis://, rediss:// or unix://")
        return value

    @model_validator(mode="after")
    def _suits_a_cluster(self) -> RuntimeSettings:
        if self.redis_cluster and (
            _scheme(self.redis_url) == "unix" or urlsplit(self.redis_url).path not in {"", "/", "/0"}
        ):
            raise ValueError("a cluster's DRAGOMAN_REDIS_URL has host and port, and database 0")
        return self

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_http_url(cls, value: str) -> str:
        if value and _scheme(value) not in {"http", "https"}:
            raise ValueError("it must begin with http:// or https://, or be empty")
        return value.rstrip("/")

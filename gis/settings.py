"""What a deployment sets from outside, all of it: environment variables that begin with FINEGRID_."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gis.errors import ParameterError


def default_home() -> Path:
    """Where the embedded database lives: reachable by the account that PostgreSQL runs under.

    Root's own home is closed to the `postgres` account, so root gets a place under /var/lib.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/finegrid")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "finegrid"


class Settings(BaseSettings):
    """Every setting; the field's description is its documentation (docs/settings.md is checked against it)."""

    model_config = SettingsConfigDict(env_prefix="FINEGRID_", extra="ignore")

    database_url: str | None = Field(
        None, description="PostgreSQL + PostGIS to use instead of the embedded one, e.g. postgresql://user@host/name"
    )
    home: Path = Field(
        default_factory=default_home,
        description="Folder of the embedded database cluster, and of the seeds of dust draws until they are revealed",
    )
    city: str | None = Field(
        None, description="Which city's database of the embedded cluster; unset: the one chosen by `finegrid city use`"
    )
    pg_bindir: Path | None = Field(
        None, description="Folder with initdb and pg_ctl, where they are not found by themselves"
    )
    api_key: str | None = Field(None, min_length=16, description="Key that writing over HTTP must send as X-API-Key")
    open311_key: str | None = Field(
        None,
        min_length=16,
        description="Key for citizens' apps: it may send service requests (api_key of Open311) and nothing else",
    )
    contact: str = Field(
        "", description="Whom to ask about this server and for keys, e.g. an e-mail address; Open311 discovery says it"
    )
    tile_url: str | None = Field(
        None,
        description="Background tiles for maps, e.g. https://tiles.intern/{z}/{x}/{y}.png; unset: the city's own areas",
    )
    tile_attribution: str = Field("", description="Attribution shown for those tiles")
    upload_limit_mb: int = Field(1024, gt=0, description="Largest file that POST /imports takes")
    cors_origins: str = Field(
        "",
        description="Addresses whose pages may read this API in a browser, e.g. https://maps.intern, comma between; "
        "* for all",
    )
    query_limit_s: float = Field(
        20, gt=0, description="Longest time in seconds that one request for features may keep the database busy"
    )
    public_url: str = Field(
        "", description="Address under which others reach this server, e.g. https://grid.city.cn; links begin with it"
    )
    webhook_delivery: bool = Field(True, description="Whether `finegrid serve` tells webhooks by itself")
    webhook_hosts: str = Field(
        "",
        description="Hosts that webhooks may lead to, comma between: names, .everything.below, addresses, networks; "
        "unset: all but this machine and link-local addresses",
    )
    webhook_timeout_s: float = Field(15, gt=0, le=120, description="Longest time in seconds of one attempt")
    webhook_attempts: int = Field(40, gt=0, description="Attempts after which an event is given up; 40 are three days")
    webhook_keep_days: int = Field(30, gt=0, description="Days for which what was told, or given up, is kept")
    batch_limit: int = Field(100_000, gt=0, description="Most points that one POST /grid/locate may ask for")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg2://")):
            msg = "it must begin with postgresql://, e.g. postgresql://user@host/name"
            raise ValueError(msg)
        return url

    @field_validator("public_url")
    @classmethod
    def _begins_links(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            msg = "it must begin with http:// or https://, e.g. https://grid.city.cn"
            raise ValueError(msg)
        return url.rstrip("/")


@cache
def settings() -> Settings:
    """Read the environment once per process.

    Raises
    ------
    ParameterError
        A variable has a value that cannot be; names it without showing the value, which may be a key.
    """
    try:
        return Settings()
    except ValidationError as problem:
        fault = problem.errors()[0]
        raise ParameterError(f"FINEGRID_{str(fault['loc'][0]).upper()}", fault["msg"]) from None

"""Settings of one installation, from the environment and `.env`; every one is in `.env.example`."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = IPv4Network | IPv6Network


# what footage may be asked for, and the law by which; a district may strike out and correct
PURPOSES = (
    "theft=UU 1/2023 Pasal 476–477; robbery=UU 1/2023 Pasal 479; brawl=UU 1/2023 Pasal 472; "
    "drugs=UU 35/2009; violence=UU 1/2023 Pasal 466–469; accident=UU 22/2009 Pasal 310–312; "
    "missing_person=UU 2/2002 Pasal 14; other_crime=UU 2/2002 Pasal 16"
)


class WrongSettings(Exception):  # noqa: N818 - read by the operator as a sentence
    """The start is refused; the message names each wrong setting and how to mend it."""


class Settings(BaseSettings):
    """What an operator may set. The descriptions are the lines of `.env.example`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    bot_token: SecretStr | None = Field(
        None, description="The bot's token from @BotFather; left empty, the demo starts."
    )
    bot_api_url: str = Field(
        "https://api.telegram.org", description="The Bot API server to speak to."
    )
    webhook_url: str | None = Field(
        None, description="Public https address of this server; left empty, updates are polled."
    )
    console_url: str | None = Field(
        None,
        description="Public https address of the pages for uploads; left empty, WEBHOOK_URL's.",
    )
    listen_host: str = Field(
        "127.0.0.1", description="Address on which the webhook and the console listen."
    )
    listen_port: int = Field(8080, ge=0, le=65535, description="Port of the same; 0 picks one.")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Networks of proxies that say whence a call comes in X-Forwarded-For (CIDR).",
    )
    data_dir: Path = Field(Path("data"), description="Folder for database, keys and files.")
    database_url: str | None = Field(
        None,
        description="postgresql://... once SQLite is outgrown; left empty, SQLite in DATA_DIR.",
    )
    files_url: str | None = Field(
        None, description="s3://bucket/prefix for files; left empty, a folder in DATA_DIR."
    )
    secret_keys: SecretStr | None = Field(
        None, description="Keys as ID:BASE64[,ID:BASE64], newest first; left empty, DATA_DIR/keys."
    )
    district_name: str = Field(
        "Polres Metro Jakarta Barat", min_length=3, description="Who runs this, as people say it."
    )
    district_contact: str = Field(
        "110", min_length=2, description="Telephone number that people may call with questions."
    )
    sticker_words: str | None = Field(
        None,
        max_length=120,
        description="Words on stickers; left empty, connected to DISTRICT_NAME's command centre.",
    )
    timezone: str = Field("Asia/Jakarta", description="Time zone of the district.")
    default_language: Literal["id", "en"] = Field(
        "id", description="Language of people who have not chosen one: id or en."
    )
    checks_at_once: int = Field(
        4, ge=1, le=64, description="How many cameras are checked side by side."
    )
    allowed_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="Private networks in which cameras may be checked (CIDR, comma between)."
    )
    geocoder_url: str | None = Field(
        None, description="A Nominatim server for addresses in words; left empty, none is asked."
    )
    geocoder_user_agent: str = Field(
        "cctv-no-blindspot", min_length=3, description="How we name ourselves to the geocoder."
    )
    request_max_radius_m: int = Field(
        500, ge=10, description="Radius in metres beyond which a request needs a supervisor."
    )
    request_max_hours: int = Field(
        6, ge=1, description="Hours of footage beyond which a request needs a supervisor."
    )
    request_max_owners: int = Field(
        50, ge=1, description="Owners beyond which a request needs a supervisor."
    )
    request_purposes: str = Field(
        PURPOSES, description="Purposes of requests with their law, NAME=LAW; NAME=LAW; ..."
    )
    request_most_per_week: int = Field(
        5, ge=1, description="Requests within a week beyond which an owner is left in peace."
    )
    request_days: int = Field(
        7, ge=1, le=90, description="Days after which a request that is still open expires."
    )
    case_number_pattern: str = Field(
        r"[A-Za-z0-9][A-Za-z0-9/.\- ]{4,59}",
        description="Form of a case number, as a regular expression.",
    )
    case_number_example: str = Field(
        "LP/B/1042/XI/2026/SPKT", description="A case number to show as an example."
    )
    evidence_days: int = Field(
        30, ge=1, description="Days after which footage that helped no case is erased."
    )
    draft_days: int = Field(
        14, ge=1, description="Days of silence after which an unfinished enrolment is erased."
    )
    recording_days: int = Field(
        30, ge=1, description="Days after which a record is erased that no owner took over."
    )
    check_days: int = Field(
        7, ge=1, le=90, description="Days after which a camera that shares stills is checked again."
    )
    health_minutes: int = Field(
        60, ge=5, le=1440, description="Minutes between two looks whether a camera still answers."
    )
    media_server: Literal["", "mediamtx", "go2rtc"] = Field(
        "", description="A media server that holds streams of live view; left empty, none does."
    )
    media_server_api: str = Field(
        "http://127.0.0.1:9997",
        description="Its API, on this machine or in a private network, by number.",
    )
    media_server_rtsp: str = Field(
        "rtsp://127.0.0.1:8554", description="Where it serves what it holds; as near."
    )
    live_minutes_a_day: int = Field(
        60, ge=5, le=240, description="Minutes a day for which one camera may be watched live."
    )
    heading_error_deg: float = Field(
        15.0, ge=1, le=60, description="Usual error of an owner's direction, degrees (coverage)."
    )
    position_error_m: float = Field(
        5.0, ge=0.5, le=50, description="Usual error of a camera's place, metres (coverage)."
    )
    lookups_a_day: int = Field(
        60, ge=5, description="Owners whose cameras one officer may open in a day unremarked."
    )
    review_lease_minutes: int = Field(
        10, ge=1, description="Minutes for which a camera in review belongs to one officer."
    )
    invitation_hours: int = Field(
        72, ge=1, description="Hours for which an invitation link is good."
    )
    sends_per_second: float = Field(
        29.4, gt=0, le=1000, description="Messages a second to Telegram, which allows 30."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="text for people, json for a log collector: an object a line."
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of /metrics, /readyz and /healthz of any part; left empty, none listens.",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address of the same; nothing of a person is told there."
    )
    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Address of an OpenTelemetry collector that is told where time goes; optional.",
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=300,
        description="Seconds for which it serves on, no longer ready, when told to stop.",
    )

    @field_validator("bot_token")
    @classmethod
    def _token_has_its_form(cls, token: SecretStr | None) -> SecretStr | None:
        if token and not re.fullmatch(r"\d{3,20}:[\w-]{20,}", token.get_secret_value()):
            raise ValueError("a token looks like 123456789:AA...; copy it from @BotFather again")
        return token

    @field_validator("bot_api_url", "webhook_url", "console_url", "geocoder_url")
    @classmethod
    def _is_a_web_address(cls, url: str | None) -> str | None:
        if url and not re.match(r"https?://[^/\s]+", url):
            raise ValueError("an address starts with https:// (or http://)")
        return url.rstrip("/") if url else url

    @field_validator("webhook_url")
    @classmethod
    def _telegram_reaches_it(cls, url: str | None) -> str | None:
        if url and url.startswith("http://") and "//127.0.0.1" not in url:
            raise ValueError("Telegram calls webhooks by https only; give the https address")
        return url

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, url: str | None) -> str | None:
        if url and not url.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
            raise ValueError("give postgresql://user:password@host/name or sqlite:///path")
        return url

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as exc:
            raise ValueError("give a name such as Asia/Jakarta or Asia/Makassar") from exc
        return name

    @field_validator("case_number_pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"not a regular expression: {exc}") from exc
        return pattern

    @field_validator("allowed_networks", "trusted_proxies", mode="before")
    @classmethod
    def _networks_from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError as exc:
            raise ValueError(f"{exc}; give networks such as 10.8.0.0/16") from exc

    @field_validator("request_purposes")
    @classmethod
    def _purposes_are_known(cls, text: str) -> str:
        known = _read_purposes(PURPOSES)
        if not _read_purposes(text) or set(_read_purposes(text)) - set(known):
            raise ValueError(f"give NAME=LAW, parted by ;, with names of {', '.join(known)}")
        return text

    @property
    def purposes(self) -> dict[str, str]:
        """What footage may be asked for, with the law that allows it."""
        return _read_purposes(self.request_purposes)

    @property
    def pages(self) -> str | None:
        """Where people's browsers reach our pages; None where they cannot."""
        return self.console_url or self.webhook_url

    @property
    def zone(self) -> ZoneInfo:
        """The district's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def database(self) -> str:
        """The database's address, SQLite in the data folder unless another is set."""
        return self.database_url or f"sqlite:///{self.data_dir / 'nobs.sqlite3'}"

    @property
    def files(self) -> str:
        """The file store's address, a folder in the data folder unless another is set."""
        return self.files_url or (self.data_dir / "files").absolute().as_uri()


def _read_purposes(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    return {name.strip(): law.strip() for name, _, law in pairs}


def load_settings(**overrides: object) -> Settings:
    """
    Read the settings of this process.

    Raises:
        WrongSettings: one or more are wrong; the message names them, one a line.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as exc:
        lines = [_explain(str(error["loc"][0]), error["msg"]) for error in exc.errors()]
        raise WrongSettings("\n".join(lines)) from None


def _explain(name: str, problem: str) -> str:
    field = Settings.model_fields.get(name)
    what = field.description if field else ""
    return f"{name.upper()}: {problem.removeprefix('Value error, ')}.\n    {what}"

"""Settings: defaults, then the user's TOML file, then the environment, then flags; each wins over the last.

One object, made at the start and handed on. Only what a user has reason to change is a setting. Read without
pydantic-settings, whose import takes 0.1 seconds: a fifth of the time to the first screen.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, get_origin

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from index.errors import SettingsError

_PREFIX = "CITEWELL_"


def config_file() -> Path:
    """Where the user's settings are, if there are any."""
    return Path(platformdirs.user_config_dir("citewell", appauthor=False)) / "config.toml"


class Settings(BaseModel):
    """All settings. In the environment they are called CITEWELL_LIBRARY, CITEWELL_MODEL, and so on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    library: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("citewell", appauthor=False)) / "library",
        description="the library's folder",
    )
    model: str | None = Field(
        None, min_length=1, description="embedding model, by name or path; by default the library's own"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="arithmetic in which passages are embedded"
    )
    reranker: str = Field(
        "citewell", min_length=1,
        description='"citewell" for its own, "none", or a sentence-transformers CrossEncoder by name or path',
    )  # fmt: skip
    verifier: str = Field(
        "citewell", min_length=1,
        description='model that judges sentences: "citewell" for what is shipped, "none", or a folder',
    )  # fmt: skip
    rerank_ms: float = Field(
        400.0, ge=0, le=60_000, description="milliseconds that citewell's reranker may take for a question"
    )
    evidence: int = Field(10, ge=1, le=100, description="passages an answer may use")
    per_paper: int = Field(5, ge=1, le=100, description="of these, at most so many from one paper")
    contact: str | None = Field(
        None, min_length=3, max_length=200, pattern=r"^[!-~]+$", description="address told to servers"
    )
    offline: bool = Field(False, description="never ask the network")
    services: tuple[Literal["tomesphere", "europepmc", "pmc", "arxiv"], ...] = Field(
        ("tomesphere", "europepmc", "pmc", "arxiv"), description="who is asked for papers, in this order"
    )
    addresses: dict[str, str] = Field(
        default_factory=dict, description="other addresses of the services, by their names"
    )
    trust_env: bool = Field(False, description="use the proxy that the environment names")
    sentences: int = Field(5, ge=1, le=30, description="sentences an answer may have")
    llm_url: str | None = Field(
        None, description="address of a language model's server; without one, none is ever asked"
    )
    llm_model: str | None = Field(
        None, min_length=1, max_length=200, description="the model's name there, if it has several"
    )
    llm_key: SecretStr | None = Field(None, description="the server's key; better kept in the keyring")
    llm_context: int | None = Field(
        None, ge=1024, le=2_000_000, description="tokens the model reads; by default what the server says"
    )
    llm_passages: int = Field(6, ge=1, le=50, description="passages the model is given")
    llm_temperature: float = Field(0.0, ge=0, le=2, description="0 for the likeliest words")
    llm_connect_s: float = Field(5.0, gt=0, le=600, description="seconds to connect")
    llm_first_token_s: float = Field(120.0, gt=0, le=3600, description="seconds until the first token")
    llm_token_s: float = Field(30.0, gt=0, le=3600, description="seconds between two tokens")
    llm_total_s: float = Field(300.0, gt=0, le=86_400, description="seconds in all")
    judge: Literal["citewell", "llm", "none"] = Field(
        "citewell", description="who judges whether a quote supports a sentence"
    )
    history: bool = Field(True, description="keep questions and answers in the library's folder")
    keys: dict[str, str] = Field(
        default_factory=dict, description="other keys in the terminal interface, by the names of the actions"
    )

    @field_validator("llm_key")
    @classmethod
    def _sendable(cls, key: SecretStr | None) -> SecretStr | None:
        """A key is sent in a header: no line break may make another one of it."""
        bare = key.get_secret_value().strip() if key else ""
        if not (bare.isascii() and bare.isprintable()) or " " in bare or len(bare) > 4000:
            raise ValueError("it holds characters that no key has")
        return SecretStr(bare) if bare else None


def _file() -> dict[str, Any]:
    """What the TOML file says; nothing where there is none."""
    try:
        return tomllib.loads(config_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{config_file()} cannot be read: {error}", "Mend or remove it.") from error


def _environment() -> dict[str, Any]:
    """What the environment says; lists and tables are written there as JSON."""
    found: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        variable = _PREFIX + name.upper()
        if variable in os.environ:
            text = os.environ[variable]
            try:
                found[name] = json.loads(text) if get_origin(field.annotation) in (tuple, dict) else text
            except ValueError as error:
                raise SettingsError(f"{variable} is no JSON: {error}", "Mend it, or unset it.") from error
    return found


def load_settings(**flags: Any) -> Settings:
    """The settings, flags that are None left out; SettingsError names what cannot be used and where."""
    try:
        given = {name: value for name, value in flags.items() if value is not None}
        settings = Settings.model_validate(_file() | _environment() | given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"the setting {name} cannot be used: {first['msg']}",
            f"Check the flag, CITEWELL_{name.upper()}, or {config_file()}.",
        ) from error
    return settings.model_copy(update={"library": settings.library.expanduser()})

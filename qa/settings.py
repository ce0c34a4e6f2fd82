"""Settings: defaults, then the user's TOML file, then the environment, then flags; each wins over the last.

One object, made at the start and handed on. Only what a user has reason to change is a setting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from index.errors import SettingsError


def config_file() -> Path:
    """Where the user's settings are, if there are any."""
    return Path(platformdirs.user_config_dir("citewell", appauthor=False)) / "config.toml"


class Settings(BaseSettings):
    """All settings. In the environment they are called CITEWELL_LIBRARY, CITEWELL_MODEL, and so on."""

    model_config = SettingsConfigDict(env_prefix="CITEWELL_", extra="ignore", frozen=True)

    library: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("citewell", appauthor=False)) / "library",
        description="the library's folder",
    )
    model: str | None = Field(
        None, min_length=1, description="embedding model, by name or path; by default the library's own"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="arithmetic of the model")
    reranker: str = Field(
        "citewell", min_length=1,
        description='"citewell" for its own, "none", or a sentence-transformers CrossEncoder by name or path',
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
    history: bool = Field(True, description="keep questions and answers in the library's folder")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, TOML; no .env file of a folder that one happens to stand in."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def load_settings(**flags: Any) -> Settings:
    """The settings, flags that are None left out; SettingsError names what cannot be used and where."""
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"the setting {name} cannot be used: {first['msg']}",
            f"Check the flag, CITEWELL_{name.upper()}, or {config_file()}.",
        ) from error
    except ValueError as error:  # a TOML file that is none
        raise SettingsError(f"{config_file()} cannot be read: {error}", "Mend or remove it.") from error
    return settings.model_copy(update={"library": settings.library.expanduser()})

"""The key of a language model's server, in the keyring of the operating system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from index.errors import SettingsError

if TYPE_CHECKING:
    from qa.llm.address import LlmAddress

_SERVICE = "citewell"


def stored_key(address: LlmAddress) -> str | None:
    """The key stored for this server. A machine without a keyring has none."""
    import keyring
    import keyring.errors

    try:
        return keyring.get_password(_SERVICE, address.place) or None
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return None


def store_key(address: LlmAddress, key: str) -> None:
    """Stores the key of this server; SettingsError where there is no keyring."""
    import keyring
    import keyring.errors

    try:
        keyring.set_password(_SERVICE, address.place, key)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        raise _no_keyring() from None  # what it says might repeat the key


def forget_key(address: LlmAddress) -> bool:
    """Removes the key of this server; False if there was none."""
    import keyring
    import keyring.errors

    try:
        keyring.delete_password(_SERVICE, address.place)
    except keyring.errors.PasswordDeleteError:
        return False
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        raise _no_keyring() from None
    return True


def _no_keyring() -> SettingsError:
    return SettingsError(
        "this machine has no keyring that could be used",
        "Put the key into the environment instead: CITEWELL_LLM_KEY",
    )

"""citewell llm: which language model is configured, and whether it answers."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tui.clean import line
from tui.diagnostics import Exit
from tui.options import as_json, make_parts
from tui.options import llm as with_llm

if TYPE_CHECKING:
    from pathlib import Path

    from qa.llm.address import LlmAddress
    from qa.llm.chat import ChatModel
    from qa.settings import Settings
    from tui.options import Llm

R = TypeVar("R")

_NONE = """No language model is configured: answers are the papers' own sentences, and nothing is asked.
To have one write them, start its server and name its address, e.g.
  citewell ask --llm http://localhost:11434/v1 --llm-model NAME "…"   (Ollama)
  citewell ask --llm http://localhost:8080/v1 "…"                     (llama.cpp)
or set llm_url, and llm_model where it has several, in the settings."""


@click.command(short_help="Show and try the language model that is configured.")
@click.option("--set-key", is_flag=True, help="Ask for the server's key and store it in the keyring.")
@click.option("--forget-key", is_flag=True, help="Remove the server's key from the keyring.")
@with_llm
@as_json
def llm(set_key: bool, forget_key: bool, as_json: bool, llm: Llm) -> int:
    """Show the language model that is configured, and try it with a few words.

    Nothing of your papers is sent. Without a configured model nothing is asked at all.
    """
    from qa.llm.address import parse_address

    library: Path | None = None
    with make_parts(library, None, llm=llm) as parts:
        settings = parts.settings
        if settings.llm_url is None:
            click.echo(json.dumps({"url": None}) if as_json else _NONE)
            return Exit.OK
        address = parse_address(settings.llm_url)
        if set_key or forget_key:
            _change_key(address, store=set_key)
            return Exit.OK
        shown: dict[str, Any] = {"url": address.base, "key": _where_key(settings, address)}
        if not as_json:
            _show_settings(shown, here=address.is_here)
        model = parts.chat_model
        assert model is not None, "there is one where there is an address"
        shown |= _tried(model, settings)
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        _show_tried(shown)
    return Exit.OK


def _change_key(address: LlmAddress, *, store: bool) -> None:
    from index.errors import SettingsError
    from qa.llm.keys import forget_key, store_key
    from qa.settings import load_settings

    if not store:
        said = "is forgotten" if forget_key(address) else "was not stored"
        click.echo(f"The key for {address.place} {said}.")
        return
    typed = click.prompt(f"Key for {address.place}", hide_input=True, err=True)
    key = load_settings(llm_key=typed).llm_key
    if key is None:
        raise SettingsError("no key was given", "To remove a stored one: citewell llm --forget-key")
    store_key(address, key.get_secret_value())
    click.echo(f"The key for {address.place} is stored in the keyring.")


def _where_key(settings: Settings, address: LlmAddress) -> str | None:
    from qa.llm.keys import stored_key

    if settings.llm_key is not None:
        return "settings"
    return "keyring" if stored_key(address) else None


def _show_settings(shown: dict[str, Any], *, here: bool) -> None:
    place = "on this machine" if here else "on another machine: questions and passages are sent there"
    keys = {None: "none", "settings": "from the environment or the settings", "keyring": "from the keyring"}
    click.echo(f"address  {line(shown['url'])}  ({place})")
    click.echo(f"key      {keys[shown['key']]}")


def _tried(model: ChatModel, settings: Settings) -> dict[str, Any]:
    """Its facts, and how fast it says a few words."""
    from qa.llm.chat import ChatRequest, Message, Token

    with closing(model.facts()) as asked:
        facts = _result(asked)
    begun = time.monotonic()
    tokens, first = 0, 0.0
    hello = ChatRequest((Message("user", "Reply with the word: ready"),), 16)
    with closing(model.stream(hello)) as reply:
        for part in reply:
            if isinstance(part, Token):
                tokens += 1
                first = first or time.monotonic() - begun
    return {
        "model": facts.model,
        "models": list(facts.models),
        "context": settings.llm_context or facts.context,
        "context_from": "settings" if settings.llm_context else "server" if facts.context else None,
        "tokens": tokens,
        "first_token_s": round(first, 2),
        "seconds": round(time.monotonic() - begun, 2),
    }


def _result(asked: Generator[Any, None, R]) -> R:
    while True:
        try:
            next(asked)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def _show_tried(shown: dict[str, Any]) -> None:
    others = [line(name) for name in shown["models"] if name != shown["model"]]
    more = f"  (also there: {', '.join(others[:12])})" if others else ""
    click.echo(f"model    {line(shown['model'])}{more}")
    if shown["context_from"] is None:
        click.echo("context  not told by the server; 4,096 tokens are assumed (llm_context)")
    else:
        click.echo(f"context  {shown['context']:,} tokens, says the {shown['context_from']}")
    if shown["tokens"]:
        rate = shown["tokens"] / max(0.01, shown["seconds"])
        click.echo(f"answers  after {shown['first_token_s']:.1f} s, {rate:.0f} tokens a second")
    else:
        click.echo("answers  without a word")

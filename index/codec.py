"""Records, references and entities as JSON in the database: pydantic checks them on the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from index.model import Entity, Record, Reference


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def record_to(record: Record) -> str:
    """JSON of a bibliographic record."""
    return json.dumps(asdict(record), ensure_ascii=False)


def record_from(stored: str) -> Record:
    """The record that `record_to` wrote."""
    record: Record = _adapter(Record).validate_json(stored)
    return record


def lists_to(references: Sequence[Reference], entities: Sequence[Entity]) -> str:
    """JSON of a paper's references and entities."""
    stored = {"references": [asdict(r) for r in references], "entities": [asdict(e) for e in entities]}
    return json.dumps(stored, ensure_ascii=False)


def references_from(stored: object) -> tuple[Reference, ...]:
    """References from their parsed JSON."""
    found: tuple[Reference, ...] = _adapter(tuple[Reference, ...]).validate_python(stored)
    return found


def entities_from(stored: object) -> tuple[Entity, ...]:
    """Entities from their parsed JSON."""
    found: tuple[Entity, ...] = _adapter(tuple[Entity, ...]).validate_python(stored)
    return found

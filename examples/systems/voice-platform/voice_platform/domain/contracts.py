"""The contract of each type of event: a payload that is a frozen dataclass, checked before append and on read.

Every payload is a JSON merge patch of the state of its aggregate: what it names is so from now on, and a null takes
away. So the state folds in the same way here (`folding.py`) and in the server (`Snapshots.GetState`).
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Literal, Self, dataclass_transform, get_args, get_origin, get_type_hints

Document = dict[str, Any]
"""A payload, a state or a read model's document, as JSON has it."""


class ContractViolation(ValueError):  # noqa: N818
    """A payload that is not what its type promises."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Payload:
    """What an event says. Subclasses are types of events, those that name a category their families."""

    category: ClassVar[str]
    """The type of the aggregate, which is the first part of its stream's name."""
    schema_version: ClassVar[str] = "1"
    """The version of this shape."""

    def __init_subclass__(cls, category: str | None = None) -> None:
        dataclass(frozen=True, kw_only=True)(cls)
        if category is not None:
            cls.category = category
            return
        if cls.__name__ in _CONTRACTS:
            raise TypeError(f"there are two contracts for {cls.__name__}")
        _CONTRACTS[cls.__name__] = cls

    def document(self) -> Document:
        """The payload as it is stored. `ContractViolation` when a value is not of its declared type."""
        document = {it.name: getattr(self, it.name) for it in _fields(type(self))}
        _check(type(self), document)
        return document

    @classmethod
    def of(cls, document: object) -> Self:
        """The payload out of what was stored. `ContractViolation` when it is not of this shape."""
        if not isinstance(document, dict):
            raise ContractViolation(f"{cls.__name__}: not an object")
        _check(cls, document)
        return cls(**document)


_CONTRACTS: dict[str, type[Payload]] = {}


def contracts() -> Mapping[str, type[Payload]]:
    """The contracts of all types of events, by type."""
    return _CONTRACTS


def contract_of(event_type: str) -> type[Payload]:
    """The contract of a type. `ContractViolation` when there is none."""
    try:
        return _CONTRACTS[event_type]
    except KeyError:
        raise ContractViolation(f"there is no contract for {event_type}") from None


def decode(event_type: str, schema_version: str, document: object) -> Payload:
    """A stored payload, checked. `ContractViolation` when there is no contract for it or it does not keep to it."""
    contract = contract_of(event_type)
    if schema_version != contract.schema_version:
        raise ContractViolation(f"{event_type}: version {schema_version} is unknown")
    return contract.of(document)


def _fields(contract: type[Payload]) -> tuple[Field[Any], ...]:
    return fields(contract)  # type: ignore[arg-type]  # every subclass is made a dataclass


@cache
def _hints(event_type: str) -> Mapping[str, Any]:
    return get_type_hints(_CONTRACTS[event_type])


def _check(contract: type[Payload], document: Document) -> None:
    names = {it.name for it in _fields(contract)}
    if unknown := document.keys() - names:
        raise ContractViolation(f"{contract.__name__}: unknown {', '.join(sorted(unknown))}")
    if missing := names - document.keys():
        raise ContractViolation(f"{contract.__name__}: {', '.join(sorted(missing))} is missing")
    hints = _hints(contract.__name__)
    for name, value in document.items():
        if not _is_a(value, hints[name]):
            raise ContractViolation(f"{contract.__name__}.{name}: {type(value).__name__} is not {hints[name]}")


def _is_a(value: object, hint: Any) -> bool:
    """Whether a value out of JSON is of a declared type. A true or false is no number."""
    origin = get_origin(hint)
    if origin is Literal:
        return any(value == it and type(value) is type(it) for it in get_args(hint))
    if origin is types.UnionType:
        return any(_is_a(value, it) for it in get_args(hint))
    if origin is dict:
        of_keys, of_values = get_args(hint)
        return isinstance(value, dict) and all(_is_a(k, of_keys) and _is_a(v, of_values) for k, v in value.items())
    if hint in (None, types.NoneType):
        return value is None
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint and value != ""

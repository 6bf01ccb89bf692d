from __future__ import annotations

import logging
from typing import Any

import pytest

from quipu_client import Fold, Upcasters, UpcastFailed, UpcastLoop
from quipu_client.versions import Versions

from .recorded import recorded


def named(name: str) -> Any:
    return lambda data: [*data, name]


def applied(casts: Upcasters, version: str, event_type: str = "T") -> tuple[Any, str]:
    event = casts.upcast(recorded(event_type, [], version=version))
    return event.json(), event.schema_version


def test_steps_are_chained_until_none_applies() -> None:
    casts = Upcasters()
    casts.add("T", "1", "2", named("a"))
    casts.add("T", "2", "3", named("b"))
    assert applied(casts, "1") == (["a", "b"], "3")
    assert applied(casts, "2") == (["b"], "3")
    assert applied(casts, "3") == ([], "3")
    assert applied(casts, "1", "Other") == ([], "1")


def test_the_exact_version_goes_before_the_major_one_and_that_before_the_default() -> None:
    casts = Upcasters()
    casts.add("T", "2.1", "4", named("exact"))
    casts.add("T", "2", "4", named("major"))
    casts.add("T", None, "4", named("default"))
    assert applied(casts, "2.1")[0] == ["exact"]
    assert applied(casts, "2.7")[0] == ["major"]
    assert applied(casts, "3")[0] == ["default"]
    assert applied(casts, "4")[0] == []


def test_a_major_version_may_lead_to_one_of_its_own() -> None:
    casts = Upcasters()
    casts.add("T", "2", "2.9", named("a"))
    assert applied(casts, "2.1") == (["a"], "2.9")
    assert applied(casts, "2.9") == ([], "2.9")


@pytest.mark.parametrize(
    ("steps", "chain"),
    [
        ([("1", "1")], ("1", "1")),
        ([("1", "2"), ("2", "1")], ("1", "2", "1")),
        ([("1", "2"), ("2", "3"), ("3", "1")], ("1", "2", "3", "1")),
        ([("2", "3"), ("3", "2.1")], ("2", "3", "2.1", "3")),
        ([(None, "3"), ("3", "4")], ("", "3", "4", "3")),
    ],
)
def test_a_chain_that_comes_back_is_refused_when_it_is_registered(
    steps: list[tuple[str | None, str]], chain: tuple[str, ...]
) -> None:
    casts = Upcasters()
    for begin, end in steps[:-1]:
        casts.add("T", begin, end, named("x"))
    with pytest.raises(UpcastLoop) as loop:
        casts.add("T", *steps[-1], named("x"))
    assert (loop.value.type, loop.value.versions) == ("T", chain)
    # What was refused is not there: what was registered before still works.
    if len(steps) > 1:
        assert applied(casts, steps[0][0] or "7")[0] != []


def test_a_version_has_one_upcaster() -> None:
    casts = Upcasters()
    casts.add("T", "1", "2", named("a"))
    with pytest.raises(ValueError, match="there is an upcaster for version 1 of T"):
        casts.add("T", "1", "3", named("b"))


def test_what_an_upcaster_raises_is_told_with_its_place_and_cause() -> None:
    casts = Upcasters()
    casts.add("T", "1", "2", lambda data: data)
    casts.add("T", "2", "3", lambda data: data["missing"])
    with pytest.raises(UpcastFailed) as failed:
        casts.upcast(recorded("T", {}, position=9))
    assert (failed.value.type, failed.value.version, failed.value.position) == ("T", "2", 9)
    assert isinstance(failed.value.__cause__, KeyError)


def test_a_payload_that_is_not_json_goes_as_bytes() -> None:
    casts = Upcasters()
    casts.add("T", "1", "2", lambda data: data + b"!")
    event = casts.upcast(recorded("T", b"\xff", content_type="application/octet-stream"))
    assert event.data == b"\xff!"


def test_a_default_is_warned_of_once_for_each_version(caplog: pytest.LogCaptureFixture) -> None:
    handlers: Versions[str] = Versions("handler")
    handlers.add("T", None, "any")
    with caplog.at_level(logging.WARNING, "quipu_client"):
        assert handlers.find("T", "3") == ["any"]
        assert caplog.messages == []
        handlers.add("T", "1", "one")
        for version in ("3", "3", "1", "1.4", "4"):
            handlers.find("T", version)
    assert caplog.messages == [
        "no handler for version 3 of T: the one for any version is used",
        "no handler for version 4 of T: the one for any version is used",
    ]


def test_a_fold_applies_what_is_registered_and_leaves_the_rest() -> None:
    fold: Fold[int] = Fold()

    @fold.on("Added")
    def _add(total: int, event: Any) -> int:
        return total + int(event.json())

    @fold.on("Added", "2")
    def _add_twice(total: int, event: Any) -> int:
        return total + 2 * int(event.json())

    events = [recorded("Added", 1), recorded("Added", 10, version="2.3"), recorded("Other", 100)]
    total = 0
    for event in events:
        total = fold(total, event)
    assert total == 21
    assert fold.types == ("Added",)

from __future__ import annotations

import pytest

from quipu_client import RetryPolicy


def test_pauses_double_up_to_the_limit() -> None:
    policy = RetryPolicy()
    full = [policy.pause(failures, 1.0) for failures in (1, 2, 3, 6, 7, 100)]
    assert full == pytest.approx([0.05, 0.1, 0.2, 1.6, 2.0, 2.0])
    assert policy.pause(2, 0.0) == pytest.approx(0.05)
    assert policy.pause(10**6, 0.0) == pytest.approx(1.0)


def test_half_of_a_pause_is_drawn_by_lot() -> None:
    policy = RetryPolicy()
    pauses = {policy.pause(3) for _ in range(50)}
    assert len(pauses) > 1
    assert all(0.1 <= pause <= 0.2 for pause in pauses)


def test_the_first_try_counts() -> None:
    assert not RetryPolicy.none().allows(1)
    assert RetryPolicy(attempts=2).allows(1)
    assert not RetryPolicy(attempts=2).allows(2)
    assert not RetryPolicy(attempts=0).allows(1)
    assert RetryPolicy.forever().allows(10**9)

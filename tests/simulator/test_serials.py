"""Serials and SSCCs never repeat, keep to their alphabet and carry valid check digits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packtrace.domain.identifiers import check_digit, sgtin_key, sscc_key
from packtrace.simulator.serials import ALPHABET, SERIAL_LENGTH, SerialPool, SsccPool, gln, gtin

SEEDS = st.integers(0, 2**63)


@given(SEEDS, st.lists(st.integers(0, 1023), min_size=1, max_size=4, unique=True))
def test_pools_of_one_seed_share_no_serial_and_repeat_none(seed: int, pools: list[int]) -> None:
    drawn = [pool.take() for pool in [SerialPool(seed, number) for number in pools] for _ in range(300)]
    assert len(set(drawn)) == len(drawn)
    assert all(len(serial) == SERIAL_LENGTH and set(serial) <= set(ALPHABET) for serial in drawn)


@given(SEEDS, st.integers(1, 8))
def test_ssccs_of_one_seed_are_valid_and_never_repeat(seed: int, pools: int) -> None:
    drawn = [pool.take() for pool in [SsccPool(seed, number, pools) for number in range(pools)] for _ in range(50)]
    assert len(set(drawn)) == len(drawn)
    assert all(sscc_key(sscc) == "00" + sscc for sscc in drawn)


def test_neighbouring_serials_do_not_look_alike() -> None:
    pool = SerialPool(1, 0)
    drawn = [pool.take() for _ in range(2_000)]
    same = [sum(a == b for a, b in zip(one, other, strict=True)) for one, other in pairwise(drawn)]
    assert sum(same) / len(same) < 0.6  # 12 characters of 32 agree in 0.375 places by chance


def test_serials_start_anywhere() -> None:
    assert len({SerialPool(seed, 0).take() for seed in range(500)}) == 500


@pytest.mark.parametrize("pool", [-1, 1024])
def test_a_pool_out_of_range_is_refused(pool: int) -> None:
    with pytest.raises(ValueError, match="1024"):
        SerialPool(1, pool)


@given(st.integers(0, 8), st.integers(0, 99_999))
def test_gtin_and_gln_carry_their_check_digit(indicator: int, number: int) -> None:
    assert sgtin_key(gtin(indicator, number), "A").startswith("01" + gtin(indicator, number))
    assert check_digit(gln(number)[:-1]) == gln(number)[-1]

"""Identifiers that look random and never repeat: a keyed permutation of a counter, not a list of what was drawn.

Source: FMD delegated regulation 2016/161, article 4: at most 20 characters and hard to guess. Twelve characters of
32 are 60 bits; a guess hits one of a million live packs with a probability below 1e-12.
"""

from __future__ import annotations

from random import Random

from packtrace.domain.identifiers import check_digit

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No I, O, 0, 1 (look-alikes), no lower case (scanners with caps lock invert it)."""

SERIAL_LENGTH = 12
POOL_BITS = 10
COMPANY_PREFIX = "9521321"
"""952 is the GS1 prefix for demonstrations and examples."""

_BITS = 60
_MASK = (1 << _BITS) - 1
_TRIPLES = [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]
_SSCCS = 10**10


class SerialPool:
    """The serials of one source. Pools of one seed are disjoint, and no pool repeats itself for 2^50 draws.

    Args:
        seed: of the run.
        pool: number of this source within the run, below 1,024.
    """

    def __init__(self, seed: int, pool: int) -> None:
        if not 0 <= pool < 1 << POOL_BITS:
            raise ValueError(f"expected a pool below {1 << POOL_BITS}, found {pool}")
        keys = Random(f"serials/{seed}")
        self._first = keys.getrandbits(_BITS)
        self._second = keys.getrandbits(_BITS) | 1
        self._third = keys.getrandbits(_BITS) | 1
        self._pool = pool
        self._drawn = 0

    def take(self) -> str:
        """The next serial. Each step is a bijection of 60 bits, so different counters give different serials."""
        x = (self._drawn << POOL_BITS | self._pool) ^ self._first
        self._drawn += 1
        x = x * self._second & _MASK
        x ^= x >> 31
        x = x * self._third & _MASK
        x ^= x >> 29
        return _TRIPLES[x >> 45] + _TRIPLES[x >> 30 & 32767] + _TRIPLES[x >> 15 & 32767] + _TRIPLES[x & 32767]


class SsccPool:
    """The SSCCs of one source: counted up, as shippers do, from a start that depends on the seed.

    Args:
        seed: of the run.
        pool: number of this source within the run.
        pools: how many sources the run has; they take turns.
    """

    def __init__(self, seed: int, pool: int, pools: int) -> None:
        self._next = Random(f"ssccs/{seed}").randrange(_SSCCS) + pool
        self._pools = pools

    def take(self) -> str:
        """The next SSCC, 18 digits with a valid check digit."""
        number = f"{self._next % _SSCCS:010d}"
        self._next += self._pools
        digits = number[0] + COMPANY_PREFIX + number[1:]
        return digits + check_digit(digits)


def gtin(indicator: int, item: int) -> str:
    """GTIN-14 of the demo company's ``item`` (below 100,000) at a packaging level 0-8."""
    digits = f"{indicator}{COMPANY_PREFIX}{item:05d}"
    return digits + check_digit(digits)


def gln(location: int) -> str:
    """GLN of the demo company's ``location`` (below 100,000)."""
    digits = f"{COMPANY_PREFIX}{location:05d}"
    return digits + check_digit(digits)

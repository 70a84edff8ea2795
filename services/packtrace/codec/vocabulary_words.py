"""CBV words in their three spellings become the bare word; other vocabularies stay the URI they are.

Spellings: ``urn:epcglobal:cbv:bizstep:shipping`` (CBV 1.2), ``https://ref.gs1.org/cbv/BizStep-shipping`` and the older
``https://ns.gs1.org/cbv/...`` (CBV 2.0), ``shipping`` (EPCIS 2.0 JSON). A bare word that CBV does not have is refused: a slip
of the pen would become an event that means nothing.

Source: GS1 Core Business Vocabulary 2.0, 7.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

TEXT_CHARACTERS_MAX: Final = 200
"""Longest free text: an event id, a device, a vocabulary URI."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_STANDARD = re.compile(r"urn:epcglobal:cbv:|https?://(ref|ns)\.gs1\.org/cbv/|cbv:")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Words(msgspec.Struct, frozen=True):
    """One CBV vocabulary: its name, how its URN and Web URI begin, its words."""

    name: str
    urn: str
    web: str
    words: frozenset[str]

    def stored(self, text: str) -> str:
        """The bare word of a CBV word, or the URI of another vocabulary; empty stays empty."""
        if not text or text in self.words:
            return text
        word = self._word(text)
        if word in self.words:
            return word
        if word or not _URI.fullmatch(text) or len(text) > TEXT_CHARACTERS_MAX or _STANDARD.match(text):
            raise RejectedError(Reject.BAD_TEXT, expected=f"a CBV {self.name}, or the URI of another vocabulary", found=text)
        return text

    def _word(self, text: str) -> str:
        for opening in (self.urn, *(f"{site}/cbv/{self.web}-" for site in _SITES), f"cbv:{self.web}-"):
            if text.startswith(opening):
                return text[len(opening) :]
        return "" if ":" in text else text


_SITES = ("https://ref.gs1.org", "https://ns.gs1.org", "http://ref.gs1.org", "http://ns.gs1.org")

BIZ_STEP: Final = Words(
    "business step",
    "urn:epcglobal:cbv:bizstep:",
    "BizStep",
    _words(
        """accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning
        departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other
        packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping
        staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping"""
    ),
)

DISPOSITION: Final = Words(
    "disposition",
    "urn:epcglobal:cbv:disp:",
    "Disp",
    _words(
        """active available completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed
        dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
        needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold returned
        sellable_accessible sellable_not_accessible stolen unavailable unknown"""
    ),
)

TRANSACTION_TYPE: Final = Words(
    "business transaction type",
    "urn:epcglobal:cbv:btt:",
    "BTT",
    _words("bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt"),
)

ERROR_REASON: Final = Words("error reason", "urn:epcglobal:cbv:er:", "ER", frozenset({"did_not_occur", "incorrect_data"}))

SOURCE_DESTINATION_TYPE: Final = Words(
    "source or destination type", "urn:epcglobal:cbv:sdt:", "SDT", frozenset({"owning_party", "possessing_party", "location"})
)


def web_uri(words: Words, stored: str) -> str:
    """The CBV 2.0 Web URI of a stored word; another vocabulary's URI and empty stay as they are."""
    return f"https://ref.gs1.org/cbv/{words.web}-{stored}" if stored in words.words else stored

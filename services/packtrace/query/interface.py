"""The EPCIS 2.0 query interface: its paths, what each answers, named queries and subscriptions.

Source: EPCIS 2.0, 12; its OpenAPI file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from starlette.responses import Response

from packtrace.codec.epcis.document import GS1_US
from packtrace.codec.epcis.fields import CONTEXT_URL
from packtrace.codec.epcis.spelling import EpcFormat
from packtrace.codec.json_text import json_value
from packtrace.errors import RejectedError
from packtrace.query.dscsa import readable, told
from packtrace.query.epcis import EVENT_TYPES, PAGE, PAGE_MAX, EpcisArchive, Listed
from packtrace.query.epcis_document import Stored, in_form, query_document, short_names, written
from packtrace.query.named import FullError, Named, NamedQuery, Progress, TakenError
from packtrace.query.problem import ProblemError, of_rejected
from packtrace.query.reach import Reach
from packtrace.query.search_parameters import from_address, from_body, read_search, whole
from packtrace.query.shipments import Shipments
from packtrace.query.spoken import JSON, XML, Spoken, Version, spoken
from packtrace.query.subscribing import shown_subscription, subscription_of

BODY_BYTES_MAX: Final = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TOP: Final = ("queries", "capture", "events", "eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions")


class Call(NamedTuple):
    """One request, read.

    Args:
        segments: those of the path that are no fixed words, decoded.
        path: as it came, for addresses of pages.
    """

    method: str
    path: str
    segments: Sequence[str]
    parameters: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""


class Path(NamedTuple):
    """One path: ``{}`` is a segment; ``answers`` by method, HEAD as GET."""

    path: tuple[str, ...]
    answers: Mapping[str, Callable[[Interface, Call], Response]]

    @property
    def name(self) -> str:
        """The label of its metric."""
        return "/" + "/".join(self.path)

    @property
    def allow(self) -> str:
        return ", ".join(["OPTIONS", *self.answers])


class Interface:
    """See the module; safe to use from several threads.

    Args:
        now: microseconds since 1970 UTC, the wall clock.
        reach: whom subscriptions may call; None: the public internet alone.
    """

    def __init__(
        self, archive: EpcisArchive, named: Named, now: Callable[[], int], shipments: Shipments, reach: Reach | None = None
    ) -> None:
        self._reach = reach or Reach()
        self.archive = archive
        self._shipments = shipments
        self.named = named
        self._now = now

    def top(self, call: Call) -> Response:
        return self._collection(call, Listed(list(_TOP), ""))

    def events(self, call: Call) -> Response:
        return self._found(call, from_address(call.parameters))

    def event(self, call: Call) -> Response:
        if call.parameters:
            raise ProblemError("query-parameter", f"{call.parameters[0][0][:80]}: expected no parameters")
        return self._document(call, self.archive.event(call.segments[0]), spoken(call.headers))

    def sub_resources(self, call: Call) -> Response:
        return self._collection(call, Listed(["events"], ""))

    def event_types(self, call: Call) -> Response:
        return self._collection(call, Listed(list(EVENT_TYPES), ""))

    def epcs(self, call: Call) -> Response:
        return self._listed(call, self.archive.epcs)

    def biz_steps(self, call: Call) -> Response:
        return self._listed(call, lambda size, token: self.archive.words("biz_step", size, token))

    def dispositions(self, call: Call) -> Response:
        return self._listed(call, lambda size, token: self.archive.words("disposition", size, token))

    def read_points(self, call: Call) -> Response:
        return self._listed(call, lambda size, token: self.archive.places("read_point", size, token))

    def biz_locations(self, call: Call) -> Response:
        return self._listed(call, lambda size, token: self.archive.places("place", size, token))

    def queries(self, call: Call) -> Response:
        return _json([_shown(one) for one in self.named.all()], spoken(call.headers))

    def query(self, call: Call) -> Response:
        return _json(_shown(self.known(call.segments[0])), spoken(call.headers))

    def make_query(self, call: Call) -> Response:
        stated = _object(call)
        name = stated.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ProblemError("query-invalid", f"name: expected up to 100 letters, digits, . _ or -, found {str(name)[:60]!r}")
        if set(stated) - {"name", "query"}:
            raise ProblemError("query-invalid", f"expected name and query, found {', '.join(sorted(set(stated) - {'name', 'query'}))[:80]}")
        said = spoken(call.headers)
        parameters = from_body(stated.get("query"))
        for one in ("perPage", "nextPageToken"):
            if one in parameters:
                raise ProblemError("query-parameter", f"{one}: expected in the address that asks for a page, not in the query")
        prefixes = dict(said.prefixes) | _short_names(stated["query"])
        read_search(parameters, prefixes)
        made = NamedQuery(name, parameters, msgspec.Raw(json.dumps(stated["query"]).encode()), prefixes)
        try:
            self.named.add(made)
        except TakenError:
            raise ProblemError("duplicate-name", f"name: there is a query {name} already; DELETE it first, or take another name") from None
        except FullError:
            raise ProblemError("too-many-names", "as many queries are kept as may be; DELETE one first") from None
        return _json(_shown(made), said, 201, {"Location": f"/queries/{name}"})

    def remove_query(self, call: Call) -> Response:
        if not self.named.remove(call.segments[0]):
            raise _unknown(call.segments[0])
        return Response(status_code=204, headers=Spoken().headers)

    def query_events(self, call: Call) -> Response:
        one = self.known(call.segments[0])
        stated = from_address(call.parameters)
        for name in stated:
            if name not in ("perPage", "nextPageToken"):
                raise ProblemError("query-parameter", f"{name[:80]}: expected perPage or nextPageToken; the rest is said by the query")
        return self._found(call, {**one.query, **stated}, one)

    def subscriptions(self, call: Call) -> Response:
        self.known(call.segments[0])
        found = self.named.subscriptions(call.segments[0])
        return _json([shown_subscription(one, progress) for one, progress in found], spoken(call.headers))

    def subscription(self, call: Call) -> Response:
        for one, progress in self.named.subscriptions(call.segments[0]):
            if one.id == call.segments[1]:
                return _json(shown_subscription(one, progress), spoken(call.headers))
        raise _unknown("/".join(call.segments))

    def subscribe(self, call: Call) -> Response:
        query = self.known(call.segments[0])
        stated = _object(call)
        now = self._now()
        made = subscription_of(stated, query.name, now, self._reach)
        try:
            self.named.subscribe(made)
        except TakenError:
            raise _unknown(query.name) from None
        except FullError:
            raise ProblemError("too-many-names", "as many subscriptions are kept as may be; DELETE one first") from None
        place = f"/queries/{query.name}/subscriptions/{made.id}"
        return _json(shown_subscription(made, Progress(looked=now)), spoken(call.headers), 201, {"Location": place})

    def unsubscribe(self, call: Call) -> Response:
        if not self.named.unsubscribe(call.segments[0], call.segments[1]):
            raise _unknown("/".join(call.segments))
        return Response(status_code=204, headers=Spoken().headers)

    def known(self, name: str) -> NamedQuery:
        """Raises ProblemError: unknown-query."""
        found = self.named.find(name)
        if found is None:
            raise _unknown(name)
        return found

    def dscsa(self, call: Call) -> Response:
        """Transaction information and statement of a shipment: EPCIS 1.2 XML, a page to print, or JSON."""
        stated = from_address(call.parameters)
        unknown = set(stated) - {"affirm"}
        if unknown or stated.get("affirm", ["false"]) not in (["true"], ["false"]):
            raise ProblemError("query-parameter", "expected affirm=true, affirm=false or no parameter")
        accepted = call.headers.get("accept", "")
        found = self._shipments.find(call.segments[0], stated.get("affirm") == ["true"])
        if "text/html" in accepted:
            return Response(readable(found.shipment), 200, Spoken().headers, "text/html; charset=utf-8")
        if "json" in accepted:
            return _json(told(found.shipment), Spoken())
        said = Spoken(XML, Version.V1_2, EpcFormat.URN)
        events = in_form([one.event for one in found.events], EpcFormat.URN, found.prefixes)
        wanted = [("gs1ushc", GS1_US), *short_names(found.events)]
        return Response(written(found.shipment.document, events, said, wanted), 200, said.headers, XML)

    def narrowed(self, call: Call, parameter: str) -> Response:
        """The events of one resource: a parameter that its path states."""
        stated = from_address(call.parameters)
        if parameter in stated:
            raise ProblemError("query-parameter", f"{parameter}: expected nowhere but in the path")
        return self._found(call, {**stated, parameter: [call.segments[0]]})

    def _found(self, call: Call, stated: Mapping[str, list[str]], query: NamedQuery | None = None) -> Response:
        said = spoken(call.headers)
        page = self.archive.page(stated, dict(said.prefixes) | (query.prefixes if query else {}))
        headers = {"Link": _next(call, page.next)} if page.next else {}
        return self._document(call, page.events, said, headers, query.name if query else "SimpleEventQuery")

    def _document(
        self, call: Call, events: Sequence[Stored], said: Spoken, headers: Mapping[str, str] | None = None, query: str = "SimpleEventQuery"
    ) -> Response:
        try:
            body = query_document(events, said, self._now(), query)
        except RejectedError as error:
            raise ProblemError("not-acceptable", f"an event cannot be written so ({error.text}); ask for {JSON}") from error
        return Response(body, 200, {**said.headers, **(headers or {})}, said.media_type)

    def _listed(self, call: Call, ask: Callable[[int, str], Listed]) -> Response:
        stated = from_address(call.parameters)
        for name in stated:
            if name not in ("perPage", "nextPageToken"):
                raise ProblemError("query-parameter", f"{name[:80]}: expected perPage or nextPageToken")
        size = whole("perPage", stated.get("perPage", [str(PAGE)]), 1, PAGE_MAX)
        token = stated.get("nextPageToken", [""])
        if len(token) != 1:
            raise ProblemError("query-parameter", "nextPageToken: expected once")
        return self._collection(call, ask(size, token[0]))

    def _collection(self, call: Call, listed: Listed) -> Response:
        said = spoken(call.headers)
        headers = {"Link": _next(call, listed.next)} if listed.next else {}
        members = sorted(set(listed.members)) if not listed.next else listed.members
        return _json({"@context": CONTEXT_URL, "type": "Collection", "member": members}, said, 200, headers)


def _narrowed(parameter: str) -> Callable[[Interface, Call], Response]:
    return lambda interface, call: interface.narrowed(call, parameter)


# fmt: off
PATHS: Final = (
    #    path                                             answers by method
    Path(("",),                                           {"GET": Interface.top}),
    Path(("events",),                                     {"GET": Interface.events}),
    Path(("events", "{}"),                                {"GET": Interface.event}),
    Path(("eventTypes",),                                 {"GET": Interface.event_types}),
    Path(("eventTypes", "{}"),                            {"GET": Interface.sub_resources}),
    Path(("eventTypes", "{}", "events"),                  {"GET": _narrowed("eventType")}),
    Path(("epcs",),                                       {"GET": Interface.epcs}),
    Path(("epcs", "{}"),                                  {"GET": Interface.sub_resources}),
    Path(("epcs", "{}", "events"),                        {"GET": _narrowed("MATCH_anyEPC")}),
    Path(("bizSteps",),                                   {"GET": Interface.biz_steps}),
    Path(("bizSteps", "{}"),                              {"GET": Interface.sub_resources}),
    Path(("bizSteps", "{}", "events"),                    {"GET": _narrowed("EQ_bizStep")}),
    Path(("bizLocations",),                               {"GET": Interface.biz_locations}),
    Path(("bizLocations", "{}"),                          {"GET": Interface.sub_resources}),
    Path(("bizLocations", "{}", "events"),                {"GET": _narrowed("EQ_bizLocation")}),
    Path(("readPoints",),                                 {"GET": Interface.read_points}),
    Path(("readPoints", "{}"),                            {"GET": Interface.sub_resources}),
    Path(("readPoints", "{}", "events"),                  {"GET": _narrowed("EQ_readPoint")}),
    Path(("dispositions",),                               {"GET": Interface.dispositions}),
    Path(("dispositions", "{}"),                          {"GET": Interface.sub_resources}),
    Path(("dispositions", "{}", "events"),                {"GET": _narrowed("EQ_disposition")}),
    Path(("dscsa", "{}"),                                 {"GET": Interface.dscsa}),
    Path(("queries",),                                    {"GET": Interface.queries, "POST": Interface.make_query}),
    Path(("queries", "{}"),                               {"GET": Interface.query, "DELETE": Interface.remove_query}),
    Path(("queries", "{}", "events"),                     {"GET": Interface.query_events}),
    Path(("queries", "{}", "subscriptions"),              {"GET": Interface.subscriptions, "POST": Interface.subscribe}),
    Path(("queries", "{}", "subscriptions", "{}"),        {"GET": Interface.subscription, "DELETE": Interface.unsubscribe}),
)
# fmt: on


def find_path(path: Sequence[str]) -> tuple[Path, list[str]] | None:
    """The path of this interface that a divided path is, with its segments."""
    for one in PATHS:
        if len(one.path) == len(path) and all(part in ("{}", said) for part, said in zip(one.path, path, strict=True)):
            return one, [said for part, said in zip(one.path, path, strict=True) if part == "{}"]
    return None


def discovery(path: Path) -> Response:
    """The answer to OPTIONS."""
    headers = {
        "Allow": path.allow,
        "GS1-EPCIS-Version": "1.2, 2.0",
        "GS1-EPCIS-Min": "1.2",
        "GS1-EPCIS-Max": "2.0",
        "GS1-CBV-Version": "1.2, 2.0",
        "GS1-CBV-Min": "1.2",
        "GS1-CBV-Max": "2.0",
        "GS1-EPC-Format": "No_Preference, Never_Translates, Always_GS1_Digital_Link, Always_EPC_URN",
        "GS1-CBV-XML-Format": "No_Preference, Never_Translates, Always_Web_URI, Always_URN",
        "GS1-Vendor-Version": "1",
    }
    return Response(status_code=204, headers=headers)


def _json(value: object, said: Spoken, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, {**said.headers, **(headers or {})}, JSON)


def _next(call: Call, token: str) -> str:
    stated = [(name, value) for name, value in call.parameters if name != "nextPageToken"]
    return f'<{call.path}?{urlencode([*stated, ("nextPageToken", token)], quote_via=quote)}>; rel="next"'


def _object(call: Call) -> dict[str, object]:
    try:
        value = json_value(call.body)
    except RejectedError as error:
        raise of_rejected(error, "query-invalid") from error
    if not isinstance(value, dict):
        raise ProblemError("query-invalid", "expected a JSON object")
    return value


def _short_names(query: object) -> dict[str, str]:
    """Of the ``@context`` that a query may have."""
    context = query.get("@context") if isinstance(query, dict) else None
    stated = context if isinstance(context, list) else [context]
    return {name: space for one in stated if isinstance(one, dict) for name, space in one.items() if isinstance(space, str)}


def _shown(one: NamedQuery) -> dict[str, object]:
    return {"name": one.name, "query": one.stated}


def _unknown(name: str) -> ProblemError:
    return ProblemError("unknown-query", f"there is nothing of the name {name[:100]!r}")

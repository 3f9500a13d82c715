# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes, and which of them need a session."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jackett_double import password, server_config
from jackett_double.answers import Answer, Failure, Refused, failed, given, moved, problem, text
from jackett_double.indexers import Indexers
from jackett_double.request import Request
from jackett_double.results import Results
from jackett_double.torznab import Torznab
from jackett_double.web import HTML, LOGIN_PAGE, SCRIPT, Web

if TYPE_CHECKING:
    from jackett_double.server import Server

Handler = Callable[[Request, str], Answer]


@dataclass(frozen=True)
class Route:
    """`pattern` is a regular expression; its group, if any, matches an indexer's id."""

    methods: str
    pattern: str
    handler: Handler
    session: bool = False


class Application:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._config = server.config
        web = self._web = Web(server.config, server.protection)
        indexers = Indexers(
            server.folder / "Indexers",
            server.config,
            server.protection,
            own=server.definitions,
            lab_url=server.indexer_url,
        )
        results = Results(server.config, server.protection, indexers, server.say)
        torznab = Torznab(server.config, indexers, results)
        one = "/api/v2.0/indexers/([^/]+)"
        health = given({"status": "OK"})
        dashboard = "/UI/Dashboard"
        self._routes = [
            Route("GET HEAD", "/health/?", lambda request, _: health),
            Route("GET", "/|/index.html", lambda request, _: moved(f"{self._base}{dashboard}", status=301)),
            Route("GET", "/UI/Login", lambda request, _: web.login_page(request)),
            Route("GET", "/UI/TestCookie", lambda request, _: web.cookie_test(request)),
            Route("GET", "/UI/Logout", lambda request, _: web.logout(request)),
            Route("GET", dashboard, lambda request, _: web.dashboard(request), session=True),
            Route("POST", dashboard, lambda request, _: web.login(request)),
            Route("GET", "/login.html", lambda request, _: text(LOGIN_PAGE, content_type=HTML)),
            Route("GET", "/custom.js", lambda request, _: text(SCRIPT, content_type="text/javascript")),
            Route("GET", "/api/v2.0/server/config", self._settings, session=True),
            Route("POST", "/api/v2.0/server/config", self._set, session=True),
            Route("POST", "/api/v2.0/server/adminpassword", self._set_password, session=True),
            Route("GET", "/api/v2.0/server/logs", lambda request, _: given(server.logged()), session=True),
            Route("POST", "/api/v2.0/server/shutdown", self._shutdown),
            Route("GET", "/api/v2.0/indexers", lambda request, _: indexers.listed(request), session=True),
            Route("DELETE", one, lambda _, name: indexers.remove(name), session=True),
            Route("GET", f"{one}/config", lambda _, name: indexers.form(name), session=True),
            Route("POST", f"{one}/config", indexers.add, session=True),
            Route("POST", f"{one}/test", lambda _, name: indexers.test(name), session=True),
            Route("GET", f"{one}/results", results.answer),
            Route("GET", f"{one}/results/torznab(?:/|/api/?)?", torznab.answer),
            Route("GET", "/torznab/([^/]+)(?:/|/api/?)?", torznab.answer),
            Route("GET", "/dl/([^/]+)/?", results.download),
            Route("GET", "/bh/([^/]+)/?", results.blackhole),
        ]

    @property
    def _base(self) -> str:
        return self._config["BasePathOverride"] or ""

    def answer(self, request: Request) -> Answer:
        request = request.under(self._base)
        allowed = []
        for route in self._routes:
            found = re.fullmatch(route.pattern, request.path, re.IGNORECASE)
            if found is None:
                continue
            if request.method in route.methods.split():
                return self._call(route, request, found[1] if found.re.groups else "")
            allowed += route.methods.split()
        if allowed:
            return Answer(405, headers=(("Allow", ", ".join(sorted(set(allowed)))),))
        return Answer(404)

    def _call(self, route: Route, request: Request, name: str) -> Answer:
        if route.session and not self._web.knows(request):
            return self._web.to_login(request)
        try:
            return route.handler(request, name)
        except Refused as refused:
            return refused.answer
        except Failure as failure:
            return failed(failure)

    def _settings(self, request: Request, _: str) -> Answer:
        return given(server_config.shown(self._config, root=self._server.root))

    def _set(self, request: Request, _: str) -> Answer:
        change = server_config.Change(self._config, server_config.read(request.json()), self._server.file.save)
        try:
            change.apply()
            answer = given(self._config)
        except Failure as failure:
            answer = failed(failure)
        return replace(answer, after=self._server.reload()) if change.web_host else answer

    def _set_password(self, request: Request, _: str) -> Answer:
        self._config["AdminPassword"] = password.hashed(password.wanted(request), self._config["APIKey"])
        self._server.file.save(self._config)
        return Answer(204)

    def _shutdown(self, request: Request, _: str) -> Answer:
        if request.query("apikey", exact=True) != self._config["APIKey"]:
            return problem(401)
        return replace(given({"ShuttingDown": True}), after=self._server.end)

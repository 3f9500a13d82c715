# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to the web interface: cookie test, login, sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

from jackett_double import password
from jackett_double.answers import Answer, Failure, moved, text
from jackett_double.config_file import Config
from jackett_double.protection import Protection, Unknown, Unprotectable
from jackett_double.request import Request

COOKIE = "Jackett"
PURPOSE = "session"
LIFETIME = timedelta(days=14)
HTML = "text/html"
LOGIN_PAGE = """<!DOCTYPE html><html><head><title>Jackett (SIMULATED)</title></head><body>
<h1>Jackett (simulated: a test double)</h1>
<form action="Dashboard" method="post"><input type="password" name="password"><input type="submit"></form>
</body></html>"""
DASHBOARD = """<!DOCTYPE html><html><head><title>Jackett (SIMULATED)</title></head><body>
<h1>Jackett (simulated: a test double)</h1><p>Its API is there; its page is not.</p></body></html>"""
SCRIPT = "var basePath = '';\nvar baseUrl = '';\n"


class Web:
    def __init__(self, config: Config, protection: Protection) -> None:
        self._config = config
        self._protection = protection

    def knows(self, request: Request) -> bool:
        """Return whether the session cookie is valid. Neither a new password nor a logout invalidates it."""
        try:
            ends = self._protection.unprotect(PURPOSE, request.cookie(COOKIE)).decode()
            return datetime.fromisoformat(ends) > datetime.now(UTC)
        except (Unknown, ValueError):
            return False

    def to_login(self, request: Request) -> Answer:
        """Redirect to the login page; with status 401 for requests of the page's scripts."""
        target = quote(request.base + request.target, safe="")
        status = 401 if request.header("X-Requested-With") == "XMLHttpRequest" else 302
        return moved(f"{request.root}/UI/Login?ReturnUrl={target}", status=status)

    def login_page(self, request: Request) -> Answer:
        if request.query("cookiesChecked") != "1":
            return moved("TestCookie", "TestCookie=1; path=/")
        if self.knows(request):
            return moved("Dashboard")
        if not self._config["AdminPassword"]:
            return moved("Dashboard", self._session())
        return text(LOGIN_PAGE, content_type=HTML)

    def cookie_test(self, request: Request) -> Answer:
        if request.cookie("TestCookie") != "1":
            return text("Cookies required", 400)
        return moved("Login?cookiesChecked=1")

    def login(self, request: Request) -> Answer:
        """Log in. The response differs for a right and a wrong password only by the cookie."""
        if password.accepts(self._config, request.form("password")):
            return moved("Dashboard", self._session())
        return moved("Dashboard")

    def dashboard(self, request: Request) -> Answer:
        if request.query("logout"):
            return moved("Logout")
        return text(DASHBOARD, content_type=HTML)

    def logout(self, request: Request) -> Answer:
        gone = f"{COOKIE}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/; samesite=lax; httponly"
        return moved("Login", gone)

    def _session(self) -> str:
        ends = datetime.now(UTC) + LIFETIME
        try:
            token = self._protection.protect(PURPOSE, ends.isoformat().encode())
        except Unprotectable as error:
            # Then no password is accepted (recorded); the status of the login is not recorded.
            raise Failure(f"An error occurred while trying to encrypt the provided data: {error}") from None
        return f"{COOKIE}={token}; expires={format_datetime(ends, usegmt=True)}; path=/; samesite=lax; httponly"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers everybody with the address that they come from, and prints it."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class AddressPage(BaseHTTPRequestHandler):
    """One line of text for every GET."""

    def do_GET(self) -> None:
        body = f"{self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 80), AddressPage).serve_forever()

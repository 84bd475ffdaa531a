"""A small server of one page on this machine: 127.0.0.1 only, GET only, nothing but what the page asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from pmsl.errors import OutputError, PmslError
from pmsl.report.viewer.access import Access
from pmsl.report.viewer.served_job import ServedJob

LOCAL = "127.0.0.1"
PULSE_S = 0.5  # between signs of life to a page
GRACE_S = 3.0  # after the last page has closed: it may only be loaded again
LOOK_S = 0.1  # between looks whether to end
IDLE_S = 0.05  # between layers of graphs
LONGEST_PATH = 512
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Viewer:
    """Serves the page of one job until its last page closes or `close` is called.

    Parameters
    ----------
    page : bytes
    served : ServedJob
    port : int
        0 is any that is free.

    Attributes
    ----------
    address : str
        To open, once.
    port : int

    Raises
    ------
    OutputError
        The port is in use, or may not be used.
    """

    def __init__(self, page: bytes, served: ServedJob, port: int = 0) -> None:
        self.page, self.served = page, served
        self.ended = threading.Event()
        self._pages, self._opened = 0, False
        self._lock = threading.Lock()
        self._closed_at = time.monotonic()
        try:
            self._server = _Server((LOCAL, port), _handler(self))
        except (OSError, OverflowError) as err:
            why = err.strerror if isinstance(err, OSError) and err.strerror else str(err)
            raise OutputError(f"port {port} on {LOCAL}: {why}; choose another --port, or leave it out for one that is free") from err
        self.port = int(self._server.server_address[1])
        self.access = Access(self.port)
        self.address = self.access.address
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve, self._work_out_graphs)]

    def start(self) -> None:
        """Begin to serve, in threads of its own."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Return when the last page has closed, or `close` was called."""
        while not self.ended.wait(PULSE_S):
            with self._lock:
                over = self._opened and self._pages == 0 and time.monotonic() - self._closed_at > GRACE_S
            if over:
                return

    def close(self) -> None:
        """End."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> None:
        self._server.serve_forever(LOOK_S)

    def _work_out_graphs(self) -> None:
        """Work out a layer after the other, while nobody waits."""
        try:
            while not self.ended.wait(IDLE_S) and (not self._opened or self.served.add_graph_layer()):
                pass
        except PmslError:  # a damaged layer: who asks for it is told
            return

    def stay_alive(self, write: Callable[[bytes], Any]) -> None:
        """Write signs of life until the page that reads them has closed."""
        with self._lock:
            self._pages, self._opened = self._pages + 1, True
        try:
            while not self.ended.is_set():
                write(b":\n\n")
                self.ended.wait(PULSE_S)
        except OSError:
            pass
        finally:
            with self._lock:
                self._pages -= 1
                self._closed_at = time.monotonic()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that browsers break off."""


def _handler(viewer: Viewer) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers requests to a viewer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "pmsl", ""
        timeout = 30

        def do_GET(self) -> None:
            """Answer, or refuse."""
            url, headers = urlsplit(self.path), self.headers
            if len(self.path) > LONGEST_PATH or not viewer.access.host_known(headers):
                self._refuse(HTTPStatus.FORBIDDEN, "not asked for by this address")
            elif url.path == "/" and url.query.startswith("token="):
                self._exchange(url.query.removeprefix("token="))
            elif not (viewer.access.own_page(headers) and viewer.access.known(headers)):
                self._refuse(HTTPStatus.FORBIDDEN, "open the address that pmsl view printed; it works once")
            else:
                self._answer(url.path, parse_qs(url.query))

        def _exchange(self, token: str) -> None:
            cookie = viewer.access.exchange(token)
            if cookie is None:
                self._refuse(HTTPStatus.FORBIDDEN, "this address was used already, or is none; start pmsl view again")
                return
            self.send_response(HTTPStatus.SEE_OTHER)
            self._send_headers({"Location": "/", "Set-Cookie": cookie, "Content-Length": "0"})

        def _answer(self, path: str, query: dict[str, list[str]]) -> None:
            try:
                if path == "/":
                    self._send(viewer.page, "text/html; charset=utf-8")
                elif path == "/layer":
                    self._send(msgspec.json.encode(viewer.served.layer(*_numbers(query, "k"))), "application/json")
                elif path == "/tile":
                    tile = viewer.served.tile(*_numbers(query, "k", "exposure", "level", "row", "col"))
                    self._send(tile, "application/octet-stream")
                elif path == "/graphs":
                    self._send(msgspec.json.encode(viewer.served.graphs()), "application/json")
                elif path == "/alive":
                    self._stay_alive()
                else:
                    self._refuse(HTTPStatus.NOT_FOUND, "nothing here")
            except (IndexError, ValueError):
                self._refuse(HTTPStatus.NOT_FOUND, "no such layer or tile")
            except PmslError as err:
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(err))

        def _stay_alive(self) -> None:
            self.send_response(HTTPStatus.OK)
            self._send_headers({"Content-Type": "text/event-stream", "Connection": "close"})
            self.close_connection = True

            def write(data: bytes) -> None:
                self.wfile.write(data)
                self.wfile.flush()

            viewer.stay_alive(write)

        def _send(self, data: bytes, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self._send_headers({"Content-Type": kind, "Content-Length": str(len(data))})
            self.wfile.write(data)

        def _refuse(self, status: HTTPStatus, why: str) -> None:
            data = why.encode()
            self.send_response(status)
            self._send_headers({"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(data)), "Connection": "close"})
            self.close_connection = True
            self.wfile.write(data)

        def _send_headers(self, headers: dict[str, str]) -> None:
            for name, value in (HEADERS | headers).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *words: Any) -> None:
            """Say nothing."""

    return Handler


def _numbers(query: dict[str, list[str]], *names: str) -> list[int]:
    """Return whole numbers of a query that has these names, each once, and no others; raises `ValueError`."""
    if set(query) != set(names) or any(
        len(query[name]) != 1 or not query[name][0].isascii() or not query[name][0].isdigit() for name in names
    ):
        raise ValueError("another query")
    return [int(query[name][0][:12]) for name in names]

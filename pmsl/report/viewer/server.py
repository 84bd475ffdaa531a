"""A small server of one page on this machine: 127.0.0.1 only, GET only, nothing but what the page asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pmsl.errors import OutputError
from pmsl.files.encodable import encodable, json_bytes
from pmsl.report.viewer.access import Access
from pmsl.report.viewer.served_job import NotInJobError, ServedJob, reason

LOCAL = "127.0.0.1"
PULSE_S = 0.5  # between signs of life to a page
GRACE_S = 3.0  # after the last page has closed: it may only be loaded again
LOOK_S = 0.1  # between looks whether to end
IDLE_S = 0.05  # between layers of graphs
LONGEST_PATH = 512
HTML = "text/html; charset=utf-8"
FORWARD = b'<!DOCTYPE html><meta http-equiv="refresh" content="0; url=/"><title>pmsl</title>'
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
        while not self.ended.wait(IDLE_S) and (not self._opened or self.served.add_graph_layer()):
            pass

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
            headers = self.headers
            if len(self.path) > LONGEST_PATH or not viewer.access.host_known(headers):
                self._refuse(HTTPStatus.FORBIDDEN, "not asked for by this address")
                return
            try:
                url = urlsplit(self.path)
                query = parse_qs(url.query, keep_blank_values=True)
            except ValueError:
                self._refuse(HTTPStatus.BAD_REQUEST, "no address")
                return
            if url.path == "/" and url.query.startswith("token="):
                self._exchange(url.query.removeprefix("token="))
            elif not (viewer.access.own_page(headers) and viewer.access.known(headers)):
                self._refuse(HTTPStatus.FORBIDDEN, "open the address that pmsl view printed; it works once")
            else:
                self._answer(url.path, query)

        def _exchange(self, token: str) -> None:
            if not viewer.access.opens_page(self.headers):  # nothing of it would be shown: the address is still good for the page
                self._refuse(HTTPStatus.FORBIDDEN, "open this address in a window of its own")
                return
            cookie = viewer.access.exchange(token)
            if cookie is None:
                self._refuse(HTTPStatus.FORBIDDEN, "this address was used already, or is none; start pmsl view again")
            elif viewer.access.own_page(self.headers):
                self.send_response(HTTPStatus.SEE_OTHER)
                self._send_headers({"Location": "/", "Set-Cookie": cookie, "Content-Length": "0"})
            else:  # a link of another page: where that leads on counts as asked for by it, without the cookie, but not what ours leads to
                self._send(FORWARD, HTML, {"Set-Cookie": cookie})

        def _answer(self, path: str, query: dict[str, list[str]]) -> None:
            if path == "/alive":
                self._stay_alive()
                return
            try:
                made = self._content(path, query)
            except NotInJobError:
                made = None
            except Exception as err:  # a damaged layer, or a fault of ours: this request fails, not the viewer
                self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, reason(err))
                return
            if made is None:
                self._refuse(HTTPStatus.NOT_FOUND, "no such page, layer or tile")
            else:
                self._send(*made)

        def _content(self, path: str, query: dict[str, list[str]]) -> tuple[bytes, str] | None:
            """Return what is asked for, and its kind; None where there is no such thing."""
            names = {"/": (), "/graphs": (), "/layer": ("k",), "/tile": ("k", "exposure", "level", "row", "col")}.get(path)
            numbers = None if names is None else _numbers(query, *names)
            if numbers is None:
                return None
            if path == "/":
                return viewer.page, HTML
            if path == "/tile":
                return viewer.served.tile(*numbers), "application/octet-stream"
            return json_bytes(viewer.served.graphs() if path == "/graphs" else viewer.served.layer(*numbers)), "application/json"

        def _stay_alive(self) -> None:
            self.send_response(HTTPStatus.OK)
            self._send_headers({"Content-Type": "text/event-stream", "Connection": "close"})
            self.close_connection = True

            def write(data: bytes) -> None:
                self.wfile.write(data)
                self.wfile.flush()

            viewer.stay_alive(write)

        def _send(self, data: bytes, kind: str, more: dict[str, str] | None = None) -> None:
            self.send_response(HTTPStatus.OK)
            self._send_headers({"Content-Type": kind, "Content-Length": str(len(data))} | (more or {}))
            self.wfile.write(data)

        def _refuse(self, status: HTTPStatus, why: str) -> None:
            data = encodable(why).encode()
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


def _numbers(query: dict[str, list[str]], *names: str) -> list[int] | None:
    """Return whole numbers, of any size, of a query that has these names, each once, and no others; None for another one."""
    texts = [query[name][0] for name in names if len(query.get(name, ())) == 1]
    if len(query) != len(names) or len(texts) != len(names) or not all(text.isascii() and text.isdigit() for text in texts):
        return None
    return [int(text) for text in texts]

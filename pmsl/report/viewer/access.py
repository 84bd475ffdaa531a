"""Who may ask a viewer: whoever has its one-time address, from a page of its own, on this machine."""

from __future__ import annotations

import secrets
from email.message import Message
from http.cookies import CookieError, SimpleCookie

COOKIE = "pmsl-view"


class Access:
    """Lets in whoever opens the one-time address, and afterwards whoever has the cookie that it was exchanged for.

    Parameters
    ----------
    port : int
        The server's; names of its host with another port, or none, are refused, whatever address they came to.
    """

    def __init__(self, port: int) -> None:
        self.hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._origins = frozenset(f"http://{host}" for host in self.hosts)
        self._token: str | None = secrets.token_urlsafe(32)
        self._secret = secrets.token_urlsafe(32)
        self.address = f"http://127.0.0.1:{port}/?token={self._token}"

    def exchange(self, token: str) -> str | None:
        """Return the cookie that a token is exchanged for, once; None for another one, and for one that was used."""
        if self._token is None or not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        self._token = None
        return f"{COOKIE}={self._secret}; HttpOnly; SameSite=Strict; Path=/"

    def host_known(self, headers: Message) -> bool:
        """Tell whether a request names this server; a name that somebody made lead here is another one."""
        named = headers.get_all("Host", [])
        return len(named) == 1 and named[0] in self.hosts

    def own_page(self, headers: Message) -> bool:
        """Tell whether a request comes from a page of this server, or from none."""
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        return (origin is None or origin in self._origins) and site in (None, "same-origin", "none")

    def known(self, headers: Message) -> bool:
        """Tell whether a request has the cookie."""
        try:
            given = SimpleCookie(headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return given is not None and secrets.compare_digest(given.value.encode(), self._secret.encode())

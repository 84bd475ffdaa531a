"""Who may ask a viewer: whoever has its one-time address, from a page of its own, on this machine."""

from __future__ import annotations

import secrets
from email.message import Message

COOKIE = "pmsl-view-{port}"  # browsers give cookies to every port of a host: a name for each
HTTP_PORT = 80  # which browsers leave out of Host and Origin


class Access:
    """Lets in whoever opens the one-time address, and afterwards whoever has the cookie that it was exchanged for.

    Parameters
    ----------
    port : int
        The server's; names of its host with another port, or none where that is not 80, are refused, whatever address they came to.
    """

    def __init__(self, port: int) -> None:
        ends = (f":{port}", "") if port == HTTP_PORT else (f":{port}",)
        self.hosts = frozenset(name + end for name in ("127.0.0.1", "localhost") for end in ends)
        self.cookie = COOKIE.format(port=port)
        self._origins = frozenset(f"http://{host}" for host in self.hosts)
        self._token: str | None = secrets.token_urlsafe(32)
        self._secret = secrets.token_urlsafe(32)
        self.address = f"http://127.0.0.1:{port}/?token={self._token}"

    def exchange(self, token: str) -> str | None:
        """Return the cookie that a token is exchanged for, once; None for another one, and for one that was used."""
        if self._token is None or not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        self._token = None
        return f"{self.cookie}={self._secret}; HttpOnly; SameSite=Strict; Path=/"

    def host_known(self, headers: Message) -> bool:
        """Tell whether a request names this server; a name that somebody made lead here is another one."""
        named = headers.get_all("Host", [])
        return len(named) == 1 and named[0] in self.hosts

    def own_page(self, headers: Message) -> bool:
        """Tell whether a request comes from a page of this server, or from none."""
        origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site")
        return (origin is None or origin in self._origins) and site in (None, "same-origin", "none")

    def opens_page(self, headers: Message) -> bool:
        """Tell whether a browser asks in order to show a page in a window of its own: not as part of another one, nor ahead of time."""
        return headers.get("Sec-Fetch-Dest") in (None, "document") and headers.get("Sec-Purpose", headers.get("Purpose")) is None

    def known(self, headers: Message) -> bool:
        """Tell whether a request has the cookie; what else is served by this machine may have set any others, of any form."""
        pairs = (pair.strip().partition("=") for line in headers.get_all("Cookie", []) for pair in line.split(";"))
        return any(name == self.cookie and secrets.compare_digest(value.encode(), self._secret.encode()) for name, _, value in pairs)

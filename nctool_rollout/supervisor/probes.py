"""Does it answer? And which ports are free."""

from __future__ import annotations

import http.client
import socket

HOST = "127.0.0.1"


def accepts(port: int) -> bool:
    """Something listens on this port of the machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def pongs(port: int) -> bool:
    """A Redis on this port is ready for commands: it may listen while it still loads its data."""
    try:
        with socket.create_connection((HOST, port), timeout=0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def ready(address: str, port: int, host: str) -> bool:
    """The web server says that it can serve. `host` is a name it answers to."""
    return _says_yes(address, port, "/readyz", {"Host": host, "X-Forwarded-Proto": "https"})


def alive(address: str, port: int) -> bool:
    """The server on this port says that it lives."""
    return _says_yes(address, port, "/healthz", {})


def _says_yes(address: str, port: int, path: str, headers: dict[str, str]) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def taken(address: str, port: int) -> bool:
    """Nobody else can listen there. Asked without SO_REUSEPORT, with which the web server would share the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError:
            return True
    return False


def free_port(preferred: int, *, besides: int | None = None) -> int:
    """The preferred port, or any other when that one is taken, or promised to somebody who does not listen yet."""
    if preferred != besides and not taken(HOST, preferred):
        return preferred
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])

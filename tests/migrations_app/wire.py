"""A MongoDB whose secondaries, load and disk are as a test says: every other word is that of the server behind it.

It speaks MongoDB's wire protocol (OP_MSG): what a single embedded server cannot tell of secondaries, load and disk is
answered here, in the form in which mongod answers it, and all else is handed on.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import bson
import pymongo

OP_MSG = 2013
HEADER = struct.Struct("<iiii")  # length, number, number that is answered, operation


@dataclass
class Told:
    """What the server says of itself.

    `lag` in seconds; None: the secondary tells no optime. `free`: share of its disk. `full`: it takes nothing new.
    """

    lag: float | None = 0.0
    queued: int = 0
    free: float = 0.5
    full: bool = False

    def replSetGetStatus(self) -> dict[str, Any]:  # noqa: N802 -- named as the command is
        now = datetime.now(UTC)
        optime = {} if self.lag is None else {"optimeDate": now - timedelta(seconds=self.lag)}
        primary = {"_id": 0, "name": "a:27017", "state": 1, "health": 1.0, "optimeDate": now}
        second = {"_id": 1, "name": "b:27017", "state": 2, "health": 1.0, **optime}
        return {"set": "rs0", "members": [primary, second], "ok": 1.0}

    def serverStatus(self) -> dict[str, Any]:  # noqa: N802
        return {"globalLock": {"currentQueue": {"total": self.queued}}, "ok": 1.0}

    def dbStats(self) -> dict[str, Any]:  # noqa: N802
        return {"fsTotalSize": 1000.0, "fsUsedSize": 1000.0 * (1 - self.free), "ok": 1.0}

    def insert(self) -> dict[str, Any] | None:
        """As WiredTiger refuses a write on a full disk."""
        why = "No space left on device"
        return {"ok": 0.0, "errmsg": why, "code": 14031, "codeName": "OutOfDiskSpace"} if self.full else None


OWN: dict[str, Callable[[Told], dict[str, Any] | None]] = {
    "replSetGetStatus": Told.replSetGetStatus,
    "serverStatus": Told.serverStatus,
    "dbStats": Told.dbStats,
    "insert": Told.insert,
}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    told: Told
    behind: tuple[str, int]


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = cast(_Server, self.server)
        with socket.create_connection(server.behind) as upstream:
            while message := _read(self.request):
                told = OWN.get(_command(message))
                own = told(server.told) if told else None
                if own is None:
                    upstream.sendall(message)
                    self.request.sendall(_read(upstream))
                else:
                    self.request.sendall(_answer(message, own))


def _read(connection: socket.socket) -> bytes:
    """One whole message; nothing when the other side is gone."""
    length = _exactly(connection, 4)
    return length + _exactly(connection, struct.unpack("<i", length)[0] - 4) if length else b""


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            return b""
        found += part
    return found


def _command(message: bytes) -> str:
    """The first name of the first section of OP_MSG; nothing for other messages."""
    if HEADER.unpack_from(message)[3] != OP_MSG or message[20]:
        return ""
    body = message[21 : 21 + struct.unpack_from("<i", message, 21)[0]]
    return next(iter(bson.decode(body)))


def _answer(message: bytes, document: dict[str, Any]) -> bytes:
    body = struct.pack("<iB", 0, 0) + bson.encode(document)
    return HEADER.pack(HEADER.size + len(body), 0, HEADER.unpack_from(message)[1], OP_MSG) + body


@contextmanager
def lagging(url: str) -> Iterator[tuple[Any, Told]]:
    """A client of the server at `url`, by way of this one, and what this one says of its secondaries."""
    host, port = pymongo.uri_parser.parse_uri(url)["nodelist"][0]
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.told, server.behind = Told(), (host, port)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"mongodb://127.0.0.1:{server.server_address[1]}/?directConnection=true"
        with pymongo.MongoClient[Any](address, tz_aware=True, w="majority") as client:
            yield client, server.told
        server.shutdown()

"""TCP ports: listening on one, and keeping one for a process that is started later, or again.

A port that merely *was* free is soon somebody else's: the system hands it to the next outgoing connection.
One that a socket is bound to, without listening, is handed to nobody; connections to it are refused as if
nothing were there; and a process that sets SO_REUSEADDR, as all servers do, can still bind it and listen.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dragoman_contracts.errors import DragomanError

LOOPBACK = "127.0.0.1"
_CAN_SHARE = sys.platform == "linux"
"""Elsewhere two sockets cannot be bound to one address, listening or not: there a port is only looked for."""


class AddressTaken(DragomanError):
    """The address to listen on cannot be had."""

    code = "address_taken"
    default_remedy = "Stop the process that listens there, or choose another port in the settings."


def bind_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address, not yet listening; ``port`` 0 takes a free one.

    Raises:
        AddressTaken: somebody listens there, it is not of this machine, or not allowed.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise AddressTaken(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return bound


@contextmanager
def held_port(host: str = LOOPBACK, port: int = 0) -> Iterator[int]:
    """Keep a port for the processes that this one starts; ``port`` 0 takes a free one.

    Raises:
        AddressTaken: as for ``bind_socket``.

    """
    with bind_socket(host, port) as holder:
        number = int(holder.getsockname()[1])
        if not _CAN_SHARE:
            holder.close()
        yield number

"""Ports: bound, told when taken, and kept for whoever is started later."""

from __future__ import annotations

import socket

import pytest

from dragoman_runtime.ports import AddressTaken, bind_socket, held_port


def test_a_taken_port_is_told() -> None:
    with bind_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressTaken, match=f"cannot listen on 127.0.0.1:{port}") as told:
            bind_socket("127.0.0.1", port)
        with pytest.raises(AddressTaken), held_port(port=port):
            pass
    assert "another port" in told.value.remedy


def test_a_held_port_refuses_connections() -> None:
    with held_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_held_port_is_listened_on_again_and_again() -> None:
    with held_port() as port:
        for _ in range(2):
            with bind_socket("127.0.0.1", port) as server:
                server.listen()
                socket.create_connection(("127.0.0.1", port)).close()


def test_nobody_else_gets_a_held_port() -> None:
    with held_port() as port, socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))

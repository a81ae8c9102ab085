"""What several tests run against."""

import socket
import subprocess
import time

import pytest

from apiserver import ApiServer
from tools import free_address, program


@pytest.fixture
def broker():
    """A Pub/Sub broker in memory, as host:port."""
    address = free_address()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([program("local-pubsub"), "--listen", address], **quiet)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(tuple(address.split(":")), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the broker does not start"
            time.sleep(0.02)
    yield address
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def cluster():
    """A stand-in for the API server of an empty cluster."""
    server = ApiServer("1.33")
    yield server
    server.close()

"""Plays that make sessions: published to a broker by gRPC, the messages put together by hand."""

import random
import time

import grpc
import maxminddb


def varint(number):
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(digits + bytearray([number]))


def field(number, value):
    """A field of a protobuf message: an integer, or bytes with their length before them."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def play(user, track, address, at):
    seconds, nanos = divmod(int(at * 1e9), 10**9)
    moment = field(1, seconds) + field(2, nanos)
    return field(1, user.encode()) + field(2, track.encode()) + field(3, address) + field(4, moment)


def addresses(database):
    """One address of each city of a database, as bytes."""
    found = {}
    with maxminddb.open_database(database) as reader:
        for network, record in reader:
            if network.version == 4 and "city" in record:
                found.setdefault(record["city"]["geoname_id"], network.network_address.packed)
    return list(found.values())


def publish(broker, project, topic, messages):
    """Publishes messages to a topic; raises what the broker answers otherwise."""
    request = field(1, f"projects/{project}/topics/{topic}".encode())
    request += b"".join(field(2, field(1, message)) for message in messages)
    with grpc.insecure_channel(broker) as channel:
        channel.unary_unary("/google.pubsub.v1.Publisher/Publish")(request, timeout=10)


def listeners(found, seed):
    """Forty plays of one track, pressed now by people in different cities."""
    chosen = random.Random(seed)
    now = time.time()
    return [play(f"listener-{seed}-{n}", f"track-{seed}", chosen.choice(found), now) for n in range(40)]

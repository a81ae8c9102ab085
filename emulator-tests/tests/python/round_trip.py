"""Google's Python client against the broker that PUBSUB_EMULATOR_HOST names: every call goes over gRPC.

Prints one line a step, so that a failure tells how far it came, and ends with `done`.
"""

import sys
import threading

from google.api_core.exceptions import AlreadyExists, NotFound
from google.cloud import pubsub_v1
from google.protobuf import duration_pb2, field_mask_pb2

PROJECT = sys.argv[1]
MESSAGES = 500
KEYS = 5
NACKED = 250
# A nack brings back the message and all later ones of its key, in order.
AFTER_THE_NACK = list(range(NACKED, MESSAGES, KEYS))
PATIENCE_SECONDS = 60


def step(text):
    print(text, flush=True)


def repeated(received):
    """What came of the nacked message's key from the last time on that it came itself."""
    own = [number for number in received if number % KEYS == NACKED % KEYS]
    at = len(own) - own[::-1].index(NACKED) - 1 if NACKED in own else len(own)
    return own[at:]


def main():
    options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
    publisher = pubsub_v1.PublisherClient(publisher_options=options)
    subscriber = pubsub_v1.SubscriberClient()
    topic = publisher.topic_path(PROJECT, "plays")
    subscription = subscriber.subscription_path(PROJECT, "plays")

    publisher.create_topic(request={"name": topic, "labels": {"team": "radio"}})
    try:
        publisher.create_topic(request={"name": topic})
        raise AssertionError("a second topic of the same name")
    except AlreadyExists:
        pass
    assert [found.name for found in publisher.list_topics(request={"project": f"projects/{PROJECT}"})] == [topic]
    step("created a topic")

    created = subscriber.create_subscription(
        request={"name": subscription, "topic": topic, "enable_message_ordering": True, "ack_deadline_seconds": 20}
    )
    assert created.ack_deadline_seconds == 20, created
    step("created a subscription")

    updated = subscriber.update_subscription(
        request={
            "subscription": {
                "name": subscription,
                "message_retention_duration": duration_pb2.Duration(seconds=600),
            },
            "update_mask": field_mask_pb2.FieldMask(paths=["message_retention_duration"]),
        }
    )
    assert updated.message_retention_duration.total_seconds() == 600, updated
    assert updated.ack_deadline_seconds == 20, updated
    step("updated the subscription")

    futures = [
        publisher.publish(topic, str(number).encode(), ordering_key=f"key{number % KEYS}", origin="python")
        for number in range(MESSAGES)
    ]
    ids = {future.result(timeout=PATIENCE_SECONDS) for future in futures}
    assert len(ids) == MESSAGES
    step("published")

    received, nacked, complete = [], set(), threading.Event()
    lock = threading.Lock()

    def receive(message):
        assert message.attributes["origin"] == "python"
        assert message.message_id in ids
        with lock:
            number = int(message.data)
            if number == NACKED and number not in nacked:
                nacked.add(number)
                message.nack()
                return
            received.append(number)
            message.ack()
            if set(received) == set(range(MESSAGES)) and repeated(received) == AFTER_THE_NACK:
                complete.set()

    stream = subscriber.subscribe(subscription, callback=receive)
    assert complete.wait(PATIENCE_SECONDS), f"{len(set(received))} of {MESSAGES} messages came, and after the nack {repeated(received)}"
    stream.cancel()
    stream.result(timeout=PATIENCE_SECONDS)
    for key in range(1, KEYS):
        own = [number for number in received if number % KEYS == key]
        assert own == sorted(own), own
    step("received and acknowledged over a stream, with one nack")

    publisher.publish(topic, b"pulled", ordering_key="other").result(timeout=PATIENCE_SECONDS)
    pulled = subscriber.pull(request={"subscription": subscription, "max_messages": 10}, timeout=PATIENCE_SECONDS)
    assert [message.message.data for message in pulled.received_messages] == [b"pulled"], pulled
    subscriber.acknowledge(
        request={"subscription": subscription, "ack_ids": [message.ack_id for message in pulled.received_messages]}
    )
    step("pulled")

    subscriber.delete_subscription(request={"subscription": subscription})
    publisher.delete_topic(request={"topic": topic})
    try:
        publisher.get_topic(request={"topic": topic})
        raise AssertionError("the topic is still there")
    except NotFound:
        pass
    step("done")


main()

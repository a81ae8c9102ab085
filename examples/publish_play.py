"""publish_play.py USER TRACK ADDRESS: someone pressed play just now."""

import ipaddress
import os
import sys

from google.cloud import pubsub_v1
from listening_together.v1.play_pb2 import Play

_, user, track, address = sys.argv
play = Play(user_id=user, track_id=track, ip_address=ipaddress.ip_address(address).packed)
play.played_at.GetCurrentTime()

publisher = pubsub_v1.PublisherClient()
topic = publisher.topic_path(os.environ["GOOGLE_CLOUD_PROJECT"], "plays")
publisher.publish(topic, play.SerializeToString()).result()

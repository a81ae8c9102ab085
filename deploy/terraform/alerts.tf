# Three things that no one should have to look for. Thresholds fit the services' default settings.

# In good health a play waits seconds, for its window and slot. Replicas' subscriptions are left out: one that a killed
# replica left behind grows old until it expires.
resource "google_monitoring_alert_policy" "plays_wait" {
  count = var.alerts ? 1 : 0

  project               = var.project
  display_name          = "Listening Together: plays wait too long"
  combiner              = "OR"
  notification_channels = var.notification_channels

  conditions {
    display_name = "The oldest unacknowledged play is older than a minute"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${var.plays_subscription}\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = 60
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  conditions {
    display_name = "The oldest unacknowledged located play is older than a minute"
    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${var.located_plays_subscription}\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = 60
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content = "No pipeline runs, or it cannot keep up. Look at its log, and at the metrics pipeline_plays_held and pipeline_plays_dropped_total."
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  count = var.alerts ? 1 : 0

  project               = var.project
  display_name          = "Listening Together: messages are rejected"
  combiner              = "OR"
  notification_channels = var.notification_channels

  conditions {
    display_name = "More than one message a second is rejected"
    condition_threshold {
      filter          = "resource.type = \"pubsub_topic\" AND resource.labels.topic_id = \"${var.dead_letter_topic}\" AND metric.type = \"pubsub.googleapis.com/topic/send_request_count\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "Publishers send what is no play, or their clocks are fast. The attribute reason of the messages in ${var.dead_letter_topic} says which."
  }
}

# Every slot of 5 s is announced four times: 0.8 a second.
resource "google_monitoring_alert_policy" "slots_missing" {
  count = var.alerts ? 1 : 0

  project               = var.project
  display_name          = "Listening Together: slots are missing"
  combiner              = "OR"
  notification_channels = var.notification_channels

  conditions {
    display_name = "Fewer than half of the slots are announced"
    condition_threshold {
      filter          = "resource.type = \"pubsub_topic\" AND resource.labels.topic_id = \"${var.sessions_topic}\" AND metric.type = \"pubsub.googleapis.com/topic/send_request_count\""
      comparison      = "COMPARISON_LT"
      threshold_value = 0.4
      duration        = "300s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "Nothing is announced"
    condition_absent {
      filter   = "resource.type = \"pubsub_topic\" AND resource.labels.topic_id = \"${var.sessions_topic}\" AND metric.type = \"pubsub.googleapis.com/topic/send_request_count\""
      duration = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_RATE"
      }
    }
  }

  documentation {
    content = "Visitors see the last pair for longer than they should. Either no pipeline runs, or too few plays share a track in a second."
  }
}

# What the services need on Google Cloud. The chart consumes the names and makes none of it: what one cluster's release
# owned, its uninstallation would take away from all.

locals {
  clusters_project = coalesce(var.clusters_project, var.project)
  replicas_project = coalesce(var.replicas_project, var.project)

  # Which of Google's services are used in which project; both projects may be one.
  services = merge(
    {
      for service in ["pubsub.googleapis.com", "monitoring.googleapis.com", "iam.googleapis.com"] :
      "${var.project} ${service}" => { project = var.project, service = service }
    },
    {
      for service in ["pubsub.googleapis.com", "iam.googleapis.com"] :
      "${local.replicas_project} ${service}" => { project = local.replicas_project, service = service }
    },
  )
}

resource "google_project_service" "needed" {
  for_each = local.services

  project            = each.value.project
  service            = each.value.service
  disable_on_destroy = false
}

resource "google_pubsub_schema" "play" {
  count = var.enforce_schema ? 1 : 0

  project    = var.project
  name       = "play"
  type       = "PROTOCOL_BUFFER"
  definition = file("${path.module}/play.proto")
  depends_on = [google_project_service.needed]
}

# Plays hold addresses and user ids: the topic keeps none once they are acknowledged.
resource "google_pubsub_topic" "plays" {
  project    = var.project
  name       = var.plays_topic
  depends_on = [google_project_service.needed]

  dynamic "schema_settings" {
    for_each = google_pubsub_schema.play
    content {
      schema   = schema_settings.value.id
      encoding = "BINARY"
    }
  }

  dynamic "message_storage_policy" {
    for_each = length(var.message_regions) > 0 ? [var.message_regions] : []
    content {
      allowed_persistence_regions = message_storage_policy.value
    }
  }
}

# Retention lets a pipeline that starts read back what was announced in the last minute; ten minutes is the least.
resource "google_pubsub_topic" "sessions" {
  project                    = var.project
  name                       = var.sessions_topic
  message_retention_duration = "600s"
  depends_on                 = [google_project_service.needed]

  dynamic "message_storage_policy" {
    for_each = length(var.message_regions) > 0 ? [var.message_regions] : []
    content {
      allowed_persistence_regions = message_storage_policy.value
    }
  }
}

# Between the two stages of a pipeline that has them; it costs nothing otherwise. Located plays name no address and no
# user, and none is kept once it is acknowledged.
resource "google_pubsub_topic" "located_plays" {
  project    = var.project
  name       = var.located_plays_topic
  depends_on = [google_project_service.needed]

  dynamic "message_storage_policy" {
    for_each = length(var.message_regions) > 0 ? [var.message_regions] : []
    content {
      allowed_persistence_regions = message_storage_policy.value
    }
  }
}

resource "google_pubsub_topic" "dead_letters" {
  project    = var.project
  name       = var.dead_letter_topic
  depends_on = [google_project_service.needed]

  dynamic "message_storage_policy" {
    for_each = length(var.message_regions) > 0 ? [var.message_regions] : []
    content {
      allowed_persistence_regions = message_storage_policy.value
    }
  }
}

resource "google_pubsub_subscription" "plays" {
  project = var.project
  name    = var.plays_subscription
  topic   = google_pubsub_topic.plays.id

  # The pipeline holds a play for its window and slot, and goes on extending this deadline meanwhile: it is for how long
  # the plays of a pipeline that vanished stay out of sight.
  ack_deadline_seconds       = 10
  message_retention_duration = var.plays_retention
  retain_acked_messages      = false

  # Windows are made by the time in a play, not by the order in which plays come.
  enable_message_ordering      = false
  enable_exactly_once_delivery = false

  # A pipeline that stops hands its plays back; they are on time for the next one, which takes late plays for 30 s.
  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "10s"
  }

  # No dead_letter_policy: a play that is handed back again and again is a good one, and waits for a topic that is away.
  # What is no play is published to the dead-letter topic by the pipeline itself, with its reason.

  expiration_policy {
    ttl = ""
  }
}

# As the one above, for the pod that curates.
resource "google_pubsub_subscription" "located_plays" {
  project = var.project
  name    = var.located_plays_subscription
  topic   = google_pubsub_topic.located_plays.id

  ack_deadline_seconds       = 10
  message_retention_duration = var.plays_retention
  retain_acked_messages      = false

  enable_message_ordering      = false
  enable_exactly_once_delivery = false

  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "10s"
  }

  expiration_policy {
    ttl = ""
  }
}

# Without a subscription what is published there would be gone. Rejected messages may hold addresses and user ids.
resource "google_pubsub_subscription" "dead_letters" {
  project                    = var.project
  name                       = var.dead_letter_topic
  topic                      = google_pubsub_topic.dead_letters.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}

resource "google_storage_bucket" "geoip" {
  count = var.geoip_bucket == null ? 0 : 1

  project                     = var.project
  name                        = var.geoip_bucket
  location                    = var.geoip_bucket_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

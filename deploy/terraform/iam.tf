# Who may do what. Identities are Kubernetes service accounts, bound directly by Workload Identity Federation for GKE:
# the same namespace and name in every cluster of a project are one identity, so that one binding covers all regions.

data "google_project" "clusters" {
  project_id = local.clusters_project
}

locals {
  identities = "principal://iam.googleapis.com/projects/${data.google_project.clusters.number}/locations/global/workloadIdentityPools/${local.clusters_project}.svc.id.goog/subject/ns/${var.namespace}/sa"

  pipeline     = "${local.identities}/${var.pipeline_service_account}"
  locate       = "${local.identities}/${var.locate_service_account}"
  curate       = "${local.identities}/${var.curate_service_account}"
  session_api  = "${local.identities}/${var.session_api_service_account}"
  geoip_update = "${local.identities}/${var.geoip_update_service_account}"

  # Both services make subscriptions of their own to the sessions topic: a replica for as long as it streams, a pipeline
  # for the seconds in which it reads back what was announced.
  subscribers = { pipeline = local.pipeline, curate = local.curate, session_api = local.session_api }

  # Who publishes where: all stages in one, or the first or the second of two.
  publishers = {
    pipeline_sessions     = { member = local.pipeline, topic = google_pubsub_topic.sessions.name }
    pipeline_dead_letters = { member = local.pipeline, topic = google_pubsub_topic.dead_letters.name }
    locate_located_plays  = { member = local.locate, topic = google_pubsub_topic.located_plays.name }
    locate_dead_letters   = { member = local.locate, topic = google_pubsub_topic.dead_letters.name }
    curate_sessions       = { member = local.curate, topic = google_pubsub_topic.sessions.name }
    curate_dead_letters   = { member = local.curate, topic = google_pubsub_topic.dead_letters.name }
  }

  # Who receives what. This leaves it to the stages that locate to read plays, with their addresses and user ids; for the
  # others that holds only with var.replicas_project, see below.
  receivers = {
    pipeline_plays       = { member = local.pipeline, subscription = google_pubsub_subscription.plays.name }
    locate_plays         = { member = local.locate, subscription = google_pubsub_subscription.plays.name }
    curate_located_plays = { member = local.curate, subscription = google_pubsub_subscription.located_plays.name }
  }

  # Roles for whole sets of members, by key and role.
  receiver_roles = {
    for pair in setproduct(keys(local.receivers), ["roles/pubsub.subscriber", "roles/pubsub.viewer"]) :
    "${pair[0]} ${pair[1]}" => merge(local.receivers[pair[0]], { role = pair[1] })
  }
  publisher_roles = {
    for pair in setproduct(keys(local.publishers), ["roles/pubsub.publisher", "roles/pubsub.viewer"]) :
    "${pair[0]} ${pair[1]}" => merge(local.publishers[pair[0]], { role = pair[1] })
  }
}

# roles/pubsub.editor could delete topics. A role on a project is one on all of its subscriptions: where replicas have no
# project of their own, on those of plays and rejected messages too.
resource "google_project_iam_custom_role" "own_subscriptions" {
  project     = local.replicas_project
  role_id     = "listeningTogetherOwnSubscriptions"
  title       = "Listening Together: subscriptions of one's own"
  description = "Makes, reads and deletes subscriptions."
  permissions = [
    "pubsub.subscriptions.consume",
    "pubsub.subscriptions.create",
    "pubsub.subscriptions.delete",
    "pubsub.subscriptions.get",
  ]

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "own_subscriptions" {
  for_each = local.subscribers

  project = local.replicas_project
  role    = google_project_iam_custom_role.own_subscriptions.id
  member  = each.value
}

resource "google_project_iam_custom_role" "attach" {
  project     = var.project
  role_id     = "listeningTogetherAttach"
  title       = "Listening Together: subscribe to a topic"
  description = "Attaches subscriptions to a topic and sees whether it is there."
  permissions = [
    "pubsub.topics.attachSubscription",
    "pubsub.topics.get",
  ]
}

resource "google_pubsub_topic_iam_member" "attach" {
  for_each = local.subscribers

  project = var.project
  topic   = google_pubsub_topic.sessions.name
  role    = google_project_iam_custom_role.attach.id
  member  = each.value
}

# A pipeline says that it is ready when it has seen that its topics and its subscription are there, hence the viewers.
resource "google_pubsub_topic_iam_member" "pipeline_publishes" {
  for_each = local.publisher_roles

  project = var.project
  topic   = each.value.topic
  role    = each.value.role
  member  = each.value.member
}

resource "google_pubsub_subscription_iam_member" "pipeline_receives" {
  for_each = local.receiver_roles

  project      = var.project
  subscription = each.value.subscription
  role         = each.value.role
  member       = each.value.member
}

resource "google_pubsub_topic_iam_member" "players_publish" {
  for_each = toset(var.play_publishers)

  project = var.project
  topic   = google_pubsub_topic.plays.name
  role    = "roles/pubsub.publisher"
  member  = each.value
}

resource "google_storage_bucket_iam_member" "pipeline_reads_databases" {
  for_each = var.geoip_bucket == null ? {} : { pipeline = local.pipeline, locate = local.locate, curate = local.curate }

  bucket = google_storage_bucket.geoip[0].name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_storage_bucket_iam_member" "geoip_update_writes_databases" {
  count = length(google_storage_bucket.geoip)

  bucket = google_storage_bucket.geoip[count.index].name
  role   = "roles/storage.objectUser"
  member = local.geoip_update
}

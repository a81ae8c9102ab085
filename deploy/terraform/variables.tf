variable "project" {
  description = "The id of the project of the topics and of the pipeline's subscription."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected a project's id, such as my-project-1."
  }
}

variable "clusters_project" {
  description = "The id of the project of the GKE clusters, whose workload identities get the permissions. Null: the same project."
  type        = string
  default     = null
}

variable "replicas_project" {
  description = <<-EOT
    The id of the project in which replicas make their subscriptions: the chart's value `project`. Pub/Sub's permissions
    to make, read and delete subscriptions can only be given for a whole project before a subscription exists, so that
    whoever holds them could also read the plays of that project, with addresses and user ids. Give replicas a project
    of their own to rule that out: one that exists, with a billing account, in which nothing else is. The chart then takes
    the full names that the output `chart_values` tells. Null: the same project, and whoever takes over a replica can
    read plays and rejected messages, and delete their subscriptions.
  EOT
  type        = string
  default     = null
}

variable "message_regions" {
  description = "The regions in which Pub/Sub may keep messages, such as [\"europe-west1\"]. Empty: as the organisation allows."
  type        = list(string)
  default     = []
}

variable "plays_topic" {
  description = "The topic that plays are published to."
  type        = string
  default     = "plays"
}

variable "plays_subscription" {
  description = "The subscription that the pipeline receives plays from (PLAYS_SUBSCRIPTION)."
  type        = string
  default     = "plays-pipeline"
}

variable "sessions_topic" {
  description = "The topic that sessions are published to (SESSIONS_TOPIC)."
  type        = string
  default     = "sessions"
}

variable "located_plays_topic" {
  description = "The topic between the two stages of a pipeline that has them (LOCATED_PLAYS_TOPIC)."
  type        = string
  default     = "located-plays"
}

variable "located_plays_subscription" {
  description = "The subscription that the second stage receives located plays from (LOCATED_PLAYS_SUBSCRIPTION)."
  type        = string
  default     = "located-plays-curate"
}

variable "dead_letter_topic" {
  description = "The topic of messages that are no plays (DEAD_LETTER_TOPIC)."
  type        = string
  default     = "plays-rejected"
}

variable "plays_retention" {
  description = "For how long plays, and located ones, wait for a pipeline, in seconds with an s: 600s to 604800s. Plays that are older than that are lost uncounted."
  type        = string
  default     = "86400s"
}

variable "enforce_schema" {
  description = "Whether Pub/Sub refuses to take what is no play. The pipeline rejects it otherwise."
  type        = bool
  default     = true
}

variable "play_publishers" {
  description = "Who may publish plays, such as [\"serviceAccount:player@my-project.iam.gserviceaccount.com\"]."
  type        = list(string)
  default     = []
}

variable "namespace" {
  description = "The Kubernetes namespace of the chart, the same in all clusters."
  type        = string
  default     = "listening-together"
}

variable "pipeline_service_account" {
  description = "The Kubernetes service account of the pipeline: the chart's serviceAccounts.pipeline.name."
  type        = string
  default     = "listening-together-pipeline"
}

variable "locate_service_account" {
  description = "The Kubernetes service account of the pipeline's first stage: the chart's serviceAccounts.locate.name."
  type        = string
  default     = "listening-together-locate"
}

variable "curate_service_account" {
  description = "The Kubernetes service account of the pipeline's second stage: the chart's serviceAccounts.curate.name."
  type        = string
  default     = "listening-together-curate"
}

variable "session_api_service_account" {
  description = "The Kubernetes service account of session-api: the chart's serviceAccounts.sessionApi.name."
  type        = string
  default     = "listening-together-session-api"
}

variable "geoip_update_service_account" {
  description = "The Kubernetes service account that downloads databases: the chart's serviceAccounts.geoipUpdate.name."
  type        = string
  default     = "listening-together-geoip-update"
}

variable "geoip_bucket" {
  description = "The name of the bucket of databases, the chart's geoip.bucket.name. Null: none is made."
  type        = string
  default     = null
}

variable "geoip_bucket_location" {
  description = "Where the bucket is: a region, or EU, US or ASIA."
  type        = string
  default     = "EU"
}

variable "alerts" {
  description = "Whether alert policies are made."
  type        = bool
  default     = true
}

variable "notification_channels" {
  description = "The full names of the monitoring notification channels that are told."
  type        = list(string)
  default     = []
}

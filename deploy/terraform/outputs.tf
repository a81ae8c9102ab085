output "chart_values" {
  description = "The chart's values that follow from this: terraform output -json chart_values > values-cloud.json"
  value = merge(
    {
      project = local.replicas_project
      pubsub = {
        for value, resource in {
          playsSubscription        = google_pubsub_subscription.plays
          locatedPlaysTopic        = google_pubsub_topic.located_plays
          locatedPlaysSubscription = google_pubsub_subscription.located_plays
          sessionsTopic            = google_pubsub_topic.sessions
          deadLetterTopic          = google_pubsub_topic.dead_letters
        } : value => local.replicas_project == var.project ? resource.name : resource.id
      }
      serviceAccounts = {
        pipeline    = { name = var.pipeline_service_account }
        locate      = { name = var.locate_service_account }
        curate      = { name = var.curate_service_account }
        sessionApi  = { name = var.session_api_service_account }
        geoipUpdate = { name = var.geoip_update_service_account }
      }
    },
    var.geoip_bucket == null ? {} : { geoip = { bucket = { name = var.geoip_bucket } } }
  )
}

//! Unary Pull: a stream that lives for one batch.

use std::{sync::Arc, time::Duration};

use tonic::Status;

use crate::{
    broker::{StreamOptions, SubscriptionName},
    hub::{Hub, OpenStream},
    pb,
    status::stopping,
};

/// How long a Pull waits for a first message before it answers that there is none.
const LONGEST_WAIT: Duration = Duration::from_secs(90);

pub(super) async fn pull(hub: &Arc<Hub>, request: &pb::PullRequest) -> Result<pb::PullResponse, Status> {
    let subscription = SubscriptionName::parse(&request.subscription)?;
    hub.permit(subscription.as_str())?;
    let max_messages = u64::try_from(request.max_messages).ok().filter(|count| *count > 0);
    let Some(max_outstanding_messages) = max_messages else {
        return Err(Status::invalid_argument(format!(
            "The value for max_messages must be positive (max_messages={}).",
            request.max_messages
        )));
    };
    let options = StreamOptions { max_outstanding_messages, ..StreamOptions::default() };
    let stream = hub.open_stream(&subscription, options)?;
    #[expect(deprecated, reason = "Google's service still honours it, and so do its older clients")]
    let wait = if request.return_immediately { Duration::ZERO } else { LONGEST_WAIT };
    let received_messages = match tokio::time::timeout(wait, first_batch(&stream)).await {
        Ok(batch) => batch?,
        Err(_) => Vec::new(),
    };
    Ok(pb::PullResponse { received_messages })
}

async fn first_batch(stream: &OpenStream) -> Result<Vec<pb::ReceivedMessage>, Status> {
    loop {
        let batch = stream.next_batch()?;
        if !batch.is_empty() {
            return Ok(batch.into_received());
        }
        tokio::select! {
            () = stream.woken() => {}
            () = stream.hub().stopping() => return Err(stopping()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio_util::sync::CancellationToken;
    use tonic::Code;

    use super::*;
    use crate::{admin, broker::Limits};

    #[tokio::test]
    async fn a_shutdown_ends_a_waiting_pull() {
        let stopping = CancellationToken::new();
        let hub = Hub::new(Limits::default(), stopping.clone());
        let (topic, name) =
            ("projects/p/topics/plays".to_owned(), "projects/p/subscriptions/plays".to_owned());
        admin::create_topic(&hub, pb::Topic { name: topic.clone(), ..Default::default() })
            .expect("a new topic");
        let wanted = pb::Subscription { name: name.clone(), topic, ..Default::default() };
        admin::create_subscription(&hub, wanted).expect("a new subscription");
        let request = pb::PullRequest { subscription: name, max_messages: 1, ..Default::default() };
        let mut waiting = pin!(pull(&hub, &request));
        tokio::select! {
            biased;
            answer = &mut waiting => panic!("there is nothing to answer with: {answer:?}"),
            () = std::future::ready(()) => {}
        }
        stopping.cancel();
        assert_eq!(waiting.await.expect_err("an end that clients retry").code(), Code::Unavailable);
    }
}

//! Topics and subscriptions over gRPC.

use google_cloud_googleapis::pubsub::v1::{
    DeadLetterPolicy, DeleteSubscriptionRequest, DeleteTopicRequest, ExpirationPolicy,
    GetSubscriptionRequest, GetTopicRequest, ListSubscriptionsRequest, ListTopicSubscriptionsRequest,
    ListTopicsRequest, PushConfig, RetryPolicy, SchemaSettings, SeekRequest, Subscription, Topic,
    UpdateSubscriptionRequest, UpdateTopicRequest, seek_request::Target,
};
use prost_types::{Duration, FieldMask};
use tonic::Code;

use crate::broker::TestBroker;

crate::conformance!(
    a_topic_lives,
    a_subscription_lives,
    lists_have_pages,
    names_are_checked,
    settings_have_ranges,
    a_subscription_has_defaults,
    a_subscription_shows_that_its_topic_is_gone,
    an_update_needs_a_mask,
    what_is_immutable_stays,
    what_local_pubsub_lacks_it_refuses,
);

fn seconds(seconds: i64) -> Duration {
    Duration { seconds, nanos: 0 }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() })
}

async fn a_topic_lives(broker: &TestBroker) -> anyhow::Result<()> {
    let mut client = broker.publisher();
    let name = broker.topic("plays");
    let labels = [("team".to_owned(), "radio".to_owned())].into();
    let wanted = Topic {
        name: name.clone(),
        labels,
        message_retention_duration: Some(seconds(600)),
        ..Default::default()
    };
    let created = client.create_topic(wanted.clone()).await?.into_inner();
    assert_eq!((&created.name, &created.labels), (&wanted.name, &wanted.labels));
    assert_eq!(created.message_retention_duration, wanted.message_retention_duration);
    let again = client.create_topic(wanted.clone()).await.expect_err("it exists");
    assert_eq!(again.code(), Code::AlreadyExists);

    let read = client.get_topic(GetTopicRequest { topic: name.clone() }).await?.into_inner();
    assert_eq!(read, created);

    let longer = Topic { message_retention_duration: Some(seconds(1200)), ..wanted.clone() };
    let update =
        UpdateTopicRequest { topic: Some(longer), update_mask: mask(&["message_retention_duration"]) };
    let updated = client.update_topic(update).await?.into_inner();
    assert_eq!(updated.message_retention_duration, Some(seconds(1200)));
    assert_eq!(updated.labels, wanted.labels, "what the mask does not name stays");

    let relabelled = Topic { labels: [("team".to_owned(), "web".to_owned())].into(), ..wanted.clone() };
    let update = UpdateTopicRequest { topic: Some(relabelled.clone()), update_mask: mask(&["labels"]) };
    match (client.update_topic(update).await, broker.is_emulator()) {
        // The emulator differs: it cannot change the labels of a topic.
        (Err(status), true) => assert_eq!(status.code(), Code::InvalidArgument),
        (updated, _) => assert_eq!(updated?.into_inner().labels, relabelled.labels),
    }

    client.delete_topic(DeleteTopicRequest { topic: name.clone() }).await?;
    let gone = client.get_topic(GetTopicRequest { topic: name.clone() }).await.expect_err("it is deleted");
    assert_eq!(gone.code(), Code::NotFound);
    let gone = client.delete_topic(DeleteTopicRequest { topic: name }).await.expect_err("it is deleted");
    assert_eq!(gone.code(), Code::NotFound);
    if !broker.is_emulator() {
        assert_eq!(gone.message(), "Resource not found (resource=plays).", "the service's words");
    }
    Ok(())
}

async fn a_subscription_lives(broker: &TestBroker) -> anyhow::Result<()> {
    let mut client = broker.subscriber();
    let dead = broker.create_topic("dead").await?;
    let settings = Subscription {
        ack_deadline_seconds: 20,
        retain_acked_messages: true,
        message_retention_duration: Some(seconds(600)),
        labels: [("team".to_owned(), "radio".to_owned())].into(),
        enable_message_ordering: true,
        expiration_policy: Some(ExpirationPolicy { ttl: Some(seconds(86_400)) }),
        dead_letter_policy: Some(DeadLetterPolicy { dead_letter_topic: dead, max_delivery_attempts: 7 }),
        retry_policy: Some(RetryPolicy {
            minimum_backoff: Some(seconds(1)),
            maximum_backoff: Some(seconds(10)),
        }),
        ..Default::default()
    };
    let (topic, name) = broker.create_pair(settings.clone()).await?;
    let get = GetSubscriptionRequest { subscription: name.clone() };
    let read = client.get_subscription(get.clone()).await?.into_inner();
    assert_eq!(read.topic, topic);
    assert_eq!(
        Subscription {
            name: String::new(),
            topic: String::new(),
            state: 0,
            push_config: None,
            ..read.clone()
        },
        settings
    );
    let again = client.create_subscription(read.clone()).await.expect_err("it exists");
    assert_eq!(again.code(), Code::AlreadyExists);

    let wanted = Subscription {
        ack_deadline_seconds: 33,
        dead_letter_policy: None,
        retry_policy: None,
        labels: [].into(),
        ..read
    };
    let update_mask = mask(&["ack_deadline_seconds", "dead_letter_policy", "retry_policy"]);
    let update = UpdateSubscriptionRequest { subscription: Some(wanted), update_mask };
    let updated = client.update_subscription(update).await?.into_inner();
    assert_eq!(updated.ack_deadline_seconds, 33);
    assert_eq!((updated.dead_letter_policy, updated.retry_policy), (None, None));
    assert_eq!(updated.labels, settings.labels, "what the mask does not name stays");

    let delete = DeleteSubscriptionRequest { subscription: name };
    client.delete_subscription(delete.clone()).await?;
    assert_eq!(client.get_subscription(get).await.expect_err("it is deleted").code(), Code::NotFound);
    assert_eq!(client.delete_subscription(delete).await.expect_err("it is deleted").code(), Code::NotFound);
    Ok(())
}

async fn lists_have_pages(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = broker.create_topic("topic-0").await?;
    let mut subscriptions = Vec::new();
    for number in 1..5 {
        broker.create_topic(&format!("topic-{number}")).await?;
        let name = broker.subscription(&format!("subscription-{number}"));
        subscriptions.push(name.clone());
        let wanted = Subscription { name, topic: topic.clone(), ..Default::default() };
        broker.subscriber().create_subscription(wanted).await?;
    }
    let project = format!("projects/{}", broker.project);

    let mut topics = Vec::new();
    let mut request = ListTopicsRequest { project: project.clone(), page_size: 2, ..Default::default() };
    loop {
        let page = broker.publisher().list_topics(request.clone()).await?.into_inner();
        assert!(page.topics.len() <= 2);
        topics.extend(page.topics.into_iter().map(|topic| topic.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    topics.sort();
    assert_eq!(topics, (0..5).map(|number| broker.topic(&format!("topic-{number}"))).collect::<Vec<_>>());

    let mut found = Vec::new();
    let mut request = ListSubscriptionsRequest { project, page_size: 3, ..Default::default() };
    loop {
        let page = broker.subscriber().list_subscriptions(request.clone()).await?.into_inner();
        assert!(page.subscriptions.len() <= 3);
        found.extend(page.subscriptions.into_iter().map(|subscription| subscription.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    found.sort();
    assert_eq!(found, subscriptions);

    let request = ListTopicSubscriptionsRequest { topic, ..Default::default() };
    let mut own = broker.publisher().list_topic_subscriptions(request).await?.into_inner().subscriptions;
    own.sort();
    assert_eq!(own, subscriptions);
    Ok(())
}

async fn names_are_checked(broker: &TestBroker) -> anyhow::Result<()> {
    for id in ["9-digits-first", "ab", "a space", "googlish"] {
        let wanted = Topic { name: broker.topic(id), ..Default::default() };
        match (broker.publisher().create_topic(wanted).await, broker.is_emulator(), id) {
            // The emulator differs: it takes the prefix that Google reserves.
            (Ok(_), true, "googlish") => {}
            (answer, ..) => assert_eq!(answer.expect_err(id).code(), Code::InvalidArgument, "{id}"),
        }
    }
    Ok(())
}

async fn settings_have_ranges(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = broker.create_topic("plays").await?;
    let dead_letter =
        |attempts| DeadLetterPolicy { dead_letter_topic: topic.clone(), max_delivery_attempts: attempts };
    // The second is what the emulator answers.
    let cases = [
        ("ack deadline too short", Code::Ok, Subscription { ack_deadline_seconds: 5, ..Default::default() }),
        (
            "ack deadline too long",
            Code::InvalidArgument,
            Subscription { ack_deadline_seconds: 601, ..Default::default() },
        ),
        (
            "retention too short",
            Code::InvalidArgument,
            Subscription { message_retention_duration: Some(seconds(599)), ..Default::default() },
        ),
        (
            "retention too long",
            Code::InvalidArgument,
            Subscription { message_retention_duration: Some(seconds(2_678_401)), ..Default::default() },
        ),
        (
            "expiry too soon",
            Code::Ok,
            Subscription {
                expiration_policy: Some(ExpirationPolicy { ttl: Some(seconds(60)) }),
                ..Default::default()
            },
        ),
        (
            "too few attempts",
            Code::OutOfRange,
            Subscription { dead_letter_policy: Some(dead_letter(4)), ..Default::default() },
        ),
        (
            "too many attempts",
            Code::OutOfRange,
            Subscription { dead_letter_policy: Some(dead_letter(101)), ..Default::default() },
        ),
        (
            "back-off too long",
            Code::InvalidArgument,
            Subscription {
                retry_policy: Some(RetryPolicy {
                    minimum_backoff: Some(seconds(1)),
                    maximum_backoff: Some(seconds(601)),
                }),
                ..Default::default()
            },
        ),
    ];
    for (number, (case, of_emulator, settings)) in cases.into_iter().enumerate() {
        let name = broker.subscription(&format!("case-{number}"));
        let wanted = Subscription { name, topic: topic.clone(), ..settings };
        let answer = broker.subscriber().create_subscription(wanted).await;
        let expected = if broker.is_emulator() { of_emulator } else { Code::InvalidArgument };
        assert_eq!(answer.err().map_or(Code::Ok, |status| status.code()), expected, "{case}");
    }
    let name = broker.subscription("no-dead-letter-topic");
    let policy = DeadLetterPolicy { dead_letter_topic: broker.topic("missing"), max_delivery_attempts: 5 };
    let wanted = Subscription { name, topic, dead_letter_policy: Some(policy), ..Default::default() };
    let refused = broker.subscriber().create_subscription(wanted).await.expect_err("no such topic");
    assert_eq!(refused.code(), Code::NotFound);
    let name = broker.subscription("no-topic");
    let wanted = Subscription { name, topic: broker.topic("missing"), ..Default::default() };
    let refused = broker.subscriber().create_subscription(wanted).await.expect_err("no such topic");
    assert_eq!(refused.code(), Code::NotFound);
    Ok(())
}

async fn a_subscription_has_defaults(broker: &TestBroker) -> anyhow::Result<()> {
    let (_, subscription) = broker.create_pair(Subscription::default()).await?;
    let read =
        broker.subscriber().get_subscription(GetSubscriptionRequest { subscription }).await?.into_inner();
    assert_eq!(read.ack_deadline_seconds, 10);
    assert_eq!(read.message_retention_duration, Some(seconds(7 * 86_400)));
    // The emulator differs: it shows no expiration policy. The service's default is 31 days.
    let expected = (!broker.is_emulator()).then_some(ExpirationPolicy { ttl: Some(seconds(31 * 86_400)) });
    assert_eq!(read.expiration_policy, expected);
    assert_eq!((read.dead_letter_policy, read.retry_policy), (None, None));
    assert!(!read.enable_message_ordering && !read.retain_acked_messages && !read.detached);
    Ok(())
}

async fn a_subscription_shows_that_its_topic_is_gone(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, subscription) = broker.create_pair(Subscription::default()).await?;
    broker.publisher().delete_topic(DeleteTopicRequest { topic }).await?;
    let read =
        broker.subscriber().get_subscription(GetSubscriptionRequest { subscription }).await?.into_inner();
    assert_eq!(read.topic, "_deleted-topic_");
    Ok(())
}

async fn an_update_needs_a_mask(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, name) = broker.create_pair(Subscription::default()).await?;
    for update_mask in [None, mask(&[]), mask(&["no_such_field"])] {
        let wanted = Subscription { name: name.clone(), topic: topic.clone(), ..Default::default() };
        let update =
            UpdateSubscriptionRequest { subscription: Some(wanted), update_mask: update_mask.clone() };
        let refused = broker.subscriber().update_subscription(update).await.expect_err("nothing to change");
        assert_eq!(refused.code(), Code::InvalidArgument, "{update_mask:?}");
        let wanted = Topic { name: topic.clone(), ..Default::default() };
        let update = UpdateTopicRequest { topic: Some(wanted), update_mask: update_mask.clone() };
        let refused = broker.publisher().update_topic(update).await.expect_err("nothing to change");
        assert_eq!(refused.code(), Code::InvalidArgument, "{update_mask:?}");
    }
    Ok(())
}

async fn what_is_immutable_stays(broker: &TestBroker) -> anyhow::Result<()> {
    let (topic, name) = broker.create_pair(Subscription::default()).await?;
    for path in ["topic", "enable_message_ordering", "filter"] {
        let wanted = Subscription {
            name: name.clone(),
            topic: topic.clone(),
            enable_message_ordering: true,
            filter: "attributes:x".to_owned(),
            ..Default::default()
        };
        let update = UpdateSubscriptionRequest { subscription: Some(wanted), update_mask: mask(&[path]) };
        let refused = broker.subscriber().update_subscription(update).await.expect_err(path);
        assert_eq!(refused.code(), Code::InvalidArgument, "{path}");
    }
    Ok(())
}

/// The service has all of these. local-pubsub has none and says so; the emulator takes them all, and applies
/// only some: a filter, for one, filters nothing there.
async fn what_local_pubsub_lacks_it_refuses(broker: &TestBroker) -> anyhow::Result<()> {
    let topic = broker.create_topic("plays").await?;
    let push = PushConfig { push_endpoint: "http://127.0.0.1:9/".to_owned(), ..Default::default() };
    let cases = [
        ("filter", Subscription { filter: "attributes:x".to_owned(), ..Default::default() }),
        ("exactly-once", Subscription { enable_exactly_once_delivery: true, ..Default::default() }),
        ("push", Subscription { push_config: Some(push), ..Default::default() }),
    ];
    for (case, settings) in cases {
        let wanted = Subscription { name: broker.subscription(case), topic: topic.clone(), ..settings };
        let answer = broker.subscriber().create_subscription(wanted).await;
        if broker.is_emulator() {
            assert!(answer.is_ok(), "{case}");
        } else {
            let refused = answer.expect_err(case);
            assert_eq!(refused.code(), Code::Unimplemented, "{case}");
            assert!(refused.message().contains("local-pubsub does not support"), "{refused}");
        }
    }
    if !broker.is_emulator() {
        let schema_settings =
            Some(SchemaSettings { schema: "projects/p/schemas/s".to_owned(), ..Default::default() });
        let wanted = Topic { name: broker.topic("typed"), schema_settings, ..Default::default() };
        let refused = broker.publisher().create_topic(wanted).await.expect_err("schemas");
        assert_eq!(refused.code(), Code::Unimplemented);
        let snapshot = Some(Target::Snapshot(format!("projects/{}/snapshots/then", broker.project)));
        let wanted = Subscription { name: broker.subscription("plain"), topic, ..Default::default() };
        let subscription = broker.subscriber().create_subscription(wanted).await?.into_inner().name;
        let seek = SeekRequest { subscription, target: snapshot };
        assert_eq!(broker.subscriber().seek(seek).await.expect_err("snapshots").code(), Code::Unimplemented);
    }
    Ok(())
}

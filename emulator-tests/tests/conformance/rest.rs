//! Topics and subscriptions as Google's Rust client administers them: over REST.

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::model::{DeadLetterPolicy, ExpirationPolicy, RetryPolicy, Subscription, Topic};
use google_cloud_wkt::{Duration, FieldMask};

use crate::broker::TestBroker;

crate::conformance!(a_topic_lives, a_subscription_lives, lists_have_pages, refusals_have_googles_error_body);

fn seconds(seconds: i64) -> Duration {
    Duration::clamp(seconds, 0)
}

fn mask(paths: &[&str]) -> FieldMask {
    FieldMask::default().set_paths(paths.iter().copied())
}

/// The code of a refusal.
fn code<T: std::fmt::Debug>(answer: google_cloud_pubsub::Result<T>) -> Option<Code> {
    answer.expect_err("it must be refused").status().map(|status| status.code)
}

async fn a_topic_lives(broker: &TestBroker) -> anyhow::Result<()> {
    let admin = broker.official().topic_admin().await?;
    let name = broker.topic("plays");
    let create = || {
        let create = admin.create_topic().set_name(&name).set_labels([("team", "radio")]);
        create.set_message_retention_duration(seconds(600)).send()
    };
    let created = create().await?;
    assert_eq!(created.name, name);
    assert_eq!(created.message_retention_duration, Some(seconds(600)));
    assert_eq!(created.labels["team"], "radio");
    assert_eq!(code(create().await), Some(Code::AlreadyExists));
    assert_eq!(admin.get_topic().set_topic(&name).send().await?, created);

    let wanted = Topic::new().set_name(&name).set_message_retention_duration(seconds(1200));
    let update =
        admin.update_topic().set_topic(wanted).set_update_mask(mask(&["message_retention_duration"]));
    let updated = update.send().await?;
    assert_eq!(updated.message_retention_duration, Some(seconds(1200)));
    assert_eq!(updated.labels, created.labels);

    admin.delete_topic().set_topic(&name).send().await?;
    assert_eq!(code(admin.get_topic().set_topic(&name).send().await), Some(Code::NotFound));
    Ok(())
}

async fn a_subscription_lives(broker: &TestBroker) -> anyhow::Result<()> {
    let (topics, admin) =
        (broker.official().topic_admin().await?, broker.official().subscription_admin().await?);
    for id in ["plays", "dead"] {
        topics.create_topic().set_name(broker.topic(id)).send().await?;
    }
    let name = broker.subscription("plays");
    let dead_letters =
        DeadLetterPolicy::new().set_dead_letter_topic(broker.topic("dead")).set_max_delivery_attempts(7);
    let retry = RetryPolicy::new().set_minimum_backoff(seconds(1)).set_maximum_backoff(seconds(10));
    let expiration = ExpirationPolicy::new().set_ttl(seconds(86_400));
    let create = admin
        .create_subscription()
        .set_name(&name)
        .set_topic(broker.topic("plays"))
        .set_ack_deadline_seconds(20)
        .set_enable_message_ordering(true)
        .set_retain_acked_messages(true)
        .set_message_retention_duration(seconds(600))
        .set_labels([("team", "radio")])
        .set_dead_letter_policy(dead_letters.clone())
        .set_retry_policy(retry.clone())
        .set_expiration_policy(expiration.clone());
    let created = create.send().await?;
    assert_eq!((&created.name, &created.topic), (&name, &broker.topic("plays")));
    assert_eq!(created.ack_deadline_seconds, 20);
    assert!(created.enable_message_ordering && created.retain_acked_messages);
    assert_eq!(created.message_retention_duration, Some(seconds(600)));
    assert_eq!(created.labels["team"], "radio");
    assert_eq!(created.dead_letter_policy, Some(dead_letters));
    assert_eq!(created.retry_policy, Some(retry));
    assert_eq!(created.expiration_policy, Some(expiration));
    assert_eq!(admin.get_subscription().set_subscription(&name).send().await?, created);

    let wanted = Subscription::new().set_name(&name).set_ack_deadline_seconds(33);
    let mask = mask(&["ack_deadline_seconds", "retry_policy"]);
    let updated = admin.update_subscription().set_subscription(wanted).set_update_mask(mask).send().await?;
    assert_eq!((updated.ack_deadline_seconds, updated.retry_policy), (33, None));
    assert_eq!(updated.dead_letter_policy, created.dead_letter_policy);

    admin.delete_subscription().set_subscription(&name).send().await?;
    let gone = admin.get_subscription().set_subscription(&name).send().await;
    assert_eq!(code(gone), Some(Code::NotFound));
    Ok(())
}

async fn lists_have_pages(broker: &TestBroker) -> anyhow::Result<()> {
    let (topics, admin) =
        (broker.official().topic_admin().await?, broker.official().subscription_admin().await?);
    let project = format!("projects/{}", broker.project);
    for number in 0..5 {
        topics.create_topic().set_name(broker.topic(&format!("topic-{number}"))).send().await?;
        let create =
            admin.create_subscription().set_name(broker.subscription(&format!("subscription-{number}")));
        create.set_topic(broker.topic("topic-0")).send().await?;
    }
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let list = topics.list_topics().set_project(&project).set_page_size(2).set_page_token(token);
        let page = list.send().await?;
        found.extend(page.topics.into_iter().map(|topic| topic.name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    found.sort();
    assert_eq!(found, (0..5).map(|number| broker.topic(&format!("topic-{number}"))).collect::<Vec<_>>());

    let expected: Vec<_> =
        (0..5).map(|number| broker.subscription(&format!("subscription-{number}"))).collect();
    let page = admin.list_subscriptions().set_project(&project).send().await?;
    let mut found: Vec<_> = page.subscriptions.into_iter().map(|subscription| subscription.name).collect();
    found.sort();
    assert_eq!(found, expected);
    let page = topics.list_topic_subscriptions().set_topic(broker.topic("topic-0")).send().await?;
    let mut found = page.subscriptions;
    found.sort();
    assert_eq!(found, expected);
    Ok(())
}

async fn refusals_have_googles_error_body(broker: &TestBroker) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url = |path: &str| format!("http://{}/v1/projects/{}/{path}", broker.endpoint, broker.project);
    let wrong_deadline = serde_json::json!({ "topic": broker.topic("plays"), "ackDeadlineSeconds": 601 });
    client.put(url("topics/plays")).json(&serde_json::json!({})).send().await?.error_for_status()?;
    let cases = [
        ("a missing topic", client.get(url("topics/missing")), 404, "NOT_FOUND"),
        (
            "an existing topic",
            client.put(url("topics/plays")).json(&serde_json::json!({})),
            409,
            "ALREADY_EXISTS",
        ),
        ("a bad name", client.put(url("topics/9")).json(&serde_json::json!({})), 400, "INVALID_ARGUMENT"),
        (
            "a bad value",
            client.put(url("subscriptions/plays")).json(&wrong_deadline),
            400,
            "INVALID_ARGUMENT",
        ),
        ("not JSON", client.put(url("topics/other")).body("{"), 400, "INVALID_ARGUMENT"),
    ];
    for (case, request, http, status) in cases {
        let answer = request.header("content-type", "application/json").send().await?;
        assert_eq!(answer.status().as_u16(), http, "{case}");
        let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await?)?;
        assert_eq!(body["error"]["code"], http, "{case}: {body}");
        assert_eq!(body["error"]["status"], status, "{case}: {body}");
        assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{case}: {body}");
    }
    Ok(())
}

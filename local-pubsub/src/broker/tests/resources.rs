//! Topics and subscriptions themselves.

use super::{
    super::*,
    world::{World, plain, seconds, subscription_name, topic_name},
};

#[test]
fn a_missing_resource_is_named_as_google_names_it() {
    let mut world = World::new(plain());
    let refused = world.broker.publish(&topic_name("missing"), vec![], world.now).expect_err("no such topic");
    assert_eq!(refused.to_string(), "Resource not found (resource=missing).");
    let exists = world.broker.create_topic(&world.topic, TopicConfig::default()).expect_err("it exists");
    assert_eq!(exists.to_string(), "Resource already exists in the project (resource=plays).");
}

#[test]
fn lists_have_pages_in_the_order_of_names() {
    let mut world = World::new(plain());
    for id in ["ccc", "aaa", "bbb"] {
        world.broker.create_topic(&topic_name(id), TopicConfig::default()).expect("a new topic");
    }
    let page = |after: &str| -> Vec<String> {
        world.broker.topics("tests", after, 2).into_iter().map(|view| view.name.to_string()).collect()
    };
    assert_eq!(page(""), ["projects/tests/topics/aaa", "projects/tests/topics/bbb"]);
    assert_eq!(
        page("projects/tests/topics/bbb"),
        ["projects/tests/topics/ccc", "projects/tests/topics/dead"]
    );
    assert!(world.broker.topics("other", "", 10).is_empty());
}

#[test]
fn a_subscription_outlives_its_topic() {
    let mut world = World::new(plain());
    world.publish(&["a"]);
    world.broker.delete_topic(&world.topic).expect("it exists");
    assert_eq!(world.broker.subscription(&world.subscription).expect("it lives on").topic, None);
    let stream = world.stream();
    assert_eq!(world.receive_data(&stream), ["a"]);
    world.broker.create_topic(&world.topic, TopicConfig::default()).expect("it was deleted");
    world.publish(&["b"]);
    assert!(world.receive(&stream).is_empty(), "a new topic of that name is another topic");
}

#[test]
fn an_unused_subscription_expires() {
    let mut world = World::new(SubscriptionConfig { expires_after: Some(seconds(86_400)), ..plain() });
    let stream = world.stream();
    world.pass(seconds(3 * 86_400));
    world.broker.close_stream(&stream, world.now);
    world.pass(seconds(86_000));
    assert!(world.broker.subscription(&world.subscription).is_ok(), "it was in use a day ago");
    world.pass(seconds(500));
    assert!(world.broker.subscription(&world.subscription).is_err());
    assert!(world.broker.topic_subscriptions(&world.topic, "", 10).expect("the topic").is_empty());
}

#[test]
fn an_update_changes_settings_but_not_the_ordering() {
    let mut world = World::new(plain());
    let update = |world: &mut World, config| {
        world.broker.update_subscription(&world.subscription.clone(), config, world.now)
    };
    let longer = SubscriptionConfig { ack_deadline: seconds(60), ..plain() };
    assert_eq!(update(&mut world, longer.clone()).expect("allowed").config, longer);
    let ordered = SubscriptionConfig { ordering: true, ..plain() };
    assert!(matches!(update(&mut world, ordered), Err(BrokerError::InvalidArgument(_))));
}

#[test]
fn a_dead_letter_topic_must_exist() {
    let mut world = World::new(plain());
    let policy = DeadLetterPolicy { topic: topic_name("missing"), max_delivery_attempts: 5 };
    let config = SubscriptionConfig { dead_letter: Some(policy), ..plain() };
    let refused =
        world.broker.create_subscription(&subscription_name("new"), &world.topic, config, world.now);
    assert_eq!(refused, Err(BrokerError::NotFound("projects/tests/topics/missing".into())));
}

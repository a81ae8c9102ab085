//! `/api/time`.

use session_api::clock::Clock;

use crate::support::{Fed, get};

#[actix_web::test]
async fn the_time_is_told() {
    let before = Clock::default().now().as_millis();
    let answer = get(&Fed::with_slots([]), "/api/time").await;
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        (Some("application/json"), Some("no-store"))
    );
    let told = answer.json()["now_ms"].as_i64().unwrap();
    assert!((before..=Clock::default().now().as_millis()).contains(&told), "{told}");
}

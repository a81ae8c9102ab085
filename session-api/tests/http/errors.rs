//! What is not there, may not be done, or is malformed.

use actix_web::http::StatusCode;
use serde_json::json;

use crate::support::{Fed, get};

#[actix_web::test]
async fn other_paths_are_not_found() {
    let fed = Fed::with_slots([20]);
    for path in ["/", "/api", "/api/latest/", "/api/latest/1", "/index.html"] {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "TRACE"] {
            fed.call(method, path, &[]).await.assert_problem(StatusCode::NOT_FOUND, path);
        }
    }
}

#[actix_web::test]
async fn other_methods_are_not_allowed() {
    let fed = Fed::with_slots([20]);
    for path in ["/api/latest", "/api/time"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            let answer = fed.call(method, path, &[]).await;
            answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, method);
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{method} {path}");
        }
        let answer = fed.call("OPTIONS", path, &[]).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
    }
}

#[actix_web::test]
async fn problems_say_what_is_wrong_in_the_words_of_rfc_9457() {
    let answer = get(&Fed::with_slots([20]), "/api/latest?lang=_").await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let expected = json!({
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "lang must be a well-formed BCP 47 language tag of at most 100 bytes, such as en or pt-BR",
    });
    assert_eq!(answer.json(), expected);
}

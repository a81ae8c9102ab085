//! The static site.

use actix_web::http::StatusCode;

use crate::support::{Fed, get};

#[actix_web::test]
async fn a_site_is_served_beside_the_api() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("index.html"), "<!doctype html>").unwrap();
    std::fs::write(directory.path().join("globe.js"), "export {}").unwrap();
    std::fs::write(directory.path().join(".secret"), "no").unwrap();
    let fed = Fed::with_slots([20]).and_site(directory.path());
    for (path, kind) in [("/", "text/html; charset=utf-8"), ("/globe.js", "text/javascript")] {
        let answer = get(&fed, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, Some(kind)), "{path}");
    }
    assert_eq!(get(&fed, "/api/latest").await.header("content-type"), Some("application/json"));
    for path in ["/nowhere.js", "/api/nowhere"] {
        get(&fed, path).await.assert_problem(StatusCode::NOT_FOUND, path);
    }
    for path in ["/.secret", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        assert!(get(&fed, path).await.status.is_client_error(), "{path}");
    }
    let answer = fed.call("POST", "/index.html", &[]).await;
    answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, "POST");
}

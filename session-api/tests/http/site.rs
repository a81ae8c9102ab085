//! The static site.

use std::fs;

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};

use crate::support::{Fed, ask, get};

/// A site as Vite builds it.
fn with_site() -> Fed {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("assets")).unwrap();
    for (path, text) in [
        ("index.html", "<!doctype html>"),
        ("index.html.br", "br of html"),
        ("assets/index-DiwrgTda.js", "export {}"),
        ("assets/index-DiwrgTda.js.zst", "zst of js"),
        ("assets/index-DiwrgTda.js.gz", "gz of js"),
        ("naïve name.txt", "text"),
        (".secret", "no"),
    ] {
        fs::write(directory.path().join(path), text).unwrap();
    }
    Fed::with_slots([20]).and_site(directory.path())
}

#[actix_web::test]
async fn a_site_is_served_beside_the_api() {
    let fed = with_site();
    for (path, media_type, body) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/index.html?x=1", "text/html; charset=utf-8", "<!doctype html>"),
        ("/assets/index-DiwrgTda.js", "text/javascript; charset=utf-8", "export {}"),
        ("/na%C3%AFve%20name.txt", "text/plain; charset=utf-8", "text"),
        ("/%69ndex.html", "text/html; charset=utf-8", "<!doctype html>"),
    ] {
        let answer = get(&fed, path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, Some(media_type)),
            "{path}"
        );
        assert_eq!(answer.body, body.as_bytes(), "{path}");
    }
    assert_eq!(get(&fed, "/api/latest").await.header("content-type"), Some("application/json"));
    get(&fed, "/api/latest?lang=_").await.assert_problem(StatusCode::BAD_REQUEST, "the API comes first");
}

#[actix_web::test]
async fn nothing_else_is_served() {
    let fed = with_site();
    for path in [
        "/nowhere.js",
        "/api/nowhere",
        "/.secret",
        "/assets",
        "/assets/",
        "//index.html",
        "/index.html/",
        "/index.html.br",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/assets/../index.html",
        "/assets/..%5c..%5cindex.html",
        "/%00",
        "/index.html%00",
        "/%ff",
        "/%",
        "/C:/Windows",
    ] {
        get(&fed, path).await.assert_problem(StatusCode::NOT_FOUND, path);
    }
}

#[actix_web::test]
async fn files_are_sent_as_the_build_has_compressed_them() {
    let fed = with_site();
    for (path, accepted, coding, body) in [
        ("/", "gzip, br", Some("br"), "br of html"),
        ("/", "gzip", None, "<!doctype html>"),
        ("/assets/index-DiwrgTda.js", "gzip, deflate, br, zstd", Some("zstd"), "zst of js"),
        ("/assets/index-DiwrgTda.js", "gzip", Some("gzip"), "gz of js"),
    ] {
        let answer = ask(&fed, path, &[(ACCEPT_ENCODING, accepted)]).await;
        assert_eq!(answer.header("content-encoding"), coding, "{path}: {accepted}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{path}: {accepted}");
        assert_eq!(answer.body, body.as_bytes(), "{path}: {accepted}");
    }
    let refused = ask(&fed, "/", &[(ACCEPT_ENCODING, "gzip, identity;q=0")]).await;
    refused.assert_problem(StatusCode::NOT_ACCEPTABLE, "identity;q=0");
}

#[actix_web::test]
async fn what_has_a_hash_in_its_name_is_kept_and_the_rest_asked_for() {
    let fed = with_site();
    for (path, expected) in
        [("/", "no-cache"), ("/assets/index-DiwrgTda.js", "public, max-age=31536000, immutable")]
    {
        let answer = get(&fed, path).await;
        assert_eq!(answer.header("cache-control"), Some(expected), "{path}");
        let tag = answer.header("etag").unwrap();
        let again = ask(&fed, path, &[(IF_NONE_MATCH, tag)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        for name in ["etag", "cache-control", "vary"] {
            assert_eq!(again.header(name), answer.header(name), "{path}: {name}");
        }
        let coded = ask(&fed, path, &[(ACCEPT_ENCODING, "br, zstd"), (IF_NONE_MATCH, tag)]).await;
        assert_eq!(coded.status, StatusCode::OK, "{path}: another coding has another tag");
    }
}

#[actix_web::test]
async fn the_page_may_run_its_own_files_only() {
    let answer = get(&with_site(), "/").await;
    let policy = answer.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|found| found == part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}

#[actix_web::test]
async fn files_can_only_be_read() {
    let fed = with_site();
    for method in ["POST", "PUT", "DELETE", "TRACE"] {
        let answer = fed.call(method, "/index.html", &[]).await;
        answer.assert_problem(StatusCode::METHOD_NOT_ALLOWED, method);
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{method}");
        fed.call(method, "/nowhere", &[]).await.assert_problem(StatusCode::NOT_FOUND, method);
    }
    assert_eq!(fed.call("OPTIONS", "/index.html", &[]).await.status, StatusCode::NO_CONTENT);
    fed.call("OPTIONS", "/nowhere", &[]).await.assert_problem(StatusCode::NOT_FOUND, "OPTIONS");
}

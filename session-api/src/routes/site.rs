//! The static site, if there is one, and what is found nowhere.

use std::path::Path;

use actix_files::Files;
use actix_web::dev::{ServiceRequest, ServiceResponse, fn_service};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpRequest, HttpResponse, guard, web};

use super::method;
use crate::problem;

/// Adds the files of `directory`, and the answer to everything that no route knows. Comes last: files are looked for
/// where no resource is.
pub(super) fn configure(config: &mut web::ServiceConfig, directory: Option<&Path>) {
    let Some(directory) = directory else {
        config.default_service(web::to(not_found));
        return;
    };
    let files = Files::new("/", directory)
        .index_file("index.html")
        .prefer_utf8(true)
        .guard(guard::Any(guard::Get()).or(guard::Head()))
        .default_handler(fn_service(file_not_found));
    config.service(files).default_service(web::to(not_a_file));
}

async fn not_found() -> HttpResponse {
    problem::response(StatusCode::NOT_FOUND, "there is nothing here; the sessions are at /api/latest")
}

async fn file_not_found(request: ServiceRequest) -> Result<ServiceResponse, Error> {
    Ok(request.into_response(not_found().await))
}

/// What is left over beside a site: methods that files cannot be asked by.
async fn not_a_file(request: HttpRequest) -> HttpResponse {
    match *request.method() {
        Method::GET | Method::HEAD => not_found().await,
        _ => method::not_allowed().await,
    }
}

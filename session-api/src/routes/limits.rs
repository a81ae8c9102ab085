//! How large the head of a request may be.
//!
//! actix takes heads of up to 128 KiB. What is larger than any client of ours needs is refused here, and its connection
//! closed, so that no idle connection keeps a large buffer.

use actix_web::HttpResponse;
use actix_web::dev::RequestHead;
use actix_web::http::{ConnectionType, StatusCode};

use crate::problem;

/// Path and query; what RFC 9110 (section 4.1) asks every server to take.
const MAX_TARGET_BYTES: usize = 8000;

/// Names and values of all headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The refusal of a request whose head is too large.
pub(super) fn refusal(head: &RequestHead) -> Option<HttpResponse> {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let headers: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let (status, detail) = if target > MAX_TARGET_BYTES {
        (StatusCode::URI_TOO_LONG, format!("path and query may have {MAX_TARGET_BYTES} bytes"))
    } else if headers > MAX_HEADER_BYTES {
        let detail = format!("the headers may have {MAX_HEADER_BYTES} bytes");
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
    } else {
        return None;
    };
    let mut response = problem::response(status, &detail);
    response.head_mut().set_connection_type(ConnectionType::Close);
    Some(response)
}

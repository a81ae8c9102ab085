//! What several resources read from a request.

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue, IF_NONE_MATCH};
use listening_together_proto::Language;

use crate::etag;
use crate::negotiate::language::{language_for_accept, language_for_tag};

/// `lang` wins over `Accept-Language`. The error is what is wrong with `lang`.
pub(super) fn language(request: &HttpRequest) -> Result<Language, String> {
    let mut tags =
        form_urlencoded::parse(request.query_string().as_bytes()).filter(|(name, _)| name == "lang");
    match (tags.next(), tags.next()) {
        (None, _) => Ok(language_for_accept(values(request, &ACCEPT_LANGUAGE))),
        (Some((_, tag)), None) => language_for_tag(&tag).map_err(|error| error.to_string()),
        (Some(_), Some(_)) => Err("lang must be given once".to_owned()),
    }
}

/// Whether the client has the representation with this tag already.
pub(super) fn is_known(request: &HttpRequest, etag: &HeaderValue) -> bool {
    let mut known = values(request, &IF_NONE_MATCH).peekable();
    known.peek().is_some() && etag.to_str().is_ok_and(|etag| etag::none_match(known, etag))
}

/// The values of a header, one for each of its lines; lines that are not plain ASCII are passed over.
pub(super) fn values<'a>(
    request: &'a HttpRequest,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + Clone {
    request.headers().get_all(name).filter_map(|value| value.to_str().ok())
}

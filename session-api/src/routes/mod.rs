//! The public routes, and the one place where they are put together.
//!
//! | path | answers |
//! |---|---|
//! | `/api/latest` | [`latest`] |
//! | `/api/time` | [`time`] |
//! | `/api/stream` | [`stream`] |
//! | `/openapi.json` | [`openapi`] |
//! | everything else | a file of SITE_DIR if there is one, else 404 |

pub mod latest;
mod limits;
mod method;
pub mod openapi;
mod request;
mod site;
pub mod stream;
pub mod time;

use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::{App, Error, web};
use futures_util::future::{Either, ready};

use crate::clock::Clock;
use crate::feed::Feed;
use crate::leaving::Leaving;
use crate::site::Site;
use crate::snapshot::Screen;
use crate::telemetry::Telemetry;
use stream::MaxStreamAge;

/// What the routes share.
#[derive(Clone, Debug)]
pub struct AppState {
    /// What is shown.
    pub screen: Screen,
    /// What is pushed.
    pub feed: Feed,
    /// The longest that it is pushed on one connection.
    pub max_stream_age: Duration,
    /// The time that is told.
    pub clock: Clock,
    /// Counts the responses.
    pub telemetry: Telemetry,
    /// The static site.
    pub site: Option<Site>,
    /// Whether connections end with their next answer.
    pub leaving: Leaving,
}

/// The application, as the server and the tests run it.
#[must_use]
pub fn app(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    // One clone for each worker; requests count references to it within their thread.
    let responses = Rc::new(state.telemetry.responses());
    let AppState { screen, feed, max_stream_age, clock, telemetry, site, leaving } = state;
    App::new()
        .app_data(web::Data::new(screen.clone()))
        .app_data(web::Data::new(feed))
        .app_data(web::Data::new(MaxStreamAge(max_stream_age)))
        .app_data(web::Data::new(clock))
        .app_data(web::Data::new(telemetry))
        .configure(latest::configure)
        .configure(time::configure)
        .configure(stream::configure)
        .configure(openapi::configure)
        .configure(|config| site::configure(config, site))
        .wrap_fn(move |request, service| {
            let responses = Rc::clone(&responses);
            let is_last = leaving.has_begun();
            let answer = match limits::refusal(request.head()) {
                Some(refusal) => Either::Left(ready(Ok(request.into_response(refusal)))),
                // Nearly all requests are this one. Past the router it takes a tenth less of this program's own time.
                None if latest::is_asked_for(request.head()) => {
                    let response = latest::respond(request.request(), &screen);
                    Either::Left(ready(Ok(request.into_response(response))))
                }
                None => Either::Right(service.call(request)),
            };
            async move {
                let mut response = answer.await?;
                if is_last {
                    response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                }
                responses.count(response.status());
                Ok(response)
            }
        })
}

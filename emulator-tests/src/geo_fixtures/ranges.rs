//! The address ranges that demo databases use, and what each part of them is for.
//!
//! All are set aside by RFC 2544 (198.18.0.0/15, benchmarks), RFC 5737 (198.51.100.0/24 and 203.0.113.0/24,
//! documentation) and RFC 3849 (2001:db8::/32, documentation).

/// The whole of what a demo database may use.
pub const RESERVED: [&str; 4] = ["198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];

/// Cities, in IPv4: 198.18.0.0 up to the parts below.
pub(super) const CITIES_V4: &str = "198.18.0.0/15";
/// Cities, in IPv6: 2001:db8:: up to the parts below.
pub(super) const CITIES_V6: &str = "2001:db8::/32";

/// Networks whose country is known and whose city is not.
pub const WITHOUT_CITY: [&str; 2] = ["198.19.240.0/22", "2001:db8:f000::/40"];
/// Networks of a city that is known only roughly: an accuracy radius of several hundred kilometres.
pub const ROUGHLY_KNOWN: [&str; 2] = ["198.19.244.0/22", "2001:db8:f100::/40"];
/// Networks of a city whose record has no coordinates.
pub const WITHOUT_COORDINATES: [&str; 1] = ["198.19.248.0/24"];
/// Networks of no record at all.
pub const WITHOUT_RECORD: [&str; 2] = ["198.19.249.0/24", "2001:db8:f200::/40"];
/// The last addresses of the ranges of cities, kept for the parts above and for [`ANONYMOUS`].
pub(super) const KEPT: [&str; 2] = ["198.19.240.0/20", "2001:db8:f000::/36"];

/// Networks that hide where their users are, and the flag of the Anonymous IP database that says how.
///
/// The City database places them in cities, as real ones place the exit of a VPN.
pub const ANONYMOUS: [(&str, &str); 8] = [
    ("198.51.100.0/24", "is_anonymous_vpn"),
    ("203.0.113.0/24", "is_hosting_provider"),
    ("198.19.252.0/24", "is_public_proxy"),
    ("198.19.253.0/24", "is_residential_proxy"),
    ("198.19.254.0/24", "is_tor_exit_node"),
    ("198.19.255.0/24", "is_anonymous"),
    ("2001:db8:ff00::/48", "is_anonymous_vpn"),
    ("2001:db8:ff01::/48", "is_hosting_provider"),
];
/// Networks that the Anonymous IP database lists with an empty record, which hides nothing; cities have them.
pub const LISTED_WITHOUT_FLAG: [&str; 2] = ["198.18.0.0/24", "2001:db8::/48"];

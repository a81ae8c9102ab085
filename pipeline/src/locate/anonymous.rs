//! The database of anonymous addresses: those that hide where they are.

use std::net::IpAddr;

use maxminddb::{LookupResult, MaxMindDbError, Reader};
use serde::Deserialize;

use super::lookup_table::{LookupTable, number_records};

/// Which addresses hide where they are.
pub(super) struct AnonymousAddresses {
    /// Addresses to [`HIDES`]; those that do not hide stand for nothing.
    table: LookupTable,
    unreadable_records: u64,
}

const HIDES: u32 = 1;

impl AnonymousAddresses {
    /// Reads every record of a database that has passed its check.
    pub(super) fn of(reader: &Reader<Vec<u8>>) -> Result<Self, MaxMindDbError> {
        let mut unreadable_records = 0;
        let numbers = number_records(reader, |found: &LookupResult<'_, Vec<u8>>| {
            let hides = match found.decode::<AnonymousIpRecord>() {
                Ok(flags) => flags.is_some_and(|flags| flags.hides()),
                // Who cannot be shown not to hide is treated as hiding.
                Err(_) => {
                    unreadable_records += 1;
                    true
                }
            };
            hides.then_some(HIDES)
        })?;
        Ok(Self { table: LookupTable::of(reader, &numbers)?, unreadable_records })
    }

    pub(super) const fn unreadable_records(&self) -> u64 {
        self.unreadable_records
    }

    pub(super) fn hides(&self, ip: IpAddr) -> bool {
        self.table.find(ip).is_some()
    }
}

/// A record of an anonymous IP database. Flags are present only where true: most records are empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AnonymousIpRecord {
    is_anonymous: bool,
    is_anonymous_vpn: bool,
    is_hosting_provider: bool,
    is_public_proxy: bool,
    is_residential_proxy: bool,
    is_tor_exit_node: bool,
}

impl AnonymousIpRecord {
    const fn hides(&self) -> bool {
        self.is_anonymous
            || self.is_anonymous_vpn
            || self.is_hosting_provider
            || self.is_public_proxy
            || self.is_residential_proxy
            || self.is_tor_exit_node
    }
}

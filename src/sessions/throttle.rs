//! How fast somebody may try to sign in: rules without a clock or a database of their own.
//!
//! - per account, kept in the database: some tries at once, then a pause that doubles with each failure. An address that
//!   has no account is treated alike, so that the pause tells nothing.
//! - per network address, kept in memory: a steady rate (the generic cell rate algorithm, ITU-T I.371).
//!
//! Must never: lock an account for good; whoever knows the password gets in after the longest pause.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;

/// Failures that cost nothing: people mistype.
const FREE: i64 = 5;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(15);
/// Failures are forgotten after this time without another one.
pub const MEMORY: TimeDelta = TimeDelta::hours(24);

/// What is known about the failures of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    pub count: i64,
    pub last: DateTime<Utc>,
}

impl Failures {
    /// How long the next try has to wait; `None` when it may be made now.
    pub fn pause(self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let over = self.last + pause_after(self.count);
        (self.remembered(now) && over > now).then(|| over - now)
    }

    /// The failures after one more try. A try counts when it begins, so that many at once don't slip through.
    pub fn and_one(before: Option<Self>, now: DateTime<Utc>) -> Self {
        let count = before.filter(|failures| failures.remembered(now)).map_or(0, |failures| failures.count);
        Self { count: count.saturating_add(1), last: now }
    }

    fn remembered(self, now: DateTime<Utc>) -> bool {
        now - self.last < MEMORY
    }
}

fn pause_after(failures: i64) -> TimeDelta {
    if failures < FREE {
        return TimeDelta::zero();
    }
    let doublings = u32::try_from(failures - FREE).unwrap_or(u32::MAX).min(20);
    (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
}

/// Tries per network address.
pub struct AddressLimit {
    /// Time between two tries at the steady rate, in microseconds.
    interval: i64,
    /// How far ahead of the steady rate an address may be.
    ahead: i64,
    /// When the bucket of an address is empty again: the theoretical arrival time.
    arrivals: Cache<IpAddr, Arc<AtomicI64>>,
}

/// Addresses that are remembered; the one unused for longest makes room.
const ADDRESSES: usize = 65_536;

impl AddressLimit {
    /// A minute's tries may come at once.
    pub fn new(per_minute: u32) -> Self {
        let interval = 60_000_000 / i64::from(per_minute.max(1));
        Self { interval, ahead: interval * (i64::from(per_minute.max(1)) - 1), arrivals: Cache::new(ADDRESSES) }
    }

    /// Counts a try; the pause when it comes too early, and then it isn't counted.
    pub fn take(&self, address: IpAddr, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        let now = now.timestamp_micros();
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(now)));
        let Ok(arrival) = self.arrivals.get_or_insert_with(&network(address), fresh);
        let taken = arrival.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
            let next = empty_at.max(now);
            (next - now <= self.ahead).then_some(next + self.interval)
        });
        taken.map(drop).map_err(|empty_at| TimeDelta::microseconds(empty_at - now - self.ahead))
    }
}

/// Who has one address of IPv6 has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use kluis_core::kernel::clock::from_micros;
    use proptest::prelude::*;

    use super::*;

    fn start() -> DateTime<Utc> {
        from_micros(1_700_000_000_000_000)
    }

    #[test]
    fn the_pause_doubles_up_to_a_quarter_of_an_hour() {
        let pauses = [0, 4, 5, 6, 7, 10, 13, 14, 1000, i64::MAX].map(|n| pause_after(n).num_seconds());
        assert_eq!(pauses, [0, 0, 2, 4, 8, 64, 512, 900, 900, 900]);
    }

    #[test]
    fn failures_are_forgotten_after_a_day() {
        let failures = Failures { count: 50, last: start() };
        assert_eq!(failures.pause(start()), Some(LONGEST_PAUSE));
        assert_eq!(failures.pause(start() + LONGEST_PAUSE), None);
        assert_eq!(Failures::and_one(Some(failures), start() + LONGEST_PAUSE).count, 51);
        assert_eq!(Failures::and_one(Some(failures), start() + MEMORY).count, 1);
    }

    #[test]
    fn an_address_has_a_minutes_tries_and_then_a_steady_rate() {
        let limit = AddressLimit::new(10);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..10 {
            limit.take(address, start()).unwrap();
        }
        assert_eq!(limit.take(address, start()), Err(TimeDelta::seconds(6)));
        assert_eq!(limit.take(address, start() + TimeDelta::seconds(5)), Err(TimeDelta::seconds(1)));
        assert!(limit.take(address, start() + TimeDelta::seconds(6)).is_ok());
        assert!(limit.take(address, start() + TimeDelta::seconds(6)).is_err());
        assert!(limit.take("192.0.2.2".parse().unwrap(), start()).is_ok());
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address() {
        let limit = AddressLimit::new(1);
        assert!(limit.take("2001:db8::1".parse().unwrap(), start()).is_ok());
        assert!(limit.take("2001:db8::2".parse().unwrap(), start()).is_err());
        assert!(limit.take("2001:db8:0:1::1".parse().unwrap(), start()).is_ok());
        assert!(limit.take("::ffff:192.0.2.1".parse().unwrap(), start()).is_ok());
        assert!(limit.take("192.0.2.1".parse().unwrap(), start()).is_err());
    }

    proptest! {
        /// In any window, no more passes than the burst and what the rate adds in that time.
        #[test]
        fn no_pattern_of_tries_beats_the_rate(gaps in prop::collection::vec(0_i64..20_000_000, 1..200), rate in 1_u32..30) {
            let limit = AddressLimit::new(rate);
            let address: IpAddr = "192.0.2.1".parse().unwrap();
            let (mut now, mut passed) = (start(), 0);
            for gap in gaps {
                now += TimeDelta::microseconds(gap);
                passed += i64::from(limit.take(address, now).is_ok());
            }
            let most = i64::from(rate) + (now - start()).num_microseconds().unwrap() / (60_000_000 / i64::from(rate)) + 1;
            prop_assert!(passed <= most, "{passed} of {most}");
        }
    }
}

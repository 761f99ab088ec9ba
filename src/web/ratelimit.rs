//! Rate limits: so many requests per address and per token (GCRA), told in the headers of every answer.
//!
//! Headers by draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "token";q=600;w=60`, `RateLimit: "token";r=7;t=3`.
//!
//! Memory is fixed: keys share a table of slots, found by a hash whose secret is made at start. Two keys may share a slot;
//! nobody can choose to share yours.
//!
//! Must never keep an address or a token.

use std::fmt::Write;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{NotUntil, Quota, RateLimiter};
use kluis_core::kernel::ProblemKind;
use poem::Request;
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::address::ClientAddress;
use super::problem::{Failure, Result};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const SLOTS: usize = 1 << 16;

/// So many requests in so much time; all of them may come at once, and then come back evenly.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub requests: NonZeroU32,
    pub per: Duration,
}

impl Limit {
    /// `None` for zero requests or no time at all.
    pub fn new(requests: u32, per: Duration) -> Option<Self> {
        let requests = NonZeroU32::new(requests)?;
        (!(per / requests.get()).is_zero()).then_some(Self { requests, per })
    }

    fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.per / self.requests.get())?.allow_burst(self.requests))
    }
}

/// Where one key stands with one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub remaining: u32,
    /// Time to wait; zero when the request is allowed.
    pub wait: Duration,
}

/// One limit over many keys.
pub struct Limiter<C: Clock = DefaultClock> {
    name: &'static str,
    limit: Limit,
    buckets: RateLimiter<usize, Slots, C, StateInformationMiddleware>,
    clock: C,
    hasher: RandomState,
}

impl Limiter {
    /// `name` is what the headers call it.
    pub fn new(name: &'static str, limit: Limit) -> Option<Self> {
        Self::with_clock(name, limit, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limiter<C> {
    pub fn with_clock(name: &'static str, limit: Limit, clock: C) -> Option<Self> {
        let slots = Slots((0..SLOTS).map(|_| InMemoryState::default()).collect());
        let buckets = RateLimiter::new(limit.quota()?, slots, clock.clone());
        Some(Self { name, limit, buckets, clock, hasher: RandomState::new() })
    }

    /// Counts a request of this key.
    pub fn count(&self, key: &impl Hash) -> Standing {
        let slot = self.hasher.hash_one(key) % SLOTS as u64;
        match self.buckets.check_key(&usize::try_from(slot).unwrap_or(0)) {
            Ok(state) => Standing { remaining: state.remaining_burst_capacity(), wait: Duration::ZERO },
            Err(refused) => Standing { remaining: 0, wait: self.wait(&refused) },
        }
    }

    /// Counts a request, and refuses it with 429 when it is one too many: for sign-in, with a limit of its own.
    pub fn check(&self, key: &impl Hash) -> Result<()> {
        refuse(self.count(key).wait)
    }

    fn wait(&self, refused: &NotUntil<C::Instant>) -> Duration {
        refused.wait_time_from(self.clock.now()).max(Duration::from_nanos(1))
    }

    fn describe(&self, standing: Standing, policy: &mut String, state: &mut String) {
        for text in [&mut *policy, &mut *state] {
            if !text.is_empty() {
                text.push_str(", ");
            }
        }
        let Limit { requests, per } = self.limit;
        let used = requests.get().saturating_sub(standing.remaining);
        let reset = seconds(standing.wait.max(per / requests.get() * used));
        // Writing to a string can't fail.
        let _ = write!(policy, "\"{}\";q={requests};w={}", self.name, seconds(per));
        let _ = write!(state, "\"{}\";r={};t={reset}", self.name, standing.remaining);
    }
}

fn refuse(wait: Duration) -> Result<()> {
    if wait.is_zero() {
        return Ok(());
    }
    Err(Failure::new(ProblemKind::TooManyRequests).header(header::RETRY_AFTER, seconds(wait).into()))
}

/// Whole seconds, rounded up: who waits as long as told is let in.
const fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + if duration.subsec_nanos() > 0 { 1 } else { 0 }
}

/// The table of slots.
struct Slots(Box<[InMemoryState]>);

impl StateStore for Slots {
    type Key = usize;

    fn measure_and_replace<T, F, E>(&self, key: &usize, f: F) -> std::result::Result<T, E>
    where
        F: Fn(Option<governor::nanos::Nanos>) -> std::result::Result<(T, governor::nanos::Nanos), E>,
    {
        let slot = &self.0[key % self.0.len()];
        slot.measure_and_replace(&NotKeyed::NonKey, f)
    }
}

/// The limits of the whole server: per address, and per token for who sends one.
pub struct RateLimits<C: Clock = DefaultClock> {
    address: Limiter<C>,
    token: Limiter<C>,
}

/// Where a request stands, for the headers of its answer.
#[derive(Debug)]
pub struct Standings {
    policy: String,
    state: String,
    wait: Duration,
}

impl RateLimits {
    pub fn new(address: Limit, token: Limit) -> Option<Self> {
        Self::with_clock(address, token, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    pub fn with_clock(address: Limit, token: Limit, clock: &C) -> Option<Self> {
        Some(Self {
            address: Limiter::with_clock("address", address, clock.clone())?,
            token: Limiter::with_clock("token", token, clock.clone())?,
        })
    }

    /// Counts a request for its address, and for its token if it has one.
    pub fn count(&self, request: &Request) -> Standings {
        let mut standings = Standings { policy: String::new(), state: String::new(), wait: Duration::ZERO };
        // Connections without an address (a Unix socket) share one key.
        let address = request.data::<ClientAddress>().map(|address| address.network());
        standings.add(&self.address, self.address.count(&address));
        if standings.wait.is_zero()
            && let Some(token) = request.headers().get(header::AUTHORIZATION)
        {
            standings.add(&self.token, self.token.count(&token.as_bytes()));
        }
        standings
    }
}

impl Standings {
    fn add<C: Clock + Clone>(&mut self, limiter: &Limiter<C>, standing: Standing) {
        limiter.describe(standing, &mut self.policy, &mut self.state);
        self.wait = self.wait.max(standing.wait);
    }

    /// 429 with `Retry-After` when the request was one too many.
    pub fn allowed(&self) -> Result<()> {
        refuse(self.wait)
    }

    /// Puts the standings on an answer.
    pub fn stamp(&self, headers: &mut HeaderMap) {
        for (name, value) in [(RATE_LIMIT_POLICY, &self.policy), (RATE_LIMIT, &self.state)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn limit(requests: u32, seconds: u64) -> Limit {
        Limit::new(requests, Duration::from_secs(seconds)).unwrap()
    }

    #[test]
    fn a_burst_is_allowed_and_comes_back_evenly() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock("token", limit(3, 60), clock.clone()).unwrap();
        let remaining: Vec<u32> = (0..3).map(|_| limiter.count(&"a").remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        assert_eq!(limiter.count(&"a").wait, Duration::from_secs(20));
        assert_eq!(limiter.count(&"b").remaining, 2, "another key is not touched");
        clock.advance(Duration::from_secs(19));
        assert!(limiter.check(&"a").is_err());
        clock.advance(Duration::from_secs(1));
        assert!(limiter.check(&"a").is_ok());
    }

    #[test]
    fn the_headers_follow_the_draft() {
        let clock = FakeRelativeClock::default();
        let limits = RateLimits::with_clock(limit(10, 60), limit(2, 60), &clock).unwrap();
        let request = Request::builder().header("authorization", "Bearer x").finish();
        let told = |standings: &Standings| {
            let mut headers = HeaderMap::new();
            standings.stamp(&mut headers);
            (headers["ratelimit-policy"].clone(), headers["ratelimit"].clone())
        };
        let first = limits.count(&request);
        assert!(first.allowed().is_ok());
        assert_eq!(told(&first).0, "\"address\";q=10;w=60, \"token\";q=2;w=60");
        assert_eq!(told(&first).1, "\"address\";r=9;t=6, \"token\";r=1;t=30");
        limits.count(&request);
        let refused = limits.count(&request);
        assert_eq!(told(&refused).1, "\"address\";r=7;t=18, \"token\";r=0;t=60");
        assert_eq!(refused.allowed().unwrap_err().problem().kind, ProblemKind::TooManyRequests);
    }

    #[test]
    fn limits_of_nothing_are_none() {
        assert!(Limit::new(0, Duration::from_secs(1)).is_none());
        assert!(Limit::new(1, Duration::ZERO).is_none());
    }
}

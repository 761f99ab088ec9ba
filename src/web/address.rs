//! Which address a request comes from: the connection's, or the one that a trusted proxy tells.
//!
//! Must never believe a header from an address that isn't configured as a proxy.

use std::net::{IpAddr, Ipv6Addr};

use poem::Request;
use poem::http::{HeaderMap, HeaderName, header};
use poem::web::RemoteAddr;

/// The address a request counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// One IPv6 customer owns at least a /64: the address without the part that changes at will.
    #[must_use]
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        }
    }
}

/// The header by which a proxy tells for whom it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// RFC 7239.
    Forwarded,
    /// What most proxies send.
    XForwardedFor,
}

/// The proxies that are believed; none by default.
#[derive(Debug, Clone)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ProxyHeader,
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self { networks: Vec::new(), header: ProxyHeader::Forwarded }
    }
}

impl TrustedProxies {
    /// Networks as `10.0.0.0/8`, `::1` …; `None` when one of them can't be read.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>, header: ProxyHeader) -> Option<Self> {
        let networks = networks.into_iter().map(Network::parse).collect::<Option<_>>()?;
        Some(Self { networks, header })
    }

    /// The nearest address that isn't one of ours: proxies append, so the list is read from its end.
    /// `None` for a connection without an address: a Unix socket.
    pub fn client(&self, request: &Request) -> Option<ClientAddress> {
        let RemoteAddr(remote) = request.remote_addr();
        let peer = remote.as_socket_addr()?.ip();
        Some(self.behind(peer, request.headers()))
    }

    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = canonical(peer);
        if !self.trusts(peer) {
            return ClientAddress(peer);
        }
        let mut client = peer;
        for hop in self.hops(headers).into_iter().rev() {
            let Some(address) = hop else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        ClientAddress(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// `None` for a hop that can't be read: nothing before it can be believed.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let name = match self.header {
            ProxyHeader::Forwarded => header::FORWARDED,
            ProxyHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
        };
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
        let elements = values.flat_map(|value| value.split(','));
        match self.header {
            ProxyHeader::Forwarded => elements.map(|element| node(forwarded_for(element)?)).collect(),
            ProxyHeader::XForwardedFor => elements.map(node).collect(),
        }
    }
}

/// The `for` of one element: `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    Some(value.trim().trim_matches('"'))
}

/// An address with or without port and brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let address = bracketed.unwrap_or(text);
    let parsed = address.parse().or_else(|_| address.parse::<std::net::SocketAddr>().map(|socket| socket.ip()));
    parsed.ok().map(canonical)
}

/// `::ffff:192.0.2.1` is 192.0.2.1.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[derive(Debug, Clone, Copy)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address = address.trim().parse::<IpAddr>().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(width), |bits| bits.trim().parse().ok())?;
        (bits <= width).then_some(Self { address, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let shift = |width: u8| u32::from(width - self.bits);
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u64::from(own.to_bits() ^ other.to_bits());
                differ >> shift(32) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(shift(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(proxies: &TrustedProxies, name: &'static str, value: &str, peer: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        proxies.behind(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn only_configured_proxies_are_believed_and_only_up_to_the_first_stranger() {
        let proxies = TrustedProxies::parse(["10.0.0.0/8", "::1"], ProxyHeader::XForwardedFor).unwrap();
        let at = |value, peer| behind(&proxies, "x-forwarded-for", value, peer);
        assert_eq!(at("192.0.2.7", "198.51.100.1"), "198.51.100.1", "a stranger says what it likes");
        assert_eq!(at("192.0.2.7", "10.1.2.3"), "192.0.2.7");
        assert_eq!(at("203.0.113.9, 192.0.2.7, 10.9.9.9", "10.1.2.3"), "192.0.2.7", "the first was forged");
        assert_eq!(at("203.0.113.9, nonsense", "10.1.2.3"), "10.1.2.3");
        assert_eq!(at("::ffff:192.0.2.7", "::ffff:10.1.2.3"), "192.0.2.7");
        let none = TrustedProxies::default();
        assert_eq!(behind(&none, "forwarded", "for=192.0.2.7", "10.1.2.3"), "10.1.2.3");
    }

    #[test]
    fn the_standard_header_has_quotes_brackets_ports_and_other_pairs() {
        let proxies = TrustedProxies::parse(["::1/128"], ProxyHeader::Forwarded).unwrap();
        let at = |value| behind(&proxies, "forwarded", value, "::1");
        assert_eq!(at("for=192.0.2.7;proto=https"), "192.0.2.7");
        assert_eq!(at(r#"For="[2001:db8:cafe::17]:4711""#), "2001:db8:cafe::17");
        assert_eq!(at("proto=https;for=192.0.2.60:8080"), "192.0.2.60");
        assert_eq!(at("for=unknown"), "::1");
    }

    #[test]
    fn networks() {
        assert!(Network::parse("10.0.0.0/8").unwrap().contains("10.255.0.1".parse().unwrap()));
        assert!(!Network::parse("10.0.0.0/8").unwrap().contains("11.0.0.1".parse().unwrap()));
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("11.0.0.1".parse().unwrap()));
        assert!(Network::parse("::/0").unwrap().contains("2001:db8::1".parse().unwrap()));
        assert!(!Network::parse("::/0").unwrap().contains("11.0.0.1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "x", "10.0.0.0/", "::/129"] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
        let one: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(ClientAddress(one).network(), "2001:db8:1:2::".parse::<IpAddr>().unwrap());
    }
}

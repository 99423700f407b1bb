//! Where the server may connect to: the rules for URLs and addresses that callers, models or resources can influence.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A URL that passed the rules; the only thing that can be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(Url);

/// Why a destination was refused. For logs and metrics; a caller learns only that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Not a URL.
    Syntax,
    /// Neither https nor an allowed http.
    Scheme,
    /// A port that is not one of the web's.
    Port,
    /// User name or password in the URL.
    UserInfo,
    /// A name of this machine or of the cluster.
    Host,
    /// An address that is never or not here reachable.
    Address,
}

/// How far a destination may lie inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Plain http.
    pub http: bool,
    /// RFC 1918, RFC 4193, RFC 6598 and names of the cluster.
    pub private: bool,
    /// This machine.
    pub loopback: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Public,
    Private,
    Never,
}

const INNER_SUFFIXES: [&str; 6] =
    [".svc", ".cluster.local", ".local", ".localhost", ".internal", ".localdomain"];

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Syntax => "syntax",
            Self::Scheme => "scheme",
            Self::Port => "port",
            Self::UserInfo => "user info",
            Self::Host => "host",
            Self::Address => "address",
        };
        write!(f, "egress denied: {word}")
    }
}

impl std::error::Error for Denied {}

impl Destination {
    /// Parses a URL and checks its scheme, user info and host. Names are checked again when they are resolved.
    ///
    /// Errors: the first rule that it breaks. Source: WHATWG URL, whose parser unfolds every spelling of an IPv4 address.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, Denied> {
        let url = Url::parse(text).map_err(|_| Denied::Syntax)?;
        match url.scheme() {
            "https" => {}
            "http" if reach.http => {}
            _ => return Err(Denied::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denied::UserInfo);
        }
        match url.host().ok_or(Denied::Host)? {
            Host::Ipv4(ip) => reach.admit(IpAddr::V4(ip))?,
            Host::Ipv6(ip) => reach.admit(IpAddr::V6(ip))?,
            Host::Domain(name) => reach.admit_name(name)?,
        }
        Ok(Self(url))
    }

    /// Checks a URL that a caller or a model brings: `https` on its usual ports, or this machine where `loopback` opens it.
    ///
    /// Errors: the rule that it breaks.
    pub fn of_caller(text: &str, loopback: bool) -> Result<Self, Denied> {
        let checked = Self::parse(text, Reach::of_caller(loopback))?;
        if !checked.is_encrypted_or_local() {
            return Err(Denied::Scheme);
        }
        let port = checked.url().port_or_known_default();
        if checked.is_local() || matches!(port, Some(443 | 8443)) { Ok(checked) } else { Err(Denied::Port) }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// True if it is on this machine.
    pub fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
            Some(Host::Domain(name)) => is_local_name(name.trim_end_matches('.')),
            None => false,
        }
    }

    /// True if nobody on the way can read what is sent.
    pub fn is_encrypted_or_local(&self) -> bool {
        self.0.scheme() == "https" || self.is_local()
    }
}

impl Reach {
    /// How far the URLs of callers reach: this machine where `loopback` opens it, and never private networks.
    pub fn of_caller(loopback: bool) -> Self {
        Self { http: loopback, private: false, loopback }
    }

    /// Checks an address, resolved or literal.
    ///
    /// Errors: [`Denied::Address`].
    pub fn admit(self, ip: IpAddr) -> Result<(), Denied> {
        match class(ip) {
            Class::Public => Ok(()),
            Class::Private if self.private => Ok(()),
            Class::Never if self.loopback && ip.to_canonical().is_loopback() => Ok(()),
            Class::Private | Class::Never => Err(Denied::Address),
        }
    }

    fn admit_name(self, name: &str) -> Result<(), Denied> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if is_local_name(&name) {
            return if self.loopback { Ok(()) } else { Err(Denied::Host) };
        }
        let inner = !name.contains('.') || INNER_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        if inner && !self.private { Err(Denied::Host) } else { Ok(()) }
    }
}

fn is_local_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn class(ip: IpAddr) -> Class {
    match ip {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| class_v6(v6), class_v4),
    }
}

fn class_v4(ip: Ipv4Addr) -> Class {
    let [a, b, c, _] = ip.octets();
    let special = matches!((a, b, c), (0 | 240..=255, ..) | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _));
    let metadata = ip == Ipv4Addr::new(168, 63, 129, 16) || ip == Ipv4Addr::new(100, 100, 100, 200);
    let local = ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_documentation();
    if special || metadata || local {
        return Class::Never;
    }
    let shared = a == 100 && (64..128).contains(&b);
    if ip.is_private() || shared { Class::Private } else { Class::Public }
}

fn class_v6(ip: Ipv6Addr) -> Class {
    let s = ip.segments();
    let metadata = ip == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let local =
        ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || matches!(s[0], 0xfe80..=0xfeff);
    let special = matches!(
        s,
        [0x2001, 0 | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x100, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..]
    ) || s[..6] == [0; 6];
    if local || special || metadata {
        return Class::Never;
    }
    if s[0] & 0xfe00 == 0xfc00 { Class::Private } else { Class::Public }
}

/// IPv4-mapped, NAT64 and 6to4 addresses are judged by the IPv4 address inside.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let (s, o) = (ip.segments(), ip.octets());
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return Some(mapped);
    }
    if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return Some(Ipv4Addr::new(o[12], o[13], o[14], o[15]));
    }
    (s[0] == 0x2002).then(|| Ipv4Addr::new(o[2], o[3], o[4], o[5]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: Reach = Reach { http: true, private: false, loopback: false };

    fn check(text: &str, reach: Reach) -> Result<(), Denied> {
        Destination::parse(text, reach).map(|_| ())
    }

    #[test]
    fn every_spelling_of_an_inner_address_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "①②⑦.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:7f00:1::]",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "[fd00:ec2::254]",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.1",
            "240.0.0.1",
            "10.0.0.1",
            "[fe80::1]",
            "[fec0::1]",
            "[fc00::1]",
            "[64:ff9b:1::1]",
            "[::7f00:1]",
            "[2001:db8::1]",
        ] {
            assert_eq!(check(&format!("http://{host}/"), HTTP), Err(Denied::Address), "{host}");
        }
    }

    #[test]
    fn inner_names_are_refused() {
        for host in [
            "localhost",
            "localhost.",
            "a.localhost",
            "kubernetes",
            "a.b.svc",
            "x.svc.cluster.local",
            "m.google.internal",
        ] {
            assert_eq!(check(&format!("http://{host}/"), HTTP), Err(Denied::Host), "{host}");
        }
    }

    #[test]
    fn scheme_and_user_info_are_checked() {
        assert_eq!(check("http://example.com/", Reach::default()), Err(Denied::Scheme));
        assert_eq!(check("file:///etc/passwd", HTTP), Err(Denied::Scheme));
        assert_eq!(check("https://u:p@example.com/", HTTP), Err(Denied::UserInfo));
        assert_eq!(check("nonsense", HTTP), Err(Denied::Syntax));
        assert_eq!(check("https://8.8.8.8/v1", Reach::default()), Ok(()));
    }

    #[test]
    fn a_caller_reaches_the_web_alone() {
        let check = |text: &str, loopback| Destination::of_caller(text, loopback).map(|_| ());
        assert_eq!(check("https://example.com:8443/a", false), Ok(()));
        assert_eq!(check("https://example.com:22/", false), Err(Denied::Port));
        assert_eq!(check("http://example.com/", false), Err(Denied::Scheme));
        assert_eq!(check("http://example.com/", true), Err(Denied::Scheme));
        assert_eq!(check("http://127.0.0.1:9/", true), Ok(()));
        assert_eq!(check("https://127.0.0.1/", false), Err(Denied::Address));
        assert_eq!(check("https://10.0.0.1/", true), Err(Denied::Address));
    }

    #[test]
    fn a_resource_may_open_private_networks_but_never_metadata_or_loopback() {
        let private = Reach { private: true, ..HTTP };
        assert_eq!(check("http://10.1.2.3:8000/", private), Ok(()));
        assert_eq!(check("http://vllm.team-a.svc/", private), Ok(()));
        for host in ["169.254.169.254", "127.0.0.1", "[fd00:ec2::254]", "100.100.100.200"] {
            assert_eq!(check(&format!("http://{host}/"), private), Err(Denied::Address), "{host}");
        }
    }

    #[test]
    fn loopback_opens_this_machine_alone() {
        let loopback = Reach { loopback: true, ..HTTP };
        assert_eq!(check("http://localhost:11434/v1", loopback), Ok(()));
        assert_eq!(check("http://[::1]/", loopback), Ok(()));
        assert_eq!(check("http://10.0.0.1/", loopback), Err(Denied::Address));
    }
}

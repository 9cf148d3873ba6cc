//! Whether requests go through a proxy, by the rules of Go's libraries. (The client library compares `NO_PROXY` with the proxy
//! instead of the server, and refuses lists that Go takes.)

use std::net::IpAddr;

use http::Uri;

/// Proxies, as the environment has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// `HTTPS_PROXY` or `https_proxy`: for servers with TLS.
    pub https: Option<String>,
    /// `HTTP_PROXY` or `http_proxy`: for servers without.
    pub http: Option<String>,
    /// `NO_PROXY` or `no_proxy`: servers for which neither counts.
    pub none_for: Option<String>,
}

impl Proxies {
    /// The proxy for a server, as it is written; `None`: it is asked directly. This machine always is.
    pub(super) fn of(&self, server: &Uri) -> Option<&str> {
        let is_plain = server.scheme() == Some(&http::uri::Scheme::HTTP);
        let proxy = if is_plain { &self.http } else { &self.https };
        let host = server.host()?.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return None;
        }
        let port = server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let target = Target { host: &host, address, port };
        let mut exceptions = self.none_for.as_deref().unwrap_or_default().split(',');
        if exceptions.any(|entry| target.is_meant_by(&entry.trim().to_ascii_lowercase())) {
            return None;
        }
        proxy.as_deref()
    }
}

struct Target<'a> {
    host: &'a str,
    address: Option<IpAddr>,
    port: u16,
}

impl Target<'_> {
    /// Whether an entry of `NO_PROXY` means it; entries that make no sense mean nobody.
    fn is_meant_by(&self, entry: &str) -> bool {
        if entry == "*" {
            return true;
        }
        if let Some((network, length)) = entry.split_once('/') {
            let network = network.parse().ok().zip(length.parse().ok());
            return network
                .zip(self.address)
                .is_some_and(|((network, length), address)| is_within(address, network, length));
        }
        let (name, port) = split_port(entry);
        if name.is_empty() || port.is_some_and(|port| port != self.port) {
            return false;
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            return self.address == Some(address);
        }
        match name.strip_prefix("*.").or(name.strip_prefix('.')) {
            Some(domain) => self.is_below(domain),
            None => self.host == name || self.is_below(name),
        }
    }

    fn is_below(&self, domain: &str) -> bool {
        let rest = self.host.strip_suffix(domain);
        self.address.is_none() && rest.is_some_and(|rest| rest.ends_with('.'))
    }
}

/// `host:port`, where a host with colons stands in brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port.parse().ok()),
        _ => (entry, None),
    }
}

/// Whether the first `length` bits are the same.
fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let bits = |address| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((address, width), (network, of_network)) = (bits(address), bits(network));
    width == of_network && length <= width && (address ^ network).checked_shr(128 - length).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(server: &'static str, none_for: &str, is_used: bool) {
        let proxies = Proxies {
            https: Some("http://proxy:3128".to_owned()),
            http: None,
            none_for: Some(none_for.to_owned()),
        };
        let used = proxies.of(&Uri::from_static(server));
        assert_eq!(used, is_used.then_some("http://proxy:3128"), "{server} {none_for}");
    }

    #[test]
    fn this_machine_is_asked_directly() {
        for server in ["https://localhost:6443", "https://127.0.0.1", "https://127.1.2.3", "https://[::1]:1"]
        {
            check(server, "", false);
        }
        check("https://10.0.0.1", "", true);
        check("http://10.0.0.1", "", false);
    }

    #[test]
    fn exceptions_are_read_as_go_does() {
        let server = "https://api.example.org:6443";
        for (none_for, is_used) in [
            ("*", false),
            ("example.org", false),
            (".example.org", false),
            ("*.example.org", false),
            ("API.example.org", false),
            ("api.example.org:6443", false),
            ("api.example.org:443", true),
            ("ample.org", true),
            (".api.example.org", true),
            ("a, ,example.org,", false),
            ("10.0.0.0/8", true),
            ("", true),
        ] {
            check(server, none_for, is_used);
        }
        for (none_for, is_used) in [
            ("10.0.0.0/8", false),
            ("10.96.0.0/12", false),
            ("10.112.0.0/12", true),
            ("0.0.0.0/0", false),
            ("10.0.0.0/33", true),
            ("10.96.0.1", false),
            ("10.96.0.1:443", false),
            ("10.96.0.1:6443", true),
            ("96.0.1", true),
            ("fd00::/8", true),
        ] {
            check("https://10.96.0.1", none_for, is_used);
        }
        check("https://[fd00::1]:6443", "fd00::/8", false);
        check("https://[fd00::1]:6443", "[fd00::1]:6443", false);
        check("https://[fd00::1]:6443", "fe00::/8", true);
    }
}

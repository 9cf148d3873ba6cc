use http::Uri;

/// Where the address of an API server, and the user to be there, come from: what a user has to look at when either is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The address.
    pub(crate) server: Uri,
    /// How the kubeconfig calls its choice of cluster and user.
    pub(crate) context: Option<String>,
    /// The kubeconfig files, as the user would name them.
    pub(crate) files: Vec<String>,
    /// The address was given on the command line.
    pub(crate) is_from_flag: bool,
    /// How the kubeconfig calls the user.
    pub(crate) user: Option<String>,
    /// The program that gives the user's credentials, and how it can be had.
    pub(crate) exec: Option<Exec>,
}

/// An exec plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exec {
    /// The program.
    pub(crate) command: String,
    /// What the kubeconfig says about installing it.
    pub(crate) install_hint: Option<String>,
}

impl Origin {
    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        let host = self.server.host().unwrap_or_default();
        let is_plain = self.server.scheme() == Some(&http::uri::Scheme::HTTP);
        let port = self.server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        format!("{host}:{port}")
    }

    /// Where the address was found, as a part of a sentence.
    pub(crate) fn of_address(&self) -> String {
        if self.is_from_flag {
            return "the flag --server".to_owned();
        }
        match &self.context {
            Some(context) => format!("context {context:?} of {}", self.files.join(", ")),
            None if self.files.is_empty() => "the environment of this pod".to_owned(),
            None => self.files.join(", "),
        }
    }

    /// The user, as a part of a sentence.
    pub(crate) fn of_user(&self) -> String {
        let context = self.context.as_ref().map(|context| format!(" (context {context:?})"));
        match &self.user {
            Some(user) => format!("user {user:?}{}", context.unwrap_or_default()),
            None => format!("no user{}", context.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(server: &'static str) -> Origin {
        Origin {
            server: Uri::from_static(server),
            context: Some("kind".to_owned()),
            files: vec!["config".to_owned()],
            is_from_flag: false,
            user: Some("jane".to_owned()),
            exec: None,
        }
    }

    #[test]
    fn addresses_have_a_port() {
        assert_eq!(origin("https://127.0.0.1:6443").address(), "127.0.0.1:6443");
        assert_eq!(origin("https://[::1]/path").address(), "[::1]:443");
        assert_eq!(origin("http://localhost").address(), "localhost:80");
    }

    #[test]
    fn the_source_is_named() {
        let from_file = origin("https://a");
        assert_eq!(from_file.of_address(), r#"context "kind" of config"#);
        assert_eq!(from_file.of_user(), r#"user "jane" (context "kind")"#);
        let from_flag = Origin { is_from_flag: true, user: None, ..from_file };
        assert_eq!(from_flag.of_address(), "the flag --server");
        assert_eq!(from_flag.of_user(), r#"no user (context "kind")"#);
    }
}

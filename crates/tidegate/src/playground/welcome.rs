//! What to do next, in five lines.

use std::net::SocketAddr;
use std::path::Path;

use tidegate_ops::text::{Piece, Row, wrap};

use super::folder::Folder;

/// Where the playground is, and the commands of the guide against it.
pub(super) struct Welcome {
    sentence: String,
    commands: [String; 4],
}

impl Welcome {
    pub(super) fn new(address: SocketAddr, folder: &Folder) -> Self {
        let (kubeconfig, bin) = (quoted(&folder.kubeconfig()), quoted(&folder.bin()));
        Self {
            sentence: format!(
                "A cluster with the rollouts controller on https://{address}, until Ctrl-C. Image tags that contain \
                 `bad` crash. Type in another terminal:"
            ),
            commands: [
                format!("export KUBECONFIG={kubeconfig} PATH={bin}:$PATH"),
                format!("kubectl apply -f {}", quoted(&folder.manifest())),
                "kubectl argo rollouts get rollout rollouts-demo --watch".to_owned(),
                "kubectl argo rollouts set image rollouts-demo rollouts-demo=argoproj/rollouts-demo:yellow"
                    .to_owned(),
            ],
        }
    }

    /// The lines in so many columns. A command that is too long goes on in the next line, as a shell reads it.
    pub(super) fn rows(&self, columns: usize) -> Vec<Row> {
        let sentence = wrap(&self.sentence, columns, "", "").into_iter().map(|line| vec![Piece::plain(line)]);
        let commands = self.commands.iter().flat_map(|command| {
            let prompts = std::iter::once("$ ").chain(std::iter::repeat("  "));
            let lines = wrap(command, columns.saturating_sub(2), " \\", "  ");
            prompts.zip(lines).map(|(prompt, line)| vec![Piece::dim(prompt), Piece::bold(line)])
        });
        sentence.chain(commands).collect()
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use tidegate_ops::text::{Color, paint};

    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_take_them_apart() {
        for (path, shown) in
            [("/tmp/a-b_1.c", "/tmp/a-b_1.c"), ("/a b/$c", "'/a b/$c'"), ("/it's", r"'/it'\''s'")]
        {
            assert_eq!(quoted(Path::new(path)), shown);
        }
    }

    #[test]
    fn five_lines_say_what_to_do_next() {
        let folder = Folder::create(None, "secret").unwrap();
        let welcome = Welcome::new(SocketAddr::from(([127, 0, 0, 1], 6443)), &folder);
        let texts = |columns| -> Vec<String> {
            welcome.rows(columns).iter().map(|row| paint(row, Color::Off)).collect()
        };
        let wide = texts(usize::MAX);
        assert_eq!(wide.len(), 5);
        assert!(wide[0].contains("https://127.0.0.1:6443") && !wide.concat().contains("secret"));
        let narrow = texts(80);
        assert!(narrow.iter().all(|line| line.chars().count() <= 80), "{narrow:#?}");
        let typed = narrow[2..].join("\n").replace(" \\\n    ", " ");
        assert_eq!(typed.lines().collect::<Vec<_>>(), wide[1..]);
    }
}

/// The words of a command line, options taken out one by one. What is left over is no command.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Vec<String>,
}

impl Words {
    /// Takes a line apart; single quotes keep blanks together, and there is no other shell syntax.
    pub(super) fn of(line: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        // A quote may stand in the middle of a word: `-p='{"a": 1}'` is one.
        let mut continues = false;
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 {
                match words.last_mut().filter(|_| continues) {
                    Some(word) => word.push_str(part),
                    None => words.push(part.to_owned()),
                }
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
            continues = index % 2 == 0 && part.ends_with(|c: char| !c.is_whitespace());
        }
        Self { words }
    }

    /// The words that are left.
    pub(super) fn left(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// Takes out an option without a value; tells whether it was there.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Takes out an option with its value, `--name value` or `--name=value`; the last counts.
    pub(super) fn value(&mut self, names: &[&str]) -> Option<String> {
        let mut found = None;
        while let Some(index) =
            self.words.iter().position(|word| names.iter().any(|name| is_option(word, name)))
        {
            let word = self.words.remove(index);
            found = match word.split_once('=') {
                Some((_, value)) => Some(value.to_owned()),
                None if index < self.words.len() => Some(self.words.remove(index)),
                // Without its value the word stays, as one that nobody knows.
                None => {
                    self.words.push(word);
                    return None;
                }
            };
        }
        found
    }
}

fn is_option(word: &str, name: &str) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_blanks_together() {
        assert_eq!(Words::of("wait until Healthy").left(), ["wait", "until", "Healthy"]);
        assert_eq!(Words::of("-p '{\"a\": 1}'  x").left(), ["-p", "{\"a\": 1}", "x"]);
        assert_eq!(Words::of("-p='{\"a\": 1}'").left(), ["-p={\"a\": 1}"]);
    }

    #[test]
    fn options_are_taken_out() {
        let mut words = Words::of("promote web --full -n prod --replicas=3");
        assert!(words.flag("--full"));
        assert!(!words.flag("--full"));
        assert_eq!(words.value(&["-n", "--namespace"]).as_deref(), Some("prod"));
        assert_eq!(words.value(&["--replicas"]).as_deref(), Some("3"));
        assert_eq!(words.value(&["--replicas"]), None);
        assert_eq!(words.left(), ["promote", "web"]);
        let mut words = Words::of("abort web -n");
        assert_eq!(words.value(&["-n"]), None);
        assert_eq!(words.left(), ["abort", "web", "-n"], "an option without its value is no command's");
    }
}

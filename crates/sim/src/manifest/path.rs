use super::node::{Node, Place};

/// One step down: a field, or an item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment<'a> {
    Key(&'a str),
    Item(usize),
}

/// The same path as a JSON pointer: `/spec/steps/0/setWeight`.
#[must_use]
pub fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    for segment in segments(path) {
        pointer.push('/');
        match segment {
            Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Item(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

impl Node {
    /// Where the field with this path stands (`spec.template.spec.containers[0].image`), or the nearest of those above it
    /// that are in the file. Paths are as Kubernetes writes them: keys with dots may stand in brackets, `metadata.labels[a.b/c]`.
    #[must_use]
    pub fn place_of(&self, path: &str) -> Place {
        self.trace(path).0
    }

    /// Whether the field with this path is in the file.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.trace(path).1
    }

    fn trace(&self, path: &str) -> (Place, bool) {
        let (mut node, mut place) = (self, self.place);
        for segment in segments(path) {
            let next = match segment {
                Segment::Key(key) => node.field(key).map(|field| (&field.value, field.place)),
                Segment::Item(index) => node.items().get(index).map(|item| (item, item.place)),
            };
            let Some(next) = next else { return (place, false) };
            (node, place) = next;
        }
        (place, true)
    }
}

fn segments(path: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            segments.push(inside.parse().map_or(Segment::Key(inside), Segment::Item));
            rest = after;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            segments.push(Segment::Key(&rest[..end]));
            // A bracket that is never closed would be met again and again.
            rest = if end == 0 { "" } else { &rest[end..] };
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::read;

    #[test]
    fn paths_have_keys_and_items() {
        assert_eq!(segments("a.b"), [Segment::Key("a"), Segment::Key("b")]);
        assert_eq!(
            segments("a[1][c.d/e].f"),
            [Segment::Key("a"), Segment::Item(1), Segment::Key("c.d/e"), Segment::Key("f")]
        );
        assert_eq!(segments(""), []);
        assert_eq!(segments("a[1"), [Segment::Key("a"), Segment::Key("")]);
    }

    #[test]
    fn paths_become_pointers() {
        assert_eq!(pointer("a[1][c.d/e~].f"), "/a/1/c.d~1e~0/f");
        assert_eq!(pointer(""), "");
    }

    #[test]
    fn a_field_is_found_or_the_nearest_above_it() {
        let text = "spec:\n  steps:\n  - setWeight: 5\n  - pause: {duration: 10}\n  labels: {a.b/c: x}\n";
        let document = &read(text).documents[0];
        for (path, line, column, is_there) in [
            ("spec.steps[1].pause.duration", 4, 13, true),
            ("spec.steps[1]", 4, 5, true),
            ("spec.steps[0].setWeight", 3, 5, true),
            ("spec.steps[0].pause.duration", 3, 5, false),
            ("spec.steps[7]", 2, 3, false),
            ("spec.labels[a.b/c]", 5, 12, true),
            ("spec", 1, 1, true),
            ("status", 1, 1, false),
        ] {
            assert_eq!(document.place_of(path), Place { line, column }, "{path}");
            assert_eq!(document.has(path), is_there, "{path}");
        }
    }
}

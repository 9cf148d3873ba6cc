use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::Value;

use super::node::{Content, Field, Node, Place};
use super::scalar;

/// Nodes that a file may have once its aliases are put in: enough for any manifest, and an end for those that grow
/// exponentially.
const MOST_NODES: usize = 1_000_000;

/// A text as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Documents that are not empty and have no faults, up to the first syntax error.
    pub documents: Vec<Node>,
    /// What is wrong, in order.
    pub faults: Vec<Fault>,
}

/// Something that is no YAML, or no JSON in the clothes of YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {text}", .place.line, .place.column)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What; a lowercase fragment.
    pub text: String,
}

/// Reads the documents of a file, YAML or JSON.
#[must_use]
pub fn read(text: &str) -> Reading {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new(), faults: Vec::new(), nodes: 0 };
    let mut documents = Vec::new();
    if let Err(fault) = reader.documents(&mut documents) {
        reader.faults.push(fault);
    }
    Reading { documents, faults: reader.faults }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    /// Faults after which reading goes on.
    faults: Vec<Fault>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    return Err(Fault { place: place(*error.marker()), text: error.info() });
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn documents(&mut self, documents: &mut Vec<Node>) -> Result<(), Fault> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
                (event, span) => {
                    let faults = self.faults.len();
                    let node = self.node(event, span)?;
                    let is_good = self.faults.len() == faults && !node.is_null();
                    documents.extend(is_good.then_some(node));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Fault> {
        let place = place(span.start);
        self.count(1, place)?;
        let (anchor, content) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, Content::Scalar(self.scalar(&text, style, tag, place)))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.list()?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map()?),
            Event::Alias(id) => return self.alias(id, place),
            _ => return Err(Fault { place, text: "a value is missing here".to_owned() }),
        };
        let node = Node { place, content };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            return Err(Fault { place, text: format!("the file has more than {MOST_NODES} values") });
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<Cow<'a, Tag>>, place: Place) -> Value {
        let is_text = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
        if is_text || style != ScalarStyle::Plain {
            return Value::String(text.to_owned());
        }
        scalar::plain(text).unwrap_or_else(|| {
            self.faults.push(Fault { place, text: format!("{text} is no number that JSON has") });
            Value::Null
        })
    }

    fn list(&mut self) -> Result<Content, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Content, Fault> {
        let mut fields: Vec<Field> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(key, ScalarStyle::Plain, ..) if key == "<<");
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            if is_merge {
                merged.push(value);
            } else if let Some(key_text) = self.key(&key) {
                if let Some(first) = fields.iter().find(|field| field.key == key_text) {
                    let text = format!("the key {key_text} is there already, in line {}", first.place.line);
                    self.faults.push(Fault { place: key.place, text });
                } else {
                    fields.push(Field { key: key_text, place: key.place, value });
                }
            }
        }
        for node in merged {
            self.merge(&mut fields, &node)?;
        }
        Ok(Content::Map(fields))
    }

    /// `<<: *anchor`: the fields of the other map that this one does not have.
    fn merge(&mut self, fields: &mut Vec<Field>, node: &Node) -> Result<(), Fault> {
        let sources = match &node.content {
            Content::List(items) => items.as_slice(),
            Content::Map(_) | Content::Scalar(_) => std::slice::from_ref(node),
        };
        for source in sources {
            if !matches!(source.content, Content::Map(_)) {
                let text = "only maps can be merged".to_owned();
                self.faults.push(Fault { place: source.place, text });
            }
            for field in source.fields() {
                if fields.iter().all(|own| own.key != field.key) {
                    self.count(size(&field.value), field.place)?;
                    fields.push(field.clone());
                }
            }
        }
        Ok(())
    }

    /// A key as JSON has it: a text, whatever it was.
    fn key(&mut self, node: &Node) -> Option<String> {
        match &node.content {
            Content::Scalar(Value::String(text)) => Some(text.clone()),
            Content::Scalar(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.to_string()),
            _ => {
                let text = "a key must be a text, not a list, a map or nothing".to_owned();
                self.faults.push(Fault { place: node.place, text });
                None
            }
        }
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<Node, Fault> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Fault { place, text: "an alias may not stand inside of what it names".to_owned() });
        };
        self.count(size(&node), place)?;
        Ok(node)
    }
}

fn size(node: &Node) -> usize {
    let below: usize = match &node.content {
        Content::Scalar(_) => 0,
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map(fields) => fields.iter().map(|field| size(&field.value)).sum(),
    };
    below + 1
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        let reading = read(text);
        assert_eq!(reading.faults, []);
        let values: Vec<Value> = reading.documents.iter().map(Node::to_value).collect();
        assert_eq!(Value::Array(values), *expected);
    }

    #[track_caller]
    fn check_fault(text: &str, expected: &str) {
        let faults: Vec<String> = read(text).faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, [expected]);
    }

    #[test]
    fn documents_are_what_kubectl_sees() {
        check(
            "a: 1\n---\n---\n# nothing\n---\nb: [x, {c: no}]\n...\n",
            &json!([{"a": 1}, {"b": ["x", {"c": false}]}]),
        );
        check("{\"a\": [1, \"2\"], \"b\": null}", &json!([{"a": [1, "2"], "b": null}]));
        check(
            "a: \"5\"\nb: '5'\nc: !!str 5\nd: |\n  x\n  y\n1: e\n",
            &json!([
            {"a": "5", "b": "5", "c": "5", "d": "x\ny\n", "1": "e"}]),
        );
        check("", &json!([]));
    }

    #[test]
    fn aliases_and_merges_are_put_in() {
        check(
            "a: &x {b: 1, c: 2}\nd: *x\ne:\n  <<: *x\n  c: 3\n",
            &json!([
            {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 2}, "e": {"b": 1, "c": 3}}]),
        );
        check(
            "- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]\n",
            &json!([
            [{"a": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}]]),
        );
    }

    #[test]
    fn places_are_as_editors_count() {
        let document = &read("# one\nspec:\n  steps:\n    - setWeight: 5\n").documents[0];
        let steps = document.at(&["spec", "steps"]).unwrap();
        assert_eq!(document.field("spec").unwrap().place, Place { line: 2, column: 1 });
        assert_eq!(steps.items()[0].place, Place { line: 4, column: 7 });
        assert_eq!(steps.items()[0].at(&["setWeight"]).unwrap().place, Place { line: 4, column: 18 });
    }

    #[test]
    fn faults_say_where() {
        check_fault("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key a is there already, in line 1");
        check_fault("a: .inf\n", "line 1, column 4: .inf is no number that JSON has");
        check_fault("[a]: b\n", "line 1, column 1: a key must be a text, not a list, a map or nothing");
        check_fault("a: &x [*x]\n", "line 1, column 8: an alias may not stand inside of what it names");
        let reading = read("a: 1\na: 2\n---\nb: 3\n");
        assert_eq!(reading.documents.len(), 1, "a document with a fault is none");
        let reading = read("a: 1\n---\nb: [\n---\nc: 1\n");
        assert_eq!(reading.documents.len(), 1, "what stands before a syntax error is read");
        assert_eq!(reading.faults.len(), 1);
    }

    #[test]
    fn aliases_do_not_grow_without_end() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", "));
        }
        check_fault(&text, "line 6, column 45: the file has more than 1000000 values");
    }
}

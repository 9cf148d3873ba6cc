//! Lives: random worlds from a seed, as scripts. Three Rollouts or more, users who edit, promote, abort and delete, another actor
//! who puts things back, an autoscaler that cannot decide, nodes that are lost, and a cluster that lies.
//!
//! A life is a scenario like those that people write, so what goes wrong in it is told, replayed and shortened as a script. In
//! reading order: `specs` (what there is), `acts` over `machines` (what happens), `own` (the same of a user's own Rollouts), `play` (played and judged), `end` (what an end must
//! be like), `shrink` (shorter scripts that fail the same way), `campaign` (many lives).

mod acts;
pub mod campaign;
mod end;
mod machines;
pub mod own;
mod play;
mod shrink;
mod specs;

use std::fmt::Write as _;

use serde_json::Value;

use crate::dice::Dice;
use crate::scenario::Script;

pub use play::{Broken, Played, Record, play};
pub use shrink::shrink;

/// The life of a seed, as a script.
///
/// # Panics
/// Never: what this module writes, the interpreter reads.
#[must_use]
pub fn script(seed: u64) -> Script {
    let mut dice = Dice::new(seed);
    let mut text = format!("# The life of seed {seed}.\n# seed: {seed}\n");
    settings(&mut dice, &mut text);
    let site = specs::Site::new(&mut dice);
    let names: Vec<&str> = site.subjects.iter().map(|subject| subject.name).collect();
    // Writing to a String does not fail.
    let _ = writeln!(text, "# rollouts: {}", names.join(" "));
    for object in site.objects() {
        let _ = writeln!(text, "$ {}", written("apply", &object));
    }
    for line in acts::acts(&mut dice, &site).into_iter().chain(acts::ending(&mut dice, &site)) {
        let _ = writeln!(text, "$ {line}");
    }
    Script::parse(&text).expect("a life is a script")
}

/// `kubectl apply -f - <<< 'OBJECT'`. The only quotes are those around it.
#[must_use]
pub fn written(verb: &str, object: &Value) -> String {
    format!("kubectl {verb} -f - <<< '{}'", object.to_string().replace('\'', "\\u0027"))
}

fn settings(dice: &mut Dice, text: &mut String) {
    let mut set = |name: &str, value: String| {
        let _ = writeln!(text, "# {name}: {value}");
    };
    set("resources", "rollouts".to_owned());
    set("workers", (1 + dice.roll(4)).to_string());
    set("reaction", format!("{}ms", dice.one_of(&[0, 0, 20, 200, 800])));
    if let Some(seconds) = dice.one_of(&[None, Some(2), Some(15)]) {
        set("router", format!("confirms after {seconds}s"));
    }
    if dice.roll(2) == 0 {
        set("router", "refuses every 3".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_script_that_can_be_read_again() {
        for seed in 0..200 {
            let script = script(seed);
            let text = script.to_string();
            assert_eq!(Script::parse(&text).unwrap(), script, "{text}");
            crate::scenario::understood(&script).unwrap();
        }
        assert_ne!(script(1).to_string(), script(2).to_string());
    }
}

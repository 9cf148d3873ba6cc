//! The options of a write that are about owners.

use crate::field::Cause;
use crate::request::Query;

/// Names of managers may be this long, in bytes.
pub(super) const LONGEST_NAME: usize = 128;

/// What is wrong with `fieldManager` and `force`. `applies` is nothing for writes that are no patches.
pub(crate) fn check(query: &Query, applies: Option<bool>) -> Vec<Cause> {
    let manager = query.get("fieldManager");
    let mut causes = Vec::new();
    match applies {
        Some(true) if manager.is_empty() => {
            causes.push(Cause::required("fieldManager", "is required for apply patch"));
        }
        Some(false) if query.has("force") => {
            causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
        }
        _ => {}
    }
    if manager.len() > LONGEST_NAME {
        causes.push(Cause::too_long("fieldManager", LONGEST_NAME as u64));
    }
    for (place, character) in manager.char_indices().filter(|(_, character)| !is_printable(*character)) {
        let why = format!("invalid character U+{:04X} (at position {place})", u32::from(character));
        causes.push(Cause::invalid("fieldManager", &manager.into(), &why));
    }
    causes
}

/// Whether conflicts are to be overruled; Go reads everything but `false` and `0` as true.
pub(super) fn is_forced(query: &Query) -> bool {
    query.has("force") && !query.get("force").eq_ignore_ascii_case("false") && query.get("force") != "0"
}

/// Whether Go would print the character as it is.
pub(super) fn is_printable(character: char) -> bool {
    character == ' ' || !(character.is_control() || character.is_whitespace())
}

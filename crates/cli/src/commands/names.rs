use crate::failure::{Failure, Problem};

/// The only name that was given.
pub(super) fn one(names: &[String]) -> Result<&str, Failure> {
    let [name] = names else { return Err(Failure::Usage) };
    check(name)?;
    Ok(name)
}

/// The names that were given, at least one.
pub(super) fn some(names: &[String]) -> Result<&[String], Failure> {
    if names.is_empty() {
        return Err(Failure::Usage);
    }
    Ok(names)
}

/// What cannot be a part of a path cannot be the name of an object; Go's client says it this way.
pub(crate) fn check(name: &str) -> Result<(), Problem> {
    if name.is_empty() {
        return Err(Problem::new("resource name may not be empty"));
    }
    part_of_path(name).map_err(|why| Problem::new(format!("invalid resource name {name:?}: [{why}]")))
}

/// The same of a namespace.
pub(crate) fn check_namespace(name: &str) -> Result<(), Problem> {
    part_of_path(name).map_err(|why| Problem::new(format!("invalid namespace {name:?}: [{why}]")))
}

fn part_of_path(name: &str) -> Result<(), String> {
    if matches!(name, "." | "..") {
        return Err(format!("may not be '{name}'"));
    }
    let is_strange = |character: &char| !character.is_ascii_alphanumeric() && !"-._~:@".contains(*character);
    name.chars().find(is_strange).map_or(Ok(()), |strange| Err(format!("may not contain '{strange}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_paths() {
        for name in ["guestbook", "a.b-c", "0"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        let refused = |name: &str| check(name).unwrap_err().text;
        assert_eq!(
            refused("rollout/guestbook"),
            r#"invalid resource name "rollout/guestbook": [may not contain '/']"#
        );
        assert_eq!(refused(".."), r#"invalid resource name "..": [may not be '..']"#);
        assert_eq!(refused("a b"), r#"invalid resource name "a b": [may not contain ' ']"#);
        assert_eq!(refused("ä"), r#"invalid resource name "ä": [may not contain 'ä']"#);
        assert_eq!(refused(""), "resource name may not be empty");
    }
}

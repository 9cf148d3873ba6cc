//! The order of merged lists: what a patch names stays in the patch's order, and the rest where it was.

use serde_json::Value;

use super::strategic::without_key;
use crate::status::ApiError;

/// Where `list` has the element that `item` is about: the same one, or with a merge key the one with the same value of it.
pub(super) fn position(list: &[Value], item: &Value, merge_key: &str) -> Option<usize> {
    if merge_key.is_empty() {
        return list.iter().position(|known| known == item);
    }
    let value = item.get(merge_key)?;
    list.iter().position(|known| known.get(merge_key) == Some(value))
}

/// Puts `merged` in order. Elements that the patch names follow `patch_order`, all others `server_order`; of one of each that
/// are next, the other one goes first only where the server had it first. So what is new goes before what the patch does not name.
pub(super) fn ordered(
    merged: Vec<Value>,
    patch_order: &[Value],
    server_order: &[Value],
    merge_key: &str,
) -> Result<Vec<Value>, ApiError> {
    let lacks_key = |item: &Value| !merge_key.is_empty() && item.get(merge_key).is_none();
    if merged.iter().chain(patch_order).any(lacks_key) {
        return Err(without_key(merge_key));
    }
    let in_patch = |item: &Value| position(patch_order, item, merge_key);
    let on_server = |item: &Value| position(server_order, item, merge_key);
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| in_patch(item).is_some());
    named.sort_by_key(in_patch);
    others.sort_by_key(on_server);
    let mut all = Vec::with_capacity(named.len() + others.len());
    let mut named = named.into_iter().peekable();
    for other in others {
        let place = on_server(&other);
        let goes_first =
            |next: &Value| !matches!((place, on_server(next)), (Some(other), Some(next)) if other < next);
        while let Some(next) = named.next_if(goes_first) {
            all.push(next);
        }
        all.push(other);
    }
    all.extend(named);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn letters(text: &str) -> Vec<Value> {
        text.chars().map(|letter| json!(letter.to_string())).collect()
    }

    #[test]
    fn what_a_patch_names_keeps_the_order_of_the_patch() {
        for (merged, patch, server, expected) in [
            ("abc", "", "abc", "abc"),
            ("abc", "ca", "abc", "bca"),
            ("abcx", "x", "abc", "xabc"),
            ("abcx", "ax", "abc", "axbc"),
            ("abcx", "cx", "abc", "abcx"),
            ("abcx", "xc", "abc", "xabc"),
            ("bca", "", "abc", "abc"),
            ("ab", "cba", "ab", "ba"),
        ] {
            let all = ordered(letters(merged), &letters(patch), &letters(server), "").unwrap();
            assert_eq!(all, letters(expected), "{merged} {patch} {server}");
        }
    }

    #[test]
    fn elements_are_told_apart_by_their_key() {
        let merged = vec![json!({"name": "a", "x": 1}), json!({"name": "b"})];
        let order = [json!({"name": "b"}), json!({"name": "a"})];
        let all = ordered(merged.clone(), &order, &merged, "name").unwrap();
        assert_eq!(all, [json!({"name": "b"}), json!({"name": "a", "x": 1})]);
        assert_eq!(ordered(merged, &[json!({})], &[], "name").unwrap_err().code, 500);
    }
}

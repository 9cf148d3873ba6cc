//! Strategic merge: members are merged as their types say, lists by the keys that OpenAPI names.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::order::{ordered, position};
use crate::status::ApiError;
use crate::types::{Field, Type, TypeId};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";

type Fields = Map<String, Value>;

/// Merges `patch` into `target`, an object of the type `ty`.
pub(super) fn merge(target: &mut Value, patch: &Value, ty: TypeId) -> Result<(), ApiError> {
    if let (Value::Object(target), Value::Object(patch)) = (target, patch) {
        *target = merge_fields(std::mem::take(target), patch, Some(ty))?;
    }
    Ok(())
}

/// 500: what kube-apiserver has no better answer for.
pub(super) fn broken(why: impl Into<String>) -> ApiError {
    ApiError::new(500, "", why)
}

fn bad_format(of: &str) -> ApiError {
    ApiError::bad_request(format!("invalid patch format of {of}"))
}

fn merge_fields(mut target: Fields, patch: &Fields, ty: Option<TypeId>) -> Result<Fields, ApiError> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return by_directive(directive, patch);
    }
    retain_keys(&mut target, patch)?;
    let ordered = merge_ordered_lists(&mut target, patch, ty)?;
    let rest = patch.iter().filter(|(key, _)| {
        *key != RETAIN_KEYS && !key.starts_with(SET_ORDER) && !ordered.contains(key.as_str())
    });
    for (key, change) in rest {
        let removes = key.starts_with(DELETE_FROM);
        let key = if removes { name_in(key).ok_or_else(|| bad_format("primitive list"))? } else { key };
        let merged = match target.remove(key) {
            _ if change.is_null() => None,
            None if removes => None,
            None => cleaned(change),
            Some(known) => merge_field(known, change, (key, ty), removes)?,
        };
        if let Some(merged) = merged {
            target.insert(key.to_owned(), merged);
        }
    }
    Ok(target)
}

/// `containers` of `$setElementOrder/containers`.
fn name_in(directive: &str) -> Option<&str> {
    directive.split_once('/').map(|(_, name)| name)
}

fn by_directive(directive: &Value, patch: &Fields) -> Result<Fields, ApiError> {
    match directive.as_str() {
        Some("replace") => {
            let rest = patch.iter().filter(|(key, _)| *key != DIRECTIVE);
            Ok(rest.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        Some("delete") => Ok(Fields::new()),
        _ => Err(broken(format!("unknown patch type: {directive}"))),
    }
}

/// Drops what `$retainKeys` does not name, which must name all that the patch sets.
fn retain_keys(target: &mut Fields, patch: &Fields) -> Result<(), ApiError> {
    let Some(kept) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    let kept = kept.as_array().ok_or_else(|| bad_format("retainKeys"))?;
    let is_kept = |key: &str| kept.iter().any(|kept| kept == key);
    let mut set = patch.iter().filter(|(key, value)| {
        *key != RETAIN_KEYS
            && !value.is_null()
            && !key.starts_with(DELETE_FROM)
            && !key.starts_with(SET_ORDER)
    });
    if set.any(|(key, _)| !is_kept(key)) {
        return Err(bad_format("retainKeys"));
    }
    target.retain(|key, _| is_kept(key));
    Ok(())
}

fn field_of(ty: Option<TypeId>, key: &str) -> Result<&'static Field, ApiError> {
    let field = ty.and_then(|ty| ty.fields().get(key));
    field.ok_or_else(|| broken(format!("unable to find api field for the json field \"{key}\"")))
}

/// Merges the lists whose order the patch sets, and says which they are.
fn merge_ordered_lists<'a>(
    target: &mut Fields,
    patch: &'a Fields,
    ty: Option<TypeId>,
) -> Result<BTreeSet<&'a str>, ApiError> {
    let mut merged = BTreeSet::new();
    for (directive, order) in patch.iter().filter(|(key, _)| key.starts_with(SET_ORDER)) {
        let items = |value: &Value| {
            value.as_array().cloned().ok_or_else(|| broken(format!("{directive} is not about a list")))
        };
        let order = items(order)?;
        let key = name_in(directive).ok_or_else(|| bad_format("setElementOrder list"))?;
        let known = target.get(key).map(items).transpose()?;
        let change = patch.get(key).map(items).transpose()?;
        let field = field_of(ty, key)?;
        let merge_key = field.merge_key.as_deref().unwrap_or("");
        check_order(change.as_deref().unwrap_or(&[]), &order, merge_key)?;
        if known.is_none() && change.is_none() {
            continue;
        }
        let server_order = known.clone().unwrap_or_default();
        holds_objects(&server_order, change.as_deref().unwrap_or(&[]))?;
        let list = match (known, change) {
            (Some(known), None) => known,
            (None, change) => change.iter().flatten().filter_map(without_directives).collect(),
            (Some(known), Some(change)) => merge_list(known, &change, field, false)?,
        };
        target.insert(key.to_owned(), ordered(list, &order, &server_order, merge_key)?.into());
        merged.insert(key);
    }
    Ok(merged)
}

/// The order that is set must be that of the patch's own elements.
fn check_order(change: &[Value], order: &[Value], merge_key: &str) -> Result<(), ApiError> {
    let mut items =
        change.iter().filter(|item| item.get(DIRECTIVE).is_none_or(|it| it != "delete")).peekable();
    if order.is_empty() {
        return Ok(());
    }
    for place in order {
        while items.next_if(|item| item.get(DIRECTIVE).is_some()).is_some() {}
        items.next_if(|item| position(std::slice::from_ref(place), item, merge_key).is_some());
    }
    match items.next() {
        None => Ok(()),
        Some(_) => Err(broken(format!("The order in patch list doesn't match {SET_ORDER} list"))),
    }
}

/// `known` and its change, both of the member `key` of a struct; nothing when it goes. `removes`: the change is a list of what goes.
fn merge_field(
    known: Value,
    change: &Value,
    (key, ty): (&str, Option<TypeId>),
    removes: bool,
) -> Result<Option<Value>, ApiError> {
    match (known, change) {
        (Value::Object(known), Value::Object(change)) => {
            let field = field_of(ty, key)?;
            if field.is_replaced {
                return Ok(Some(Value::Object(change.clone())));
            }
            let ty = match &field.ty {
                Type::Struct(ty) => Some(*ty),
                _ => None,
            };
            merge_fields(known, change, ty).map(|merged| Some(merged.into()))
        }
        (Value::Array(known), Value::Array(change)) => {
            merge_list(known, change, field_of(ty, key)?, removes).map(|merged| Some(merged.into()))
        }
        (known, _) if removes => Ok(Some(known)),
        _ => Ok(cleaned(change)),
    }
}

fn merge_list(
    known: Vec<Value>,
    change: &[Value],
    field: &Field,
    removes: bool,
) -> Result<Vec<Value>, ApiError> {
    let Some(merge_key) = field.merge_key.as_deref().or(removes.then_some("")) else {
        return Ok(change.to_vec());
    };
    if known.is_empty() && change.is_empty() {
        return Ok(known);
    }
    if !holds_objects(&known, change)? {
        return if removes {
            Ok(known.into_iter().filter(|item| !change.contains(item)).collect())
        } else {
            let mut all: Vec<Value> = Vec::new();
            for item in known.iter().chain(change) {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
            ordered(all, change, &known, "")
        };
    }
    if merge_key.is_empty() {
        return Err(broken("cannot merge lists without merge key"));
    }
    merge_objects(known, change, merge_key, &field.ty)
}

/// Whether the elements are objects; they must be of one type.
fn holds_objects(known: &[Value], change: &[Value]) -> Result<bool, ApiError> {
    let mut all = known.iter().chain(change);
    let Some(first) = all.next() else { return Ok(false) };
    if first.is_array() {
        let message = "the server rejected our request due to an error in our request";
        return Err(ApiError::new(422, "Invalid", message));
    }
    if all.any(|item| std::mem::discriminant(item) != std::mem::discriminant(first)) {
        return Err(broken("list element types are not identical"));
    }
    Ok(first.is_object())
}

fn merge_objects(
    mut known: Vec<Value>,
    change: &[Value],
    merge_key: &str,
    ty: &Type,
) -> Result<Vec<Value>, ApiError> {
    let (special, plain): (Vec<&Value>, Vec<&Value>) =
        change.iter().partition(|item| item.get(DIRECTIVE).is_some());
    let mut replaces = false;
    for item in special {
        match item[DIRECTIVE].as_str() {
            Some("replace") => replaces = true,
            Some("delete") => {
                let gone = item.get(merge_key).ok_or_else(|| without_key(merge_key))?;
                known.retain(|known| known.get(merge_key) != Some(gone));
            }
            _ => return Err(broken(format!("unknown patch type: {}", item[DIRECTIVE]))),
        }
    }
    let plain: Vec<Value> = plain.into_iter().cloned().collect();
    let (mut merged, change) = if replaces { (plain, Vec::new()) } else { (known, plain) };
    let server_order = merged.clone();
    let element = match ty {
        Type::List(inner) => match inner.as_ref() {
            Type::Struct(ty) => Some(*ty),
            _ => None,
        },
        _ => None,
    };
    for item in &change {
        item.get(merge_key).ok_or_else(|| without_key(merge_key))?;
        match (position(&merged, item, merge_key), item) {
            (Some(at), Value::Object(item)) => {
                let Value::Object(known) = merged[at].take() else { continue };
                merged[at] = merge_fields(known, item, element)?.into();
            }
            _ => merged.push(item.clone()),
        }
    }
    ordered(merged, &change, &server_order, merge_key)
}

pub(super) fn without_key(merge_key: &str) -> ApiError {
    broken(format!("map does not contain declared merge key: {merge_key}"))
}

/// A value that is new: without nulls, and without objects that are directives; nothing when it is one.
fn cleaned(value: &Value) -> Option<Value> {
    let mut value = value.clone();
    drop_nulls(&mut value);
    without_directives(&value)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn without_directives(value: &Value) -> Option<Value> {
    match value {
        Value::Object(members) if members.contains_key(DIRECTIVE) => None,
        Value::Object(members) => {
            let kept =
                members.iter().filter_map(|(key, value)| Some((key.clone(), without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(items.iter().filter_map(without_directives).collect()),
        other => Some(other.clone()),
    }
}

#[cfg(test)]
mod tests;

//! Owners of the field that a scale shows: entries of the object become entries of its scale, and back.

use serde_json::Value;

use super::apply::Configuration;
use super::managed::{self, Managed, Manager, Owned};
use super::path::Step;
use super::set::Set;
pub(crate) use super::subject::SCALE_VERSION;
use super::subject::Subject;
use super::{ENTRIES, manager_name, transfer, without_entries};
use crate::json::{at, set};
use crate::resources::{Resource, ScalePaths};
use crate::state::{Call, State};
use crate::status::ApiError;

const REPLICAS: [&str; 2] = ["spec", "replicas"];

/// The scale of an object and the owners of the object's fields.
pub(crate) struct Scaled<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) paths: &'a ScalePaths,
    /// The object.
    pub(crate) object: &'a Value,
    /// Its scale.
    pub(crate) scale: &'a Value,
}

impl Scaled<'_> {
    /// The object's owners; those of versions that are not served any more are forgotten.
    fn owners(&self, state: &State) -> Managed {
        let mut owners = managed::decode(at(self.object, &ENTRIES)).unwrap_or_default();
        let is_served = |version: &str| {
            state.registry.all().any(|known| known.id == self.resource.id && known.api_version() == version)
        };
        owners.retain(|_, owned| is_served(&owned.version));
        owners
    }

    fn path(&self) -> Vec<Step> {
        self.paths.spec_replicas.iter().map(|name| Step::field(name)).collect()
    }

    /// The owners of the scale's replicas.
    fn of_scale(&self, state: &State) -> Managed {
        let path = self.path();
        let owners = self.owners(state).into_iter().filter(|(_, owned)| owned.set.has(&path));
        owners
            .map(|(manager, owned)| {
                let manager =
                    Manager::new(&manager.name, manager.operation, SCALE_VERSION, &manager.subresource);
                let set = Set::of_fields(&[&REPLICAS]);
                (manager, Owned { set, version: SCALE_VERSION.to_owned(), time: owned.time })
            })
            .collect()
    }

    /// The object's entries when `managed` are the scale's. As on the real server, who comes by scaling has no time, and who keeps
    /// the field by an update keeps it in an entry of its own.
    fn entries(&self, state: &State, mut managed: Managed) -> Value {
        let path = self.path();
        let replicas: Vec<Step> = REPLICAS.iter().map(|name| Step::field(name)).collect();
        let mut field = Set::default();
        field.insert(&path);
        let before = self.owners(state);
        let mut kept: Vec<(Manager, Owned)> = Vec::new();
        for (manager, owned) in &before {
            let mut owned = owned.clone();
            if owned.set.has(&path) && managed.remove(manager).is_none() {
                owned.set = owned.set.difference(&field);
            }
            if !owned.set.is_empty() {
                kept.push((manager.clone(), owned));
            }
        }
        for (manager, _) in managed.into_iter().filter(|(_, owned)| owned.set.has(&replicas)) {
            let version = self.resource.api_version();
            let time = before.get(&manager).and_then(|owned| owned.time.clone());
            kept.retain(|(known, _)| *known != manager);
            kept.push((manager, Owned { set: field.clone(), version, time }));
        }
        managed::encode_all(kept.iter().map(|(manager, owned)| (manager, owned)))
    }

    /// The object's entries after an update that made `new` of its scale.
    pub(crate) fn updated(&self, state: &State, call: &Call, new: &Value) -> Value {
        let managed = self.of_scale(state);
        if managed.is_empty() {
            // What nobody owns is not tracked until the first apply.
            return self.entries(state, managed);
        }
        let subject = Subject::scale();
        let mut new = without_entries(new);
        // Go leaves a zero out, and so nobody owns it.
        if at(&new, &REPLICAS) == &Value::from(0) {
            set(&mut new, &REPLICAS, Value::Null);
        }
        let managed =
            transfer::update(&subject, [self.scale, &new], managed, &manager_name(call), &state.api_now());
        self.entries(state, managed)
    }

    /// What an applied configuration makes of the scale, and the object's entries then.
    pub(crate) fn applied(
        &self,
        state: &State,
        configuration: &Configuration,
    ) -> Result<(Value, Value), ApiError> {
        let subject = Subject::scale();
        if self.resource.is_custom() && self.of_scale(state).is_empty() {
            let message = format!(
                "failed to create manager for existing fields: failed to convert live object (/; {SCALE_VERSION}, Kind=Scale) to \
                 proper version: request to convert CR to an invalid group/version: {SCALE_VERSION}"
            );
            return Err(ApiError::new(500, "", message));
        }
        let (scale, managed) =
            configuration.applied_to(self.scale, self.of_scale(state), &subject, &state.api_now())?;
        if self.resource.is_custom() && scale != *self.scale {
            // Real servers serve this and then cannot tell the type of what they have made.
            let message = format!(
                "failed to convert new object ({}/{}; {SCALE_VERSION}, Kind=Scale) to proper version: request to convert CR \
                 to an invalid group/version: {SCALE_VERSION}",
                crate::json::namespace(self.object),
                crate::json::name(self.object),
            );
            return Err(ApiError::new(500, "", message));
        }
        Ok((scale, self.entries(state, managed)))
    }
}

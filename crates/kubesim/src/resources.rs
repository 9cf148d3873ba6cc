//! The resources that the server knows: the built-in ones as a table, and those of CustomResourceDefinitions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::json::{at, list, text};
use crate::ownership::Shape;
use crate::schema::Schema;
use crate::table::CustomColumns;
use crate::types::{self, Row, TypeId, schema_of};

/// One resource in one version.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// `pods`, `replicasets.apps`: the qualified name, by which objects of all versions are stored.
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    /// Whether `status` is a subresource.
    pub(crate) status: bool,
    pub(crate) scale: Option<ScalePaths>,
    /// Whether `metadata.generation` is kept.
    pub(crate) generation: bool,
    pub(crate) origin: Origin,
    /// The subresources that Kubernetes has, served here or not.
    pub(crate) subresources: Vec<String>,
    /// The version in which objects are stored.
    pub(crate) storage_version: String,
}

/// Where a resource's types come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    BuiltIn(TypeId),
    Custom(Arc<Custom>),
}

/// What a CustomResourceDefinition says of one version.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) schema: Schema,
    pub(crate) columns: CustomColumns,
    /// How its fields are owned, read when it is first asked for.
    pub(crate) shape: OnceLock<Arc<Shape>>,
}

/// How many versions are kept in mind: more than any cluster of ours defines.
const KEPT: usize = 16;

impl Custom {
    /// Read once for all servers of the process: a test plays thousands of them, and each defines the same resources.
    fn of(version: &Value) -> Arc<Self> {
        static KNOWN: Mutex<VecDeque<(Value, Arc<Custom>)>> = Mutex::new(VecDeque::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, custom)) = known.iter().find(|(of, _)| of == version) {
            return Arc::clone(custom);
        }
        let custom = Arc::new(Self {
            schema: Schema::parse(at(version, &["schema", "openAPIV3Schema"])),
            columns: CustomColumns::parse(version),
            shape: OnceLock::new(),
        });
        known.truncate(KEPT - 1);
        known.push_front((version.clone(), Arc::clone(&custom)));
        custom
    }
}

/// Where the `scale` subresource finds its values, as paths without the leading dot.
#[derive(Clone, Debug)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: Vec<String>,
    pub(crate) status_replicas: Vec<String>,
    pub(crate) selector: Option<Vec<String>>,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub(crate) fn api_version(&self) -> String {
        qualified_version(&self.group, &self.version)
    }

    /// The `apiVersion` of stored objects.
    pub(crate) fn stored_api_version(&self) -> String {
        qualified_version(&self.group, &self.storage_version)
    }

    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.origin, Origin::Custom(_))
    }

    /// Whether this is the built-in resource with that qualified name.
    pub(crate) fn is(&self, id: &str) -> bool {
        self.id == id
    }
}

fn qualified_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn qualified_name(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

/// The qualified name of CustomResourceDefinitions.
pub(crate) const CRDS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// What `resources.txt` says of one resource.
#[derive(Default)]
struct Extra {
    short_names: Vec<String>,
    categories: Vec<String>,
    generation: bool,
}

fn extras() -> BTreeMap<&'static str, Extra> {
    let lines = include_str!("data/resources.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap_or_default();
            let mut extra = Extra::default();
            let names = |list: &str| list.split(',').map(str::to_owned).collect();
            for word in words {
                match word.split_once('=') {
                    Some(("short", list)) => extra.short_names = names(list),
                    Some(("category", list)) => extra.categories = names(list),
                    _ => extra.generation |= word == "generation",
                }
            }
            (name, extra)
        })
        .collect()
}

fn built_in(row: &'static Row, extra: Extra) -> Resource {
    let path = |keys: [&str; 2]| keys.map(str::to_owned).to_vec();
    let has = |name: &str| row.subresources.iter().any(|known| known.name == name);
    let schema = schema_of(&row.group, &row.version, &row.kind).and_then(types::named);
    Resource {
        id: qualified_name(&row.group, &row.plural),
        group: row.group.clone(),
        version: row.version.clone(),
        plural: row.plural.clone(),
        singular: row.kind.to_lowercase(),
        kind: row.kind.clone(),
        list_kind: format!("{}List", row.kind),
        short_names: extra.short_names,
        categories: extra.categories,
        namespaced: row.namespaced,
        verbs: row.verbs.clone(),
        status: has("status"),
        scale: has("scale").then(|| ScalePaths {
            spec_replicas: path(["spec", "replicas"]),
            status_replicas: path(["status", "replicas"]),
            selector: None,
        }),
        generation: extra.generation,
        origin: Origin::BuiltIn(schema.expect("every drawn resource has its schema")),
        subresources: row.subresources.iter().map(|known| known.name.clone()).collect(),
        storage_version: row.version.clone(),
    }
}

/// Every resource by group, version and plural.
#[derive(Debug)]
pub(crate) struct Registry {
    resources: BTreeMap<(String, String, String), Arc<Resource>>,
}

impl Registry {
    pub(crate) fn with_built_ins() -> Self {
        let mut registry = Self { resources: BTreeMap::new() };
        let mut extras = extras();
        for row in types::rows() {
            let extra = extras.remove(qualified_name(&row.group, &row.plural).as_str()).unwrap_or_default();
            registry.add(built_in(row, extra));
        }
        registry
    }

    fn add(&mut self, resource: Resource) {
        let key = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        self.resources.insert(key, Arc::new(resource));
    }

    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let key = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.resources.get(&key).map(Arc::clone)
    }

    /// The resource that a person means: plural, singular, short or qualified name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Resource>> {
        let means = |resource: &&Arc<Resource>| {
            resource.version == resource.storage_version
                && (resource.id == name
                    || resource.plural == name
                    || resource.singular == name
                    || resource.short_names.iter().any(|short| short == name))
        };
        self.resources.values().find(means).map(Arc::clone)
    }

    /// The resource of objects with this `apiVersion` and `kind`.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.all()
            .find(|resource| resource.kind == kind && resource.api_version() == api_version)
            .map(Arc::clone)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    /// Serves what the CustomResourceDefinition says, in place of what it said before.
    pub(crate) fn define(&mut self, definition: &Value) {
        self.forget(crate::json::name(definition));
        let versions = list(definition, &["spec", "versions"]);
        let is_stored = |version: &&Value| at(version, &["storage"]) == &json!(true);
        let storage = versions.iter().find(is_stored).map_or("", |version| text(version, &["name"]));
        for version in versions.iter().filter(|version| at(version, &["served"]) == &json!(true)) {
            self.add(custom(definition, version, storage));
        }
    }

    /// Stops serving the custom resource with this qualified name.
    pub(crate) fn forget(&mut self, id: &str) {
        self.resources.retain(|_, resource| resource.id != id || !resource.is_custom());
    }
}

/// In the order in which Kubernetes tells of them.
const CUSTOM_VERBS: [&str; 8] =
    ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn custom(definition: &Value, version: &Value, storage: &str) -> Resource {
    let names = at(definition, &["spec", "names"]);
    let strings = |key| -> Vec<String> {
        list(names, &[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (group, plural) = (text(definition, &["spec", "group"]), text(names, &["plural"]));
    let kind = text(names, &["kind"]);
    let or = |key, default: String| match text(names, &[key]) {
        "" => default,
        given => given.to_owned(),
    };
    Resource {
        id: qualified_name(group, plural),
        group: group.to_owned(),
        version: text(version, &["name"]).to_owned(),
        plural: plural.to_owned(),
        singular: or("singular", kind.to_lowercase()),
        kind: kind.to_owned(),
        list_kind: or("listKind", format!("{kind}List")),
        short_names: strings("shortNames"),
        categories: strings("categories"),
        namespaced: text(definition, &["spec", "scope"]) == "Namespaced",
        verbs: CUSTOM_VERBS.map(str::to_owned).to_vec(),
        status: at(version, &["subresources", "status"]).is_object(),
        scale: scale_paths(at(version, &["subresources", "scale"])),
        generation: true,
        origin: Origin::Custom(Custom::of(version)),
        subresources: Vec::new(),
        storage_version: storage.to_owned(),
    }
}

fn scale_paths(scale: &Value) -> Option<ScalePaths> {
    let path = |key| -> Option<Vec<String>> {
        Some(scale.get(key)?.as_str()?.trim_start_matches('.').split('.').map(str::to_owned).collect())
    };
    Some(ScalePaths {
        spec_replicas: path("specReplicasPath")?,
        status_replicas: path("statusReplicasPath")?,
        selector: path("labelSelectorPath"),
    })
}

use serde::Serialize;

use super::{ReplicaSetInfo, Tag};

/// An image that runs, and in which roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageInfo {
    /// The image reference.
    pub image: String,
    /// Roles: of one ReplicaSet in its order, of several by name.
    pub tags: Vec<Tag>,
}

/// Images of the ReplicaSets that have pods, each once, by name.
pub(crate) fn running(replica_sets: &[ReplicaSetInfo]) -> Vec<ImageInfo> {
    let mut images: Vec<ImageInfo> = Vec::new();
    for replica_set in replica_sets.iter().filter(|replica_set| replica_set.replicas > 0) {
        for image in &replica_set.images {
            match images.iter_mut().find(|known| known.image == *image) {
                Some(known) => merge(&mut known.tags, &replica_set.tags),
                None => images.push(ImageInfo { image: image.clone(), tags: replica_set.tags.clone() }),
            }
        }
    }
    images.sort_by(|a, b| a.image.cmp(&b.image));
    images
}

fn merge(tags: &mut Vec<Tag>, more: &[Tag]) {
    tags.extend(more);
    tags.sort_by_key(|tag| tag.as_str());
    tags.dedup();
}

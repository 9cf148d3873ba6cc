use tidegate_ops::Operation;

use crate::cluster::{Cluster, ClusterError};

/// Sends the patches of an operation, in their order, until one fails.
pub(super) async fn perform(cluster: &Cluster, operation: &Operation) -> Result<(), ClusterError> {
    for patch in &operation.patches {
        cluster.patch(patch).await?;
    }
    Ok(())
}

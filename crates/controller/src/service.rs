//! The work on one Service that a Rollout may have let go.

use tidegate_api::rollout::Rollout;
use tidegate_core::{Service, WriteError, service};

use crate::execute::{self, Versions};
use crate::live;
use crate::rate::Priority;
use crate::shell::{Outcome, Shell};
use crate::snapshot::ReadError;
use crate::store::Key;

/// Lets a Service go unless its Rollout still names it. Costs a request only where the stores do not show that Rollout.
pub(crate) async fn release(shell: &Shell, key: &Key) -> Outcome {
    let Some((service, manager)) = suspect(shell, key) else { return Outcome::Settled(None) };
    let proof = match live::rollout(&shell.clients, &manager).await {
        Ok(rollout) => rollout,
        Err(error) => return unproven(shell, key, &error),
    };
    let may_be_used =
        |rollout: &Rollout| service::is_unconfirmed(rollout) && !service::is_named_by(&key.name, rollout);
    if shell.router.is_some() && proof.as_ref().is_some_and(may_be_used) {
        // Requests may still come by it.
        return Outcome::Retry(None);
    }
    match carry_out(shell, &service, proof.as_ref()).await {
        Ok(()) | Err(WriteError::NotFound) => Outcome::Settled(None),
        Err(error) => {
            tracing::warn!(namespace = key.namespace, service = key.name, %error, "a Service could not be released");
            shell.lock().metrics.failed_writes += 1;
            Outcome::Retry(None)
        }
    }
}

/// The Service and the Rollout that it is marked by, if no store shows that this Rollout names it.
fn suspect(shell: &Shell, key: &Key) -> Option<(Service, Key)> {
    let world = &shell.lock().world;
    let service = world.services.get(key)?;
    let manager = Key::new(&key.namespace, service::manager(&service)?);
    let rollout = world.rollouts.get(&manager);
    let is_named = rollout.is_some_and(|rollout| service::is_named_by(&key.name, &rollout));
    let is_held = is_named && !world.has_dropped(&manager, key);
    (!is_held).then_some((service, manager))
}

fn unproven(shell: &Shell, key: &Key, error: &ReadError) -> Outcome {
    tracing::warn!(namespace = key.namespace, service = key.name, %error, "whether a Service is released is unknown");
    shell.lock().metrics.failed_reads += 1;
    match error {
        // There is such a Rollout, and asking again will not make it readable.
        ReadError::Parse { .. } => Outcome::Settled(None),
        ReadError::Request { .. } | ReadError::Forbidden(_) => Outcome::Retry(None),
    }
}

async fn carry_out(shell: &Shell, service: &Service, manager: Option<&Rollout>) -> Result<(), WriteError> {
    let Some(write) = service::release(service, manager) else { return Ok(()) };
    let (clients, field_manager) = (&shell.clients, &shell.field_manager);
    execute::carry_out(clients, &write, Priority::Bookkeeping, &mut Versions::new(), field_manager).await?;
    shell.lock().metrics.writes += 1;
    tracing::info!("Released {}: no Rollout names it", write.object);
    Ok(())
}

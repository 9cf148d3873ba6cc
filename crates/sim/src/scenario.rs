//! Scenario scripts: commands in, transcript out, in virtual time.
//!
//! A script is a text file. A line that begins with `$ ` is a command; the lines behind it that are indented by four blanks are what
//! it printed. `# ` begins a comment. The same file is tutorial, bug report and regression test: running it writes the output anew,
//! and a test compares. At the end of every script the world must be at rest: the controller's second plan is empty, no invariant was
//! broken, and a simulated day passes without a write.
//!
//! Commands are those a user would type (`kubectl apply -f FILE`, `kubectl argo rollouts promote NAME`, ...), the simulator's own
//! (`wait 5s`, `wait until Healthy`, `crash`, `start`) are listed in [`command`].

pub mod command;
mod script;

pub use command::CommandError;
pub use script::{Script, ScriptError, Step};

use std::path::Path;

use crate::pace::Pace;
use crate::world::{Options, run};

/// Runs a script in a world of its own and returns it with the output it had. Files that it names are relative to `base`.
///
/// # Errors
/// When a line cannot be understood, or the world is not at rest at the end; the text says where.
pub fn play(script: &Script, base: &Path) -> Result<Script, ScriptError> {
    let options = Options { seed: script.seed, ..Options::default() };
    run(Pace::Virtual, options, |mut world| async move {
        world.prepare().await;
        let mut played = script.clone();
        for (number, step) in played.steps.iter_mut().enumerate() {
            if let Step::Command { text, output } = step {
                *output = command::execute(&mut world, text, base).await.map_err(|source| {
                    ScriptError::Command { number: number + 1, text: text.clone(), source }
                })?;
            }
        }
        script::check_rest(&mut world).await?;
        Ok(played)
    })
}

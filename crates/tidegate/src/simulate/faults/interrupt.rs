//! Ctrl-C ends a campaign, not the process: what was seen so far is still told. The second one ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

/// Whether somebody wants it to end.
pub(super) struct Interrupt {
    asked: Arc<AtomicBool>,
    /// Dropped, it ends the listener.
    over: Option<oneshot::Sender<()>>,
    listener: Option<JoinHandle<()>>,
}

impl Interrupt {
    /// Listens until it is dropped. Where the system gives no signals, Ctrl-C ends the process as ever.
    pub(super) fn listen() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        let (over, mut ended) = oneshot::channel::<()>();
        let heard = Arc::clone(&asked);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let listener = runtime.ok().map(|runtime| {
            std::thread::spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = &mut ended => {}
                        Ok(()) = tokio::signal::ctrl_c() => {
                            heard.store(true, Ordering::Relaxed);
                            tokio::select! {
                                _ = &mut ended => {}
                                // Worlds that are being played are not waited for a second time.
                                Ok(()) = tokio::signal::ctrl_c() => std::process::exit(super::INTERRUPTED.into()),
                            }
                        }
                    }
                });
            })
        });
        Self { asked, over: Some(over), listener }
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(listener) = self.listener.take() {
            // It only waits.
            let _ = listener.join();
        }
    }
}

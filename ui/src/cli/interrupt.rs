//! Ctrl-C: the first press asks for a clean stop, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use luthier_engine::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// `Internal` if the system refuses the handler.
    pub fn listen() -> Result<Self> {
        let pressed = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first press finds the flag down and only raises it, the second one ends.
            flag::register_conditional_shutdown(signal, i32::from(Error::Stopped.exit_code()), Arc::clone(&pressed))
                .and_then(|_| flag::register(signal, Arc::clone(&pressed)))
                .map_err(|error| Error::Internal(format!("Ctrl-C cannot be handled: {error}")))?;
        }
        Ok(Self(pressed))
    }

    pub fn pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

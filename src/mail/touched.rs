//! Whose counts have changed since somebody last looked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Logins, each once.
#[derive(Debug, Default)]
pub struct Touched(Mutex<HashSet<Arc<str>>>);

impl Touched {
    /// Something happened with this one.
    pub fn touch(&self, login: &Arc<str>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(login) {
            all.insert(Arc::clone(login));
        }
    }

    /// All of them, and none from now on.
    pub fn take(&self) -> HashSet<Arc<str>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

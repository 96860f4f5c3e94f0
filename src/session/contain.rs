//! A panic in one file must not end the run, nor spill its message between the lines of the report.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside [`contained`].
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    /// Where its last panic was.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic in it becomes an error that says what and where, and prints nothing.
///
/// `work` must leave nothing half done that is looked at afterwards.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let outer = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    result.map_err(|payload| {
        let place = PANICKED_AT.take().map(|it| format!(" ({it})")).unwrap_or_default();
        format!("internal error: {}{place}", message(payload.as_ref()))
    })
}

/// Puts before the process's panic hook, once, one that is silent on contained threads.
fn install_hook() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CONTAINED.get() {
                PANICKED_AT.set(info.location().map(ToString::to_string));
            } else {
                default(info);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic")
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(contained(|| 1), Ok(1));
        let error = contained(|| -> u32 { panic!("no {}", "luck") }).unwrap_err();
        assert!(error.starts_with("internal error: no luck (src/session/contain.rs:"), "{error}");
        assert_eq!(contained(|| 2), Ok(2));
    }
}

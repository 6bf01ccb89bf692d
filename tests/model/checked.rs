//! What becomes of a comparison: nothing, or a sentence that says what differs.

use std::fmt::Debug;

/// Agreement, or what differs.
pub(crate) type Checked = Result<(), String>;

/// Compares what the store said with what the model says.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, store: &T, model: &T) -> Checked {
    holds(store == model, || format!("{what}: the store says {store:?}, the model {model:?}"))
}

/// Says what is wrong unless `good`.
pub(crate) fn holds(good: bool, wrong: impl FnOnce() -> String) -> Checked {
    if good { Ok(()) } else { Err(wrong()) }
}

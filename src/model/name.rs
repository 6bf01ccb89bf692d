//! Names of streams and tenants.
//!
//! A name that exists as a value is well formed: what clients may not say is refused here and
//! nowhere else. Names compare by bytes.

use std::fmt;
use std::sync::Arc;

use super::limits::{GIVEN_NAME_BYTES_MAX, STREAM_NAME_BYTES_MAX, TENANT_NAME_BYTES_MAX};
use super::{Invalid, Limits};

/// The first character of the names of system streams, which only the store writes.
pub const SYSTEM_PREFIX: char = '$';

/// What the names of the streams begin with that tell other streams' lives.
pub const LIFE_PREFIX: &str = "$streams-";

/// The name of a stream. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// A name that a client may append to.
    ///
    /// # Errors
    /// When it is empty, too long, has control characters, or starts with `$`.
    pub fn for_append(name: &str, limits: &Limits) -> Result<Self, Invalid> {
        let name = Self::for_read(name, limits)?;
        if name.is_system() {
            return Err(Invalid::malformed("stream names that start with `$` belong to the store"));
        }
        Ok(name)
    }

    /// A name that a client may ask for: also a system stream's.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters.
    pub fn for_read(name: &str, limits: &Limits) -> Result<Self, Invalid> {
        if name.is_empty() {
            return Err(Invalid::malformed("the stream name is empty"));
        }
        // What tells a stream's life is named after it, and as long as the prefix longer.
        let own = name.strip_prefix(LIFE_PREFIX).unwrap_or(name);
        Invalid::check("stream_name_bytes", limits.stream_name_bytes.min(STREAM_NAME_BYTES_MAX), own.len())?;
        if name.chars().any(char::is_control) {
            return Err(Invalid::malformed("the stream name has control characters"));
        }
        Ok(Self(name.into()))
    }

    /// A name as the log holds it: it was checked before it was written.
    pub fn from_log(name: &str) -> Self {
        Self(name.into())
    }

    /// Whether only the store writes this stream.
    pub fn is_system(&self) -> bool {
        is_system(&self.0)
    }

    /// The system stream that tells this stream's life: its metadata and its ends.
    pub fn life_stream(&self) -> Self {
        Self(format!("{LIFE_PREFIX}{}", self.0).into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Whether a stream of this name is written by the store only.
pub fn is_system(stream: &str) -> bool {
    stream.starts_with(SYSTEM_PREFIX)
}

/// A stream's category: its name up to the first `-`. A name without one has none.
pub fn category(stream: &str) -> Option<&str> {
    stream.split_once('-').map(|(category, _)| category).filter(|category| !category.is_empty())
}

/// The name of a consumer's checkpoint. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckpointName(Arc<str>);

impl CheckpointName {
    /// A name that a client may give.
    ///
    /// # Errors
    /// When it is empty, longer than 256 bytes, has control characters, or starts with `$`.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        check_given("the checkpoint's name", name)?;
        if name.starts_with(SYSTEM_PREFIX) {
            return Err(Invalid::malformed("checkpoint names that start with `$` belong to the store"));
        }
        Ok(Self(name.into()))
    }

    /// A name that only the store gives: a door's, or one that the log holds.
    pub fn from_log(name: &str) -> Self {
        Self(name.into())
    }

    /// Whether only the store gives this name. Its position need not be one of this log.
    pub fn is_system(&self) -> bool {
        is_system(&self.0)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CheckpointName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for CheckpointName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A name that clients give to what is theirs: a consumer group, its members, a read model. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GivenName(Arc<str>);

impl GivenName {
    /// A name that a client may give; `what` it names is told when it may not.
    ///
    /// # Errors
    /// When it is empty, longer than 256 bytes, has control characters, or starts with `$`.
    pub fn new(what: &str, name: &str) -> Result<Self, Invalid> {
        check_given(what, name)?;
        if name.starts_with(SYSTEM_PREFIX) {
            return Err(Invalid::malformed(format!("{what} starts with `$`, as only the store's own names do")));
        }
        Ok(Self(name.into()))
    }

    /// A name as the log holds it: it was checked before it was written.
    pub fn from_log(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GivenName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for GivenName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Checks what all names have in common that clients give: 1 to 256 bytes, no control characters.
///
/// # Errors
/// When that is not so.
pub fn check_given(what: &str, name: &str) -> Result<(), Invalid> {
    if name.is_empty() {
        return Err(Invalid::malformed(format!("{what} is empty")));
    }
    Invalid::check("given_name_bytes", GIVEN_NAME_BYTES_MAX, name.len())?;
    if name.chars().any(char::is_control) {
        return Err(Invalid::malformed(format!("{what} has control characters")));
    }
    Ok(())
}

/// The name of a tenant: an isolated store. Also the name of its directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The tenant of a request that names none.
    pub const DEFAULT: &'static str = "default";

    /// A tenant's name.
    ///
    /// # Errors
    /// When it is not 1 to 64 of `a-z`, `0-9`, `-` and `_`, beginning with a letter or digit: other
    /// characters mean different things to different file systems.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        Invalid::check("tenant_name_bytes", TENANT_NAME_BYTES_MAX, name.len())?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = name.starts_with(plain) && name.chars().all(|c| plain(c) || c == '-' || c == '_');
        if !good {
            return Err(Invalid::malformed(
                "a tenant name is 1 to 64 of a-z, 0-9, `-` and `_`, beginning with a letter or digit",
            ));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_names_are_checked_at_the_limit_and_around_it() {
        let limits = Limits::default();
        for (name, good) in [
            ("order-1".to_owned(), true),
            ("é".to_owned(), true),
            (String::new(), false),
            ("a\nb".to_owned(), false),
            ("a\u{85}b".to_owned(), false),
            ("$system".to_owned(), false),
            ("x".repeat(511), true),
            ("x".repeat(512), true),
            ("x".repeat(513), false),
        ] {
            assert_eq!(StreamName::for_append(&name, &limits).is_ok(), good, "{name:?}");
        }
        assert!(StreamName::for_read("$system", &limits).is_ok());
        for (bytes, good) in [(511, true), (512, true), (513, false)] {
            let name = StreamName::from_log(&"x".repeat(bytes)).life_stream();
            assert_eq!(StreamName::for_read(name.as_str(), &limits).is_ok(), good, "{bytes} bytes");
        }
    }

    #[test]
    fn tenant_names_are_safe_directory_names() {
        for good in ["default", "a", "0-x_y"] {
            assert!(TenantId::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "A", "-a", "a.b", &"x".repeat(65)] {
            assert!(TenantId::new(bad).is_err(), "{bad}");
        }
    }
}

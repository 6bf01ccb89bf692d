//! What fuzzers feed the conversions of groups.

use prost::Message;

use super::convert;
use crate::model::{Limits, Query};
use crate::proto;

/// Settings that are taken in are shown so that they can be taken in again.
pub(in crate::grpc) fn settings(bytes: &[u8], limits: &Limits) {
    let Ok(wanted) = proto::ConsumerGroupSettings::decode(bytes) else { return };
    let Ok(settings) = convert::settings(wanted, limits) else { return };
    let again = convert::settings(convert::settings_out(settings.clone()), limits);
    assert_eq!(again.as_ref(), Ok(&settings));
    for tries in [0, 1, 7, u32::MAX] {
        assert!(settings.backoff_after(tries) <= settings.backoff_max.max(settings.backoff));
    }
}

/// There is an outcome for everything that is said.
pub(in crate::grpc) fn outcomes(bytes: &[u8]) {
    let Ok(settle) = proto::Settle::decode(bytes) else { return };
    let said = settle.ack.len() + settle.nack.len();
    assert!(convert::outcomes(settle).is_ok_and(|outcomes| outcomes.len() == said) || said > 0);
}

/// A query as clients are shown it.
pub(in crate::grpc) fn query_out(query: &Query) -> proto::Query {
    convert::query_out(query)
}

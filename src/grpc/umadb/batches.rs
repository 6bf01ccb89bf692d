//! Pages of the store as the batches that a client asked for.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tonic::Status;

use super::event;
use super::retold::retold;
use crate::grpc::status::status;
use crate::grpc::subscribing::{FromMessage, Signal};
use crate::proto::umadb::SequencedEvent;
use crate::store::Error;

/// How many bytes of events go into one message. UmaDB's clients take messages of at most 4 MiB; an
/// event that is larger than this goes alone.
const MESSAGE_BYTES_MAX: usize = 7 << 19;

type Batch = Result<Vec<SequencedEvent>, Status>;

/// The batches of these pages, each of at most so many events.
pub(super) fn batches<S>(pages: S, events_max: Option<u32>) -> impl Stream<Item = Batch> + Send + 'static
where
    S: Stream<Item = Result<Vec<Bytes>, Status>> + Send + 'static,
{
    let most = events_max.map_or(usize::MAX, |most| most.max(1) as usize);
    pages.flat_map(move |page| stream::iter(batches_of(page, most)))
}

fn batches_of(page: Result<Vec<Bytes>, Status>, most: usize) -> Vec<Batch> {
    let page = match page {
        Ok(page) => page,
        Err(failure) => return vec![Err(retold(&failure))],
    };
    let mut batches = Vec::new();
    let mut rest = page.as_slice();
    while !rest.is_empty() {
        let (batch, behind) = rest.split_at(first_batch(rest, most));
        batches.push(event::sequenced(batch).map_err(|error| retold(&status(&Error::internal(error)))));
        rest = behind;
    }
    batches
}

/// How many of these events make the first batch.
fn first_batch(events: &[Bytes], most: usize) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Bytes| {
        bytes += event.len();
        bytes <= MESSAGE_BYTES_MAX
    };
    events.iter().take(most).take_while(fits).count().max(1)
}

/// What a subscription says, without what UmaDB's clients have no word for.
impl FromMessage for Vec<Bytes> {
    fn events(events: Vec<Bytes>) -> Self {
        events
    }

    fn signal(_: Signal) -> Self {
        Vec::new()
    }
}

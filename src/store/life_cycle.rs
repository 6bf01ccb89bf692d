//! The lives of streams, as readers see them: what is hidden, and why.
//!
//! A stream's life is told by events of a system stream, each of which says the whole of it, so the last one
//! counts. It hides events from whoever reads the stream; the log itself is read as it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Error;
use super::heads::StreamHead;
use super::read::{PageSize, Reader};
use super::transaction::LifeEvent;
use crate::log::StoredEvent;
use crate::model::event::data_of;
use crate::model::name::{LIFE_PREFIX, category};
use crate::model::wire::put_bytes;
use crate::model::{LifeCycle, Position, ProposedEvent, Revision, StreamName, Timestamp};

/// A stream as whoever reads it sees it.
#[derive(Debug, Clone)]
pub struct StreamView {
    /// Where it ends.
    pub head: StreamHead,
    /// The first revision that can be read; behind the head when none can.
    pub first: Revision,
    /// Its life, when anything was ever said of it.
    pub life: Option<Arc<LifeCycle>>,
}

impl Reader {
    /// What a reader at `now` sees of a stream in the log up to `until`.
    ///
    /// # Errors
    /// When it has no event, or was deleted.
    pub fn view(&self, stream: &StreamName, until: Position, now: Timestamp) -> Result<StreamView, Error> {
        let head = self.stream_head_at(stream, until)?;
        let life = self.life_cycle(stream, until)?;
        let last = head.map(|head| head.revision);
        match &life {
            Some(life) if life.is_tombstoned => return Err(Error::StreamGone(stream.clone())),
            Some(life) if head.is_some() && life.is_deleted(last) => return Err(Error::StreamDeleted(stream.clone())),
            _ => {}
        }
        let head = head.ok_or_else(|| Error::StreamNotFound(stream.clone()))?;
        let mut first = Revision::FIRST;
        if let Some(life) = &life {
            first = life.first_revision(head.revision);
            if let Some(oldest) = life.metadata.max_age.and_then(|age| now.earlier_by(age)) {
                first = self.first_since(stream, first, head, oldest)?;
            }
        }
        Ok(StreamView { head, first, life })
    }

    /// A stream's life in the log up to `until`; `None` when nothing was ever said of it.
    pub(super) fn life_cycle(&self, stream: &StreamName, until: Position) -> Result<Option<Arc<LifeCycle>>, Error> {
        if stream.is_system() || !self.has_lives.load(Ordering::Acquire) {
            return Ok(None);
        }
        let Some(last) = self.stream_head_at(&stream.life_stream(), until)? else { return Ok(None) };
        let event = self.event_at(last.position)?;
        let life = serde_json::from_slice(data_of(event.bytes())).map_err(Error::internal)?;
        Ok(Some(Arc::new(life)))
    }

    /// Whether a stream was deleted.
    pub(super) fn is_deleted(&self, stream: &StreamName) -> Result<bool, Error> {
        let Some(life) = self.life_cycle(stream, Position(u64::MAX))? else { return Ok(false) };
        Ok(life.is_deleted(self.stream_head(stream)?.map(|head| head.revision)))
    }

    /// Whether any stream's life was ever told: looked up at start, noted by the writer after that.
    pub(super) fn find_lives(&self) -> Result<(), Error> {
        let category = category(LIFE_PREFIX).expect("the prefix has a category");
        let found = self.index.locate(self.index.terms().text(crate::index::TermKind::Category, category)).next();
        self.has_lives.store(found.transpose()?.is_some(), Ordering::Release);
        Ok(())
    }

    /// Notes that a stream's life was told.
    pub(super) fn note_life(&self) {
        self.has_lives.store(true, Ordering::Release);
    }

    /// The first revision that was recorded at `oldest` or later, from `first` on.
    fn first_since(
        &self,
        stream: &StreamName,
        first: Revision,
        head: StreamHead,
        oldest: Timestamp,
    ) -> Result<Revision, Error> {
        let (mut low, mut high) = (first.0, head.revision.0 + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let page = self.stream_forwards(stream, Revision(middle), head.position, PageSize::ONE)?;
            let event = page.first().ok_or(Error::EventNotFound)?;
            if event.recorded_at() < oldest { low = middle + 1 } else { high = middle }
        }
        Ok(Revision(low))
    }
}

/// The event that tells a stream's life.
pub(super) fn life_event(what: &LifeEvent, life: &LifeCycle) -> ProposedEvent {
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, crate::model::event::TYPE_FIELD, what.event_type().as_bytes());
    let data = serde_json::to_vec(life).expect("a life is plain data");
    put_bytes(&mut bytes, crate::model::event::DATA_FIELD, &data);
    ProposedEvent::by_store(bytes.into())
}

/// The life that a stored event tells, and of which stream; `None` when it tells none.
pub(super) fn life_told(event: &StoredEvent) -> Option<(StreamName, LifeCycle)> {
    let stream = event.stream().strip_prefix(LIFE_PREFIX)?;
    Some((StreamName::from_log(stream), serde_json::from_slice(data_of(event.bytes())).ok()?))
}

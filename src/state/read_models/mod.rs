//! Read models: documents that projectors make of events, with the position that belongs to them.
//!
//! Every change goes in together with the generation's position, all or nothing. Documents of a generation that
//! is gone are removed piece by piece; a note says so until that is done.

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod keys;

use std::sync::{Arc, Mutex, MutexGuard};

use super::keys::encode_moment;
use super::{Change, Error, Shelf};
use crate::model::{Position, Timestamp};

/// How many documents are read at once: each may be large.
const AT_ONCE: usize = 64;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What kind of document it is.
    pub kind: String,
    /// Its own name within the kind.
    pub id: String,
    /// What it holds.
    pub data: Vec<u8>,
    /// The media type of that.
    pub content_type: String,
    /// The position of the write that made it so.
    pub position: Position,
    /// When that was.
    pub updated_at: Timestamp,
}

/// A generation of a read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// Its number, from 1.
    pub number: u64,
    /// The position of the last event that is in it.
    pub position: Position,
    /// Whether it is what readers see.
    pub is_active: bool,
    /// When it was written last.
    pub updated_at: Timestamp,
}

/// Changes of documents that go together.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// Where the generation must be.
    pub expected: Position,
    /// Where it is from now on.
    pub position: Position,
    /// Documents as they are from now on.
    pub upserts: Vec<Document>,
    /// Kinds and ids of documents that go.
    pub deletes: Vec<(String, String)>,
}

/// Which documents of a generation are listed.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Of which kind; `None`: all.
    pub kind: Option<String>,
    /// Whose ids begin with this.
    pub id_prefix: String,
    /// The kind and id of the first.
    pub from: Option<(String, String)>,
    /// How many are passed over first.
    pub offset: u64,
    /// At most so many.
    pub most: usize,
    /// About so many bytes.
    pub bytes: usize,
}

/// Documents in the order of kinds and ids, the kind and id of the next, and whose they are.
pub type Page = (Vec<Document>, Option<(String, String)>, Generation);

/// Why something was not done.
#[derive(Debug)]
pub enum Refusal {
    /// There is no such model, generation or document.
    NotFound(&'static str),
    /// The generation is elsewhere.
    Position(Generation),
    /// The generation is what readers see.
    Active,
    /// The shelf failed.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The read models of a store. Its methods block on the disk.
#[derive(Debug)]
pub struct ReadModels {
    shelf: Arc<dyn Shelf>,
    writing: Mutex<()>,
}

impl ReadModels {
    /// Those on a shelf, if they were made of the log with this id: a shelf of another log's is emptied. Goes on
    /// removing what was being removed.
    pub fn open(shelf: Arc<dyn Shelf>, log_id: u128) -> Result<Self, Error> {
        let (found, own) = (shelf.get(&[keys::LOG])?, log_id.to_be_bytes());
        // Without an id, the shelf is new, or was made before there was one.
        if found.as_ref().is_some_and(|found| *found != own) {
            tracing::warn!("the read models are those of another log; their projectors make them again");
            shelf.clear()?;
        }
        if found.is_none_or(|found| found != own) {
            shelf.apply(vec![Change::Put(vec![keys::LOG], own.to_vec())])?;
        }
        let models = Self { shelf, writing: Mutex::default() };
        let dying: Vec<_> = models.shelf.rows(&[keys::DYING])?;
        for (name, number) in dying.iter().filter_map(|(key, _)| keys::decode_generation(key)) {
            models.remove_documents(&name, number)?;
        }
        Ok(models)
    }

    /// Changes documents and the position of a generation, the active one if none is named; returns its number.
    pub fn write(&self, name: &str, number: Option<u64>, write: Write, now: Timestamp) -> Result<u64, Refusal> {
        let _alone = self.lock();
        let mut changes = Vec::new();
        let generation = match self.model(name)? {
            Some((active, _)) => self.generation(name, number.unwrap_or(active), active)?,
            None if number.is_some() => return Err(Refusal::NotFound("read model")),
            None => {
                let number = self.next_number(name, 0)?;
                changes.push(Change::Put(keys::model(name), keys::encode_model(number, number)));
                Generation { number, position: Position::ZERO, is_active: true, updated_at: now }
            }
        };
        if generation.position != write.expected {
            return Err(Refusal::Position(generation));
        }
        let number = generation.number;
        for (kind, id) in write.deletes {
            changes.push(Change::Remove(keys::document(name, number, &kind, &id)));
        }
        for document in write.upserts {
            let key = keys::document(name, number, &document.kind, &document.id);
            let document = Document { position: write.position, updated_at: now, ..document };
            changes.push(Change::Put(key, keys::encode_document(&document)));
        }
        let moment = encode_moment(write.position, now);
        changes.push(Change::Put(keys::generation(keys::GENERATION, name, number), moment));
        self.apply(changes)?;
        Ok(number)
    }

    /// A document, and the generation that it is of.
    pub fn get(
        &self,
        name: &str,
        number: Option<u64>,
        kind: &str,
        id: &str,
    ) -> Result<(Document, Generation), Refusal> {
        // So that the document and the position belong together.
        let _alone = self.lock();
        let generation = self.find(name, number)?;
        let key = keys::document(name, generation.number, kind, id);
        let value = self.shelf.get(&key)?.ok_or(Refusal::NotFound("such document in read model"))?;
        Ok((decode(name, generation.number, &key, &value)?, generation))
    }

    /// A page of documents.
    pub fn list(&self, name: &str, number: Option<u64>, listing: &Listing) -> Result<Page, Refusal> {
        let mut generation = self.find(name, number)?;
        let all = keys::generation(keys::DOCUMENT, name, generation.number);
        let prefix = match &listing.kind {
            Some(kind) => [&keys::documents(name, generation.number, kind)[..], listing.id_prefix.as_bytes()].concat(),
            None => all,
        };
        let first = listing.from.as_ref().map(|(kind, id)| keys::document(name, generation.number, kind, id));
        let mut from = first.unwrap_or_else(|| prefix.clone());
        let mut left = listing.offset;
        while left > 0 {
            let passed = self.shelf.rows_from(&prefix, &from, left.min(AT_ONCE as u64) as usize)?;
            let Some((last, _)) = passed.last() else { return Ok((Vec::new(), None, generation)) };
            from = [last, &[0][..]].concat();
            left -= passed.len() as u64;
        }
        // So that the documents and the position belong together.
        let _alone = self.lock();
        generation = self.find(name, Some(generation.number))?;
        let (mut documents, mut bytes) = (Vec::new(), 0);
        loop {
            let rows = self.shelf.rows_from(&prefix, &from, AT_ONCE)?;
            let Some((last, _)) = rows.last() else { return Ok((documents, None, generation)) };
            from = [last, &[0][..]].concat();
            for (key, value) in rows {
                let document = decode(name, generation.number, &key, &value)?;
                if documents.len() == listing.most || bytes >= listing.bytes {
                    return Ok((documents, Some((document.kind, document.id)), generation));
                }
                bytes += document.data.len();
                documents.push(document);
            }
        }
    }

    /// The generations of a model, ascending.
    pub fn generations(&self, name: &str) -> Result<Vec<Generation>, Refusal> {
        let (active, _) = self.model(name)?.ok_or(Refusal::NotFound("read model"))?;
        let rows = self.shelf.rows(&keys::generations(keys::GENERATION, name))?.into_iter();
        let decode = |(key, value): (Vec<u8>, Vec<u8>)| {
            let number = keys::decode_generation(&key).map(|(_, number)| number);
            number.and_then(|number| keys::decode_generation_value(number, active, &value)).ok_or_else(malformed)
        };
        Ok(rows.map(decode).collect::<Result<_, _>>()?)
    }

    /// Names of models that begin with `prefix` and are not below `from`, sorted; at most `most`.
    pub fn names(&self, prefix: &str, from: &str, most: usize) -> Result<Vec<String>, Error> {
        let rows = self.shelf.rows_from(&keys::model(prefix), &keys::model(from), most)?;
        rows.into_iter().map(|(key, _)| String::from_utf8(key[1..].to_vec()).map_err(|_| malformed())).collect()
    }

    /// Makes a new generation; returns its number.
    pub fn begin(&self, name: &str, now: Timestamp) -> Result<u64, Refusal> {
        let _alone = self.lock();
        let (active, last) = self.model(name)?.unwrap_or_default();
        let number = self.next_number(name, last)?;
        let active = if active == 0 { number } else { active };
        self.apply(vec![
            Change::Put(keys::model(name), keys::encode_model(active, number)),
            Change::Put(keys::generation(keys::GENERATION, name, number), encode_moment(Position::ZERO, now)),
        ])?;
        Ok(number)
    }

    /// Makes a generation the active one, on condition of its position if one is named, and removes all older
    /// ones.
    pub fn switch(&self, name: &str, number: u64, expected: Option<Position>) -> Result<(), Refusal> {
        let older = {
            let _alone = self.lock();
            let (active, last) = self.model(name)?.ok_or(Refusal::NotFound("read model"))?;
            let generation = self.generation(name, number, active)?;
            if expected.is_some_and(|expected| expected != generation.position) {
                return Err(Refusal::Position(generation));
            }
            let older = self.generations(name)?.into_iter().map(|other| other.number).filter(|other| *other < number);
            let older: Vec<_> = older.collect();
            let mut changes = vec![Change::Put(keys::model(name), keys::encode_model(number, last))];
            older.iter().for_each(|old| changes.extend(end(name, *old)));
            self.apply(changes)?;
            older
        };
        older.into_iter().try_for_each(|old| Ok(self.remove_documents(name, old)?))
    }

    /// Deletes a generation that is not active, or the whole model.
    pub fn delete(&self, name: &str, number: Option<u64>) -> Result<(), Refusal> {
        let gone = {
            let _alone = self.lock();
            let (active, _) = self.model(name)?.ok_or(Refusal::NotFound("read model"))?;
            let mut changes = Vec::new();
            let gone: Vec<u64> = match number {
                Some(number) if number == active => return Err(Refusal::Active),
                Some(number) => vec![self.generation(name, number, active)?.number],
                None => {
                    changes.push(Change::Remove(keys::model(name)));
                    self.generations(name)?.into_iter().map(|generation| generation.number).collect()
                }
            };
            gone.iter().for_each(|number| changes.extend(end(name, *number)));
            self.apply(changes)?;
            gone
        };
        gone.into_iter().try_for_each(|number| Ok(self.remove_documents(name, number)?))
    }

    /// Writes out what is not on disk yet.
    pub fn flush(&self) -> Result<(), Error> {
        self.shelf.flush()
    }

    /// Applies changes so that they outlive this process: whoever was answered, or has read a document, goes on
    /// from there, and a position that goes back after a kill would let an effect in twice.
    fn apply(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.shelf.apply(changes)?;
        self.shelf.flush()
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().expect("no panic under this lock")
    }

    /// The active generation of a model, and the last number given out.
    fn model(&self, name: &str) -> Result<Option<(u64, u64)>, Error> {
        let value = self.shelf.get(&keys::model(name))?;
        value.map(|value| keys::decode_model(&value).ok_or_else(malformed)).transpose()
    }

    fn find(&self, name: &str, number: Option<u64>) -> Result<Generation, Refusal> {
        let (active, _) = self.model(name)?.ok_or(Refusal::NotFound("read model"))?;
        self.generation(name, number.unwrap_or(active), active)
    }

    fn generation(&self, name: &str, number: u64, active: u64) -> Result<Generation, Refusal> {
        let value = self.shelf.get(&keys::generation(keys::GENERATION, name, number))?;
        let value = value.ok_or(Refusal::NotFound("such generation of read model"))?;
        Ok(keys::decode_generation_value(number, active, &value).ok_or_else(malformed)?)
    }

    /// The number of the next generation: none whose documents may still be there.
    fn next_number(&self, name: &str, last: u64) -> Result<u64, Error> {
        let dying = self.shelf.rows(&keys::generations(keys::DYING, name))?;
        let dying = dying.iter().filter_map(|(key, _)| keys::decode_generation(key)).map(|(_, number)| number);
        Ok(dying.max().unwrap_or(0).max(last) + 1)
    }

    fn remove_documents(&self, name: &str, number: u64) -> Result<(), Error> {
        let prefix = keys::generation(keys::DOCUMENT, name, number);
        loop {
            let rows = self.shelf.rows_from(&prefix, &prefix, AT_ONCE)?;
            if rows.is_empty() {
                return self.shelf.apply(vec![Change::Remove(keys::generation(keys::DYING, name, number))]);
            }
            self.shelf.apply(rows.into_iter().map(|(key, _)| Change::Remove(key)).collect())?;
        }
    }
}

/// The changes after which a generation is not found any more, and its documents are to be removed.
fn end(name: &str, number: u64) -> [Change; 2] {
    [
        Change::Remove(keys::generation(keys::GENERATION, name, number)),
        Change::Put(keys::generation(keys::DYING, name, number), Vec::new()),
    ]
}

fn decode(name: &str, number: u64, key: &[u8], value: &[u8]) -> Result<Document, Error> {
    let own = key.strip_prefix(&keys::generation(keys::DOCUMENT, name, number)[..]);
    own.and_then(|own| keys::decode_document(own, value)).ok_or_else(malformed)
}

fn malformed() -> Error {
    Error("a row of the read models is malformed".into())
}

#[cfg(test)]
mod tests {
    use super::super::MemoryShelf;
    use super::*;

    fn write(position: u64) -> Write {
        let data = position.to_string().into_bytes();
        let document = |id: &str| Document {
            kind: "t".into(),
            id: id.into(),
            data: data.clone(),
            content_type: String::new(),
            position: Position::ZERO,
            updated_at: Timestamp::default(),
        };
        let expected = Position(position - 1);
        Write { expected, position: Position(position), upserts: ["a", "b"].map(document).into(), deletes: Vec::new() }
    }

    /// Once, a page was read while documents changed under it.
    #[test]
    fn a_page_holds_the_documents_of_the_position_that_it_tells() {
        let models = ReadModels::open(Arc::new(MemoryShelf::default()), 7).unwrap();
        models.write("m", None, write(1), Timestamp::default()).unwrap();
        let listing = Listing { most: 10, bytes: 1 << 20, ..Listing::default() };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (2..=30_000).for_each(|at| {
                    models.write("m", None, write(at), Timestamp::default()).unwrap();
                });
            });
            let mut at = 0;
            while at < 30_000 {
                let (documents, _, generation) = models.list("m", None, &listing).unwrap();
                at = generation.position.0;
                let found: Vec<_> = documents.iter().map(|document| document.position.0).collect();
                assert_eq!(found, [at, at]);
            }
        });
    }

    #[test]
    fn a_shelf_of_another_log_is_emptied() {
        let shelf = Arc::new(MemoryShelf::default());
        let names = |log_id| ReadModels::open(shelf.clone(), log_id).unwrap().names("", "", 10).unwrap();
        ReadModels::open(shelf.clone(), 7).unwrap().write("m", None, write(1), Timestamp::default()).unwrap();
        assert_eq!(names(7), ["m"]);
        assert!(names(8).is_empty());
        assert!(names(7).is_empty(), "it is the other log's from then on");
    }

    #[test]
    fn what_was_left_of_a_generation_is_removed_at_the_next_start() {
        let shelf = Arc::new(MemoryShelf::default());
        let models = ReadModels::open(shelf.clone(), 7).unwrap();
        models.write("m", None, write(1), Timestamp::default()).unwrap();
        models.write("m2", None, write(1), Timestamp::default()).unwrap();
        // As a process leaves it that ends right after the first step of a deletion.
        shelf.apply([&[Change::Remove(keys::model("m"))][..], &end("m", 1)].concat()).unwrap();
        assert!(matches!(models.begin("m", Timestamp::default()), Ok(2)), "no number of what is still there");
        let models = ReadModels::open(shelf.clone(), 7).unwrap();
        assert_eq!(shelf.rows(&keys::generation(keys::DOCUMENT, "m", 1)).unwrap(), []);
        assert_eq!(shelf.rows(&[keys::DYING]).unwrap(), []);
        let listing = Listing { most: 10, bytes: 1 << 20, ..Listing::default() };
        assert_eq!(models.list("m", None, &listing).unwrap().0, []);
        assert_eq!(models.list("m2", None, &listing).unwrap().0.len(), 2);
    }
}

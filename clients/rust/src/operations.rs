//! Copies and checks of a log that is being written: what operators do.
//!
//! Owns [`Backup`] and [`Verification`], which hand out parts as they come. Neither goes on by itself when the
//! connection breaks: whoever keeps a copy knows what it has, tells that, and begins again. Plans, manifests,
//! progress and findings are the wire's own messages.

use bytes::Bytes;
use tonic::Streaming;

use crate::proto::{self, operations_backup_response as backup, operations_verify_response as verify};
use crate::{Client, Error};

/// What a caller has of a segment: so many bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldSegment {
    /// The segment's number; the first is 1.
    pub number: u32,
    /// How many bytes.
    pub bytes: u64,
    /// Their BLAKE3 hash.
    pub hash: [u8; 32],
}

/// A part of a backup.
#[derive(Clone, Debug, PartialEq)]
pub enum BackupPart {
    /// What the log consists of; no segment has a hash yet. The first part.
    Plan(proto::BackupManifest),
    /// Bytes of a segment, behind those that came before or that the caller has.
    Chunk {
        /// The segment's number.
        number: u32,
        /// Where in the segment they belong.
        offset: u64,
        /// The bytes.
        data: Bytes,
    },
    /// What the log consists of, with all hashes. The last part.
    Manifest(proto::BackupManifest),
}

/// A backup in progress.
#[derive(Debug)]
pub struct Backup {
    messages: Streaming<proto::OperationsBackupResponse>,
}

/// A part of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum VerifyPart {
    /// How far it has got.
    Progress(proto::VerifyProgress),
    /// What it found. The last part.
    Findings(proto::VerifyFindings),
}

/// A check in progress.
#[derive(Debug)]
pub struct Verification {
    messages: Streaming<proto::OperationsVerifyResponse>,
}

impl Client {
    /// Begins a backup of the tenant's log as it is now, without what the caller has.
    pub async fn backup(&self, held: &[HeldSegment]) -> Result<Backup, Error> {
        let held = held.iter().map(|held| proto::HeldSegment {
            number: held.number,
            bytes: held.bytes,
            hash: Bytes::copy_from_slice(&held.hash),
        });
        let request = proto::OperationsBackupRequest { held: held.collect() };
        let call = self.call(Self::operators, request, |mut api, request| async move { api.backup(request).await });
        Ok(Backup { messages: call.await? })
    }

    /// Begins a check of the tenant's log as it is now, at most so fast; 0 means as fast as it goes.
    pub async fn verify(&self, bytes_per_second: u64) -> Result<Verification, Error> {
        let request = proto::OperationsVerifyRequest { bytes_per_second };
        let call = self.call(Self::operators, request, |mut api, request| async move { api.verify(request).await });
        Ok(Verification { messages: call.await? })
    }
}

impl Backup {
    /// The next part. None follows the manifest, and an end before that is an error.
    pub async fn next(&mut self) -> Result<BackupPart, Error> {
        let message = self.messages.message().await?.ok_or_else(|| Error::unavailable("the backup was cut short"))?;
        match message.part {
            Some(backup::Part::Plan(plan)) => Ok(BackupPart::Plan(plan)),
            Some(backup::Part::Chunk(proto::BackupChunk { number, offset, data })) => {
                Ok(BackupPart::Chunk { number, offset, data })
            }
            Some(backup::Part::Manifest(manifest)) => Ok(BackupPart::Manifest(manifest)),
            None => Err(Error::InvalidResponse("a part of a backup is empty".to_owned())),
        }
    }
}

impl Verification {
    /// The next part. None follows the findings, and an end before that is an error.
    pub async fn next(&mut self) -> Result<VerifyPart, Error> {
        let message = self.messages.message().await?.ok_or_else(|| Error::unavailable("the check was cut short"))?;
        match message.part {
            Some(verify::Part::Progress(progress)) => Ok(VerifyPart::Progress(progress)),
            Some(verify::Part::Findings(findings)) => Ok(VerifyPart::Findings(findings)),
            None => Err(Error::InvalidResponse("a part of a check is empty".to_owned())),
        }
    }
}

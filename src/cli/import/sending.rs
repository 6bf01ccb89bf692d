//! Appends on their way to the server, and what becomes of them.
//!
//! Owns the session: appends go out without waiting for answers, as many as may be unanswered, and
//! whatever has no answer when the session breaks is sent again in the next one. That is safe because
//! of ids and expected revisions. The first refusal ends the import; answers to what was sent before
//! are still taken, so that the tally is true.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use quipu_client::{AppendSender, AppendSession, Appended, Client, Error as ClientError, Fault};

use super::Tally;
use super::places::{Planned, refused};
use crate::cli::Error;
use crate::cli::progress::Progress;

/// Sending never waits as long as these fit into the session's own queue.
const UNANSWERED_APPENDS: usize = 250;
const UNANSWERED_BYTES: usize = 16 << 20;

/// How many sessions in a row may break without any answer.
const BREAKS_MAX: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// An append without an answer.
struct Unanswered {
    planned: Planned,
    sent_before: bool,
}

/// An import in progress.
pub(super) struct Sending<'a, S> {
    client: &'a Client,
    appends: std::pin::Pin<Box<S>>,
    tally: &'a mut Tally,
    progress: &'a Progress,
    unanswered: VecDeque<Unanswered>,
    unanswered_bytes: usize,
    /// How sending has ended: with the file, or before.
    end: Option<Result<(), Error>>,
    breaks: u32,
}

impl<'a, S: Stream<Item = Result<Vec<Planned>, Error>>> Sending<'a, S> {
    pub(super) fn new(client: &'a Client, appends: S, tally: &'a mut Tally, progress: &'a Progress) -> Self {
        Self {
            client,
            appends: Box::pin(appends),
            tally,
            progress,
            unanswered: VecDeque::new(),
            unanswered_bytes: 0,
            end: None,
            breaks: 0,
        }
    }

    /// Sends everything, in as many sessions as it takes.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        loop {
            let broken_off = Error::call("the import broke off");
            let session = self.client.append_session().await;
            let outcome = match session {
                Ok(session) => self.through(session).await,
                Err(error) => return Err(broken_off(error)),
            };
            let broke = match outcome {
                Ok(()) => return self.end.unwrap_or(Ok(())),
                Err(broke) => broke,
            };
            // After a refusal or a malformed line, the rest can wait for the next import.
            if let Some(Err(error)) = self.end {
                return Err(error);
            }
            self.breaks += 1;
            if !is_passing(&broke) || self.breaks > BREAKS_MAX {
                return Err(broken_off(broke));
            }
            tokio::time::sleep(FIRST_PAUSE * self.breaks).await;
        }
    }

    /// One session, to the end of the import or until it breaks.
    async fn through(&mut self, session: AppendSession) -> Result<(), ClientError> {
        let (sender, mut answers) = session.split();
        for again in &mut self.unanswered {
            again.sent_before = true;
            send(&sender, &again.planned).await;
        }
        let mut sender = Some(sender);
        loop {
            if self.end.is_some() {
                sender = None;
            }
            let room = self.unanswered.len() < UNANSWERED_APPENDS && self.unanswered_bytes < UNANSWERED_BYTES;
            tokio::select! {
                answer = answers.next() => match answer {
                    None if self.end.is_some() => return Ok(()),
                    None => return Err(ended_early()),
                    Some(answer) => self.take(answer?)?,
                },
                appends = self.appends.next(), if room && sender.is_some() => match appends {
                    None => self.end = Some(Ok(())),
                    Some(Err(error)) => self.end = Some(Err(error)),
                    Some(Ok(appends)) => {
                        for planned in appends {
                            if let Some(sender) = &sender {
                                send(sender, &planned).await;
                            }
                            self.unanswered_bytes += planned.bytes;
                            self.unanswered.push_back(Unanswered { planned, sent_before: false });
                        }
                    }
                },
            }
        }
    }

    /// Takes the answer to the append that waits longest. An error says that it must be sent again.
    fn take(&mut self, answer: Result<Appended, ClientError>) -> Result<(), ClientError> {
        let answer = match answer {
            Err(error) if is_passing(&error) => return Err(error),
            answer => answer,
        };
        self.breaks = 0;
        let Some(Unanswered { planned, sent_before }) = self.unanswered.pop_front() else {
            return Err(ClientError::InvalidResponse("an answer to no append".to_owned()));
        };
        self.unanswered_bytes -= planned.bytes;
        match answer {
            Ok(appended) => {
                // An append of this run whose first answer was lost was not there before.
                let was_there = appended.deduplicated && (planned.is_old || !sent_before);
                let events = planned.events.len() as u64;
                self.tally.add(&planned.stream, events, was_there);
                self.progress.reached(planned.bytes_read, self.tally.events);
            }
            Err(error) if !matches!(self.end, Some(Err(_))) => {
                self.end = Some(Err(refused(planned.lines, &planned.stream, error)));
            }
            // What follows a refused append is refused for its sake.
            Err(_) => {}
        }
        Ok(())
    }
}

/// Puts an append into the session. When that is over, the answers say why.
async fn send(sender: &AppendSender, planned: &Planned) {
    let _ = sender.send(&planned.stream, planned.expected, planned.events.clone()).await;
}

/// The server has ended the session, which is the client's to end.
fn ended_early() -> ClientError {
    ClientError::Unavailable(Fault { reason: None, message: "the session was ended".to_owned() })
}

/// Whether the same append may go in later.
fn is_passing(error: &ClientError) -> bool {
    error.is_retryable() || error.reason().as_deref() == Some("QUEUE_FULL")
}

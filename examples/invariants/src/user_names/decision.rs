//! Who may have a name.
//!
//! Owns [`Standing`]: who has a name, and since which position. Pure. Claims and releases of a name take
//! turns, which the guards see to, so the newest event is all there is to know.

use super::events::Event;
use crate::Decision;

/// Why a user does not get a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Somebody else has it.
    Taken,
    /// The name to be given up for it is not the user's.
    NotYours,
}

/// How it stands with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    holder: Option<String>,
    since: u64,
}

impl Standing {
    /// Nobody ever had the name, as far as is known.
    #[must_use]
    pub fn unclaimed() -> Self {
        Self::default()
    }

    /// The newest event of the name is this one, at this position.
    #[must_use]
    pub fn after(newest: Event, position: u64) -> Self {
        match newest {
            Event::Claimed { user, .. } => Self { holder: Some(user), since: position },
            Event::Released { .. } => Self { holder: None, since: position },
        }
    }

    /// The position of the newest event of the name, 0 when there is none: as long as no newer one comes,
    /// things stand as they do.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The rule for claiming the name.
    #[must_use]
    pub fn claim(&self, user: &str) -> Decision<Refusal> {
        match self.holder.as_deref() {
            None => Decision::Append,
            Some(holder) if holder == user => Decision::Done,
            Some(_) => Decision::Refuse(Refusal::Taken),
        }
    }

    /// The rule for giving the name up.
    #[must_use]
    pub fn release(&self, user: &str) -> Decision<Refusal> {
        if self.holder.as_deref() == Some(user) { Decision::Append } else { Decision::Done }
    }

    /// The rule for giving the name up and having another one instead.
    #[must_use]
    pub fn rename(&self, user: &str, new: &Self) -> Decision<Refusal> {
        match (new.claim(user), self.release(user)) {
            (Decision::Append, Decision::Append) => Decision::Append,
            (Decision::Append, _) => Decision::Refuse(Refusal::NotYours),
            (otherwise, _) => otherwise,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by(user: &str) -> Standing {
        Standing::after(Event::Claimed { user: user.to_owned(), name: "quipu".to_owned() }, 7)
    }

    fn released_by(user: &str) -> Standing {
        Standing::after(Event::Released { user: user.to_owned(), name: "quipu".to_owned() }, 9)
    }

    #[test]
    fn a_name_is_free_until_it_is_claimed_and_again_when_it_is_released() {
        assert_eq!(Standing::unclaimed().claim("ada"), Decision::Append);
        assert_eq!(held_by("bob").claim("ada"), Decision::Refuse(Refusal::Taken));
        assert_eq!(released_by("bob").claim("ada"), Decision::Append);
        assert_eq!([Standing::unclaimed(), held_by("bob"), released_by("bob")].map(|it| it.since()), [0, 7, 9]);
    }

    #[test]
    fn what_is_so_already_is_done() {
        assert_eq!(held_by("ada").claim("ada"), Decision::Done);
        assert_eq!(held_by("bob").release("ada"), Decision::Done);
        assert_eq!(released_by("ada").release("ada"), Decision::Done);
        assert_eq!(released_by("ada").rename("ada", &held_by("ada")), Decision::Done);
    }

    #[test]
    fn only_the_holder_releases() {
        assert_eq!(held_by("ada").release("ada"), Decision::Append);
        assert_eq!(held_by("bob").rename("ada", &Standing::unclaimed()), Decision::Refuse(Refusal::NotYours));
    }

    #[test]
    fn another_name_is_had_only_when_it_is_free() {
        assert_eq!(held_by("ada").rename("ada", &released_by("bob")), Decision::Append);
        assert_eq!(held_by("ada").rename("ada", &held_by("bob")), Decision::Refuse(Refusal::Taken));
    }
}

//! Which operations a workload has, and how often each comes.
//!
//! Owns [`Mix`], as it is typed (`append=8,read-stream=2`) and as it is drawn from.

use std::fmt;
use std::str::FromStr;

use super::payload::Lots;

/// What a workload can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// An append to one stream.
    Append,
    /// A read of one stream from its start.
    ReadStream,
    /// A read of the log from a position drawn by lot.
    ReadAll,
    /// A read of the log by a tag.
    Query,
}

impl Operation {
    /// All of them, each at the place that [`place`](Self::place) tells.
    pub(super) const ALL: [Self; 4] = [Self::Append, Self::ReadStream, Self::ReadAll, Self::Query];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::ReadStream => "read-stream",
            Self::ReadAll => "read-all",
            Self::Query => "query",
        }
    }

    /// Its place among all.
    pub(super) fn place(self) -> usize {
        self as usize
    }
}

/// The weights of operations: one that weighs twice as much comes twice as often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mix {
    weights: [u32; Operation::ALL.len()],
}

impl Mix {
    /// The operations that come at all.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation> {
        let weights = self.weights;
        Operation::ALL.into_iter().filter(move |operation| weights[operation.place()] > 0)
    }

    /// Whether an operation comes at all.
    pub(super) fn has(&self, operation: Operation) -> bool {
        self.weights[operation.place()] > 0
    }

    /// Whether anything is read, so that there must be something to read.
    pub(super) fn reads(&self) -> bool {
        self.operations().any(|operation| operation != Operation::Append)
    }

    /// The next operation, by lot.
    pub(super) fn draw(&self, lots: &mut Lots) -> Operation {
        let total: u64 = self.weights.iter().map(|weight| u64::from(*weight)).sum();
        // The upper bits: the lower ones of the sequence are the weaker.
        self.at((lots.draw() >> 16) % total)
    }

    /// The operation at a place of the line that the weights make, one behind the other.
    fn at(&self, mut place: u64) -> Operation {
        for operation in self.operations() {
            let weight = u64::from(self.weights[operation.place()]);
            if place < weight {
                return operation;
            }
            place -= weight;
        }
        unreachable!("the place is below the sum of the weights")
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let mut weights = [0; Operation::ALL.len()];
        for part in typed.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let Some(operation) = Operation::ALL.into_iter().find(|operation| operation.name() == name.trim()) else {
                let names = Operation::ALL.map(Operation::name).join(", ");
                return Err(format!("there is no operation {name:?}, only {names}"));
            };
            let weight: u32 = weight.trim().parse().map_err(|_| format!("the weight of {name} is no whole number"))?;
            if weight == 0 || weights[operation.place()] > 0 {
                return Err(format!("{name} is given once, with a weight of at least 1"));
            }
            weights[operation.place()] = weight;
        }
        Ok(Self { weights })
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |operation: Operation| format!("{}={}", operation.name(), self.weights[operation.place()]);
        f.write_str(&self.operations().map(part).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_understood_and_told_again() {
        let cases = [
            ("append=8,read-stream=2", "append=8,read-stream=2"),
            ("query=1, append=3", "append=3,query=1"),
            ("read-all", "read-all=1"),
        ];
        for (typed, told) in cases {
            assert_eq!(typed.parse::<Mix>().map(|mix| mix.to_string()), Ok(told.to_owned()));
        }
    }

    #[test]
    fn what_is_no_mix_is_refused() {
        for typed in ["", "append=", "append=0", "append=-1", "append=1.5", "write=1", "append=1,append=2", "append=1,"]
        {
            assert!(typed.parse::<Mix>().is_err(), "{typed:?}");
        }
    }

    #[test]
    fn places_go_to_operations_by_weight() {
        let mix: Mix = "append=3,read-all=1,query=2".parse().expect("a mix");
        let drawn: Vec<_> = (0..6).map(|place| mix.at(place).name()).collect();
        assert_eq!(drawn, ["append", "append", "append", "read-all", "query", "query"]);
        assert!(mix.reads() && !mix.has(Operation::ReadStream));
    }

    #[test]
    fn operations_are_drawn_about_as_often_as_they_weigh() {
        let mix: Mix = "append=8,read-stream=2".parse().expect("a mix");
        let mut lots = Lots::new();
        let appends = (0..10_000).filter(|_| mix.draw(&mut lots) == Operation::Append).count();
        // Ten times the standard deviation to either side.
        assert!((7_600..8_400).contains(&appends), "{appends}");
    }
}

//! What came of all mutations: a table of file kinds and outcomes.

use std::collections::BTreeMap;
use std::fmt;

use super::mutation::Kind;
use super::verdict::Verdict;

const COLUMNS: [&str; 6] = ["equal", "refused", "data loss", "torn tail", "view gone", "VIOLATION"];

#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: BTreeMap<Kind, [u64; COLUMNS.len()]>,
}

impl Tally {
    pub(super) fn count(&mut self, kind: Kind, verdict: &Verdict) {
        let column = match verdict {
            Verdict::Equal => 0,
            Verdict::Refused => 1,
            Verdict::DataLoss => 2,
            Verdict::TornTail => 3,
            Verdict::ViewGone => 4,
            Verdict::Violation(_) => 5,
        };
        self.rows.entry(kind).or_default()[column] += 1;
    }

    pub(super) fn violations(&self) -> u64 {
        self.rows.values().map(|row| row[COLUMNS.len() - 1]).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<15}", "")?;
        COLUMNS.iter().try_for_each(|column| write!(formatter, "{column:>10}"))?;
        writeln!(formatter)?;
        let mut sums = [0; COLUMNS.len()];
        for (kind, row) in &self.rows {
            write!(formatter, "{kind:<15}")?;
            row.iter().try_for_each(|count| write!(formatter, "{count:>10}"))?;
            writeln!(formatter)?;
            sums.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        write!(formatter, "{:<15}", "all")?;
        sums.iter().try_for_each(|count| write!(formatter, "{count:>10}"))?;
        writeln!(formatter)
    }
}

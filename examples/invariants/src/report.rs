//! What a load comes to, as a short table.
//!
//! Owns [`Report`] and its form.

use std::fmt;

use crate::Tally;

/// How many broken invariants are told one by one.
const TOLD_MAX: usize = 10;

/// How the attempts of a load ended, and where the log breaks the rule.
#[derive(Clone, Debug)]
pub struct Report {
    /// How the attempts ended.
    pub tally: Tally,
    /// What is wrong in the log, a line each.
    pub broken: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { accepted, refused, conflicts, repeats } = self.tally;
        writeln!(f, "attempts             {:>8}", accepted + refused)?;
        writeln!(f, "accepted             {accepted:>8}")?;
        writeln!(f, "refused by the rule  {refused:>8}")?;
        writeln!(f, "conflicts retried    {conflicts:>8}")?;
        writeln!(f, "unknown, repeated    {repeats:>8}")?;
        writeln!(f, "broken invariants    {:>8}", self.broken.len())?;
        self.broken.iter().take(TOLD_MAX).try_for_each(|broken| writeln!(f, "  {broken}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_short_table_and_tells_what_is_broken() {
        let tally = Tally { accepted: 200, refused: 1800, conflicts: 3010, repeats: 0 };
        let report = Report { tally, broken: vec!["course 1 is too full".to_owned()] };
        let expected = "\
attempts                 2000
accepted                  200
refused by the rule      1800
conflicts retried        3010
unknown, repeated           0
broken invariants           1
  course 1 is too full
";
        assert_eq!(report.to_string(), expected);
    }
}

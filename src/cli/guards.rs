//! What must hold for an append to go in, as it is typed.
//!
//! Owns the arguments that become guards, the notation of a query in one argument, and how a guard that
//! does not hold is told: by the argument that it came from.

use quipu_client::{Guard, Query, QueryItem};

use super::Error;
use super::place::place;

/// The guards of an append.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct GuardArgs {
    #[command(flatten)]
    matches: MatchArgs,
    /// For --none-match and --some-match, only events after this position count, exclusive: the head up to
    /// which you have read.
    #[arg(long, value_name = "POSITION", requires = "MatchArgs", allow_negative_numbers = true, value_parser = place)]
    after: Option<u64>,
}

/// Guards over events.
#[derive(Clone, Debug, Default, clap::Args)]
struct MatchArgs {
    /// Go in only if no event matches. May be given many times; each is a guard of its own.
    ///
    /// EXPR is `all` for any event, or has parts with commas between them: `type=` (given many times:
    /// one of them), `tag=` (all of them), `category=` (one of them), `prefix=` of the stream's name,
    /// `correlation=`. An event matches that meets every part: `type=SeatTaken,tag=course:1`. A comma
    /// ends a value.
    #[arg(long, value_name = "EXPR", value_parser = Expression::parse)]
    none_match: Vec<Expression>,
    /// Go in only if at least one event matches. May be given many times; each is a guard of its own.
    #[arg(long, value_name = "EXPR", value_parser = Expression::parse)]
    some_match: Vec<Expression>,
}

/// A query in one argument.
#[derive(Clone, Debug, PartialEq)]
struct Expression {
    text: String,
    query: Query,
}

impl GuardArgs {
    /// The guards, in the order that a server counts them by.
    pub(super) fn guards(&self) -> Vec<Guard> {
        let after = self.after.unwrap_or(0);
        let none = self.matches.none_match.iter().map(|it| Guard::none_match(it.query.clone()).after(after));
        let some = self.matches.some_match.iter().map(|it| Guard::some_match(it.query.clone()).after(after));
        none.chain(some).collect()
    }

    /// The error of a failed call, with the argument instead of the number of a guard.
    pub(super) fn failed(&self, doing: String, error: quipu_client::Error) -> Error {
        if let quipu_client::Error::GuardNotMet { index, actual, head } = &error
            && let Some(argument) = self.argument(*index)
        {
            return Error::Precondition(format!("{doing}: {argument} does not hold: {actual}; the head is {head}"));
        }
        Error::call(doing)(error)
    }

    fn argument(&self, index: usize) -> Option<String> {
        let none = self.matches.none_match.iter().map(|it| format!("--none-match {}", it.text));
        let some = self.matches.some_match.iter().map(|it| format!("--some-match {}", it.text));
        none.chain(some).nth(index)
    }
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        let query = if text == "all" { Query::all() } else { Query::item(item(text)?) };
        Ok(Self { text: text.to_owned(), query })
    }
}

fn item(text: &str) -> Result<QueryItem, String> {
    let mut item = QueryItem::new();
    let mut given_once = Vec::new();
    for part in text.split(',') {
        let wrong = || format!("{part:?} is not type=, tag=, category=, prefix= or correlation= with a value");
        let (key, value) = part.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(wrong)?;
        if ["prefix", "correlation"].contains(&key) {
            if given_once.contains(&key) {
                return Err(format!("{key}= is given twice"));
            }
            given_once.push(key);
        }
        item = match key {
            "type" => item.types([value]),
            "tag" => item.tags([value]),
            "category" => item.categories([value]),
            "prefix" => item.stream_prefix(value),
            "correlation" => item.correlation_id(value),
            _ => return Err(wrong()),
        };
    }
    Ok(item)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing {
    //! What is asserted of any text that is given for a query.

    use super::{Expression, Query};

    pub(in crate::cli) fn expression(text: &str) {
        let Ok(found) = Expression::parse(text) else { return };
        assert_eq!(found.text, text);
        assert_eq!(found.query == Query::all(), text == "all");
        assert!(text == "all" || text.split(',').all(|part| part.contains('=')));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use quipu_client::Conflict;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        guards: GuardArgs,
    }

    fn typed(arguments: &str) -> Result<GuardArgs, clap::Error> {
        let arguments = std::iter::once("command").chain(arguments.split_terminator(' '));
        Command::try_parse_from(arguments).map(|command| command.guards)
    }

    #[test]
    fn each_expression_is_a_guard_from_the_same_position() {
        let typed =
            typed("--some-match all --none-match type=A,type=B,tag=x:1 --none-match prefix=o-,tag=a=b --after 7")
                .expect("three guards");
        let first = Query::item(QueryItem::new().types(["A", "B"]).tags(["x:1"]));
        let second = Query::item(QueryItem::new().tags(["a=b"]).stream_prefix("o-"));
        let expected = [
            Guard::none_match(first).after(7),
            Guard::none_match(second).after(7),
            Guard::some_match(Query::all()).after(7),
        ];
        assert_eq!(typed.guards(), expected);
    }

    #[test]
    fn refuses_what_says_nothing() {
        let refused = |text: &str| item(text).expect_err(text);
        for text in ["", "SeatTaken", "tag", "type=", "type=A,", "types=A", "Type=A", "all,type=A"] {
            assert!(refused(text).ends_with("is not type=, tag=, category=, prefix= or correlation= with a value"));
        }
        assert_eq!(refused("prefix=a,prefix=b"), "prefix= is given twice");
        assert_eq!(refused("correlation=a,correlation=b"), "correlation= is given twice");
        for arguments in ["--after 7", "--none-match all --after -1", "--none-match all --after x", "--none-match"] {
            assert!(typed(arguments).is_err(), "{arguments}");
        }
    }

    #[test]
    fn a_guard_that_does_not_hold_is_told_by_its_argument() {
        let guards = typed("--some-match type=B --none-match type=A,tag=x:1").expect("two guards");
        let unmet = |index, actual| quipu_client::Error::GuardNotMet { index, actual, head: 15 };
        let told = |error| guards.failed("cannot append to \"s\"".to_owned(), error).to_string();
        assert_eq!(
            told(unmet(0, Conflict::Event { position: 12, event_type: "A".to_owned() })),
            "cannot append to \"s\": --none-match type=A,tag=x:1 does not hold: an event of type \"A\" matches at 12; \
             the head is 15"
        );
        assert_eq!(
            told(unmet(1, Conflict::Nothing)),
            "cannot append to \"s\": --some-match type=B does not hold: no event matches; the head is 15"
        );
        assert_eq!(told(unmet(2, Conflict::Nothing)), "cannot append to \"s\"", "the client's words follow");
    }
}

//! Which events are meant, as it is typed.
//!
//! Owns the arguments that pick events out of the log. All of them together are one item of a query.

use clap::builder::NonEmptyStringValueParser;
use quipu_client::{Query, QueryItem};

/// Which events of the log.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct QueryArgs {
    /// Only events of this type. Given many times: of one of them.
    #[arg(long = "type", value_name = "TYPE", value_parser = NonEmptyStringValueParser::new())]
    pub(super) types: Vec<String>,
    /// Only events with this tag. Given many times: with all of them.
    #[arg(long = "tag", value_name = "KEY:VALUE", value_parser = NonEmptyStringValueParser::new())]
    tags: Vec<String>,
    /// Only events of streams of this category, which is a name up to its first -. Given many times: of
    /// one of them.
    #[arg(long = "category", value_name = "CATEGORY", value_parser = NonEmptyStringValueParser::new())]
    categories: Vec<String>,
    /// Only events of streams whose names begin with this.
    #[arg(long, value_name = "PREFIX", value_parser = NonEmptyStringValueParser::new())]
    stream_prefix: Option<String>,
    /// Only events of this business conversation.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    correlation_id: Option<String>,
}

impl QueryArgs {
    /// What was asked for; none when all events are meant.
    pub(super) fn query(&self) -> Option<Query> {
        let mut item = QueryItem::new().types(&self.types).tags(&self.tags).categories(&self.categories);
        if let Some(prefix) = &self.stream_prefix {
            item = item.stream_prefix(prefix);
        }
        if let Some(id) = &self.correlation_id {
            item = item.correlation_id(id);
        }
        (item != QueryItem::new()).then(|| Query::item(item))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        query: QueryArgs,
    }

    fn typed(arguments: &[&str]) -> Result<Option<Query>, clap::Error> {
        Command::try_parse_from([&["command"], arguments].concat()).map(|command| command.query.query())
    }

    #[test]
    fn all_arguments_together_are_one_item() {
        let arguments = "--type A --tag x:1 --type B --tag y:2 --category order --stream-prefix o --correlation-id c";
        let item = QueryItem::new()
            .types(["A", "B"])
            .tags(["x:1", "y:2"])
            .categories(["order"])
            .stream_prefix("o")
            .correlation_id("c");
        let arguments: Vec<_> = arguments.split(' ').collect();
        assert_eq!(typed(&arguments).expect("a query"), Some(Query::item(item)));
        assert_eq!(typed(&[]).expect("all events"), None);
    }

    #[test]
    fn nothing_is_not_a_name() {
        for flag in ["--type", "--tag", "--category", "--stream-prefix", "--correlation-id"] {
            let refused = typed(&[flag, ""]).expect_err(flag).to_string();
            assert!(refused.contains(flag), "{refused}");
        }
    }
}

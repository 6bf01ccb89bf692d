//! `quipu streams`: lists streams, tells of one, and ends it.

mod end;
mod get;
mod list;
mod metadata;

use super::Error;

/// The arguments of `streams`.
#[derive(Debug, clap::Args)]
pub struct StreamsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List streams in the order of their names.
    List(list::ListArgs),
    /// Tell what is known of a stream.
    Get(get::GetArgs),
    /// Show a stream's metadata, or replace it: whatever is not named then is unset.
    Metadata(metadata::MetadataArgs),
    /// Delete a stream: its events are no longer found under its name. An append revives it without them.
    Delete(end::DeleteArgs),
    /// Delete a stream for good: no append to it goes in any more. There is no way back.
    Tombstone(end::TombstoneArgs),
}

/// Lists, tells, or changes.
pub(super) async fn run(args: StreamsArgs) -> Result<(), Error> {
    match args.action {
        Action::List(args) => list::run(args).await,
        Action::Get(args) => get::run(args).await,
        Action::Metadata(args) => metadata::run(args).await,
        Action::Delete(args) => end::delete(args).await,
        Action::Tombstone(args) => end::tombstone(args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Args;

    #[test]
    fn showing_and_changing_metadata_do_not_mix() {
        let typed = |arguments: &str| {
            Args::try_parse_from(["quipu", "streams"].into_iter().chain(arguments.split(' '))).map(|_| ())
        };
        for arguments in [
            "metadata s",
            "metadata s --clear",
            "metadata s --max-age 30d --max-count 1 --truncate-before 0 --property a=b --property c=d",
            "metadata s --max-count 5 --expect exists",
            "delete s --expect 4",
            "tombstone s --yes",
            "list --category order --prefix order-1 --limit 3",
        ] {
            typed(arguments).expect(arguments);
        }
        for arguments in [
            "metadata s --clear --max-count 1",
            "metadata s --max-count 0",
            "metadata s --max-count -1",
            "metadata s --max-age 0d",
            "metadata s --max-age 30",
            "metadata s --truncate-before -1",
            "metadata s --property a",
            "list --category=",
            "list --limit 0",
            "tombstone",
        ] {
            assert_eq!(typed(arguments).expect_err(arguments).exit_code(), 2, "{arguments}");
        }
    }
}

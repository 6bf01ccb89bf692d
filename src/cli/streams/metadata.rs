//! `quipu streams metadata`: shows a stream's metadata, or replaces it.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::value_parser;
use quipu_client::{Expected, StreamMetadata};
use serde::Serialize;

use super::super::columns::without_controls;
use super::super::connection::PrintArgs;
use super::super::expect::ExpectArgs;
use super::super::place::place;
use super::super::{ConnectionArgs, Error, payload, time};
use super::end::Changed;
use super::get;

#[derive(Debug, clap::Args)]
pub(super) struct MetadataArgs {
    /// The stream's name.
    stream: String,
    #[command(flatten)]
    new: NewArgs,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// The new metadata.
#[derive(Debug, clap::Args)]
struct NewArgs {
    /// Hide events older than this: a number and s, m, h, d or w, such as 30d.
    #[arg(long, value_name = "AGE", value_parser = time::span)]
    max_age: Option<Duration>,
    /// Show only so many of the newest events.
    #[arg(long, value_name = "EVENTS", value_parser = value_parser!(u64).range(1..), allow_negative_numbers = true)]
    max_count: Option<u64>,
    /// Hide the events before this revision, exclusive.
    #[arg(long, value_name = "REVISION", allow_negative_numbers = true, value_parser = place)]
    truncate_before: Option<u64>,
    /// A pair of free text. May be given many times.
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = payload::pair)]
    properties: Vec<(String, String)>,
    /// Set no metadata at all.
    #[arg(long, conflicts_with_all = ["max_age", "max_count", "truncate_before", "properties"])]
    clear: bool,
}

/// Metadata as it is printed. What is not set is left out.
#[derive(Serialize)]
pub(super) struct MetadataJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate_before: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct ShownJson<'a> {
    stream: &'a str,
    #[serde(flatten)]
    metadata: MetadataJson<'a>,
}

pub(super) async fn run(args: MetadataArgs) -> Result<(), Error> {
    let MetadataArgs { stream, new, expect, connection, print } = args;
    let mut output = print.output();
    match new.into_metadata() {
        Some(metadata) => {
            let set = connection.connect().await?.set_stream_metadata(&stream, metadata, expect.expect).await;
            let position = set.map_err(Error::call(format!("cannot set the metadata of {stream:?}")))?;
            let changed = Changed { stream: &stream, position };
            output.print(&changed, || changed.text("has new metadata"))?;
        }
        None if expect.expect != Expected::Any => {
            return Err(Error::Invalid("--expect is for a change: say what to set".to_owned()));
        }
        None => {
            let metadata = get::find(&connection, &stream).await?.metadata.unwrap_or_default();
            let shown = ShownJson { stream: &stream, metadata: MetadataJson::from(&metadata) };
            output.print(&shown, || shown.text())?;
        }
    }
    output.flush()
}

impl NewArgs {
    /// What to set; none when nothing is to be set.
    fn into_metadata(self) -> Option<StreamMetadata> {
        let metadata = StreamMetadata {
            max_age: self.max_age,
            max_count: self.max_count,
            truncate_before: self.truncate_before,
            properties: self.properties.into_iter().collect(),
        };
        (self.clear || metadata != StreamMetadata::default()).then_some(metadata)
    }
}

impl<'a> From<&'a StreamMetadata> for MetadataJson<'a> {
    fn from(metadata: &'a StreamMetadata) -> Self {
        Self {
            max_age_seconds: metadata.max_age.map(|age| age.as_secs_f64()),
            max_count: metadata.max_count,
            truncate_before: metadata.truncate_before,
            properties: metadata.properties.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
        }
    }
}

impl MetadataJson<'_> {
    /// A line of text for each thing that is set.
    pub(super) fn lines(&self) -> Vec<String> {
        let age = self.max_age_seconds.map(|seconds| format!("max age         {seconds} s"));
        let count = self.max_count.map(|events| format!("max count       {events}"));
        let before = self.truncate_before.map(|revision| format!("truncate before {revision}"));
        let pairs = self.properties.iter().map(|(key, value)| format!("property        {key}={value}"));
        let lines = [age, count, before].into_iter().flatten().chain(pairs);
        lines.map(|line| without_controls(&line).into_owned()).collect()
    }
}

impl ShownJson<'_> {
    fn text(&self) -> String {
        let lines = self.metadata.lines();
        if lines.is_empty() { format!("{} has no metadata", self.stream) } else { lines.join("\n") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_left_out() {
        let mut metadata = StreamMetadata { max_age: Some(Duration::from_secs(90)), ..Default::default() };
        metadata.properties.insert("owner".to_owned(), "ada\n".to_owned());
        let shown = ShownJson { stream: "s", metadata: MetadataJson::from(&metadata) };
        let json = serde_json::to_string(&shown).expect("JSON");
        assert_eq!(json, r#"{"stream":"s","max_age_seconds":90.0,"properties":{"owner":"ada\n"}}"#);
        assert_eq!(shown.text(), "max age         90 s\nproperty        owner=ada ");
        let none = StreamMetadata::default();
        let shown = ShownJson { stream: "s", metadata: MetadataJson::from(&none) };
        assert_eq!(serde_json::to_string(&shown).expect("JSON"), r#"{"stream":"s"}"#);
        assert_eq!(shown.text(), "s has no metadata");
    }
}

//! What fuzzers feed the readers of lines and arguments.

/// A line of JSON that is to be imported.
pub mod event_line {
    use quipu_client::RecordedEvent;

    use super::super::event_json::EventJson;
    use super::super::event_line::EventLine;

    /// What is imported is exported so that it is imported the same.
    pub fn check(bytes: &[u8]) {
        let Ok(line) = EventLine::parse(bytes) else { return };
        let recorded_at = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let event = line.event.clone();
        let recorded = RecordedEvent {
            id: event.id,
            stream: line.stream.clone().unwrap_or_default(),
            revision: 3,
            position: 7,
            recorded_at,
            event_type: event.event_type,
            data: event.data,
            content_type: event.content_type,
            metadata: event.metadata,
            schema_version: event.schema_version,
            correlation_id: event.correlation_id,
            causation_id: event.causation_id,
            tags: event.tags,
            occurred_at: event.occurred_at,
        };
        let json = serde_json::to_vec(&EventJson::exact(&recorded)).expect("an event is JSON");
        assert!(!json.contains(&b'\n'), "it is one line");
        let again = EventLine::parse(&json).expect("what is exported can be imported");
        assert_eq!(again.event, line.event);
        assert_eq!(again.stream.unwrap_or_default(), line.stream.unwrap_or_default());
        assert!(serde_json::to_vec(&EventJson::readable(&recorded)).is_ok_and(|json| !json.contains(&b'\n')));
    }

    /// Lines with much and with little in them.
    pub fn seeds() -> Vec<Vec<u8>> {
        let lines = [
            r#"{"type":"T","data":{ "z": 1, "a": 2 }}"#,
            r#"{"stream":"a-1","id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"T","data_base64":"Zm9v"}"#,
            concat!(
                r#"{"stream":"a","type":"T","data":null,"content_type":"text/plain","metadata":{"k":"v"},"#,
                r#""schema_version":"1","correlation_id":"c","causation_id":"d","tags":["t:1"],"#,
                r#""occurred_at":"2010-10-02T07:20:39.266000001Z","revision":3,"position":[],"recorded_at":"x"}"#
            ),
        ];
        lines.map(|line| line.as_bytes().to_vec()).to_vec()
    }
}

/// Everything that has a notation of its own on the command line.
pub mod expressions {
    use super::super::{base64, expect, guards, payload, place, time};

    /// What is taken in is what was typed.
    pub fn check(bytes: &[u8]) {
        let encoded = base64::encode(bytes);
        assert_eq!(base64::decode(&encoded).as_deref(), Some(bytes));
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Some(decoded) = base64::decode(text) {
            assert_eq!(base64::encode(&decoded), text);
        }
        guards::fuzzing::expression(text);
        assert_eq!(place::place(text).ok(), text.parse().ok());
        expect::fuzzing::expectation(text);
        if let Ok((key, value)) = payload::pair(text) {
            assert_eq!(format!("{key}={value}"), text);
        }
        if let Ok(span) = time::span(text) {
            assert!(!span.is_zero() && text.ends_with(['s', 'm', 'h', 'd', 'w']));
        }
        if let Ok(moment) = time::moment(text) {
            // Years beyond four digits have no notation in the standard.
            let shown = time::shown(moment);
            assert!(shown.starts_with(['+', '-']) || time::moment(&shown).map(time::shown) == Ok(shown));
        }
    }

    /// Some of each notation.
    pub fn seeds() -> Vec<Vec<u8>> {
        let texts = [
            "all",
            "type=A,type=B,tag=x:1",
            "prefix=o-,category=order,correlation=c",
            "any",
            "none",
            "exists",
            "42",
            "2011-03-01",
            "2011-03-01T08:30:00.25+02:00",
            "30d",
            "a=b=c",
            "Zm9vYmE=",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    }
}

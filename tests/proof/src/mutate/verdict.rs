//! Whether a server may answer so after such a mutation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::asking::{Answer, Answers, Failure, READ_MODEL};
use super::directory::Files;
use super::mutation::{Kind, Mutation};
use super::{Good, MEMORY_BYTES_MAX};

/// The first bytes of a block.
const BLOCK: &[u8] = b"QBLK";

/// What a server made of a damaged directory.
#[derive(Debug)]
pub(super) struct Observed {
    /// Whether `quipu verify` found nothing before the start.
    pub(super) is_verified: bool,
    pub(super) verification: String,
    pub(super) log: Vec<String>,
    /// None when it did not start.
    pub(super) answers: Option<Answers>,
    pub(super) memory_bytes: u64,
    pub(super) hangs: bool,
    pub(super) before: Files,
    pub(super) after: Files,
}

/// What a mutation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Equal,
    /// The server did not start, and changed nothing.
    Refused,
    /// Some answers said that data is lost.
    DataLoss,
    /// What nobody could know to be acknowledged was cut off.
    TornTail,
    /// A view whose truth lies with clients is gone.
    ViewGone,
    Violation(String),
}

/// How answers compare.
#[derive(Debug, Default)]
struct Comparison {
    lost: Vec<String>,
    gone: Vec<String>,
    other: Vec<String>,
}

/// Judges one mutation.
pub(super) fn judge(good: &Good, mutation: &Mutation, observed: &Observed) -> Verdict {
    let said = || observed.log.iter().chain([&observed.verification]);
    if said().any(|line| line.contains("panicked")) {
        return Verdict::Violation("a panic".into());
    }
    if observed.hangs {
        return Verdict::Violation("a hang".into());
    }
    if observed.memory_bytes > MEMORY_BYTES_MAX {
        return Verdict::Violation(format!("{} bytes of memory", observed.memory_bytes));
    }
    let changed: BTreeSet<&PathBuf> = (good.files.keys().chain(observed.before.keys()))
        .filter(|path| good.files.get(*path) != observed.before.get(*path))
        .collect();
    let verdict = match &observed.answers {
        None => refused(mutation, observed, &changed),
        Some(answers) => answered(good, mutation, observed, &changed, answers),
    };
    if !mutation.kind.is_of_log() && !observed.is_verified {
        return Verdict::Violation(format!("verify reports damage, {verdict:?}: {}", observed.verification.trim()));
    }
    verdict
}

fn tenant_of(path: &Path) -> Option<&str> {
    path.strip_prefix("tenants").ok()?.iter().next()?.to_str()
}

fn refused(mutation: &Mutation, observed: &Observed, changed: &BTreeSet<&PathBuf>) -> Verdict {
    let log = observed.log.join("\n");
    if !mutation.kind.is_of_log() || changed.is_empty() {
        return Verdict::Violation(format!("a refused start: {log}"));
    }
    let names = ["at byte", "FORMAT", "has format", "log/sled"];
    let says_where = names.iter().any(|name| log.contains(name));
    if !says_where {
        return Verdict::Violation(format!("a refusal that does not say where: {log}"));
    }
    if observed.is_verified {
        return Verdict::Violation("a refused start, and verify finds nothing".into());
    }
    match first_change(mutation, observed) {
        Some(path) => Verdict::Violation(format!("a refused start changed {}", path.display())),
        None => Verdict::Refused,
    }
}

/// A file that a refused start touched. The shelves of other tenants may have been opened before.
fn first_change<'o>(mutation: &Mutation, observed: &'o Observed) -> Option<&'o PathBuf> {
    let paths = observed.before.keys().chain(observed.after.keys());
    let matters = |path: &&PathBuf| {
        let is_shelf = path.iter().any(|part| part == "state" || part == "read-models");
        let is_other = tenant_of(path) != tenant_of(&mutation.path);
        // sled tidies its files when it opens them, so also before what lies in them is refused.
        let is_database = path.iter().any(|part| part == "sled");
        !(path.ends_with("LOCK") || is_shelf && is_other || is_database)
    };
    paths.filter(matters).find(|path| observed.before.get(*path) != observed.after.get(*path))
}

fn answered(
    good: &Good,
    mutation: &Mutation,
    observed: &Observed,
    changed: &BTreeSet<&PathBuf>,
    answers: &Answers,
) -> Verdict {
    let comparison = compare(good, mutation, changed, answers);
    let segment_changed = changed.iter().any(|path| path.extension().is_some_and(|end| end == "seg"));
    if let Some(first) = comparison.other.first() {
        let is_of_end = mutation.kind == Kind::Newest && segment_changed || mutation.kind == Kind::Database;
        let may_be_torn = is_of_end && !good.is_stopped;
        return match may_be_torn.then(|| torn(good, mutation, observed, answers)) {
            Some(None) => Verdict::TornTail,
            Some(Some(what)) => Verdict::Violation(format!("{what}; {first}")),
            None => Verdict::Violation(format!("{} answers differ: {first}", comparison.other.len())),
        };
    }
    if !comparison.lost.is_empty() && observed.is_verified {
        return Verdict::Violation(format!("verify finds nothing, and yet: {}", comparison.lost[0]));
    }
    if !comparison.lost.is_empty() {
        return Verdict::DataLoss;
    }
    if segment_changed && observed.is_verified {
        let may_be_torn = mutation.kind == Kind::Newest && !good.is_stopped;
        return match may_be_torn.then(|| torn(good, mutation, observed, answers)) {
            Some(None) => Verdict::TornTail,
            Some(Some(what)) => Verdict::Violation(what),
            None if is_extended_by_garbage(good, mutation, observed) => Verdict::Equal,
            None => Verdict::Violation("verify finds nothing in a changed segment".into()),
        };
    }
    if comparison.gone.is_empty() { Verdict::Equal } else { Verdict::ViewGone }
}

/// Whether the newest segment only has more behind its end: that was never acknowledged, mark or not.
fn is_extended_by_garbage(good: &Good, mutation: &Mutation, observed: &Observed) -> bool {
    let (was, is) = (&good.files[&mutation.path], observed.before.get(&mutation.path));
    mutation.kind == Kind::Newest && is.is_some_and(|is| is.starts_with(was)) && kept_aside(mutation, observed)
}

fn compare(good: &Good, mutation: &Mutation, changed: &BTreeSet<&PathBuf>, answers: &Answers) -> Comparison {
    let touched: BTreeSet<_> = changed.iter().filter_map(|path| tenant_of(path)).collect();
    let may_be_lost = mutation.kind.is_of_log() && mutation.kind != Kind::Format;
    let mut comparison = Comparison::default();
    for question in good.answers.0.keys().chain(answers.0.keys()).collect::<BTreeSet<_>>() {
        let was = good.answers.0.get(question).cloned().unwrap_or_default();
        // What is asked only because of another answer is not asked when that one failed.
        let Some(is) = answers.0.get(question) else { continue };
        if *is == was {
            continue;
        }
        let is_touched = question.split_once(':').is_some_and(|(tenant, _)| touched.contains(tenant));
        let what = format!("{question}: {}", short(&was, is));
        if is_touched && may_be_lost && is.failure == Some(Failure::DataLoss) && was.events.starts_with(&is.events) {
            comparison.lost.push(what);
        } else if is_touched
            && mutation.kind == Kind::ReadModels
            && question.contains(READ_MODEL)
            && is_earlier(answers, question, &was, is)
        {
            comparison.gone.push(what);
        } else {
            comparison.other.push(what);
        }
    }
    comparison
}

/// Whether a read model is gone, or is as it was at an earlier position and says so: its projector goes on from
/// there.
fn is_earlier(answers: &Answers, question: &str, was: &Answer, is: &Answer) -> bool {
    if let Some(failure) = &is.failure {
        return *failure == Failure::Other("ReadModelNotFound".to_owned());
    }
    if let Some(names) = &is.said {
        return names == "[]";
    }
    let Some((of, what)) = question.rsplit_once(", ") else { return false };
    let generations = answers.0.get(&format!("{of}, generations")).map_or(&[][..], |answer| &answer.events);
    match (what, generations) {
        ("generations", [] | [_]) => true,
        (_, []) => is.events.is_empty(),
        (_, [(position, _)]) => {
            let left = was.events.iter().filter(|(at, _)| at <= position);
            left.eq(&is.events)
        }
        _ => false,
    }
}

fn short(was: &Answer, is: &Answer) -> String {
    let text = |answer: &Answer| {
        let said = answer.said.as_deref().unwrap_or_default();
        let said: String = said.chars().take(200).collect();
        format!("{} events {said} {:?}", answer.events.len(), answer.failure)
    };
    format!("was {}, is {}", text(was), text(is))
}

/// What is wrong with taking this for a torn tail: what is left must be the beginning of what was, what was cut
/// must be kept, and the last block must have been touched.
fn torn(good: &Good, mutation: &Mutation, observed: &Observed, answers: &Answers) -> Option<String> {
    if mutation.kind == Kind::Database {
        return not_the_beginning(good, mutation, answers);
    }
    let was = &good.files[&mutation.path];
    let last = was.windows(BLOCK.len()).rposition(|bytes| bytes == BLOCK).unwrap_or(0);
    let is_whole = |is: &Vec<u8>| is.len() >= was.len() && is[last..].starts_with(&was[last..]);
    let is_extended = observed.before.get(&mutation.path).is_some_and(|is| is.starts_with(was));
    if !is_extended && observed.before.get(&mutation.path).is_some_and(is_whole) {
        return Some("a good block lay behind what was cut".into());
    }
    let not_kept = || (!kept_aside(mutation, observed)).then(|| "what was cut is not kept".to_owned());
    not_the_beginning(good, mutation, answers).or_else(not_kept)
}

/// An answer that is not what the beginning of the log gives.
fn not_the_beginning(good: &Good, mutation: &Mutation, answers: &Answers) -> Option<String> {
    let tenant = tenant_of(&mutation.path)?;
    let head = answers.0.get(&format!("{tenant}: the log"))?.events.last().map_or(0, |(position, _)| *position);
    for (question, is) in &answers.0 {
        let of_this = question.split_once(':').is_some_and(|(of, _)| of == tenant);
        let was = good.answers.0.get(question).cloned().unwrap_or_default();
        if !of_this {
            if *is != was {
                return Some(format!("another tenant's answer differs: {question}"));
            }
            continue;
        }
        let left: Vec<_> = was.events.iter().filter(|(position, _)| *position <= head).collect();
        if !left.into_iter().eq(&is.events) {
            return Some(format!("not the beginning of what was: {question}"));
        }
    }
    None
}

/// Whether everything that a start took from the file is in quarantine.
fn kept_aside(mutation: &Mutation, observed: &Observed) -> bool {
    let Some(before) = observed.before.get(&mutation.path) else { return true };
    let after = observed.after.get(&mutation.path).map_or(&[][..], Vec::as_slice);
    if after.starts_with(before) {
        return true;
    }
    let kept = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let in_quarantine = |(path, bytes): (&PathBuf, &Vec<u8>)| {
        path.iter().any(|part| part == "quarantine") && before.ends_with(bytes) && before.len() - bytes.len() <= kept
    };
    before[kept..].iter().all(|byte| *byte == 0) || observed.after.iter().any(in_quarantine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    const SEALED: &str = "tenants/default/log/000001-00000000000000000001.seg";
    const INDEX: &str = "tenants/default/index/000001.idx";

    fn good() -> Good {
        let newest = "tenants/default/log/000002-00000000000000000009.seg";
        let files = [SEALED, newest, INDEX].map(|path| (PathBuf::from(path), vec![7; 900]));
        let events = vec![(1, "one".to_owned()), (2, "two".to_owned())];
        let answer = Answer { events, ..Answer::default() };
        let answers = ["default: the log", "acme: the log"].map(|question| (question.to_owned(), answer.clone()));
        Good { files: files.into(), answers: Answers(answers.into()), is_stopped: true }
    }

    /// A mutation that changes this file, and what a server made of it.
    fn observed(good: &Good, path: &str, answers: Option<Answers>, is_verified: bool) -> (Mutation, Observed) {
        let mut mutations = (0..).map(|seed| Mutation::draw(&mut Chance::of(seed), &good.files));
        let changes = |mutation: &Mutation| {
            let mut files = good.files.clone();
            mutation.apply(&mut files);
            let mut others = good.files.iter().filter(|(other, _)| other.as_path() != Path::new(path));
            files.get(Path::new(path)) != good.files.get(Path::new(path))
                && others.all(|(other, bytes)| files.get(other) == Some(bytes))
        };
        let mutation = mutations.find(changes).expect("seeds do not end");
        let mut before = good.files.clone();
        mutation.apply(&mut before);
        let after = before.clone();
        let log = vec!["damage at byte 7".to_owned()];
        let verification = String::new();
        let observed =
            Observed { is_verified, verification, log, answers, memory_bytes: 1, hangs: false, before, after };
        (mutation, observed)
    }

    fn verdict(path: &str, change: impl Fn(&mut Answers), is_verified: bool) -> Verdict {
        let good = good();
        let mut answers = good.answers.clone();
        change(&mut answers);
        let (mutation, observed) = observed(&good, path, Some(answers), is_verified);
        judge(&good, &mutation, &observed)
    }

    fn lose(answers: &mut Answers, question: &str) {
        let answer = answers.0.get_mut(question).expect("it is asked");
        answer.events.truncate(1);
        answer.failure = Some(Failure::DataLoss);
    }

    #[test]
    fn damage_to_a_log_may_be_told_and_must_be_reported() {
        assert_eq!(verdict(SEALED, |answers| lose(answers, "default: the log"), false), Verdict::DataLoss);
        assert!(matches!(verdict(SEALED, |answers| lose(answers, "default: the log"), true), Verdict::Violation(_)));
        assert!(matches!(verdict(SEALED, |answers| lose(answers, "acme: the log"), false), Verdict::Violation(_)));
        assert!(matches!(verdict(SEALED, |_| {}, true), Verdict::Violation(_)));
    }

    #[test]
    fn another_answer_is_never_allowed() {
        let forget = |answers: &mut Answers| {
            answers.0.get_mut("default: the log").expect("it is asked").events.truncate(1);
        };
        assert!(matches!(verdict(SEALED, forget, false), Verdict::Violation(_)));
        assert!(matches!(verdict(INDEX, forget, true), Verdict::Violation(_)));
        assert!(matches!(verdict(INDEX, |answers| lose(answers, "default: the log"), true), Verdict::Violation(_)));
        assert_eq!(verdict(INDEX, |_| {}, true), Verdict::Equal);
    }

    #[test]
    fn a_refused_start_changes_nothing_and_is_of_damage_to_the_log() {
        let good = good();
        let (mutation, mut refused) = observed(&good, SEALED, None, false);
        assert_eq!(judge(&good, &mutation, &refused), Verdict::Refused);
        refused.after.insert(PathBuf::from(INDEX), vec![]);
        assert!(matches!(judge(&good, &mutation, &refused), Verdict::Violation(_)));
        let (mutation, refused) = observed(&good, INDEX, None, true);
        assert!(matches!(judge(&good, &mutation, &refused), Verdict::Violation(_)));
    }
}

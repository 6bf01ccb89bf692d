//! The house rules that no compiler checks.
//!
//! A rule is a small function from the path and text of one file to its faults. A fault is one line:
//! where it is, which rule it breaks, what to do instead. `every_rule_can_fail` shows each rule a bad
//! sample, so that none goes blind. Taste is not checked here, nor anything that clippy knows.

use std::fs;
use std::path::Path;

type Rule = fn(path: &str, text: &str) -> Vec<String>;

/// The rules for every Rust file.
const RULES: [Rule; 7] = [door_sign, room_name, leftovers, long_lines, long_file, one_direction, one_home];

/// Names that say nothing of what a room owns.
const EMPTY_NAMES: [&str; 7] = ["utils", "helpers", "common", "misc", "types", "manager", "processor"];

/// Files with a limit, in lines.
const FILE_LINES_MAX: [(&str, usize); 2] = [("src/main.rs", 40), ("ARCHITECTURE.md", 300)];

const LINE_CHARS_MAX: usize = 120;

/// The rooms, from the ground up. One uses those below it and beside it, never those above.
const FLOORS: [&[&str]; 6] = [&["model"], &["disk"], &["log", "index", "state"], &["store"], &["grpc"], &["server"]];

const WIRE: &[&str] = &["src/grpc/", "src/server", "src/proto.rs", "src/cli"];
const FILES: &[&str] = &["src/disk/", "src/config.rs", "src/cli"];

/// Where below `src/` a crate or module may be named; everything else goes through that room.
const HOMES: [(&str, &[&str]); 6] = [
    ("tonic", WIRE),
    ("prost", WIRE),
    ("sled", &["src/state/", "src/disk/"]),
    ("std::fs", FILES),
    ("tokio::fs", &[]),
    ("rustix", FILES),
];

fn fault(path: &str, line: usize, rule: &str, instead: &str) -> String {
    format!("{path}:{line}: {rule}: {instead}")
}

fn door_sign(path: &str, text: &str) -> Vec<String> {
    if text.starts_with("//!") {
        return Vec::new();
    }
    vec![fault(path, 1, "no door sign", "open with `//!`: what the file owns, what it refuses")]
}

fn room_name(path: &str, _: &str) -> Vec<String> {
    let empty = |name: &str| name.split(['_', '.']).any(|word| EMPTY_NAMES.contains(&word));
    let named = |_| fault(path, 1, "empty name", "call it after the one thing it owns");
    path.split('/').filter(|name| empty(name)).map(named).collect()
}

fn leftovers(path: &str, text: &str) -> Vec<String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let word = |line: &str| line.split(|c: char| !c.is_alphanumeric()).any(|w| marks.contains(&w));
    let found = text.lines().enumerate().filter(|(_, line)| word(line));
    found.map(|(at, _)| fault(path, at + 1, "leftover", "finish it, or leave it out")).collect()
}

fn long_lines(path: &str, text: &str) -> Vec<String> {
    let long = |line: &str| line.chars().count() > LINE_CHARS_MAX;
    let found = text.lines().enumerate().filter(|(_, line)| long(line));
    let instead = format!("break it before {LINE_CHARS_MAX} characters");
    found.map(|(at, _)| fault(path, at + 1, "long line", &instead)).collect()
}

fn long_file(path: &str, text: &str) -> Vec<String> {
    let over = |max: &usize| text.lines().count() > *max;
    let limits = FILE_LINES_MAX.iter().filter(|(name, _)| path == *name).map(|(_, max)| max);
    let instead = |max| format!("move what is not its own elsewhere: at most {max} lines");
    limits.filter(|max| over(max)).map(|max| fault(path, max + 1, "long", &instead(max))).collect()
}

/// The code that ships: comments blanked, tests at the foot cut off. Lines keep their numbers.
fn shipped(path: &str, text: &str) -> String {
    if !path.starts_with("src/") || path.ends_with("/tests.rs") {
        return String::new();
    }
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let code = |line| if str::trim_start(line).starts_with("//") { "" } else { line };
    text[..end].lines().map(code).collect::<Vec<_>>().join("\n")
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The first names of what follows `crate::`: of one path, or of each path of a list in braces.
fn first_names(rest: &str) -> Vec<&str> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let name = |path: &'_ str| path.trim().find(|c| !word(c)).unwrap_or(path.trim().len());
    let Some(list) = rest.strip_prefix('{') else { return vec![&rest[..name(rest)]] };
    let (mut depth, mut start, mut names) = (1, 0, Vec::new());
    for (at, c) in list.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || (depth == 1 && c == ',') {
            let path = list[start..at].trim();
            names.push(&path[..name(path)]);
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn one_direction(path: &str, text: &str) -> Vec<String> {
    let room = path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or("");
    let Some(floor) = floor_of(room) else { return Vec::new() };
    let code = shipped(path, text);
    let mut faults = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        for name in first_names(&code[at + found.len()..]) {
            if floor_of(name).is_some_and(|other| other > floor) {
                let instead = format!("`{room}` lies below `{name}`: have the value handed down");
                faults.push(fault(path, line_of(&code, at), "upward use", &instead));
            }
        }
    }
    faults
}

/// Whether the name found at `at` is a path's first part, alone or as in `name_other::`.
fn starts_a_path(code: &str, at: usize, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let rest = &code[at + name.len()..];
    let path = rest.trim_start_matches(word);
    let whole = rest.len() == path.len() || rest.starts_with('_');
    let used = ["::", ";", " as "].iter().any(|next| path.starts_with(next));
    whole && used && !code[..at].ends_with(word)
}

fn one_home(path: &str, text: &str) -> Vec<String> {
    let code = shipped(path, text);
    let mut faults = Vec::new();
    for (name, homes) in HOMES {
        if homes.iter().any(|home| path.starts_with(home)) {
            continue;
        }
        let found = code.match_indices(name).filter(|(at, _)| starts_a_path(&code, *at, name));
        let instead = format!("ask the room that owns `{name}`: {homes:?}");
        faults.extend(found.map(|(at, _)| fault(path, line_of(&code, at), "not at home", &instead)));
    }
    faults
}

/// Every row of a table names tests that exist, in backticks: path/to/file.rs::function.
fn broken_promises(path: &str, text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let ruler = |line: &str| line.starts_with('|') && line.chars().all(|c| "|-: ".contains(c));
    let heading = |at: usize| lines.get(at + 1).is_some_and(|next| ruler(next));
    let mut faults = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.starts_with('|') || ruler(line) || heading(at) {
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2);
        let tests: Vec<_> = quoted.filter_map(|code| code.split_once(".rs::")).collect();
        if tests.is_empty() {
            faults.push(fault(path, at + 1, "bare promise", "name the test that keeps it"));
        }
        for (file, function) in tests {
            let head = format!("fn {}(", function.rsplit("::").next().unwrap_or(function));
            if !read(&format!("{file}.rs")).is_some_and(|text| text.contains(&head)) {
                let instead = format!("write `{head})` in {file}.rs, or take the promise back");
                faults.push(fault(path, at + 1, "promise without a test", &instead));
            }
        }
    }
    faults
}

/// Every Rust file below `dir`, as a path relative to `root`.
fn rust_files(root: &Path, dir: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(dir)) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.expect("a directory that opened can be listed");
        let path = format!("{dir}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files.extend(rust_files(root, &path));
        } else if path.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let must = |path: &str| read(path).unwrap_or_else(|| panic!("{path} cannot be read"));
    let mut faults = broken_promises("docs/guarantees.md", &must("docs/guarantees.md"), read);
    faults.extend(long_file("ARCHITECTURE.md", &must("ARCHITECTURE.md")));
    let rooms = ["src", "clients/rust/src", "examples", "tests"];
    let files = rooms.map(|dir| rust_files(root, dir)).concat();
    assert!(files.iter().any(|path| path == "tests/tidy.rs"), "the search finds no Rust file");
    for path in files {
        let text = must(&path);
        faults.extend(RULES.iter().flat_map(|rule| rule(&path, &text)));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_rule_can_fail() {
    let cases: [(Rule, &str, &str, &[usize]); 9] = [
        (door_sign, "src/a.rs", "use std::io;\n//! Late.", &[1]),
        (room_name, "src/store/stream_manager.rs", "", &[1]),
        (leftovers, "src/a.rs", concat!("//! A.\n// TO", "DO: b"), &[2]),
        (long_lines, "src/a.rs", &format!("//! A.\n{}", "é".repeat(121)), &[2]),
        (long_file, "src/main.rs", &"\n".repeat(41), &[41]),
        (one_direction, "src/model/a.rs", "use crate::{\n    clock::Clock,\n    disk,\n};", &[1]),
        (one_direction, "src/log/a.rs", "// crate::grpc\nfn f() { crate::store::g() }", &[2]),
        (one_home, "src/store/a.rs", "use bytes::Bytes;\nuse tonic_types::Status;", &[2]),
        (one_home, "src/log/a.rs", "use sled;\nstd::fs::read(p);\nuse rustix::fs;", &[1, 2, 3]),
    ];
    let line_number = |fault: &String| fault.split(':').nth(1).and_then(|line| line.parse().ok());
    let lines = |faults: &[String]| faults.iter().filter_map(line_number).collect::<Vec<usize>>();
    for (rule, path, text, expected) in cases {
        let faults = rule(path, text);
        assert_eq!(lines(&faults), expected, "{faults:?}");
    }
    let promises = "| it | by |\n|--|--|\n| a | |\n| b | `a.rs::gone` |\n| c | `a.rs::here` |";
    let read = |file: &str| (file == "a.rs").then(|| "fn here() {}".to_owned());
    assert_eq!(lines(&broken_promises("docs/guarantees.md", promises, read)), [3, 4]);
}

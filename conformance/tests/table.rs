//! The table in the README is complete, and names tests that exist.

use std::fs;
use std::path::{Path, PathBuf};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of the table under a heading, without its head.
fn rows<'a>(readme: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, section) = readme.split_once(heading).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = section.split("\n## ").next().expect("a split has a first piece");
    section.lines().filter(|line| line.starts_with('|')).skip(2).collect()
}

/// What stands between backticks and looks like the path of a test: words joined by `::`.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(move |path| path.contains("::") && path.split("::").all(is_word))
}

#[test]
fn the_table_has_a_row_for_each_of_gos_tests_examples_and_causes() {
    let readme = read(&package().join("README.md"));
    assert_eq!(rows(&readme, "\n## The 39 tests\n").len(), 39);
    assert_eq!(rows(&readme, "\n## The 7 examples\n").len(), 7);
    assert_eq!(rows(&readme, "\n## The 23 causes\n").len(), 23);
}

#[test]
fn every_row_names_a_test_that_exists() {
    let readme = read(&package().join("README.md"));
    let mut named = 0;
    for path in paths(&readme) {
        let (file, test) = (path.split("::").next(), path.rsplit("::").next());
        let (Some(file), Some(test)) = (file, test) else { continue };
        let source: PathBuf = package().join("tests").join(file).with_extension("rs");
        assert!(read(&source).contains(&format!("fn {test}()")), "{path} does not exist");
        named += 1;
    }
    assert!(named > 39 + 7 + 23 - 3, "only {named} names were found");
}

#[test]
fn every_restated_test_is_in_the_table() {
    let readme = read(&package().join("README.md"));
    let tests = fs::read_dir(package().join("tests")).expect("the tests are there");
    for file in tests.map(|entry| entry.expect("readable").path()) {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("names are text").to_owned();
        if file.is_dir() || stem == "table" {
            continue;
        }
        let source = read(&file);
        for (at, _) in source.match_indices("#[test]") {
            let name = source[at..].split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            let name = name.expect("a test is a function");
            assert!(readme.contains(&format!("::{name}`")), "{stem}::{name} is not in the table");
        }
    }
}

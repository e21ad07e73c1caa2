//! The table of threat cases: every case once, and every place that it names is there

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLE: &str = "docs/reference/threat-cases.md";
/// The catalogue: letter and number of cases.
const CASES: [(char, usize); 3] = [('A', 24), ('B', 20), ('C', 14)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a package of the workspace has a folder above")
}

/// Case and the places that cover it.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join(TABLE)).expect("the table is there");
    let mut rows = Vec::new();
    for line in text.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, case, places, remarks, _] = cells[..] else {
            continue;
        };
        if case == "case" || case.starts_with('-') {
            continue;
        }
        let places: Vec<_> = places
            .split('`')
            .filter(|part| part.contains('#'))
            .collect();
        let is_told = !places.is_empty() || line.contains("| not covered |");
        assert!(is_told, "{case} names no place: {remarks}");
        rows.push((
            case.to_owned(),
            places.into_iter().map(str::to_owned).collect(),
        ));
    }
    rows
}

#[test]
fn every_case_of_the_catalogue_has_one_row() {
    let found: Vec<_> = rows().into_iter().map(|(case, _)| case).collect();
    let expected: Vec<_> = CASES
        .iter()
        .flat_map(|(letter, most)| (1..=*most).map(move |number| format!("{letter}-{number:02}")))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_place_is_there() {
    let mut missing = BTreeSet::new();
    for (case, places) in rows() {
        for place in places {
            let (file, name) = place.split_once('#').expect("rows keeps only such");
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            if !text.contains(name) {
                missing.insert(format!("{case}: {place}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

//! The table of partitions says what the code knows.

use orgmirror::model::partition::{self, AWS, AWS_CN, AWS_US_GOV};
use orgmirror::model::portal::Portal;

use super::read;

const GUIDE: &str = "docs/guides/partitions.md";

#[test]
fn the_table_of_partitions_is_the_codes() {
    let text = read(GUIDE);
    for known in [AWS, AWS_US_GOV, AWS_CN] {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{known}` |")))
            .unwrap_or_else(|| panic!("{GUIDE} has no row of {known}"));
        let cells: Vec<&str> = row
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        assert_eq!(cells[2], partition::default_region(known));
        assert_eq!(cells[3], partition::organizations_region(known));
        let portal = Portal::of(cells[5]);
        assert_eq!(portal.partition, Some(known));
        assert!(portal.is_whole());
    }
}

//! Suggestions of what a user may have meant, for error messages.

/// An OU or account that a user may have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Its ID.
    pub id: String,
    /// Its path, or the name of an account.
    pub path: String,
}

/// Suggests the OUs that `wanted` may mean, best first, at most three.
///
/// A name or path instead of an ID, and a name instead of a path, finds exactly the OUs of that name or path. Anything else
/// finds those whose ID, path or name differs least, if it differs little. Accounts, with their names as paths, are found
/// in the same way.
pub fn suggest<'a>(
    wanted: &str,
    units: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Vec<Suggestion> {
    let make = |(id, path): (&str, &str)| Suggestion {
        id: id.to_owned(),
        path: path.to_owned(),
    };
    let wanted = wanted.trim().to_lowercase();
    let named: Vec<Suggestion> = units
        .clone()
        .filter(|(_, path)| {
            let path = path.to_lowercase();
            path == wanted || name(&path) == wanted
        })
        .take(3)
        .map(make)
        .collect();
    if !named.is_empty() {
        return named;
    }
    // Beyond this distance, none is more likely than any other.
    let limit = wanted.chars().count().div_ceil(2).min(4);
    let mut ranked: Vec<(usize, (&str, &str))> = units
        .map(|(id, path)| {
            let (lower_id, lower_path) = (id.to_lowercase(), path.to_lowercase());
            let spellings = [lower_id.as_str(), &lower_path, name(&lower_path)];
            let distances = spellings.map(|spelling| distance(&wanted, spelling));
            (
                distances.into_iter().min().unwrap_or(usize::MAX),
                (id, path),
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    ranked.sort_unstable();
    let best = ranked.first().map(|(distance, _)| *distance);
    ranked.retain(|(distance, _)| Some(*distance) == best);
    ranked.truncate(3);
    ranked.into_iter().map(|(_, unit)| make(unit)).collect()
}

/// The last segment of a path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_paths_and_typos_find_their_unit() {
        let units = [
            ("ou-ab12-11111111", "/Workloads"),
            ("ou-ab12-22222222", "/Workloads/Prod"),
            ("ou-ab12-33333333", "/Sandbox/Prod"),
        ];
        let ids = |wanted: &str| -> Vec<String> {
            suggest(wanted, units.iter().copied())
                .into_iter()
                .map(|suggestion| suggestion.id)
                .collect()
        };
        for (wanted, meant) in [
            ("/workloads", &["ou-ab12-11111111"][..]),
            ("Prod", &["ou-ab12-22222222", "ou-ab12-33333333"]),
            ("ou-ab12-2222222", &["ou-ab12-22222222"]),
            ("/Worklods", &["ou-ab12-11111111"]),
            ("Worklods", &["ou-ab12-11111111"]),
            ("/Workloads/", &["ou-ab12-11111111"]),
            ("Workloads/Prod", &["ou-ab12-22222222"]),
            ("/Wrokloads/Prod", &["ou-ab12-22222222"]),
            ("/Prod", &["ou-ab12-22222222", "ou-ab12-33333333"]),
            ("/Pord", &["ou-ab12-22222222", "ou-ab12-33333333"]),
            ("ou-zz99-98765432", &[]),
            ("/Ops", &[]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(ids(wanted), meant, "{wanted:?}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn accounts_are_found_by_name() {
        let accounts = [
            ("111122223333", "Payments Prod"),
            ("444455556666", "Legacy"),
        ];
        let ids = |wanted: &str| suggest(wanted, accounts.iter().copied());
        assert_eq!(ids("payments prod")[0].id, "111122223333");
        assert_eq!(ids("111122223334")[0].path, "Payments Prod");
        assert_eq!(ids("Legcy")[0].id, "444455556666");
        assert_eq!(ids("999999999999"), []);
    }
}

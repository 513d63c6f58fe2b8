//! What is near to something that is not there, for error messages.

/// An OU that a user may have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its ID.
    pub id: String,
    /// Its path.
    pub path: String,
}

/// The OUs that `wanted` may have meant, best first, at most three.
///
/// A name or path given where an ID is wanted finds exactly that OU; otherwise the IDs that differ least.
pub fn near<'a>(
    wanted: &str,
    units: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Vec<Near> {
    let make = |(id, path): (&str, &str)| Near {
        id: id.to_owned(),
        path: path.to_owned(),
    };
    let wanted = wanted.trim().to_lowercase();
    let named: Vec<Near> = units
        .clone()
        .filter(|(_, path)| {
            let path = path.to_lowercase();
            path == wanted || path.rsplit('/').next() == Some(wanted.as_str())
        })
        .take(3)
        .map(make)
        .collect();
    if !named.is_empty() {
        return named;
    }
    let mut ranked: Vec<(usize, (&str, &str))> = units
        .map(|unit| (distance(&wanted, &unit.0.to_lowercase()), unit))
        // Farther than that, an ID is no likelier to be meant than any other.
        .filter(|(distance, _)| *distance <= 4)
        .collect();
    ranked.sort_unstable();
    ranked.truncate(3);
    ranked.into_iter().map(|(_, unit)| make(unit)).collect()
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
            near(wanted, units.iter().copied())
                .into_iter()
                .map(|near| near.id)
                .collect()
        };
        assert_eq!(ids("/workloads"), ["ou-ab12-11111111"]);
        assert_eq!(ids("Prod"), ["ou-ab12-22222222", "ou-ab12-33333333"]);
        assert_eq!(ids("ou-ab12-2222222"), ["ou-ab12-22222222"]);
        assert_eq!(ids("ou-zz99-98765432"), [""; 0]);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

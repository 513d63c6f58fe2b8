//! Who descends from whom: parents before children, or what keeps a set of OUs from being one tree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// OUs in an order in which every parent comes before its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage<'a> {
    /// OU ID, its parent's ID, its depth below the root (1 for the root's children).
    pub descent: Vec<(&'a str, &'a str, usize)>,
}

/// Why OUs do not make one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// OU IDs whose parent is not there.
    Orphans(Vec<String>),
    /// OU IDs, each the child of the next, the last one the child of the first.
    Cycle(Vec<String>),
}

impl<'a> Lineage<'a> {
    /// Orders OUs (ID to parent ID) below the root; the root itself is not among them.
    ///
    /// # Errors
    /// All orphans, else one cycle.
    pub fn of(root_id: &'a str, parents: &BTreeMap<&'a str, &'a str>) -> Result<Self, Broken> {
        let orphans: Vec<String> = parents
            .iter()
            .filter(|(_, parent)| **parent != root_id && !parents.contains_key(*parent))
            .map(|(id, _)| (*id).to_owned())
            .collect();
        if !orphans.is_empty() {
            return Err(Broken::Orphans(orphans));
        }
        let mut children: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for (id, parent) in parents {
            children.entry(parent).or_default().push(id);
        }
        let mut descent = Vec::with_capacity(parents.len());
        let mut queue = VecDeque::from([(root_id, 0)]);
        while let Some((parent, depth)) = queue.pop_front() {
            for id in children.remove(parent).unwrap_or_default() {
                descent.push((id, parent, depth + 1));
                queue.push_back((id, depth + 1));
            }
        }
        if descent.len() < parents.len() {
            let reached: BTreeSet<&str> = descent.iter().map(|(id, _, _)| *id).collect();
            return Err(Broken::Cycle(cycle(parents, &reached)));
        }
        Ok(Self { descent })
    }
}

/// A cycle among the OUs that cannot be reached from the root, from its smallest ID on.
fn cycle(parents: &BTreeMap<&str, &str>, reached: &BTreeSet<&str>) -> Vec<String> {
    let mut walked: Vec<&str> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next = parents.keys().copied().find(|id| !reached.contains(id));
    while let Some(id) = next {
        if !seen.insert(id) {
            walked.drain(..walked.iter().position(|w| *w == id).unwrap_or(0));
            break;
        }
        walked.push(id);
        next = parents.get(id).copied();
    }
    let start = (0..walked.len()).min_by_key(|&i| walked[i]).unwrap_or(0);
    walked.rotate_left(start);
    walked.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn lineage(parents: &[(&'static str, &'static str)]) -> Result<Vec<&'static str>, Broken> {
        let parents = parents.iter().copied().collect();
        let lineage = Lineage::of("r", &parents)?;
        Ok(lineage.descent.iter().map(|(id, _, _)| *id).collect())
    }

    #[test]
    fn parents_come_first() {
        assert_eq!(
            lineage(&[("a", "c"), ("b", "r"), ("c", "b")]),
            Ok(vec!["b", "c", "a"])
        );
        assert_eq!(lineage(&[]), Ok(vec![]));
    }

    #[test]
    fn orphans_and_cycles_are_named() {
        assert_eq!(
            lineage(&[("a", "r"), ("b", "x"), ("c", "b")]),
            Err(Broken::Orphans(vec!["b".to_owned()]))
        );
        assert_eq!(
            lineage(&[("0", "b"), ("a", "c"), ("b", "a"), ("c", "b"), ("d", "r")]),
            Err(Broken::Cycle(vec![
                "a".to_owned(),
                "c".to_owned(),
                "b".to_owned()
            ]))
        );
        assert_eq!(
            lineage(&[("a", "a")]),
            Err(Broken::Cycle(vec!["a".to_owned()]))
        );
    }

    #[test]
    fn a_very_deep_tree_does_not_exhaust_the_stack() {
        let ids: Vec<String> = (0..50_000).map(|i| format!("{i:06}")).collect();
        let mut parents: BTreeMap<&str, &str> = BTreeMap::from([(ids[0].as_str(), "r")]);
        for pair in ids.windows(2) {
            parents.insert(&pair[1], &pair[0]);
        }
        assert_eq!(
            Lineage::of("r", &parents)
                .unwrap()
                .descent
                .last()
                .unwrap()
                .2,
            50_000
        );
    }
}

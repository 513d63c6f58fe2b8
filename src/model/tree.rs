//! The tree of OUs: orders parents before children, or says why OUs are not one tree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// OUs in topological order: every parent comes before its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologicalOrder<'a> {
    /// OU ID, its parent's ID, its depth below the root (1 for the root's children).
    pub units: Vec<(&'a str, &'a str, usize)>,
}

/// Why OUs are not one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeError {
    /// IDs of OUs whose parent is missing.
    Orphans(Vec<String>),
    /// IDs of OUs: each is the child of the next, and the last one of the first.
    Cycle(Vec<String>),
}

impl<'a> TopologicalOrder<'a> {
    /// Orders the OUs below a root, given by ID with their parent's ID. The root is not among them.
    ///
    /// # Errors
    /// All orphans, else one cycle.
    pub fn of(root_id: &'a str, parents: &BTreeMap<&'a str, &'a str>) -> Result<Self, TreeError> {
        let orphans: Vec<String> = parents
            .iter()
            .filter(|(_, parent)| **parent != root_id && !parents.contains_key(*parent))
            .map(|(id, _)| (*id).to_owned())
            .collect();
        if !orphans.is_empty() {
            return Err(TreeError::Orphans(orphans));
        }
        let mut children: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for (id, parent) in parents {
            children.entry(parent).or_default().push(id);
        }
        let mut units = Vec::with_capacity(parents.len());
        let mut queue = VecDeque::from([(root_id, 0)]);
        while let Some((parent, depth)) = queue.pop_front() {
            for id in children.remove(parent).unwrap_or_default() {
                units.push((id, parent, depth + 1));
                queue.push_back((id, depth + 1));
            }
        }
        if units.len() < parents.len() {
            let reached: BTreeSet<&str> = units.iter().map(|(id, _, _)| *id).collect();
            return Err(TreeError::Cycle(find_cycle(parents, &reached)));
        }
        Ok(Self { units })
    }
}

/// Finds a cycle among the OUs that are not below the root. It starts with its smallest ID.
fn find_cycle(parents: &BTreeMap<&str, &str>, reached: &BTreeSet<&str>) -> Vec<String> {
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

    fn ordered(parents: &[(&'static str, &'static str)]) -> Result<Vec<&'static str>, TreeError> {
        let parents = parents.iter().copied().collect();
        let order = TopologicalOrder::of("r", &parents)?;
        Ok(order.units.iter().map(|(id, _, _)| *id).collect())
    }

    #[test]
    fn parents_come_first() {
        assert_eq!(
            ordered(&[("a", "c"), ("b", "r"), ("c", "b")]),
            Ok(vec!["b", "c", "a"])
        );
        assert_eq!(ordered(&[]), Ok(vec![]));
    }

    #[test]
    fn orphans_and_cycles_are_named() {
        assert_eq!(
            ordered(&[("a", "r"), ("b", "x"), ("c", "b")]),
            Err(TreeError::Orphans(vec!["b".to_owned()]))
        );
        assert_eq!(
            ordered(&[("0", "b"), ("a", "c"), ("b", "a"), ("c", "b"), ("d", "r")]),
            Err(TreeError::Cycle(vec![
                "a".to_owned(),
                "c".to_owned(),
                "b".to_owned()
            ]))
        );
        assert_eq!(
            ordered(&[("a", "a")]),
            Err(TreeError::Cycle(vec!["a".to_owned()]))
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
            TopologicalOrder::of("r", &parents)
                .unwrap()
                .units
                .last()
                .unwrap()
                .2,
            50_000
        );
    }
}

use mlops_core::Random;

use super::Params;

/// Which features a tree, its levels and its nodes may use: a part of the features, a part of these, and a part of these.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    params: &'a Params,
    random: Random,
    tree: Vec<usize>,
    levels: Vec<Vec<usize>>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(params: &'a Params, n_features: usize, mut random: Random) -> Self {
        let features: Vec<usize> = (0..n_features).collect();
        let tree = sample(&features, params.colsample_bytree, &mut random);
        Self { params, random, tree, levels: Vec::new() }
    }

    /// All that any node may use, ascending.
    pub(super) fn of_tree(&self) -> &[usize] {
        &self.tree
    }

    /// Those of the next node of a level, ascending.
    pub(super) fn of_node(&mut self, level: usize) -> Vec<usize> {
        while self.levels.len() <= level {
            let features = sample(&self.tree, self.params.colsample_bylevel, &mut self.random);
            self.levels.push(features);
        }
        sample(&self.levels[level], self.params.colsample_bynode, &mut self.random)
    }
}

/// A share of the features, rounded down, but at least one.
fn sample(features: &[usize], share: f32, random: &mut Random) -> Vec<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of the features"
    )]
    let count = ((share * features.len() as f32) as usize).max(1);
    let mut features = features.to_vec();
    if count < features.len() {
        random.choose(&mut features, count);
        features.truncate(count);
        features.sort_unstable();
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_one_of_the_part_above() {
        let params =
            Params::default().colsample_bytree(0.5).colsample_bylevel(0.5).colsample_bynode(0.5);
        let mut columns = Columns::new(&params, 16, Random::new(1));
        let tree = columns.of_tree().to_vec();
        assert!(tree.len() == 8 && tree.is_sorted());
        let nodes: Vec<Vec<usize>> = (0..40).map(|_| columns.of_node(3)).collect();
        assert!(nodes.iter().all(|node| node.len() == 2 && node.is_sorted()));
        let mut level = nodes.concat();
        level.sort_unstable();
        level.dedup();
        assert_eq!(level.len(), 4);
        assert!(level.iter().all(|feature| tree.contains(feature)));
    }

    #[test]
    fn one_feature_is_left_of_any() {
        let params = Params::default().colsample_bytree(0.01);
        assert_eq!(Columns::new(&params, 3, Random::new(1)).of_tree().len(), 1);
        let all = Params::default();
        assert_eq!(Columns::new(&all, 3, Random::new(1)).of_node(0), [0, 1, 2]);
    }
}

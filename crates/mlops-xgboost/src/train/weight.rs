//! Weights of leaves, and by how much they lower the loss.

use super::histogram::Sum;
use super::{Monotone, Params};

/// What a node's weight may be, where a monotone feature forbids others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    lower: f32,
    upper: f32,
}

impl Bounds {
    pub(super) const NONE: Self = Self { lower: f32::NEG_INFINITY, upper: f32::INFINITY };

    /// Those of the two children of a split by a feature, whose own weights would be these.
    pub(super) fn divide(self, monotone: Monotone, left: f32, right: f32) -> [Self; 2] {
        let middle = f32::midpoint(left, right);
        match monotone {
            Monotone::No => [self, self],
            Monotone::Increasing => {
                [Self { upper: middle, ..self }, Self { lower: middle, ..self }]
            }
            Monotone::Decreasing => {
                [Self { lower: middle, ..self }, Self { upper: middle, ..self }]
            }
        }
    }
}

/// Weights and scores under the regularization of some parameters:
///
/// ```text
/// weight = -T(G) / (H + lambda)    score = T(G)^2 / (H + lambda)    T(G) = sign(G) max(|G| - alpha, 0)
/// ```
///
/// The gain of a split is the score of its children less that of its node. Where a feature is monotone, weights are moved
/// into bounds, and the score is by how much the weight that is left lowers the loss: `-(2 G w + (H + lambda) w^2)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    alpha: f64,
    lambda: f32,
    min_child_weight: f64,
    are_free: bool,
}

impl Weights {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            alpha: params.reg_alpha.into(),
            lambda: params.reg_lambda,
            min_child_weight: params.min_child_weight.into(),
            are_free: params.monotone.is_empty(),
        }
    }

    /// Whether no feature is monotone.
    pub(super) fn are_free(self) -> bool {
        self.are_free
    }

    /// The weight that lowers the loss of a node most.
    pub(super) fn weight(self, total: Sum, bounds: Bounds) -> f32 {
        if !self.is_heavy_enough(total) || total.second <= 0.0 {
            return 0.0;
        }
        let weight = -self.shrunk(total.first).copysign(total.first) / self.denominator(total);
        #[expect(clippy::cast_possible_truncation, reason = "XGBoost's weights have 32 bits")]
        let weight = weight as f32;
        weight.max(bounds.lower).min(bounds.upper)
    }

    /// By how much that weight lowers it, twice.
    #[expect(clippy::cast_possible_truncation, reason = "XGBoost's scores have 32 bits")]
    pub(super) fn score(self, total: Sum, bounds: Bounds) -> f32 {
        if self.are_free {
            self.free_score(total)
        } else if total.second <= 0.0 {
            0.0
        } else {
            let weight = self.weight(total, bounds);
            let (first, second) = (total.first as f32, total.second as f32);
            -(2.0 * first * weight + (second + self.lambda) * weight * weight)
        }
    }

    /// The same where weights are free; without a branch, so that several are computed at a time.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "XGBoost's scores have 32 bits")]
    pub(super) fn free_score(self, total: Sum) -> f32 {
        let score = self.shrunk(total.first).powi(2) / self.denominator(total);
        (if total.second > 0.0 { score } else { 0.0 }) as f32
    }

    /// The score of the children of a split; none where they break the order of a monotone feature.
    pub(super) fn score_of(
        self,
        monotone: Monotone,
        [left, right]: [Sum; 2],
        bounds: Bounds,
    ) -> Option<f32> {
        let is_in_order = match monotone {
            Monotone::No => true,
            Monotone::Increasing => self.weight(left, bounds) <= self.weight(right, bounds),
            Monotone::Decreasing => self.weight(left, bounds) >= self.weight(right, bounds),
        };
        is_in_order.then(|| self.score(left, bounds) + self.score(right, bounds))
    }

    /// Whether a child may be as light.
    pub(super) fn is_heavy_enough(self, child: Sum) -> bool {
        child.second >= self.min_child_weight
    }

    /// Whether a node has the weight of two children.
    pub(super) fn may_split(self, node: Sum) -> bool {
        node.second >= 2.0 * self.min_child_weight && node.second > 0.0
    }

    fn shrunk(self, first: f64) -> f64 {
        (first.abs() - self.alpha).max(0.0)
    }

    fn denominator(self, total: Sum) -> f64 {
        total.second + f64::from(self.lambda)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: Sum = Sum { first: -3.0, second: 2.0 };

    #[test]
    fn regularization_shrinks_weights() {
        let weight = |params: Params| Weights::new(&params).weight(TOTAL, Bounds::NONE);
        let params = Params::default;
        assert_eq!(weight(params().reg_lambda(0.0)), 1.5);
        assert_eq!(weight(params()), 1.0);
        assert_eq!(weight(params().reg_alpha(1.5)), 0.5);
        assert_eq!(weight(params().reg_alpha(4.0)), 0.0);
        assert_eq!(weight(params().min_child_weight(2.5)), 0.0);
    }

    #[test]
    fn the_score_within_bounds_is_that_of_the_weight_that_is_left() {
        let free = Params::default();
        let bound = Params::default().monotone_constraints([Monotone::Increasing]);
        let score = |params: &Params, bounds| Weights::new(params).score(TOTAL, bounds);
        assert_eq!(score(&free, Bounds::NONE), 3.0);
        assert_eq!(score(&bound, Bounds::NONE), 3.0);
        let [below, above] = Bounds::NONE.divide(Monotone::Increasing, 0.25, 0.75);
        // -(2 (-3) 0.5 + 3 0.5^2)
        assert_eq!((score(&bound, below), score(&bound, above)), (2.25, 3.0));
    }

    #[test]
    fn children_out_of_order_have_no_score() {
        let params = Params::default();
        let light = Sum { first: 3.0, second: 2.0 };
        let has_score = |monotone, children| {
            Weights::new(&params).score_of(monotone, children, Bounds::NONE).is_some()
        };
        assert!(has_score(Monotone::Increasing, [light, TOTAL]));
        assert!(!has_score(Monotone::Increasing, [TOTAL, light]));
        assert!(!has_score(Monotone::Decreasing, [light, TOTAL]));
        assert!(has_score(Monotone::No, [TOTAL, light]));
    }
}

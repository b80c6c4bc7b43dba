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
        let middle = (left + right) / 2.0;
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
pub(super) struct Weights<'a> {
    pub(super) params: &'a Params,
}

impl Weights<'_> {
    /// The weight that lowers the loss of a node most.
    pub(super) fn weight(&self, total: Sum, bounds: Bounds) -> f32 {
        if !self.is_heavy_enough(total) || total.second <= 0.0 {
            return 0.0;
        }
        let weight = -self.shrunk(total.first) / self.denominator(total);
        #[expect(clippy::cast_possible_truncation, reason = "XGBoost's weights have 32 bits")]
        let weight = weight as f32;
        weight.max(bounds.lower).min(bounds.upper)
    }

    /// By how much that weight lowers it, twice.
    #[expect(clippy::cast_possible_truncation, reason = "XGBoost's scores have 32 bits")]
    pub(super) fn score(&self, total: Sum, bounds: Bounds) -> f32 {
        if total.second <= 0.0 {
            0.0
        } else if self.params.monotone.is_empty() {
            (self.shrunk(total.first).powi(2) / self.denominator(total)) as f32
        } else {
            let weight = self.weight(total, bounds);
            let (first, second) = (total.first as f32, total.second as f32);
            -(2.0 * first * weight + (second + self.params.reg_lambda) * weight * weight)
        }
    }

    /// The score of the children of a split; none where they break the order of a monotone feature.
    pub(super) fn score_of(
        &self,
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
    pub(super) fn is_heavy_enough(&self, child: Sum) -> bool {
        child.second >= f64::from(self.params.min_child_weight)
    }

    fn shrunk(&self, first: f64) -> f64 {
        (first.abs() - f64::from(self.params.reg_alpha)).max(0.0).copysign(first)
    }

    fn denominator(&self, total: Sum) -> f64 {
        total.second + f64::from(self.params.reg_lambda)
    }
}

use std::ops::{Range, RangeInclusive};

use serde::Serialize;

use super::candidate::{Candidate, Value};

/// What a search may choose: parameters with a range and a scale each.
///
/// # Examples
/// ```
/// use mlops_pipeline::SearchSpace;
///
/// let space = SearchSpace::new()
///     .integer("max_depth", 4..=100)
///     .log_uniform("learning_rate", 0.05..1.0)
///     .uniform("subsample", 0.5..1.0);
/// assert_eq!(space.names().count(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct SearchSpace {
    pub(super) parameters: Vec<Parameter>,
}

/// One parameter. The search moves on an axis on which all values are alike before anything is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    scale: Scale,
    low: f64,
    high: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
enum Scale {
    Integer,
    Linear,
    Log,
}

impl SearchSpace {
    /// Without any parameter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a whole number; all are equally likely at first.
    pub fn integer(self, name: &str, range: RangeInclusive<u32>) -> Self {
        self.with(name, Scale::Integer, f64::from(*range.start()), f64::from(*range.end()))
    }

    /// Adds a number that is evenly distributed at first.
    pub fn uniform(self, name: &str, range: Range<f64>) -> Self {
        self.with(name, Scale::Linear, range.start, range.end)
    }

    /// Adds a positive number whose logarithm is evenly distributed at first.
    pub fn log_uniform(self, name: &str, range: Range<f64>) -> Self {
        self.with(name, Scale::Log, range.start, range.end)
    }

    /// The names of the parameters, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|parameter| parameter.name.as_str())
    }

    fn with(mut self, name: &str, scale: Scale, low: f64, high: f64) -> Self {
        self.parameters.push(Parameter { name: name.to_owned(), scale, low, high });
        self
    }

    /// The name of a parameter that cannot be searched for: its range is empty or not finite, or another one has its name.
    pub(super) fn fault(&self) -> Option<&str> {
        let is_known =
            |at: usize| self.names().take(at).any(|name| name == self.parameters[at].name);
        let mut parameters = self.parameters.iter().enumerate();
        let faulty = parameters.find(|(at, parameter)| parameter.axis().is_none() || is_known(*at));
        faulty.map(|(_, parameter)| parameter.name.as_str())
    }

    /// The candidate at a place on the axes.
    pub(super) fn candidate(&self, place: &[f64]) -> Candidate {
        let values = self.parameters.iter().zip(place);
        Candidate::new(values.map(|(parameter, at)| (parameter.name.clone(), parameter.value(*at))))
    }

    /// Where a candidate of this space is on the axes; `None` for one of another space.
    pub(super) fn place(&self, candidate: &Candidate) -> Option<Vec<f64>> {
        let places = self.parameters.iter().map(|it| Some(it.place(candidate.get(&it.name)?)));
        (candidate.len() == self.parameters.len()).then(|| places.collect())?
    }
}

impl Parameter {
    /// The ends of the axis.
    pub(super) fn axis(&self) -> Option<tpe::range::Range> {
        let (low, high) = match self.scale {
            Scale::Integer => (self.low - 0.5, self.high + 0.5),
            Scale::Linear => (self.low, self.high),
            Scale::Log => (self.low.ln(), self.high.ln()),
        };
        tpe::range(low, high).ok()
    }

    fn value(&self, at: f64) -> Value {
        match self.scale {
            Scale::Integer => {
                let whole = at.round().clamp(self.low, self.high);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it lies between two numbers of 32 bits"
                )]
                let whole = whole as u32;
                Value::Integer(whole)
            }
            Scale::Linear => Value::Real(at),
            // Rounding may lead out of the range.
            Scale::Log => Value::Real(at.exp().clamp(self.low, self.high)),
        }
    }

    fn place(&self, value: Value) -> f64 {
        match self.scale {
            Scale::Log => value.as_f64().ln(),
            Scale::Integer | Scale::Linear => value.as_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> SearchSpace {
        SearchSpace::new()
            .integer("depth", 2..=4)
            .uniform("share", 0.5..1.0)
            .log_uniform("rate", 0.01..1.0)
    }

    #[test]
    fn candidates_stand_where_their_values_are() {
        let candidate = space().candidate(&[2.6, 0.75, 0.1_f64.ln()]);
        assert_eq!(candidate.integer("depth"), 3);
        assert_eq!(candidate.real("share"), 0.75);
        assert!((candidate.real("rate") - 0.1).abs() < 1e-15);
        let place = space().place(&candidate).unwrap();
        assert_eq!(space().candidate(&place), candidate);
        assert_eq!(space().integer("more", 0..=1).place(&candidate), None);
        assert_eq!(SearchSpace::new().integer("depth", 2..=4).place(&candidate), None);
    }

    #[test]
    fn ends_of_the_axis_are_values_of_the_range() {
        for at in [1.5, 4.499_999] {
            assert!((2..=4).contains(&space().candidate(&[at, 0.5, 0.0]).integer("depth")));
        }
    }

    #[test]
    fn what_cannot_be_searched_for_is_named() {
        assert_eq!(space().fault(), None);
        let faulty = [
            SearchSpace::new().uniform("empty", 1.0..1.0),
            SearchSpace::new().log_uniform("zero", 0.0..1.0),
            SearchSpace::new().log_uniform("negative", -1.0..1.0),
            SearchSpace::new().uniform("nan", f64::NAN..1.0),
            SearchSpace::new().uniform("endless", 0.0..f64::INFINITY),
            SearchSpace::new().integer("backwards", RangeInclusive::new(3, 1)),
            space().uniform("rate", 0.0..1.0),
        ];
        let names = faulty.each_ref().map(|space| space.fault().unwrap_or("none"));
        assert_eq!(names, ["empty", "zero", "negative", "nan", "endless", "backwards", "rate"]);
    }
}

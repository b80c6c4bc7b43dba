use mlops_core::Random;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tpe::TpeOptimizerBuilder;

use super::space::{Parameter, SearchSpace};

/// What a trial has told about a place on the axes; lower losses are better.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) place: Vec<f64>,
    pub(super) loss: f64,
}

/// So many of the observations are the good ones.
const GOOD: f64 = 0.1;
/// So many places drawn where good ones are, of which the one is taken that is least like the others.
const DRAWN: usize = 24;

/// Where the `index`-th trial of a seed goes: anywhere if there are fewer than `n_startup` observations, and else by a
/// tree-structured Parzen estimator of each parameter.
pub(super) fn propose(
    space: &SearchSpace,
    seed: u64,
    index: usize,
    observations: &[Observation],
    n_startup: usize,
) -> Vec<f64> {
    let mut random = Random::stream(seed, index as u64);
    let parameters = space.parameters.iter().enumerate();
    parameters
        .map(|(at, parameter)| {
            // A stream each: the places of a parameter do not depend on what another one took.
            let stream = random.bits();
            if observations.len() < n_startup {
                anywhere(parameter, stream)
            } else {
                let told = observations.iter().map(|it| (it.place[at], it.loss));
                estimate(parameter, stream, told).unwrap_or_else(|| anywhere(parameter, stream))
            }
        })
        .collect()
}

fn anywhere(parameter: &Parameter, stream: u64) -> f64 {
    let axis = parameter.axis();
    axis.map_or(f64::NAN, |axis| axis.start() + axis.width() * Random::new(stream).unit())
}

fn estimate(
    parameter: &Parameter,
    stream: u64,
    told: impl Iterator<Item = (f64, f64)>,
) -> Option<f64> {
    let mut builder = TpeOptimizerBuilder::new();
    builder.gamma(GOOD).candidates(DRAWN);
    let mut optimizer = builder.build(tpe::parzen_estimator(), parameter.axis()?).ok()?;
    for (place, loss) in told {
        optimizer.tell(place, loss).ok()?;
    }
    optimizer.ask(&mut Xoshiro256PlusPlus::seed_from_u64(stream)).ok()
}

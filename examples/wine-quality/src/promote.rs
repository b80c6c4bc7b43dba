//! `promote`: the three models of a configuration are put to use, all or none.

use mlops_registry::{ModelUri, Promotion, Registry, Stage};

use crate::cli::PromoteArgs;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::registry::NamedRegistry;
use crate::screen::say;

pub(crate) fn promote(args: &PromoteArgs) -> Result<(), Error> {
    let configuration = Configuration::read(&args.config)?;
    let stage = args.stage.into();
    let named = NamedRegistry::new(&args.store);
    let parts = parts(&configuration)?;
    let registry = named.get()?;
    let promotions = if args.dry_run {
        let plans = parts.iter().map(|(part, uri)| {
            let plan = registry.plan_promotion(uri, stage);
            plan.map_err(|error| Error::promoted(part, &uri.to_string(), error.into()))
        });
        plans.collect::<Result<Vec<_>, _>>()?
    } else {
        promote_all(registry, &configuration, stage)?
    };
    let verb = if args.dry_run { "would move" } else { "moved" };
    for promotion in &promotions {
        say(describe(verb, promotion));
    }
    Ok(())
}

/// Moves the models of a configuration to a stage, all or none.
pub(crate) fn promote_all(
    registry: &Registry,
    configuration: &Configuration,
    stage: Stage,
) -> Result<Vec<Promotion>, Error> {
    let uris: Vec<ModelUri> = parts(configuration)?.into_iter().map(|(_, uri)| uri).collect();
    Ok(registry.promote_all(&uris, stage)?)
}

/// The URIs of a configuration, with what each is for.
fn parts(configuration: &Configuration) -> Result<[(&'static str, ModelUri); 3], Error> {
    let Configuration { prediction, drift, outliers } = configuration;
    let parse = |part, uri: &String| match uri.parse() {
        Ok(parsed) => Ok((part, parsed)),
        Err(error) => Err(Error::promoted(part, uri, mlops_registry::UriError::into(error))),
    };
    Ok([parse("prediction", prediction)?, parse("drift", drift)?, parse("outlier", outliers)?])
}

fn describe(verb: &str, promotion: &Promotion) -> String {
    let Promotion { name, version, stage, from, archived, alias, replaced, .. } = promotion;
    let moved = match from {
        Some(from) => format!("{verb} {name} {version} from {from} to {stage}"),
        None => format!("{verb} {name} {version} (no stages here)"),
    };
    let pointed = match replaced {
        Some(replaced) if replaced != version => format!("the alias {alias} from {replaced}"),
        Some(_) => format!("the alias {alias} stays"),
        None => format!("the alias {alias} is new"),
    };
    let archived: Vec<_> = archived.iter().map(|version| format!("archives {version}")).collect();
    [vec![moved, pointed], archived].concat().join(", ")
}

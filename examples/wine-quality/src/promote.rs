//! `promote`: the three models of a configuration are put to use, all or none.

use mlops_registry::{ModelUri, Promotion};

use crate::cli::PromoteArgs;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::registry::NamedRegistry;
use crate::screen::say;

pub(crate) fn promote(args: &PromoteArgs) -> Result<(), Error> {
    let Configuration { prediction, drift, outliers } = Configuration::read(&args.config)?;
    let stage = args.stage.into();
    let named = NamedRegistry::new(&args.store);
    let mut uris = Vec::new();
    let parts = [("prediction", prediction), ("drift", drift), ("outlier", outliers)];
    for (part, uri) in &parts {
        let parsed: Result<ModelUri, _> = uri.parse();
        uris.push(parsed.map_err(|error| Error::promoted(part, uri, error.into()))?);
    }
    let registry = named.get()?;
    let promotions = if args.dry_run {
        let plans = uris.iter().zip(&parts).map(|(parsed, (part, uri))| {
            let plan = registry.plan_promotion(parsed, stage);
            plan.map_err(|error| Error::promoted(part, uri, error.into()))
        });
        plans.collect::<Result<Vec<_>, _>>()?
    } else {
        registry.promote_all(&uris, stage)?
    };
    let verb = if args.dry_run { "would move" } else { "moved" };
    for promotion in &promotions {
        say(describe(verb, promotion));
    }
    Ok(())
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

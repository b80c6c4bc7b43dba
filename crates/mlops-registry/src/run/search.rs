//! Runs that a filter selects, in an order.

use super::{DELETED, PARAMS, Run, RunMeta};
use crate::entries::{self, TAGS};
use crate::field::Field;
use crate::name::check_key;
use crate::search::{self, Searched, Value};
use crate::{Error, Filter, LocalStore, Metric, meta};

impl LocalStore {
    /// The runs of some experiments that are not deleted and for which a filter holds, in an order such as
    /// `metrics.loss ASC`; the last started first where it leaves that open.
    ///
    /// Nothing is read but what filter and order ask for.
    ///
    /// # Errors
    /// * [`Refused`](crate::ErrorKind::Refused) if filter or order ask for what runs do not have
    /// * as [`runs`](Self::runs)
    ///
    /// # Examples
    /// ```
    /// use mlops_registry::{Compare, Filter, LocalStore};
    ///
    /// # let folder = std::env::temp_dir().join(format!("mlops-search-{}", std::process::id()));
    /// let store = LocalStore::open(&folder)?;
    /// let experiment = store.experiment("wine quality")?;
    /// for (name, loss) in [("first", 0.5), ("second", 0.25), ("third", 0.75)] {
    ///     store.start_run(&experiment, name, None)?.log_metric("loss", loss, 0)?;
    /// }
    /// let filter = Filter::metric("loss", Compare::AtMost, 0.5)?;
    /// let best = store.search_runs(&[&experiment.id], &filter, &["metrics.loss"])?;
    /// assert_eq!(best.len(), 2);
    /// assert_eq!(best[0].info()?.name, "second");
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn search_runs(
        &self,
        experiment_ids: &[&str],
        filter: &Filter,
        order_by: &[&str],
    ) -> Result<Vec<Run>, Error> {
        let active = self.experiments()?.into_iter().map(|experiment| experiment.id);
        let active: Vec<_> = active.filter(|id| experiment_ids.contains(&id.as_str())).collect();
        let active: Vec<_> = active.iter().map(String::as_str).collect();
        let runs = search::select(newest_first(self, &active)?, filter)?;
        let found = search::sort(runs, order_by)?;
        Ok(found.into_iter().map(|stored| stored.run).collect())
    }
}

/// A run with its `meta.yaml`.
pub(super) struct Stored {
    pub(super) run: Run,
    meta: RunMeta,
}

/// The runs of some experiments that are not deleted, the last started first.
pub(super) fn newest_first(
    store: &LocalStore,
    experiment_ids: &[&str],
) -> Result<Vec<Stored>, Error> {
    let mut runs = Vec::new();
    for &experiment_id in experiment_ids {
        for name in entries::names(&store.root().join(experiment_id))? {
            let Ok(id) = name.parse() else { continue };
            let run = Run { store: store.clone(), experiment_id: experiment_id.to_owned(), id };
            if !meta::is_there(&run.folder()) {
                continue;
            }
            let meta: RunMeta = meta::read(&run.folder())?;
            if meta.lifecycle_stage.as_deref() != Some(DELETED) {
                runs.push(Stored { run, meta });
            }
        }
    }
    runs.sort_by(|left, right| {
        let by_time = right.meta.start_time.cmp(&left.meta.start_time);
        by_time.then_with(|| left.run.id.as_str().cmp(right.run.id.as_str()))
    });
    Ok(runs)
}

impl Searched for Stored {
    const OPERATION: &'static str = "search runs";
    const TEXTS: &'static [&'static str] =
        &["run_id", "run_name", "status", "user_id", "artifact_uri"];
    const INTEGERS: &'static [&'static str] = &["start_time", "created", "end_time"];
    const HAS_METRICS: bool = true;

    fn value(&self, field: &Field) -> Result<Option<Value>, Error> {
        let Self { run, meta } = self;
        if let Field::Metric(key) | Field::Param(key) | Field::Tag(key) = field
            && check_key(key, "key").is_err()
        {
            // No run has such a key, and it could be a path to somewhere else.
            return Ok(None);
        }
        Ok(match field {
            Field::Metric(key) => {
                Metric::latest(&run.metric_history(key)?).map(|latest| Value::Number(latest.value))
            }
            Field::Param(key) => entries::read(&run.folder().join(PARAMS), key)?.map(Value::Text),
            Field::Tag(key) => entries::read(&run.folder().join(TAGS), key)?.map(Value::Text),
            Field::Attribute(name) => match name.as_str() {
                "run_id" => Some(Value::Text(run.id.to_string())),
                "run_name" => meta.run_name.clone().map(Value::Text),
                "status" => Some(Value::Text(run.status(meta)?.as_str().to_owned())),
                "user_id" => meta.user_id.clone().map(Value::Text),
                "artifact_uri" => Some(Value::Text(meta.artifact_uri.clone())),
                "end_time" => meta.end_time.map(Value::Integer),
                _ => Some(Value::Integer(meta.start_time)),
            },
        })
    }
}

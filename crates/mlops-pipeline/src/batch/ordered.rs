use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// So many tasks wait at each thread, or their results do.
const DEPTH: usize = 2;

/// Does the tasks that `next` gives on `jobs` threads, and hands the results to `put` in the order of the tasks.
///
/// What is told is the first error in that order, whatever the number of threads; the results before it were put.
pub(super) fn ordered<T: Send, U: Send, E: Send>(
    jobs: usize,
    mut next: impl FnMut() -> Result<Option<T>, E>,
    work: impl Fn(T) -> Result<U, E> + Sync,
    mut put: impl FnMut(U) -> Result<(), E>,
) -> Result<(), E> {
    if jobs <= 1 {
        while let Some(task) = next()? {
            put(work(task)?)?;
        }
        return Ok(());
    }
    thread::scope(|scope| {
        let workers: Vec<Worker<T, Result<U, E>>> = (0..jobs)
            .map(|_| {
                let (tasks, received) = sync_channel(DEPTH);
                let (done, results) = sync_channel(DEPTH);
                let work = &work;
                scope.spawn(move || received.into_iter().map(work).try_for_each(|r| done.send(r)));
                Worker { tasks, results }
            })
            .collect();
        // Tasks go round the threads, so the next result is known to come from the next thread.
        let (mut n_given, mut n_put) = (0, 0);
        let mut put_next = |n_put: &mut usize| {
            let result = workers[*n_put % jobs].results.recv();
            *n_put += 1;
            // A thread that has panicked says so at the end of the scope.
            result.map_or(Ok(()), |result| put(result?))
        };
        let end = loop {
            let task = match next() {
                Ok(Some(task)) => task,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            if n_given - n_put == jobs * DEPTH {
                put_next(&mut n_put)?;
            }
            if workers[n_given % jobs].tasks.send(task).is_err() {
                break Ok(());
            }
            n_given += 1;
        };
        while n_put < n_given {
            put_next(&mut n_put)?;
        }
        end
    })
}

struct Worker<T, R> {
    tasks: SyncSender<T>,
    results: Receiver<R>,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn run(
        jobs: usize,
        n_tasks: u64,
        last: Result<Option<u64>, u64>,
    ) -> (Vec<u64>, Result<(), u64>) {
        let mut tasks = 0..n_tasks;
        let mut put = Vec::new();
        let outcome = ordered(
            jobs,
            || tasks.next().map_or(last, |task| Ok(Some(task))),
            |task| {
                thread::sleep(Duration::from_micros(task * 37 % 100));
                if task == 70 { Err(task) } else { Ok(task * task) }
            },
            |result| {
                put.push(result);
                Ok(())
            },
        );
        (put, outcome)
    }

    #[test]
    fn results_come_in_the_order_of_the_tasks() {
        let squares: Vec<u64> = (0..60).map(|task| task * task).collect();
        for jobs in [0, 1, 2, 3, 16, 100] {
            assert_eq!(run(jobs, 60, Ok(None)), (squares.clone(), Ok(())));
        }
    }

    #[test]
    fn the_first_error_is_told_after_the_results_before_it() {
        let squares: Vec<u64> = (0..70).map(|task| task * task).collect();
        for jobs in [1, 2, 5, 100] {
            assert_eq!(run(jobs, 200, Ok(None)), (squares.clone(), Err(70)));
            assert_eq!(run(jobs, 30, Err(7)), (squares[..30].to_vec(), Err(7)));
            assert_eq!(run(jobs, 71, Err(7)), (squares.clone(), Err(70)));
        }
    }

    #[test]
    fn few_tasks_are_under_way_at_once() {
        let (given, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut n_put = 0;
        let outcome = ordered(
            3,
            || {
                let task = given.fetch_add(1, Ordering::Relaxed);
                Ok::<_, ()>(Some(task).filter(|task| *task < 1000))
            },
            Ok,
            |_| {
                n_put += 1;
                most.fetch_max(given.load(Ordering::Relaxed) - n_put, Ordering::Relaxed);
                Ok(())
            },
        );
        assert_eq!((outcome, n_put), (Ok(()), 1000));
        assert!(most.into_inner() <= 3 * DEPTH + 1);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_thread_that_panics_ends_it() {
        let mut tasks = 0..100;
        let next = || Ok::<_, ()>(tasks.next());
        let _ =
            ordered(2, next, |task| if task == 9 { panic!("nine") } else { Ok(task) }, |_| Ok(()));
    }
}

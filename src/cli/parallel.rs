//! Work on many items at once, on as many threads as there are cores or somebody asks for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, available_parallelism, scope};

/// As much as the first thread has: documents are nested.
const STACK_BYTES: usize = 8 * 1024 * 1024;

pub(super) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Does the work for each item on so many threads, this one among them, and answers in the order of the items.
pub(super) fn in_parallel<'t, T: Sync, R: Send>(
    jobs: usize,
    items: &'t [T],
    work: impl Fn(&'t T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let work_on = || {
        while let Some((index, item)) = take_next(&next, items) {
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    scope(|scope| {
        for _ in 1..jobs.min(items.len()) {
            // Where the system has no room for a thread, the others do its work.
            let _thread = Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work_on);
        }
        work_on();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take_next<'t, T>(next: &AtomicUsize, items: &'t [T]) -> Option<(usize, &'t T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
        for jobs in [1, 2, 7, 1000] {
            assert_eq!(in_parallel(jobs, &items, |item| item * 2), doubled);
        }
        assert_eq!(in_parallel(2, &[] as &[usize], |item| item * 2), [0; 0]);
    }
}

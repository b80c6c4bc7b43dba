use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets so many requests in at a time.
#[derive(Debug)]
pub(crate) struct Admission {
    in_flight: Arc<AtomicUsize>,
    limit: usize,
}

/// The place of a request; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Admission {
    pub(crate) fn new(limit: usize) -> Self {
        Self { in_flight: Arc::new(AtomicUsize::new(0)), limit }
    }

    /// A place, or `None` if there is none free.
    pub(crate) fn enter(&self) -> Option<Place> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.in_flight));
        (before < self.limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_up_to_the_limit_and_free_again_when_dropped() {
        let admission = Admission::new(2);
        let places = [admission.enter(), admission.enter()];
        assert!(places.iter().all(Option::is_some));
        assert!(admission.enter().is_none());
        assert!(admission.enter().is_none(), "who was turned away holds no place");
        drop(places);
        assert!(admission.enter().is_some());
    }
}

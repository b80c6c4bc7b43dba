use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Limits;

/// Lets so many requests in at a time, and so many bytes of their bodies.
///
/// A request that is still arriving takes bytes and no place, and the first bytes of a body are free: clients that send
/// slowly, or never to the end, keep no small request from being answered.
#[derive(Debug)]
pub(crate) struct Admission {
    in_flight: Arc<AtomicUsize>,
    limit: usize,
    held_bytes: Arc<AtomicUsize>,
    // As many as the requests in flight could hold at most.
    byte_limit: usize,
}

/// The place of a request; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    in_flight: Arc<AtomicUsize>,
    // What the body takes, once it is there.
    _room: Option<Room>,
}

/// The bytes that a body takes; dropping it frees them.
#[derive(Debug)]
pub(crate) struct Room {
    held_bytes: Arc<AtomicUsize>,
    limit: usize,
    arrived: usize,
    taken: usize,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            in_flight: Arc::default(),
            limit: limits.requests,
            held_bytes: Arc::default(),
            byte_limit: limits.requests.saturating_mul(limits.body_bytes),
        }
    }

    /// Whether no place is free.
    pub(crate) fn is_full(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) >= self.limit
    }

    /// Room for a body that begins to arrive.
    pub(crate) fn room(&self) -> Room {
        Room {
            held_bytes: Arc::clone(&self.held_bytes),
            limit: self.byte_limit,
            arrived: 0,
            taken: 0,
        }
    }

    /// A place for a request whose body has arrived, or `None` if there is none free.
    pub(crate) fn enter(&self, room: Option<Room>) -> Option<Place> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place { in_flight: Arc::clone(&self.in_flight), _room: room };
        (before < self.limit).then_some(place)
    }
}

impl Room {
    /// Takes so many more bytes; `false` if there is no room for them.
    pub(crate) fn grow(&mut self, n_bytes: usize) -> bool {
        self.arrived += n_bytes;
        let more = self.arrived.saturating_sub(FREE_BYTES) - self.taken;
        self.taken += more;
        let before = self.held_bytes.fetch_add(more, Ordering::Relaxed);
        more == 0 || before.saturating_add(more) <= self.limit
    }
}

/// So much of a body takes no room: a dozen rows, of as many clients as there may be connections.
const FREE_BYTES: usize = 16 << 10;

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.held_bytes.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        Admission::new(&Limits { requests: 2, body_bytes: 50, ..Limits::default() })
    }

    #[test]
    fn places_are_given_up_to_the_limit_and_free_again_when_dropped() {
        let admission = admission();
        let places = [admission.enter(None), admission.enter(None)];
        assert!(places.iter().all(Option::is_some) && admission.is_full());
        assert!(admission.enter(None).is_none());
        assert!(admission.enter(None).is_none(), "who was turned away holds no place");
        drop(places);
        assert!(!admission.is_full() && admission.enter(None).is_some());
    }

    #[test]
    fn bodies_take_no_more_than_those_of_all_places_could() {
        let admission = admission();
        let mut rooms = [admission.room(), admission.room()];
        assert!(rooms[0].grow(FREE_BYTES) && rooms[0].grow(60) && rooms[1].grow(FREE_BYTES + 40));
        assert!(!rooms[1].grow(1), "100 bytes are held");
        assert!(admission.room().grow(FREE_BYTES), "a small body is always taken");
        let [first, second] = rooms;
        drop(second);
        let place = admission.enter(Some(first));
        let mut room = admission.room();
        assert!(room.grow(FREE_BYTES + 40) && !room.grow(1), "held as long as the place");
        drop((room, place));
        assert!(admission.room().grow(FREE_BYTES + 100));
    }
}

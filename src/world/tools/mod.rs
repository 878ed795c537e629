//! Finds the vendors' tools and asks each what it is. Installing them is left to the person.

mod surroundings;

pub use surroundings::Surroundings;

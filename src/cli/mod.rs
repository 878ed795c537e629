//! Floor 6: one file per verb; screen, JSON and log are readers of the events.

//! Where runs are killed by the tests of the real tools.

/// How many: `RECOVER_KILLS=200` takes minutes.
const KILLS: u32 = 3;

/// Parts of a run, spread over all of it however many there are: the bits of each number in reverse.
pub fn shares() -> impl Iterator<Item = f64> {
    let kills = std::env::var("RECOVER_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    (1..=kills).map(|kill| f64::from(kill.reverse_bits()) / f64::from(u32::MAX))
}

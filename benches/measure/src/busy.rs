//! How much of the machine other programs take while the contestants wait for their turn.
//!
//! It matters more than it seems: frameworks whose threads wait for each other by spinning can lose
//! nine tenths of their speed to a single busy neighbour, which would flatter all the others.

use std::time::Duration;

/// Above this share the figures are not to be trusted.
pub(crate) const LIMIT: f64 = 0.05;

/// The busy share of all processors, from 0 to 1, over a quarter of a second; `None` where the
/// system does not tell.
pub(crate) fn share() -> Option<f64> {
    let (busy_before, all_before) = ticks(&std::fs::read_to_string("/proc/stat").ok()?)?;
    std::thread::sleep(Duration::from_millis(250));
    let (busy, all) = ticks(&std::fs::read_to_string("/proc/stat").ok()?)?;
    let passed = all.checked_sub(all_before).filter(|&ticks| ticks > 0)?;
    Some(busy.saturating_sub(busy_before) as f64 / passed as f64)
}

/// Busy ticks and all ticks since the system started, from the first line of `/proc/stat`:
/// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`.
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let first = stat.lines().next()?.strip_prefix("cpu ")?;
    // Time of guests is contained in the user's time already.
    let counts: Vec<u64> = first
        .split_whitespace()
        .take(8)
        .map_while(|n| n.parse().ok())
        .collect();
    let all = counts.iter().sum::<u64>();
    let idle = counts.get(3)? + counts.get(4)?;
    Some((all - idle, all))
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn counts_everything_but_idling_and_waiting_for_disks() {
        let stat = "cpu  100 10 20 700 50 3 2 15 40 0\ncpu0 1 1 1 1\n";
        assert_eq!(ticks(stat), Some((150, 900)));
        assert_eq!(ticks("intr 5"), None);
        assert_eq!(ticks("cpu  1 2 3"), None);
    }
}

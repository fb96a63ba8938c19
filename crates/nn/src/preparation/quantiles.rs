//! Where equally many numbers lie, as Keras's `Discretization` finds it: from a summary of about 1/ε of them.

/// A number, and how many it stands for.
type Summary = Vec<(f64, f64)>;

/// The boundaries between so many bins.
pub(crate) fn quantiles(bins: usize, data: &[f32], epsilon: f64) -> Vec<f64> {
    let summary = compress(summarize(data, epsilon), epsilon);
    let mut bounds = compress(summary, 1.0 / bins as f64);
    bounds.pop();
    bounds.into_iter().map(|(value, _)| value).collect()
}

/// Every so manieth of the sorted numbers.
fn summarize(data: &[f32], epsilon: f64) -> Summary {
    let mut values = data.to_vec();
    values.sort_by(f32::total_cmp);
    let step = (values.len() as f64 / (1.0 / epsilon)).max(1.0);
    let first = (step - 1.0) as usize;
    let taken = values.iter().skip(first).step_by(step as usize);
    taken.map(|&value| (f64::from(value), step)).collect()
}

/// The numbers at equal parts of the whole. Sums and parts are f32, as Keras keeps them.
fn compress(summary: Summary, epsilon: f64) -> Summary {
    if (summary.len() as f64) * epsilon < 1.0 {
        return summary;
    }
    let mut sum = 0.0f32;
    let sums: Vec<f64> = summary
        .iter()
        .map(|(_, weight)| {
            sum += *weight as f32;
            f64::from(sum)
        })
        .collect();
    let part = |s: &f64| f64::from(*s as f32 / sum);
    let parts: Vec<f64> = sums.iter().map(part).collect();
    let values: Vec<f64> = summary.iter().map(|(value, _)| *value).collect();
    // As many as NumPy's arange(0, 1, ε) has.
    let many = (1.0 / epsilon).ceil() as usize;
    let at = (0..many).map(|i| epsilon + i as f64 * epsilon);
    let mut before = 0.0;
    at.map(|at| {
        let until = interpolate(at, &parts, &sums);
        let weight = until - before;
        before = until;
        (
            f64::from(interpolate(at, &parts, &values) as f32),
            f64::from(weight as f32),
        )
    })
    .collect()
}

/// NumPy's `interp`: straight between the points, level beyond them.
fn interpolate(at: f64, x: &[f64], y: &[f64]) -> f64 {
    let next = x.partition_point(|x| *x <= at);
    match next {
        0 => y[0],
        _ if next == x.len() => y[next - 1],
        _ => {
            let slope = (y[next] - y[next - 1]) / (x[next] - x[next - 1]);
            slope * (at - x[next - 1]) + y[next - 1]
        }
    }
}

//! Made-up studies in which no variant is better than another: images are more or less difficult, networks of different
//! seeds more or less good, and whether a network has an image right is drawn.

use taper_experiments::statistics::{
    Interval, Table, Verdict, estimate, holm, mcnemar, sign_flip, wilson,
};
use taper_tensor::{Key, Seed, Stream};

/// One kind of study. All spreads are standard deviations of log odds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Images that networks are judged on.
    pub(crate) images: usize,
    /// Trainings of a variant.
    pub(crate) seeds: usize,
    /// How much seeds differ in how good their networks are.
    pub(crate) quality: f64,
    /// How much an image suits one variant rather than another, whatever the seed.
    pub(crate) lean: f64,
}

/// What is tried.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "one seed",
        images: 2_000,
        seeds: 1,
        quality: 0.0,
        lean: 0.0,
    },
    Setting {
        name: "ten seeds",
        images: 2_000,
        seeds: 10,
        quality: 0.1,
        lean: 0.0,
    },
    Setting {
        name: "ten seeds that hardly differ",
        images: 2_000,
        seeds: 10,
        quality: 0.0,
        lean: 0.0,
    },
    Setting {
        name: "ten seeds that differ much",
        images: 2_000,
        seeds: 10,
        quality: 0.5,
        lean: 0.0,
    },
    Setting {
        name: "ten seeds, images that lean",
        images: 2_000,
        seeds: 10,
        quality: 0.1,
        lean: 1.0,
    },
    Setting {
        name: "three seeds",
        images: 2_000,
        seeds: 3,
        quality: 0.1,
        lean: 0.0,
    },
];

/// How often what was claimed was so, as shares.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// Intervals of differences that hold 0.
    pub(crate) differences: f64,
    /// Intervals of accuracies that hold the accuracy on all images there could be.
    pub(crate) accuracies: f64,
    /// Studies in which some p was below 0.05.
    pub(crate) uncorrected: f64,
    /// Studies in which some p was below 0.05 although it was corrected.
    pub(crate) corrected: f64,
    /// Studies in which some variant was called better or worse.
    pub(crate) told: f64,
}

const VARIANTS: usize = 4;
/// Mean and standard deviation of how easy images are.
const EASE: (f64, f64) = (5.0, 2.5);

/// Repeats a study, with `draws` draws for an interval.
pub(crate) fn simulate(setting: &Setting, repeats: u64, draws: usize) -> Found {
    let truth = mean_accuracy(setting);
    let mut found = Found::default();
    for repeat in 0..repeats {
        let networks = study(setting, repeat);
        let seed = Seed(repeat);
        for (number, rows) in networks.iter().enumerate() {
            let table = Table::of(rows).expect("images");
            let interval = match table.sums()[..] {
                [right] => wilson(right as u64, table.images()).expect("images"),
                _ => estimate(&table, draws, seed, number as u32).interval,
            };
            found.accuracies += f64::from(interval.contains(truth));
        }
        let (mut intervals, mut all) = (Vec::<Interval>::new(), Vec::new());
        for (number, rows) in networks.iter().enumerate().skip(1) {
            let pairs = rows.iter().zip(&networks[0]);
            let rows = pairs.map(|(own, other)| {
                own.iter()
                    .zip(other)
                    .map(|(own, other)| own - other)
                    .collect()
            });
            let rows: Vec<Vec<i8>> = rows.collect();
            let table = Table::of(&rows).expect("images");
            let estimate = estimate(&table, draws, seed, (VARIANTS + number) as u32);
            let interval = estimate.interval;
            found.differences += f64::from(interval.contains(0.0));
            intervals.push(interval);
            let only = |sign: i8| rows[0].iter().filter(|&&value| value == sign).count() as u64;
            all.push(match setting.seeds {
                1 => mcnemar(only(1), only(-1)),
                _ => sign_flip(&table.sums()).max(estimate.p()),
            });
        }
        let corrected = holm(&all);
        let small = |p: &[f64]| f64::from(p.iter().any(|&p| p < 0.05));
        found.uncorrected += small(&all);
        found.corrected += small(&corrected);
        let mut verdicts = intervals.iter().zip(&corrected);
        let told =
            verdicts.any(|(&interval, &p)| Verdict::of(interval, Some(p)) != Verdict::CannotTell);
        found.told += f64::from(told);
    }
    let (studies, variants) = (repeats as f64, VARIANTS as f64);
    Found {
        differences: found.differences / studies / (variants - 1.0),
        accuracies: found.accuracies / studies / variants,
        uncorrected: found.uncorrected / studies,
        corrected: found.corrected / studies,
        told: found.told / studies,
    }
}

/// For each variant and seed, which images are right (1) and wrong (0).
fn study(setting: &Setting, repeat: u64) -> Vec<Vec<Vec<i8>>> {
    let key = |what: u32, variant: usize, seed: usize| -> Key {
        Seed(what.into()).key(Stream::User((variant * 1_000 + seed) as u32), repeat)
    };
    let ease = key(1, 0, 0);
    let ease: Vec<f64> = (0..setting.images)
        .map(|image| EASE.0 + EASE.1 * ease.normal(image as u64))
        .collect();
    let of_variant = |variant: usize| {
        let suits = key(2, variant, 0);
        let suited = ease.iter().enumerate();
        let suited = suited.map(|(image, ease)| ease + setting.lean * suits.normal(image as u64));
        let suited: Vec<f64> = suited.collect();
        let of_seed = |seed: usize| {
            let quality = setting.quality * key(3, variant, seed).normal(0);
            let chance = key(4, variant, seed);
            let right = suited.iter().enumerate();
            let right = right.map(|(image, ease)| {
                i8::from(chance.uniform(image as u64) < share(ease + quality))
            });
            right.collect()
        };
        (0..setting.seeds).map(of_seed).collect()
    };
    (0..VARIANTS).map(of_variant).collect()
}

fn share(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// The accuracy on all images and with all seeds that there could be: the mean over a normal distribution, in small steps.
fn mean_accuracy(setting: &Setting) -> f64 {
    let spread = (EASE.1.powi(2) + setting.quality.powi(2) + setting.lean.powi(2)).sqrt();
    let (mut sum, mut weights) = (0.0, 0.0);
    for step in -8_000..=8_000 {
        let z = f64::from(step) / 1_000.0;
        let weight = (-z * z / 2.0).exp();
        sum += weight * share(EASE.0 + spread * z);
        weights += weight;
    }
    sum / weights
}

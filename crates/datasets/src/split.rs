//! Parts of a data set to train on and to judge by: pure functions of a seed, so that the same samples are kept apart in
//! every run. Within a part samples stand in the order of the data set.
//!
//! Data sets are taken by value; a reference to one is a data set too, and clones of the file-backed ones share the files.

use crate::{Dataset, Error, Result, Subset};
use taper_tensor::{Seed, Stream};

/// The step of [`Stream::Shuffle`] that is kept for splits; others are epochs, and no training gets there.
const STEP: u64 = u64::MAX;

/// What [`k_fold`] gives: for each fold, the part to train on and the part to validate on.
pub type Folds<D> = Vec<(Subset<D>, Subset<D>)>;

/// Splits off `fraction` of the samples (rounded to a whole number), chosen at random: gives the rest and the part.
///
/// ```
/// use taper_datasets::{Dataset, InMemory, split};
/// use taper_tensor::{Seed, Tensor};
/// let data = InMemory::new(Tensor::zeros([100, 4]), Tensor::zeros([100, 1]))?;
/// let (training, validation) = split(&data, 0.2, Seed(7))?;
/// assert_eq!((training.len(), validation.len()), (80, 20));
/// # Ok::<(), taper_datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] when `fraction` is not between 0 and 1, or either side would be empty.
pub fn split<D: Dataset + Clone>(
    dataset: D,
    fraction: f64,
    seed: Seed,
) -> Result<(Subset<D>, Subset<D>)> {
    let order = permutation("split", &dataset, seed)?;
    let count = part_of("split", &dataset, fraction)?;
    let mut chosen = vec![false; order.len()];
    for &index in &order[..count] {
        chosen[index as usize] = true;
    }
    divide(&dataset, |index| chosen[index])
}

/// As [`split`], with every class in both sides in proportion: from a class of `n` samples come `n · fraction`, rounded
/// down or up so that the part is as large as [`split`]'s (up where most is cut off; of equals, the lower class).
///
/// ```
/// use taper_datasets::{Dataset, InMemory, stratified_split};
/// use taper_tensor::{Seed, Tensor};
/// let classes: Vec<usize> = (0..100).map(|i| usize::from(i >= 90)).collect(); // 90 and 10
/// let data = InMemory::new(Tensor::zeros([100, 4]), Tensor::one_hot(&classes, 2)?)?;
/// let (_, validation) = stratified_split(&data, 0.2, Seed(7))?;
/// let rare = (0..validation.len()).filter(|&i| validation.label(i) == Some(1)).count();
/// assert_eq!((validation.len(), rare), (20, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`split`]; [`Error::Sample`] for the first sample without a [`label`](Dataset::label).
pub fn stratified_split<D: Dataset + Clone>(
    dataset: D,
    fraction: f64,
    seed: Seed,
) -> Result<(Subset<D>, Subset<D>)> {
    let order = permutation("stratified split", &dataset, seed)?;
    let count = part_of("stratified split", &dataset, fraction)?;
    let classes = by_class(&dataset, &order)?;
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let mut chosen = vec![false; order.len()];
    for (class, count) in classes.iter().zip(shares(&sizes, fraction, count)) {
        for &index in &class[..count] {
            chosen[index as usize] = true;
        }
    }
    divide(&dataset, |index| chosen[index])
}

/// Divides the samples at random into `k` parts whose sizes differ by at most one. Each is once the part to validate
/// on, while the others together are the one to train on.
///
/// ```
/// use taper_datasets::{Dataset, InMemory, k_fold};
/// use taper_tensor::{Seed, Tensor};
/// let data = InMemory::new(Tensor::zeros([10, 4]), Tensor::zeros([10, 1]))?;
/// let folds = k_fold(&data, 3, Seed(7))?;
/// let sizes: Vec<_> = folds.iter().map(|(train, validation)| (train.len(), validation.len())).collect();
/// assert_eq!(sizes, [(6, 4), (7, 3), (7, 3)]);
/// # Ok::<(), taper_datasets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] when `k` is below 2 or there are fewer than `k` samples.
pub fn k_fold<D: Dataset + Clone>(dataset: D, k: usize, seed: Seed) -> Result<Folds<D>> {
    let order = permutation("k-fold", &dataset, seed)?;
    deal("k-fold", &dataset, k, &order)
}

/// As [`k_fold`], with every class spread over the parts: its numbers in two of them differ by at most one. (A class of
/// fewer than `k` samples is therefore missing from some.)
///
/// ```
/// use taper_datasets::{Dataset, InMemory, stratified_k_fold};
/// use taper_tensor::{Seed, Tensor};
/// let classes: Vec<usize> = (0..20).map(|i| usize::from(i >= 15)).collect(); // 15 and 5
/// let data = InMemory::new(Tensor::zeros([20, 4]), Tensor::one_hot(&classes, 2)?)?;
/// for (_, validation) in stratified_k_fold(&data, 5, Seed(7))? {
///     let rare = (0..4).filter(|&i| validation.label(i) == Some(1)).count();
///     assert_eq!((validation.len(), rare), (4, 1));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`k_fold`]; [`Error::Sample`] for the first sample without a [`label`](Dataset::label).
pub fn stratified_k_fold<D: Dataset + Clone>(dataset: D, k: usize, seed: Seed) -> Result<Folds<D>> {
    let order = permutation("stratified k-fold", &dataset, seed)?;
    let classes = by_class(&dataset, &order)?;
    deal("stratified k-fold", &dataset, k, &classes.concat())
}

/// All indices, in the order in which they are chosen.
fn permutation(operation: &'static str, dataset: &dyn Dataset, seed: Seed) -> Result<Vec<u32>> {
    let len = dataset.len();
    if u32::try_from(len).is_err() {
        let message = format!(
            "{} has {len} samples; at most 2^32 - 1 can be numbered",
            dataset.name()
        );
        return Err(Error::shape(operation, message));
    }
    Ok(seed.key(Stream::Shuffle, STEP).permutation(len))
}

/// How many samples `fraction` of the data set is.
fn part_of(operation: &'static str, dataset: &dyn Dataset, fraction: f64) -> Result<usize> {
    if !(fraction > 0.0 && fraction < 1.0) {
        let message = format!("the fraction must be between 0 and 1, and not {fraction}");
        return Err(Error::shape(operation, message));
    }
    let len = dataset.len();
    let count = (len as f64 * fraction).round() as usize;
    if count == 0 || count >= len {
        let message = format!(
            "{fraction} of the {len} samples of {} leaves one side empty",
            dataset.name()
        );
        return Err(Error::shape(operation, message));
    }
    Ok(count)
}

/// The indices of each class, in the given order.
fn by_class(dataset: &dyn Dataset, order: &[u32]) -> Result<Vec<Vec<u32>>> {
    let mut labels = Vec::with_capacity(order.len());
    for index in 0..order.len() {
        labels.push(dataset.label(index).ok_or_else(|| {
            let message = "it has no label, so the data set cannot be divided class by class";
            Error::sample(dataset.name(), index, message)
        })?);
    }
    // Sorted, not counted: a data set may number its classes as it likes. The sort is stable.
    let mut sorted = order.to_vec();
    sorted.sort_by_key(|&index| labels[index as usize]);
    let classes = sorted.chunk_by(|&a, &b| labels[a as usize] == labels[b as usize]);
    Ok(classes.map(<[u32]>::to_vec).collect())
}

/// `total` shared out to classes of these sizes by the method of the largest remainder.
fn shares(sizes: &[usize], fraction: f64, total: usize) -> Vec<usize> {
    let quota = |size: usize| size as f64 * fraction;
    let mut shares: Vec<usize> = sizes.iter().map(|&size| quota(size) as usize).collect();
    let left = total.saturating_sub(shares.iter().sum());
    let mut largest: Vec<usize> = (0..sizes.len()).collect();
    largest.sort_by(|&a, &b| quota(sizes[b]).fract().total_cmp(&quota(sizes[a]).fract()));
    for &class in largest.iter().take(left) {
        shares[class] += 1;
    }
    shares
}

/// Deals the samples out to `k` parts in turn, as cards.
fn deal<D: Dataset + Clone>(
    operation: &'static str,
    dataset: &D,
    k: usize,
    order: &[u32],
) -> Result<Folds<D>> {
    if k < 2 || order.len() < k {
        let message = format!(
            "{k} parts of the {} samples of {}: at least 2 parts, and a sample for each, are needed",
            order.len(),
            dataset.name()
        );
        return Err(Error::shape(operation, message));
    }
    let mut fold_of = vec![0; order.len()];
    for (place, &index) in order.iter().enumerate() {
        fold_of[index as usize] = place % k;
    }
    (0..k)
        .map(|fold| divide(dataset, |index| fold_of[index] == fold))
        .collect()
}

/// The samples that are not chosen, and those that are.
fn divide<D: Dataset + Clone>(
    dataset: &D,
    chosen: impl Fn(usize) -> bool,
) -> Result<(Subset<D>, Subset<D>)> {
    let all = 0..dataset.len() as u32; // checked by `permutation`
    let (part, rest): (Vec<u32>, Vec<u32>) = all.partition(|&index| chosen(index as usize));
    Ok((
        Subset::indices(dataset.clone(), rest)?,
        Subset::indices(dataset.clone(), part)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::shares;

    #[test]
    fn what_rounding_leaves_goes_to_the_largest_remainders() {
        assert_eq!(shares(&[5, 5, 5], 0.5, 8), [3, 3, 2]); // equal remainders: lower classes first
        assert_eq!(shares(&[7, 1, 2], 0.3, 3), [2, 0, 1]); // 2.1, 0.3, 0.6
        assert_eq!(shares(&[100, 10], 0.29, 32), [29, 3]); // 100 · 0.29 is below 29 in binary
    }
}

//! Labelled images in a pair of IDX files: pixels stay `u8` on the disk and become f32 a batch at a time.

use crate::idx::{ElementType, Idx};
use crate::{Dataset, Error, Result, Sample};
use std::path::Path;
use std::sync::Arc;
use taper_files::sha256::Sha256;

/// Images `[height, width, channels]` with pixels / 255, and one-hot classes.
///
/// Cloning shares the files.
#[derive(Debug, Clone)]
pub struct ImageDataset {
    name: String,
    images: Arc<Idx>,
    /// As in the file, and in memory: one byte an image.
    labels: Arc<[u8]>,
    input_shape: [usize; 3],
    target_shape: [usize; 1],
    layout: Layout,
    class_names: Arc<[String]>,
    digest: Option<String>,
}

/// How the files of an [`ImageDataset`] are to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// Each image is stored column by column (EMNIST) and is turned upright when read. Default: row by row.
    pub transposed: bool,
    /// The label that stands for class 0 (1 in EMNIST letters). Default: 0.
    pub first_label: u8,
}

impl ImageDataset {
    /// Opens a pair of IDX files (plain or gzip) of one's own; their number of classes is that of the names.
    ///
    /// Images are u8 of shape `[n, height, width]` or `[n, height, width, channels]`, labels u8 of shape `[n]`.
    ///
    /// ```
    /// use taper_datasets::{Dataset, ImageDataset, idx};
    /// let folder = tempfile::tempdir()?;
    /// let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
    /// idx::save(&images, &[2, 1, 2], &[0u8, 255, 51, 102])?;
    /// idx::save(&labels, &[2], &[1u8, 0])?;
    /// let data = ImageDataset::open("tiny", &images, &labels, ["cat", "dog"])?;
    /// let mut pixels = [0.0; 2];
    /// data.read_input(1.into(), &mut pixels)?;
    /// assert_eq!((data.input_shape(), pixels), ([1, 2, 1].as_slice(), [0.2, 0.4]));
    /// assert_eq!(data.label(0), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Idx::open`]; [`Error::Contents`] when types, shapes or labels do not fit.
    pub fn open<S: Into<String>>(
        name: impl Into<String>,
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        class_names: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let class_names = class_names.into_iter().map(Into::into).collect();
        Self::new(
            name,
            Idx::open(images)?,
            Idx::open(labels)?,
            class_names,
            Layout::default(),
        )
    }

    /// A data set of two open files.
    ///
    /// # Errors
    /// [`Error::Contents`] when types, shapes or labels do not fit.
    pub fn new(
        name: impl Into<String>,
        images: Idx,
        labels: Idx,
        class_names: Vec<String>,
        layout: Layout,
    ) -> Result<Self> {
        let input_shape = image_shape(&images)?;
        let labels = checked_labels(&images, &labels, class_names.len(), layout.first_label)?;
        Ok(Self {
            name: name.into(),
            target_shape: [class_names.len()],
            images: Arc::new(images),
            labels: labels.into(),
            input_shape,
            layout,
            class_names: class_names.into(),
            digest: None,
        })
    }

    /// Sets the digest from those of the two raw files. It is reproducible in a shell:
    /// `sha256sum IMAGES LABELS | sha256sum`, with the raw files' names.
    pub(crate) fn with_digests(mut self, images: (&str, &str), labels: (&str, &str)) -> Self {
        let text = format!("{}  {}\n{}  {}\n", images.1, images.0, labels.1, labels.0);
        self.digest = Some(Sha256::digest(text.as_bytes()));
        self
    }

    /// Height, width, channels.
    pub fn image_shape(&self) -> [usize; 3] {
        self.input_shape
    }

    /// The pixels of one image, 0 to 255, row by row, upright.
    ///
    /// # Errors
    /// [`Error::Sample`] beyond the last one, and when another program shortens the file meanwhile.
    pub fn image_u8(&self, index: usize) -> Result<Vec<u8>> {
        let size = self.image_len();
        if index >= self.len() {
            return Err(Error::beyond(&self.name, index, self.len()));
        }
        let mut stored = vec![0; size];
        let read = self.images.read(index * size, &mut stored);
        read.map_err(|error| Error::sample(&self.name, index, error))?;
        if !self.layout.transposed {
            return Ok(stored);
        }
        let mut upright = vec![0; size];
        self.turn(0, &stored, |position, pixel| upright[position] = pixel);
        Ok(upright)
    }

    /// The class of one image.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Dataset::len).
    pub fn class(&self, index: usize) -> usize {
        // Not below the first label: checked when the file was opened.
        usize::from(self.labels[index].saturating_sub(self.layout.first_label))
    }

    /// Whether the images stay on the disk rather than in memory.
    pub fn is_on_disk(&self) -> bool {
        self.images.is_on_disk()
    }

    /// Pixels and channels of an image.
    fn image_len(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// Tells where in the upright image the bytes of a transposed one belong that begin at `first`.
    fn turn(&self, first: usize, stored: &[u8], mut place: impl FnMut(usize, u8)) {
        let [height, width, channels] = self.input_shape;
        for (i, &pixel) in (first..).zip(stored) {
            let (x, y, channel) = (i / (height * channels), i / channels % height, i % channels);
            place((y * width + x) * channels + channel, pixel);
        }
    }
}

/// Bytes read at once, on the stack: an image of MNIST, or of CIFAR.
const BLOCK: usize = 3072;

/// A pixel as the network sees it. Divided, not multiplied by 1/255, which would differ in the last bit from
/// what Keras's `x / 255` gives.
fn to_unit(pixel: u8) -> f32 {
    f32::from(pixel) / 255.0
}

impl Dataset for ImageDataset {
    fn len(&self) -> usize {
        self.labels.len()
    }
    fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }
    fn target_shape(&self) -> &[usize] {
        &self.target_shape
    }
    /// # Errors
    /// [`Error::Sample`] beyond the last one, for an `out` of another size, and when another program shortens the file
    /// meanwhile.
    fn read_input(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        let (size, index) = (self.image_len(), at.index);
        if index >= self.len() {
            return Err(Error::beyond(&self.name, index, self.len()));
        }
        if out.len() != size {
            let message = format!("{} values for {:?}", out.len(), self.input_shape);
            return Err(Error::sample(&self.name, index, message));
        }
        let mut block = [0; BLOCK];
        for first in (0..size).step_by(BLOCK) {
            let pixels = &mut block[..BLOCK.min(size - first)];
            let read = self.images.read(index * size + first, pixels);
            read.map_err(|error| Error::sample(&self.name, index, error))?;
            if self.layout.transposed {
                self.turn(first, pixels, |i, pixel| out[i] = to_unit(pixel));
            } else {
                for (value, &pixel) in out[first..].iter_mut().zip(&*pixels) {
                    *value = to_unit(pixel);
                }
            }
        }
        Ok(())
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> Result<()> {
        let class = self.label(at.index);
        let class = class.ok_or_else(|| Error::beyond(&self.name, at.index, self.len()))?;
        out.fill(0.0);
        out[class] = 1.0;
        Ok(())
    }
    fn label(&self, index: usize) -> Option<usize> {
        (index < self.len()).then(|| self.class(index))
    }
    fn class_names(&self) -> &[String] {
        &self.class_names
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }
}

fn image_shape(images: &Idx) -> Result<[usize; 3]> {
    match (images.element_type(), images.shape()) {
        (ElementType::U8, &[_, height, width]) => Ok([height, width, 1]),
        (ElementType::U8, &[_, height, width, channels]) => Ok([height, width, channels]),
        (kind, shape) => {
            let message = format!(
                "images are u8 [n, height, width] or [n, height, width, channels], not {} {shape:?}",
                kind.name()
            );
            Err(Error::contents(images.path(), message))
        }
    }
}

/// The labels, each of which has a class.
fn checked_labels(images: &Idx, labels: &Idx, classes: usize, first: u8) -> Result<Vec<u8>> {
    let (kind, shape) = (labels.element_type(), labels.shape());
    if kind != ElementType::U8 || shape.len() != 1 {
        return Err(Error::contents(
            labels.path(),
            format!("labels are u8 [n], not {} {shape:?}", kind.name()),
        ));
    }
    if shape[0] != images.shape()[0] {
        let message = format!(
            "{} labels for the {} images of {}",
            shape[0],
            images.shape()[0],
            images.path().display()
        );
        return Err(Error::contents(labels.path(), message));
    }
    let fits = |label: u8| label >= first && usize::from(label - first) < classes;
    let values = labels.bytes()?.into_owned();
    if let Some(index) = values.iter().position(|&label| !fits(label)) {
        let label = values[index];
        let message = format!(
            "label {label} of sample {index} is not one of the {classes} classes from {first} on"
        );
        return Err(Error::contents(labels.path(), message));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idx;

    /// Two images `[47, 61, 3]`: more than a block, and no whole number of them.
    #[test]
    fn what_is_read_in_blocks_is_what_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        let pixels: Vec<u8> = (0u32..2 * 47 * 61 * 3)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        idx::save(&images, &[2, 47, 61, 3], &pixels).unwrap();
        idx::save(&labels, &[2], &[0u8, 1]).unwrap();
        for transposed in [false, true] {
            let layout = Layout {
                transposed,
                ..Layout::default()
            };
            let open = |path| Idx::open(path).unwrap();
            let classes = ["a", "b"].map(String::from).to_vec();
            let data =
                ImageDataset::new("two", open(&images), open(&labels), classes, layout).unwrap();
            for index in 0..2 {
                let mut read = vec![f32::NAN; data.image_len()];
                data.read_input(index.into(), &mut read).unwrap();
                let whole = data.image_u8(index).unwrap();
                let whole: Vec<f32> = whole.into_iter().map(to_unit).collect();
                assert_eq!(read, whole, "transposed: {transposed}");
            }
        }
    }
}

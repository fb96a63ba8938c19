//! The true files that damage starts from, as small as they can be: what a training of two epochs writes, parts of MNIST,
//! the study and the picture that come with the project.

use png::{BitDepth, ColorType};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use taper_autograd::gradcheck::Sampler;
use taper_datasets::{InMemory, idx};
use taper_experiments::run::{Environment, JobResult, Mistake};
use taper_experiments::study::REGULARIZATION;
use taper_nn::Functional;
use taper_nn::junctions::{Add, Concatenate};
use taper_train::prelude::*;

/// The length of a checkpoint's header.
const HEADER: usize = 32;

/// Images `[4, 4, 1]` of three classes.
pub(crate) fn images() -> InMemory {
    let pixels: Vec<f32> = (0..8 * 16).map(|i| (i % 7) as f32 / 7.0).collect();
    let inputs = Tensor::from_vec([8, 4, 4, 1], pixels).expect("eight images");
    let targets = Tensor::one_hot(&[0, 1, 2, 0, 1, 2, 0, 1], 3).expect("eight labels");
    InMemory::new(inputs, targets).expect("one label an image")
}

/// A chain with a layer of every kind that has weights.
pub(crate) fn chain() -> Model {
    let model = Sequential::new([4, 4, 1])
        .add(
            Conv2D::new(2, 3)
                .activation(Relu)
                .kernel_regularizer(L2(0.01)),
        )
        .add(BatchNormalization::new())
        .add(MaxPooling2D::new(2))
        .add(Flatten)
        .add(Dropout::new(0.25))
        .add(Dense::new(3).activation(Softmax));
    model.build(Seed(7)).expect("layers that fit")
}

/// Two inputs, a layer that is called twice, and both junctions.
pub(crate) fn graph() -> Model {
    let mut net = Functional::new();
    let (left, right) = (net.input("left", [3]), net.input("right", [3]));
    let tower = net.layer(Dense::new(4).activation(Relu));
    let (a, b) = (net.call(tower, left), net.call(tower, right));
    let sum = net.join(Add::new(), &[a, b]);
    let all = net.join(Concatenate::new(), &[sum, a]);
    let output = net.apply(Dense::new(2).activation(Softmax), all);
    net.outputs(&[output])
        .build(Seed(7))
        .expect("wires that fit")
}

/// What a training leaves that was broken off in its second epoch.
pub(crate) fn broken_off() -> (Checkpoint, History) {
    struct InTheSecond;
    impl Callback for InTheSecond {
        fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
            match event {
                Event::BatchEnded { epoch: 2, .. } => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("last.taper");
    let (data, mut model) = (images(), chain());
    let fit = Trainer::new(Adam::default(), CategoricalCrossentropy::default())
        .epochs(2)
        .batch_size(2)
        .metric(Accuracy)
        .validation(&data)
        .callback(InTheSecond)
        .callback(ModelCheckpoint::last(&path))
        .fit(&mut model, &data)
        .expect("a training");
    let checkpoint = Checkpoint::load(&path).expect("what was written");
    let named = checkpoint.class_names(&["a", "b", "c"]);
    (
        named,
        History {
            epochs: fit.epochs.clone(),
        },
    )
}

pub(crate) fn checkpoints() -> Vec<Vec<u8>> {
    let golden = std::fs::read(fixture("fixtures/golden/checkpoint-v1.taper")).expect("a fixture");
    let made = [
        broken_off().0,
        Checkpoint::of(&chain()),
        Checkpoint::of(&graph()),
    ];
    let made = made
        .iter()
        .map(|checkpoint| checkpoint.to_bytes().expect("a small file"));
    made.chain([golden]).collect()
}

pub(crate) fn payloads() -> Vec<Vec<u8>> {
    let files = checkpoints().into_iter();
    files.map(|file| file[HEADER..].to_vec()).collect()
}

pub(crate) fn descriptions() -> Vec<Vec<u8>> {
    let mut all = vec![chain().config(), graph().config()];
    all.extend(taper_nn::layers::all::<f32>().iter().map(|row| {
        let sample = (row.sample)(&mut Sampler::new(3, 0));
        let layer = serde_json::json!({
            "class_name": sample.layer.class_name(), "config": sample.layer.config(),
        });
        serde_json::json!({
            "class_name": "Sequential",
            "config": {"input_shape": sample.input, "layers": [layer]},
        })
    }));
    all.iter().map(|json| json.to_string().into()).collect()
}

/// IDX files of every kind of element, and the first real images and labels.
pub(crate) fn idx_files() -> Vec<Vec<u8>> {
    let mut files = vec![first_of_mnist(40), written(&[5], &[0u8, 1, 2, 3, 9])];
    files.push(written(&[2, 3], &[1.0f32, 2.0, 3.0, f32::NAN, 5.0, 6.0]));
    files.push(written(&[3, 1], &[1.0f64, -2.0, 1e300]));
    files.push(written(&[2, 2], &[1i16, -2, 3, i16::MIN]));
    files
}

fn written<T: idx::IdxElement>(shape: &[usize], values: &[T]) -> Vec<u8> {
    let mut file = Vec::new();
    idx::write(&mut file, shape, values).expect("a small file");
    file
}

fn first_of_mnist(images: usize) -> Vec<u8> {
    let path = fixture("fixtures/mnist/t10k-images-idx3-ubyte.gz");
    let packed = std::fs::File::open(&path).expect("a fixture");
    let mut pixels = vec![0; 16 + images * 28 * 28];
    let mut gunzip = taper_files::gzip::Gunzip::new(packed, &path);
    gunzip.read_exact(&mut pixels).expect("the first images");
    written(&[images, 28, 28], &pixels[16..])
}

pub(crate) fn gzip_files() -> Vec<Vec<u8>> {
    let labels = std::fs::read(fixture("fixtures/mnist/t10k-labels-idx1-ubyte.gz"));
    let mut files = vec![labels.expect("a fixture")];
    files.extend(idx_files().iter().map(|file| crate::seal::gzip(file)));
    // Two members, one behind the other.
    files.push([crate::seal::gzip(b"first"), crate::seal::gzip(b"second")].concat());
    files
}

/// An archive of one member, stored or deflated.
pub(crate) fn zip_files() -> Vec<Vec<u8>> {
    let data = crate::seal::gzip(b"what a data set has in it");
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&data).expect("a vector takes everything");
    let deflated = encoder.finish().expect("a vector takes everything");
    vec![
        archive(0, &data, data.len()),
        archive(8, &deflated, data.len()),
    ]
}

fn archive(method: u16, packed: &[u8], length: usize) -> Vec<u8> {
    let name = b"gzip/a.gz";
    let mut common = vec![20, 0, 0, 0];
    common.extend(method.to_le_bytes());
    common.extend([0; 8]);
    common.extend((packed.len() as u32).to_le_bytes());
    common.extend((length as u32).to_le_bytes());
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0, 0]);
    let local = [b"PK\x03\x04", &common[..], name, packed].concat();
    let directory = [b"PK\x01\x02\x14\0", &common[..], &[0; 14], name].concat();
    let mut file = [&local[..], &directory, b"PK\x05\x06", &[0; 8]].concat();
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend((local.len() as u32).to_le_bytes());
    file.extend([0, 0]);
    file
}

/// The picture that comes with the project, and one of every kind of pixel.
pub(crate) fn pictures() -> Vec<Vec<u8>> {
    use BitDepth::{Eight, One, Sixteen};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let mut files = vec![std::fs::read(fixture("benches/digit.png")).expect("a fixture")];
    for (color, depth, bytes) in [
        (Grayscale, One, 1),
        (Grayscale, Sixteen, 16),
        (GrayscaleAlpha, Eight, 16),
        (Indexed, One, 1),
        (Rgb, Eight, 24),
        (Rgba, Sixteen, 64),
    ] {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 8, 6);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == Indexed {
            encoder.set_palette(vec![1, 2, 3, 40, 50, 60]);
            encoder.set_trns(vec![255, 7]);
        }
        let samples: Vec<u8> = (0..bytes * 6).map(|i| (i * 37) as u8).collect();
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&samples).expect("the samples");
        writer.finish().expect("an end");
        files.push(file);
    }
    files
}

pub(crate) fn studies() -> Vec<Vec<u8>> {
    let other = r#"
name = "other"
dataset = "mnist"
loss = "categorical_crossentropy"
label_smoothing = 0.1
epochs = 2
batch_size = 64
seeds = [0, 1, 2]
train_size = 600
optimizer = { class_name = "SGD", learning_rate = 1e-2, momentum = 0.9 }
network = { input_shape = [28, 28, 1], layers = [{ layer = "Flatten" }, { layer = "Dense", units = 10, activation = "softmax", name = "last" }] }
[variants]
plain = {}
l1 = { on = ["last"], kernel_regularizer = { l1 = 1e-4 }, batch_normalization = true, optimizer = { learning_rate = 0.1 } }
tanh = { on = ["last"], set = { activation = "tanh" }, about = "Another function." }
"#;
    vec![REGULARIZATION.into(), other.into()]
}

pub(crate) fn histories() -> Vec<Vec<u8>> {
    let (_, history) = broken_off();
    let mut record = history.last().expect("an epoch").clone();
    let mut lines = String::new();
    for epoch in 1..=3 {
        record.epoch = epoch;
        record.val_loss = [Some(0.5), Some(f64::NAN), None][epoch as usize - 1];
        lines += &serde_json::to_string(&record).expect("a line");
        lines.push('\n');
    }
    vec![lines.into()]
}

pub(crate) fn results() -> Vec<Vec<u8>> {
    let mistake = Mistake {
        index: 7,
        truth: 1,
        predicted: Some(2),
        probability: 0.75,
        truth_probability: 0.25,
        png: "iVBORw0KGgo=".into(),
    };
    let result = JobResult {
        parameters: 1234,
        network: chain().summary(),
        confusion: vec![vec![5, 1, 0], vec![0, 7, 2], vec![1, 0, 9]],
        unpredicted: vec![0, 1, 0],
        mistakes: vec![mistake.clone(), mistake],
    };
    vec![serde_json::to_vec(&result).expect("numbers and words")]
}

pub(crate) fn summaries() -> Vec<Vec<u8>> {
    let environment = Environment {
        classes: ["a", "b", "c"].map(str::to_owned).into(),
        ..Environment::here(2, 1)
    };
    vec![
        serde_json::json!({ "environment": environment })
            .to_string()
            .into(),
    ]
}

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../..", name].iter().collect()
}

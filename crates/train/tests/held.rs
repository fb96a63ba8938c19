//! Figures that are no numbers go through checkpoints as they are, and decide after a resume what they decided before.

mod common;

use common::{Bars, Bits, network, trainer, weights};
use std::{
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use taper_datasets::{Dataset, Sample};
use taper_train::prelude::*;

/// Breaks training off after so many epochs, or after a batch of the next one.
struct After {
    epochs: u64,
    batch: usize,
}
impl Callback for After {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        let now = match event {
            Event::EpochEnded(record) => (record.epoch, 0),
            Event::BatchEnded { epoch, batch, .. } => (epoch - 1, *batch),
            _ => return ControlFlow::Continue(()),
        };
        match now == (self.epochs, self.batch) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Names and bits of all figures but the clock's.
fn bits(history: &History) -> Vec<Vec<(String, u64)>> {
    let record = |record: &EpochRecord| {
        let names = record.names().into_iter();
        names
            .map(|name| (name.to_owned(), record.get(name).unwrap().to_bits()))
            .collect()
    };
    history.epochs.iter().map(record).collect()
}

/// A sum and a value that are no numbers, with signs and payloads.
#[derive(Debug)]
struct Strange(u64);
impl Metric for Strange {
    fn name(&self) -> String {
        format!("strange_{:x}", self.0)
    }
    fn mode(&self) -> Mode {
        Mode::Max
    }
    fn sums(&self, _: &[usize], _: &[usize]) -> taper_train::Result<usize> {
        Ok(2)
    }
    fn add(
        &self,
        sums: &mut [f64],
        _: &Tensor,
        _: &Tensor,
        _: Option<&Tensor>,
    ) -> taper_train::Result<()> {
        sums[0] += 1.0;
        sums[1] = f64::from_bits(self.0);
        Ok(())
    }
    fn value(&self, sums: &[f64]) -> f64 {
        if sums[0] > 0.0 { sums[1] } else { 0.0 }
    }
}

#[test]
fn a_metric_that_is_no_number_survives_a_checkpoint() {
    let (data, folder) = (Bars::new(50, 1), tempfile::tempdir().unwrap());
    let path = folder.path().join("last.taper");
    let strange = [
        f64::NAN.to_bits(),
        (-f64::NAN).to_bits(),
        0x7ff8_0000_0000_1234,
        0xfff4_0000_0000_0001,
        f64::INFINITY.to_bits(),
        f64::NEG_INFINITY.to_bits(),
        (-0.0f64).to_bits(),
    ];
    let make = || {
        let metrics = strange.into_iter().map(Strange);
        metrics.fold(trainer().validation(&data), Trainer::metric)
    };
    let mut reference = network();
    let whole = make().fit(&mut reference, &data).unwrap();
    for value in strange {
        let values = whole.get(&format!("val_strange_{value:x}"));
        assert_eq!(values.len(), 3);
        assert!(values.iter().all(|v| v.to_bits() == value));
    }
    for (epochs, batch) in [(0, 2), (1, 0), (1, 3), (2, 0)] {
        make()
            .callback(After { epochs, batch })
            .callback(ModelCheckpoint::last(&path))
            .fit(&mut network(), &data)
            .unwrap();
        let checkpoint = Checkpoint::load(&path).unwrap();
        let so_far = checkpoint.read_history().unwrap();
        assert_eq!(bits(&so_far), bits(&whole)[..epochs as usize]);
        let mut resumed = make().resume(&checkpoint).unwrap();
        let mut model = checkpoint.into_model().unwrap();
        let fit = resumed.fit(&mut model, &data).unwrap();
        assert_eq!(bits(&fit), bits(&whole));
        assert_eq!(weights(&model), weights(&reference));
    }
}

/// Bars whose network overflows in some epochs: finite pixels, and yet a loss that is none.
struct Blinding<'a> {
    bars: Bars,
    /// 1 for epochs in which it does, from 1.
    when: &'a [u8],
    epoch: &'a AtomicU64,
}
impl Dataset for Blinding<'_> {
    fn len(&self) -> usize {
        self.bars.len()
    }
    fn input_shape(&self) -> &[usize] {
        self.bars.input_shape()
    }
    fn target_shape(&self) -> &[usize] {
        self.bars.target_shape()
    }
    fn read_input(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        self.bars.read_input(at, out)?;
        let epoch = self.epoch.load(Relaxed) as usize;
        if self.when.get(epoch - 1) == Some(&1) {
            out.iter_mut().for_each(|pixel| *pixel *= 3e38);
        }
        Ok(())
    }
    fn read_target(&self, at: Sample, out: &mut [f32]) -> taper_datasets::Result<()> {
        self.bars.read_target(at, out)
    }
    fn label(&self, index: usize) -> Option<usize> {
        self.bars.label(index)
    }
    fn name(&self) -> &str {
        "blinding"
    }
}

/// Tells the data set which epoch it is.
struct Clock<'a>(&'a AtomicU64);
impl Callback for Clock<'_> {
    fn on_event(&mut self, event: &Event<'_>, _: &View<'_>) -> ControlFlow<()> {
        if let Event::EpochStarted { epoch, .. } = event {
            self.0.store(*epoch, Relaxed);
        }
        ControlFlow::Continue(())
    }
}

/// Sums that overflow become NaN, since no activation hides them.
fn open_network() -> Model {
    let dense = || Dense::new(32).kernel_regularizer(L2(0.001));
    Sequential::new([8, 8, 1])
        .add(Flatten)
        .add(dense())
        .add(Dropout::new(0.25))
        .add(dense())
        .add(dense())
        .add(Dense::new(3).activation(Softmax))
        .build(Seed(7))
        .unwrap()
}

/// The same with weights that the optimizer does not move.
fn normalized_open_network() -> Model {
    Sequential::new([8, 8, 1])
        .add(Flatten)
        .add(Dense::new(32).use_bias(false))
        .add(BatchNormalization::new().momentum(0.8))
        .add(Dense::new(32))
        .add(Dense::new(32))
        .add(Dense::new(3).activation(Softmax))
        .build(Seed(7))
        .unwrap()
}

/// How a run ended.
#[derive(Debug, PartialEq)]
struct End {
    history: Vec<Vec<(String, u64)>>,
    stopped: bool,
    weights: Bits,
    /// The epochs that the file of the best one holds, and its weights.
    best: Option<(usize, Bits)>,
}

const EPOCHS: u64 = 7;

/// A run that is broken off at these places, one after the other, and resumed from its file each time.
fn run(when: &[u8], network: fn() -> Model, folder: &Path, interruptions: &[(u64, usize)]) -> End {
    let epoch = AtomicU64::new(1);
    let (data, bars) = (Bars::new(50, 1), Bars::new(20, 2));
    let validation = Blinding {
        bars,
        when,
        epoch: &epoch,
    };
    let (last, best) = (folder.join("last.taper"), folder.join("best.taper"));
    let _ = (std::fs::remove_file(&last), std::fs::remove_file(&best));
    let make = || {
        let stopping = EarlyStopping::on("val_loss")
            .patience(3)
            .restore_best_weights(true);
        Trainer::new(Adam::new(0.03), CategoricalCrossentropy)
            .epochs(EPOCHS)
            .batch_size(16)
            .validation(&validation)
            .callback(Clock(&epoch))
            // Both before and behind what decides.
            .callback(ModelCheckpoint::last(&last))
            .callback(stopping)
            .callback(ReduceLROnPlateau::on("val_loss").patience(1))
            .callback(ModelCheckpoint::best(&best))
    };
    let mut model = network();
    let resumed = |make: Trainer<'_>, model: &mut Model| {
        let Ok(checkpoint) = Checkpoint::load(&last) else {
            return { make }.fit(model, &data).unwrap();
        };
        let mut trainer = make.resume(&checkpoint).unwrap();
        *model = checkpoint.into_model().unwrap();
        trainer.fit(model, &data).unwrap()
    };
    for &(epochs, batch) in interruptions {
        let at = After { epochs, batch };
        resumed(make().callback(at), &mut model);
    }
    let fit = resumed(make(), &mut model);
    let best = best.exists().then(|| Checkpoint::load(&best).unwrap());
    End {
        history: bits(&fit),
        stopped: fit.stopped,
        weights: weights(&model),
        best: best.map(|best| {
            let epochs = best.read_history().unwrap().epochs.len();
            (epochs, weights(&best.into_model().unwrap()))
        }),
    }
}

#[test]
fn a_loss_that_is_no_number_decides_the_same_after_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    for (when, length, best) in [
        // Never, now and then, from the second epoch on, always, and at both ends.
        (&[][..], 0, None),
        (&[1, 1, 0, 1, 0, 0, 1], 0, None),
        (&[0, 1, 1, 1, 0, 0, 0], 4, Some(1)),
        (&[1, 1, 1, 1, 1, 1, 1], 3, None),
        (&[1, 0, 0, 0, 0, 1, 1], 0, None),
    ] {
        // The other network where all epochs are needed.
        let networks = [open_network, normalized_open_network];
        for &network in &networks[..if when.is_empty() { 2 } else { 1 }] {
            let whole = run(when, network, folder.path(), &[]);
            let epochs = whole.history.len() as u64;
            if length > 0 {
                assert_eq!((epochs, whole.stopped), (length, true));
                assert_eq!(whole.best.as_ref().map(|(epoch, _)| *epoch), best);
            }
            for epoch in 0..epochs {
                let nan = f64::from_bits(
                    whole.history[epoch as usize]
                        .iter()
                        .find(|(name, _)| name == "val_loss")
                        .unwrap()
                        .1,
                );
                assert_eq!(nan.is_nan(), when.get(epoch as usize) == Some(&1));
            }
            // After each epoch, also the one with which it stops or is complete, and within each.
            for epoch in 1..=epochs {
                let again = run(when, network, folder.path(), &[(epoch, 0)]);
                assert_eq!(again, whole, "{when:?} after epoch {epoch}");
                let again = run(when, network, folder.path(), &[(epoch - 1, 2)]);
                assert_eq!(again, whole, "{when:?} within epoch {epoch}");
            }
            let all: Vec<_> = (0..=epochs).flat_map(|e| [(e, 0), (e, 3)]).collect();
            let again = run(when, network, folder.path(), &all[1..]);
            assert_eq!(again, whole, "{when:?} everywhere");
        }
    }
}
